//! How values are displayed in Grafana: the links, colours, texts and column widths that several frames share.

use serde_json::{Value, json};

use super::config::{Config, DataLink, InternalLink, Mapping};
use diagnosis::{Confidence, OperationStatus, Severity, Verdict, WorkerStatus};

/// Id of the data source plugin.
pub const PLUGIN_ID: &str = "ktrdr-diagnosis-datasource";
/// Id of the panel plugin, which shows a diagnosis in Explore.
pub const PANEL_ID: &str = "ktrdr-diagnosis-panel";
/// Id of Grafana's own table panel.
pub(super) const TABLE_PANEL_ID: &str = "table";
/// Uid of the provisioned dashboard of one operation.
pub const DASHBOARD_UID: &str = "ktrdr-diagnosis";

/// The data source that links open queries in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Uid of the data source.
    pub uid: String,
    /// Name of the data source.
    pub name: String,
}

impl Source {
    fn link(&self, title: &'static str, mut query: Value, panels_state: Option<Value>) -> DataLink {
        if let Some(query) = query.as_object_mut() {
            query.insert("refId".to_owned(), "A".into());
            query.insert("datasource".to_owned(), json!({ "type": PLUGIN_ID, "uid": self.uid }));
        }
        let internal =
            InternalLink { datasource_uid: self.uid.clone(), datasource_name: self.name.clone(), query, panels_state };
        DataLink { title, url: String::new(), internal: Some(internal) }
    }

    /// Links of an operation id: its diagnosis in Explore and on the dashboard.
    pub(super) fn operation_links(&self) -> Vec<DataLink> {
        let query = json!({ "queryType": "diagnosis", "operationId": "${__value.raw}" });
        let uid = &self.uid;
        let dashboard =
            format!("/d/{DASHBOARD_UID}?var-diagnosis={uid}&var-operation=${{__value.raw}}&${{__url_time_range}}");
        vec![
            self.link("Diagnose ${__value.raw}", query, None),
            DataLink { title: "Open on the dashboard", url: dashboard, internal: None },
        ]
    }

    /// Link of a trace id: the trace view.
    pub(super) fn trace_links(&self) -> Vec<DataLink> {
        vec![self.link("Trace ${__value.raw}", json!({ "queryType": "trace", "query": "${__value.raw}" }), None)]
    }

    /// Link of a span id: the trace view with that span selected.
    pub(super) fn span_links(&self) -> Vec<DataLink> {
        let query = json!({ "queryType": "trace", "query": "${__data.fields.trace_id}" });
        vec![self.link("Show span", query, Some(json!({ "trace": { "spanId": "${__value.raw}" } })))]
    }
}

/// Colour of a verdict.
pub(super) fn verdict_color(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "green",
        Verdict::Running => "blue",
        Verdict::Failed => "red",
        Verdict::Stuck => "dark-red",
        Verdict::Slow => "orange",
        Verdict::NoWorkers => "purple",
        Verdict::MissingData => "yellow",
        Verdict::Unreachable => "dark-orange",
        Verdict::Cancelled | Verdict::NotFound => "light-blue",
        Verdict::TraceBroken | Verdict::Unknown => "text",
    }
}

/// The text for the name of a value: `No workers` for `no_workers`.
pub(super) fn label(name: &str) -> String {
    let mut text = name.replace('_', " ").to_lowercase();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

pub(super) fn verdict() -> Config {
    searchable(mapped(verdict_mapping(), 125)).cell("color-background")
}

fn verdict_mapping() -> Mapping {
    Mapping::values(Verdict::ALL.map(|verdict| (verdict.as_str(), label(verdict.as_str()), verdict_color(verdict))))
}

pub(super) fn status() -> Config {
    let values = OperationStatus::ALL.map(|status| (status.as_str(), label(status.as_str()), status_color(status)));
    searchable(mapped(Mapping::values(values), 110)).cell("color-text")
}

/// Colour of a status.
pub(super) fn status_color(status: OperationStatus) -> &'static str {
    match status {
        OperationStatus::Pending => "light-blue",
        OperationStatus::Running => "blue",
        OperationStatus::Completed => "green",
        OperationStatus::Failed => "red",
        OperationStatus::Cancelled => "orange",
        OperationStatus::Unknown => "text",
    }
}

pub(super) fn severity() -> Config {
    let values = [
        (Severity::Fine.level(), "Fine", "green"),
        (Severity::Notice.level(), "Notice", "blue"),
        (Severity::Warning.level(), "Warning", "orange"),
        (Severity::Critical.level(), "Critical", "red"),
    ];
    mapped(Mapping::values(values), 100).cell("color-text").custom("align", "left".into())
}

pub(super) fn confidence() -> Config {
    let color = |confidence| match confidence {
        Confidence::High => "green",
        Confidence::Medium => "yellow",
        Confidence::Low => "orange",
    };
    let all = [Confidence::High, Confidence::Medium, Confidence::Low];
    mapped(Mapping::values(all.map(|c| (c.as_str(), label(c.as_str()), color(c)))), 115).cell("color-text")
}

pub(super) fn worker_status() -> Config {
    let color = |status| match status {
        WorkerStatus::Success => "green",
        WorkerStatus::AllWorkersBusy => "orange",
        WorkerStatus::NoWorkersStarted | WorkerStatus::NoCapableWorkers | WorkerStatus::NoWorkersAvailable => "red",
    };
    let all = [
        WorkerStatus::Success,
        WorkerStatus::NoWorkersStarted,
        WorkerStatus::NoCapableWorkers,
        WorkerStatus::AllWorkersBusy,
        WorkerStatus::NoWorkersAvailable,
    ];
    mapped(Mapping::values(all.map(|s| (s.as_str(), label(s.as_str()), color(s)))), 175).cell("color-text")
}

/// A text column of this width in pixels, with a mapping of its values.
pub(super) fn mapped(mapping: Mapping, pixels: u32) -> Config {
    Config { mappings: vec![mapping], ..text(pixels) }
}

/// A text column of this width in pixels. Its header offers a filter, and missing values are shown as `–`.
pub(super) fn text(pixels: u32) -> Config {
    plain(pixels).custom("filterable", true.into())
}

/// A column of this width in pixels. Missing values are shown as `–`.
pub(super) fn plain(pixels: u32) -> Config {
    Config { no_value: Some("–"), ..Config::default() }.width(pixels)
}

/// Lets Grafana add the column's values to the filters of the query. Use it only for columns that a query can filter by: a
/// click on any other value would search for an attribute with the column's name.
pub(super) fn searchable(config: Config) -> Config {
    Config { filterable: Some(true), ..config }
}

/// The main text of a row. It is wrapped and takes the width that the other columns leave. Grafana before 12.2 ignores
/// this option of a data source; there, a tooltip shows the whole text.
pub(super) fn sentence() -> Config {
    let wrapped = json!({ "type": "auto", "wrapText": true });
    let config = Config::default().custom("minWidth", 360.into());
    config.custom("cellOptions", wrapped).custom("wrapText", true.into())
}

/// A long text, which is cut in the cell and shown in full on a click.
pub(super) fn long_text() -> Config {
    plain(320).custom("inspect", true.into())
}

/// A JSON column.
pub(super) fn json_view() -> Config {
    plain(220).cell("json-view")
}

/// A number with a unit.
pub(super) fn number(unit: &'static str, decimals: Option<u16>) -> Config {
    Config { unit: Some(unit), decimals, ..plain(110) }
}

/// An integer.
pub(super) fn count() -> Config {
    Config { decimals: Some(0), ..plain(90) }
}

/// A time.
pub(super) fn time() -> Config {
    plain(165)
}

/// A share from 0 to 1, shown as a bar.
pub(super) fn share() -> Config {
    let config = Config { min: Some(0.0), max: Some(1.0), ..number("percentunit", Some(0)) };
    config.custom("cellOptions", json!({ "type": "gauge", "mode": "basic" }))
}

/// A span id with its links.
pub(super) fn span_id(source: &Source) -> Config {
    Config { links: source.span_links(), ..plain(155) }
}

/// A trace id with its links.
pub(super) fn trace_id(source: &Source) -> Config {
    Config { links: source.trace_links(), ..plain(275) }
}

/// An operation id with its links.
pub(super) fn operation_id(source: &Source) -> Config {
    Config { links: source.operation_links(), ..plain(325) }
}
