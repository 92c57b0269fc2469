//! "Save & test".

use serde_json::json;

use super::{api::Health, instances::DataSource, now, upstream};
use crate::{
    investigate::{Filters, TimeRange},
    jaeger::Dialect,
    trace::Micros,
};

/// How far back to look for operations.
const LOOKED_BACK: Micros = Micros::from_secs(24 * 3600);
const FEW: usize = 20;

/// Tries the data source as a query would use it.
pub(super) async fn check(data_source: &DataSource) -> Health {
    let jaeger = match data_source.investigator.client().health().await {
        Ok(jaeger) => jaeger,
        Err(error) => return failed(&upstream::failure(&error).message),
    };
    let now = now();
    let range = TimeRange { from: now - LOOKED_BACK, to: now };
    match data_source.investigator.operations(range, &Filters::default(), FEW, now).await {
        Ok(answer) => {
            let count = answer.diagnoses.len();
            let seen = match count {
                0 => "No KTRDR operations were seen in the last 24 hours: check that KTRDR exports its traces to this \
                      Jaeger, or widen the services in the settings"
                    .to_owned(),
                1 => "One KTRDR operation was seen in the last 24 hours".to_owned(),
                count if count >= FEW => format!("At least {FEW} KTRDR operations were seen in the last 24 hours"),
                count => format!("{count} KTRDR operations were seen in the last 24 hours"),
            };
            let api = match jaeger.dialect {
                Dialect::Legacy => "/api",
                Dialect::V3 => "/api/v3",
            };
            let version = jaeger.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
            let services = match jaeger.services {
                1 => "one service".to_owned(),
                count => format!("{count} services"),
            };
            Health {
                ok: true,
                message: format!("Jaeger{version} answers over {api} and knows {services}. {seen}."),
                details: json!({
                    "api": api,
                    "version": jaeger.version,
                    "services": jaeger.services,
                    "operations": count,
                    "verboseMessage": answer.notices.join("\n"),
                }),
            }
        }
        Err(error) => failed(&upstream::failure(&error).message),
    }
}

/// A failure, with all that is known about it.
pub(super) fn failed(message: &str) -> Health {
    Health { ok: false, message: message.to_owned(), details: json!({ "verboseMessage": message }) }
}
