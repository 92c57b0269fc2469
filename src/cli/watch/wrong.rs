//! A line for an operation that goes wrong.

use serde_json::Value;

use crate::cli::{
    args::WatchFormat,
    error::Error,
    operations_table::name,
    text::{DIM, Layout, cut, one_line, paint, second, severity_style, width},
};
use diagnosis::{Diagnosis, Severity};

/// The lists of a diagnosis. A store keeps records without them.
const LISTS: [&str; 4] = ["flow", "errors", "http", "workers"];

/// Whether something has to be done about an operation.
pub(super) fn is_wrong(operation: &Diagnosis) -> bool {
    operation.severity >= Severity::Warning
}

/// The line of an operation.
pub(super) fn line(operation: &Diagnosis, format: WatchFormat, layout: Layout) -> Result<String, Error> {
    match format {
        WatchFormat::Table => Ok(table(operation, layout)),
        WatchFormat::Json => json(operation).map_err(|error| Error::Write(error.into())),
    }
}

fn table(operation: &Diagnosis, layout: Layout) -> String {
    let at = operation.end.or(operation.last_activity).or(operation.start).map(second).unwrap_or_default();
    let verdict = format!("{}{}", layout.symbol(operation.verdict), operation.verdict.as_str());
    let id = one_line(&name(operation));
    let left = layout.columns.map(|columns| columns.saturating_sub(width(&at) + width(&verdict) + width(&id) + 6));
    let summary = left.map_or_else(|| one_line(&operation.summary), |columns| cut(&operation.summary, columns));
    format!("{}  {}  {id}  {summary}\n", paint(DIM, at), paint(severity_style(operation.severity), verdict))
}

fn json(operation: &Diagnosis) -> serde_json::Result<String> {
    let mut record = serde_json::to_value(operation)?;
    if let Value::Object(fields) = &mut record {
        fields.retain(|name, _| !LISTS.contains(&name.as_str()));
    }
    Ok(format!("{record}\n"))
}

#[cfg(test)]
mod tests {
    use diagnosis::Verdict;
    use trace::Time;

    use super::*;

    fn failed() -> Diagnosis {
        Diagnosis {
            operation_id: Some("op_1".into()),
            verdict: Verdict::Failed,
            severity: Severity::Critical,
            summary: "No data\nfor AAPL".into(),
            end: Some(Time(1_795_342_000_000_000)),
            ..Diagnosis::default()
        }
    }

    #[test]
    fn a_line_has_time_verdict_id_and_summary() {
        let line = line(&failed(), WatchFormat::Table, Layout { columns: None }).unwrap();
        let plain = anstream::adapter::strip_str(&line).to_string();
        assert_eq!(plain, "2026-11-22 10:06:40  failed  op_1  No data for AAPL\n");
    }

    #[test]
    fn a_terminal_gets_what_fits() {
        let line = line(&failed(), WatchFormat::Table, Layout { columns: Some(50) }).unwrap();
        let plain = anstream::adapter::strip_str(&line).to_string();
        assert_eq!(plain, "2026-11-22 10:06:40  ✗ failed  op_1  No data for …\n");
    }

    #[test]
    fn json_has_the_fields_of_the_record_on_one_line() {
        let line = line(&failed(), WatchFormat::Json, Layout { columns: None }).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        let fields: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(fields.get("operation_id"), Some(&"op_1".into()));
        assert_eq!(fields.get("summary"), Some(&"No data\nfor AAPL".into()));
        assert_eq!(fields.get("worker_id"), Some(&Value::Null));
        assert!(LISTS.iter().all(|list| fields.get(list).is_none()), "{fields}");
    }

    #[test]
    fn what_is_fine_or_was_cancelled_is_not_wrong() {
        for (severity, wrong) in
            [(Severity::Fine, false), (Severity::Notice, false), (Severity::Warning, true), (Severity::Critical, true)]
        {
            assert_eq!(is_wrong(&Diagnosis { severity, ..Diagnosis::default() }), wrong);
        }
    }
}
