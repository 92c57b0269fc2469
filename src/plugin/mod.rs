//! The Grafana plugin: answers Grafana's requests with [`investigate`](crate::investigate) and [`frames`].
//!
//! A file is named after the handler of Grafana that it serves: `query_data`, `check_health`, `call_resource` and
//! `stream`. [`Plugin`] passes each request on to one of them, within a deadline.

mod backend;
mod call_resource;
mod check_health;
mod coverage;
mod deadline;
mod failure;
#[cfg(test)]
mod foreign_bytes;
mod history_settings;
mod instances;
mod jaeger_client;
mod logfmt;
mod logging;
mod metrics;
mod query_data;
mod query_model;
mod recorders;
mod settings;
mod stream;
mod uploads;

use std::{io::Write, process::ExitCode, sync::Arc};

pub use backend::Plugin;
pub use history_settings::{HistoryPlace, HistorySettings};
pub use settings::{Settings, SettingsError};

use grafana_plugin_protocol::{serve, started_by_grafana};
use trace::Time;

/// More threads than cores would only cost memory.
const BLOCKING_THREADS: usize = 16;

/// Serves Grafana until it asks the plugin to stop.
#[must_use]
pub fn run() -> ExitCode {
    if !started_by_grafana() {
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
    let served = runtime.block_on(serve(Arc::new(Plugin::from_environment())));
    // Diagnoses that still run must not delay Grafana's shutdown.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "stopped");
            ExitCode::FAILURE
        }
    }
}

/// Explains the plugin to a person who starts it by hand.
fn refuse() -> ExitCode {
    let text = "This program is the backend of the Grafana data source KTRDR Diagnosis; Grafana starts it.\n\
                To diagnose operations in a terminal, use `ktrdr-diagnose`.";
    // If stderr is closed, only the exit status reports it.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    ExitCode::FAILURE
}

fn now() -> Time {
    Time(chrono::Utc::now().timestamp_micros())
}
