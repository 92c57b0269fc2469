//! Answers *Save & test*: whether Jaeger answers, how many operations of the last day it knows, and what the history covers.

use serde_json::json;

use super::{coverage, failure::failure, instances::DataSource, jaeger_client, now};
use diagnosis::{Filters, TimeRange};
use grafana_plugin_protocol::api::HealthResult;
use jaeger::Dialect;
use trace::Micros;

/// How far back to look for operations.
const LOOKED_BACK: Micros = Micros::from_secs(24 * 3600);
const MAX_OPERATIONS: usize = 20;

/// Tries the data source as a query would use it.
pub(super) async fn check(data_source: &DataSource) -> HealthResult {
    let mut result = check_jaeger(data_source).await;
    if let Some(covered) = coverage::sentence(data_source.recorder()).await {
        result.message = format!("{} {covered}.", result.message);
        if let Some(details) = result.details.as_object_mut() {
            details.insert("history".to_owned(), coverage::json(data_source.recorder()).await);
        }
    }
    result
}

async fn check_jaeger(data_source: &DataSource) -> HealthResult {
    let jaeger = match data_source.investigator.client().server_info().await {
        Ok(jaeger) => jaeger,
        Err(error) => return failed(&jaeger_client::failure(&error).message),
    };
    let now = now();
    let range = TimeRange { from: now - LOOKED_BACK, to: now };
    match data_source.investigator.operations(range, &Filters::default(), MAX_OPERATIONS, now).await {
        Ok(answer) => {
            let count = answer.diagnoses.len();
            let operations_seen = operations_seen(data_source.investigator.playbook().name(), count);
            let api = match jaeger.dialect {
                Dialect::Legacy => "/api",
                Dialect::V3 => "/api/v3",
            };
            let version = jaeger.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
            let services = match jaeger.services {
                1 => "one service".to_owned(),
                count => format!("{count} services"),
            };
            HealthResult {
                ok: true,
                message: format!("Jaeger{version} answers over {api} and knows {services}. {operations_seen}."),
                details: json!({
                    "api": api,
                    "version": jaeger.version,
                    "services": jaeger.services,
                    "operations": count,
                    "verboseMessage": answer.notices.join("\n"),
                }),
            }
        }
        Err(error) => failed(&failure(&error).message),
    }
}

/// How many operations of the system that the playbook describes were found.
fn operations_seen(system: &str, count: usize) -> String {
    let kind = if system.is_empty() { String::new() } else { format!("{system} ") };
    let sources = if system.is_empty() { "the services export their" } else { &format!("{system} exports its") };
    match count {
        0 => format!(
            "No {kind}operations were seen in the last 24 hours: check that {sources} traces to this Jaeger, that the \
             playbook fits them, or widen the services in the settings"
        ),
        1 => format!("One {kind}operation was seen in the last 24 hours"),
        count if count >= MAX_OPERATIONS => {
            format!("At least {MAX_OPERATIONS} {kind}operations were seen in the last 24 hours")
        }
        count => format!("{count} {kind}operations were seen in the last 24 hours"),
    }
}

/// A failure, with all that is known about it.
pub(super) fn failed(message: &str) -> HealthResult {
    HealthResult { ok: false, message: message.to_owned(), details: json!({ "verboseMessage": message }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// review B19: "KTRDR operations" was said of every system.
    #[test]
    fn operations_are_called_after_the_system_of_the_playbook() {
        assert_eq!(operations_seen("Shop", 1), "One Shop operation was seen in the last 24 hours");
        assert_eq!(operations_seen("Shop", MAX_OPERATIONS - 1), "19 Shop operations were seen in the last 24 hours");
        assert_eq!(
            operations_seen("Shop", MAX_OPERATIONS),
            "At least 20 Shop operations were seen in the last 24 hours"
        );
        assert_eq!(operations_seen("", 2), "2 operations were seen in the last 24 hours");
        assert!(
            operations_seen("Shop", 0).starts_with("No Shop operations were seen")
                && operations_seen("Shop", 0).contains("Shop exports its")
        );
        assert!(
            operations_seen("", 0).starts_with("No operations were seen")
                && operations_seen("", 0).contains("the services export their")
        );
    }
}
