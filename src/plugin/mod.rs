//! The Grafana plugin: answers Grafana's requests with [`investigate`](crate::investigate) and [`frames`].
//!
//! A file is named after the handler of Grafana that it serves: `query_data`, `check_health`, `call_resource` and
//! `stream`. [`Plugin`] passes each request on to one of them, within a [deadline](deadline).

mod call_resource;
mod check_health;
mod deadline;
#[cfg(test)]
mod foreign_bytes;
mod instances;
mod logfmt;
mod logging;
mod metrics;
mod order;
mod query_data;
mod question;
mod service;
mod settings;
mod stream;
mod uploads;
mod upstream;

use std::{io::Write, process::ExitCode, sync::Arc};

pub use service::Plugin;
pub use settings::{Settings, SettingsError, Tls};

use grafana_plugin_protocol::go_plugin;
use trace::Time;

/// More would only take memory: the machine has fewer cores.
const BLOCKING_THREADS: usize = 16;

/// Serves Grafana until it says stop: the whole life of the plugin's process.
#[must_use]
pub fn run() -> ExitCode {
    if !go_plugin::started_by_grafana() {
        return refuse();
    }
    logging::install();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("KTRDR_DIAGNOSIS_COMMIT"));
    tracing::info!(version, commit, "KTRDR Diagnosis starts");
    let served = runtime.block_on(go_plugin::serve(Arc::new(Plugin::default())));
    // analyses that still run must not keep Grafana waiting
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "stopped");
            ExitCode::FAILURE
        }
    }
}

/// What a person sees who starts the plugin by hand.
fn refuse() -> ExitCode {
    let text = "This program is the backend of the Grafana data source KTRDR Diagnosis; Grafana starts it.\n\
                To diagnose operations in a terminal, use `ktrdr-diagnose`.";
    // if even that cannot be written, the exit status must do
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    ExitCode::FAILURE
}

fn now() -> Time {
    Time(chrono::Utc::now().timestamp_micros())
}
