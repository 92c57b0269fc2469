//! The plugin room: Grafana's services over [`investigate`](crate::investigate) and [`frames`](crate::frames).
//!
//! * [`api`] is what Grafana asks, free of the wire;
//! * [`wire`], [`goplugin`] and `logging` speak Grafana's protocols, and only they know the plugin SDK;
//! * [`Plugin`] answers.

mod answers;
pub mod api;
mod deadline;
#[cfg(test)]
mod foreign_bytes;
pub mod goplugin;
mod health;
mod instances;
mod live;
mod logfmt;
mod logging;
mod metrics;
mod order;
mod question;
mod resources;
mod service;
mod settings;
mod uploads;
mod upstream;
pub mod wire;

use std::{io::Write, process::ExitCode, sync::Arc};

pub use service::Plugin;
pub use settings::{Settings, SettingsError, Tls};

use crate::trace::Time;

/// More would only take memory: the machine has fewer cores.
const BLOCKING_THREADS: usize = 16;

/// Serves Grafana until it says stop: the whole life of the plugin's process.
#[must_use]
pub fn run() -> ExitCode {
    if !goplugin::started_by_grafana() {
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
    let served = runtime.block_on(goplugin::serve(Arc::new(Plugin::default())));
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
