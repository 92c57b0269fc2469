//! The plugin's log: JSON lines on stderr in the format of HashiCorp's hclog, which Grafana merges into its own log.

use std::{
    io::Write,
    panic::{self, PanicHookInfo},
};

use chrono::{SecondsFormat, Utc};
use tracing_subscriber::{EnvFilter, prelude::*};

/// Set by `log_level` in the section `[plugin.ktrdr-diagnosis-datasource]` of Grafana's configuration.
const LEVEL: &str = "GF_PLUGIN_LOG_LEVEL";
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// Installs the log and reports panics through it.
///
/// The level applies to this crate's events only: other crates log whole requests, with their secrets, at `debug`. For
/// the same reason `RUST_LOG`, which is inherited from Grafana's environment, is ignored.
pub(super) fn install() {
    let wanted = std::env::var(LEVEL).unwrap_or_default().to_ascii_lowercase();
    let level = LEVELS.into_iter().find(|level| *level == wanted).unwrap_or("info");
    let filter = EnvFilter::new(format!("warn,ktrdr_diagnosis={level},grafana_plugin_sdk=warn,h2=warn,hyper=warn"));
    let installed = tracing_subscriber::registry().with(grafana_plugin_sdk::backend::layer()).with(filter).try_init();
    if installed.is_err() {
        tracing::warn!("another log subscriber is already installed");
    }
    panic::set_hook(Box::new(report));
}

/// Logs a panic as an error: Grafana logs plain text on stderr at `debug`, where it is rarely seen.
fn report(info: &PanicHookInfo<'_>) {
    let text = info.payload().downcast_ref::<&str>().copied();
    let text = text.or_else(|| info.payload().downcast_ref::<String>().map(String::as_str)).unwrap_or("panic");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let line = serde_json::json!({
        "@level": "error",
        "@message": format!("the plugin panicked: {text}"),
        "@timestamp": Utc::now().to_rfc3339_opts(SecondsFormat::Micros, false),
        "at": place,
    });
    // If stderr is closed, the panic cannot be reported anywhere.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
