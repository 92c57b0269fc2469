//! Parses a query's JSON model, which editors, provisioned dashboards, alert rules and links write. Unknown fields are
//! ignored; a wrong value is an error that names the field and what it may be.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::logfmt;
use crate::{
    investigate::{Order, Target},
    when::When,
};
use diagnosis::Filters;
use diagnosis::playbook::Duration;
use diagnosis::{OperationStatus, Severity, TimeRange, Verdict};
use frames::{CULPRIT_SCORE, GroupBy, Measure, View};
use grafana_plugin_protocol::api::Failure;
use trace::{Micros, Time};

const DEFAULT_LIMIT: usize = 100;
/// Most operations of one answer.
const MAX_LIMIT: usize = 10_000;
const TYPES: &str = "operations, diagnosis, trace, serviceMap, metric, culprits, annotations, upload";

/// A query, by its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum QueryModel {
    Operations {
        filters: Filters,
        limit: usize,
        order: Order,
    },
    Diagnosis {
        target: Target,
        views: Vec<View>,
        follow: bool,
    },
    Trace {
        target: Target,
    },
    ServiceMap {
        target: Target,
    },
    Metric {
        measure: Measure,
        by: Vec<GroupBy>,
        filters: Filters,
        format: Format,
        limit: usize,
    },
    Culprits {
        filters: Filters,
        baseline: Option<Baseline>,
    },
    /// The metric `culprit_score`.
    CulpritScore {
        filters: Filters,
        baseline: Option<Baseline>,
        by_service: bool,
    },
    Annotations {
        filters: Filters,
        limit: usize,
        min_severity: Severity,
    },
    Upload {
        handle: String,
        views: Vec<View>,
    },
}

/// The range that a window is compared with; its ends may depend on the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Baseline {
    from: When,
    to: When,
}

impl Baseline {
    /// The range for this clock.
    pub(super) fn at(self, now: Time) -> TimeRange {
        TimeRange { from: self.from.at(now), to: self.to.at(now) }
    }
}

/// The shape of a metric's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Numeric,
    Timeseries,
}

impl QueryModel {
    /// Parses a query's model; `envelope_type` applies where the model has no type.
    pub(super) fn parse(json: &[u8], envelope_type: &str) -> Result<Self, Failure> {
        let model: Map<String, Value> = if json.is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(json)
                .map_err(|error| Failure::bad_request(format!("the query is not a JSON object: {error}")))?
        };
        let model = Model(&model);
        let kind = model.text("queryType")?.unwrap_or(envelope_type);
        match kind {
            "operations" => Ok(Self::Operations {
                filters: model.filters()?,
                limit: model.limit(DEFAULT_LIMIT)?,
                order: model.order()?,
            }),
            "diagnosis" => Ok(Self::Diagnosis {
                target: model.target("operationId")?,
                views: model.views()?,
                follow: model.0.get("follow").and_then(Value::as_bool).unwrap_or(true),
            }),
            // Links from other data sources have no type, or Tempo's.
            "" | "trace" | "traceql" => Ok(Self::Trace { target: model.target("query")? }),
            "serviceMap" => Ok(Self::ServiceMap { target: model.target("operationId")? }),
            "metric" if model.text("measure")? == Some(CULPRIT_SCORE) => model.culprit_score(),
            "metric" => Ok(Self::Metric {
                measure: model.measure()?,
                by: model.group_by()?,
                filters: model.filters()?,
                format: model.format()?,
                limit: model.limit(MAX_LIMIT)?,
            }),
            "culprits" => Ok(Self::Culprits { filters: model.filters()?, baseline: model.baseline()? }),
            "annotations" => Ok(Self::Annotations {
                filters: model.filters()?,
                limit: model.limit(DEFAULT_LIMIT)?,
                min_severity: model.min_severity()?,
            }),
            "upload" => {
                let handle = model.text("upload")?.or(model.text("handle")?).map(str::to_owned);
                let handle = handle.ok_or_else(|| Failure::bad_request("upload a trace file first"))?;
                Ok(Self::Upload { handle, views: model.views()? })
            }
            other => Err(Failure::bad_request(format!("unknown query type `{other}`; there are {TYPES}"))),
        }
    }

    /// Whether the answer is about the data source's operations, which its history may know.
    pub(super) fn asks_operations(&self) -> bool {
        !matches!(self, Self::Upload { .. })
    }

    /// The query type as the JSON model spells it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Operations { .. } => "operations",
            Self::Diagnosis { .. } => "diagnosis",
            Self::Trace { .. } => "trace",
            Self::ServiceMap { .. } => "serviceMap",
            Self::Metric { .. } | Self::CulpritScore { .. } => "metric",
            Self::Culprits { .. } => "culprits",
            Self::Annotations { .. } => "annotations",
            Self::Upload { .. } => "upload",
        }
    }

    /// Refuses a query type that an alert rule cannot evaluate, and names one that it can.
    pub(super) fn check_alert(&self) -> Result<(), Failure> {
        let measure = match self {
            Self::Metric { .. } | Self::CulpritScore { .. } => return Ok(()),
            Self::Culprits { .. } => CULPRIT_SCORE,
            _ => Measure::NotHealthy.as_str(),
        };
        Err(Failure::bad_request(format!(
            "an alert rule needs numbers, which the query type `{}` does not answer; use the query type `metric`, for \
             instance with the measure `{measure}`",
            self.kind()
        )))
    }
}

/// Parses filters without a query, as in a request for suggestions.
pub(super) fn filters(json: &str) -> Result<Filters, Failure> {
    let filters: Value = serde_json::from_str(json)
        .map_err(|error| Failure::bad_request(format!("`filters` is not a JSON object: {error}")))?;
    Model(&Map::from_iter([("filters".to_owned(), filters)])).filters()
}

#[derive(Clone, Copy)]
struct Model<'j>(&'j Map<String, Value>);

impl<'j> Model<'j> {
    fn get(self, key: &str) -> Option<&'j Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn text(self, key: &str) -> Result<Option<&'j str>, Failure> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(other) => Err(wrong(key, "a text", other)),
        }
    }

    /// A list of texts; a single text counts as a list of one.
    fn texts(self, key: &str) -> Result<Vec<&'j str>, Failure> {
        let list = match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(list)) => list.iter().collect(),
            Some(other) => vec![other],
        };
        let texts = list.into_iter().map(|item| item.as_str().ok_or_else(|| wrong(key, "a list of texts", item)));
        let texts: Vec<_> = texts.collect::<Result<_, _>>()?;
        Ok(texts.into_iter().map(str::trim).filter(|text| !text.is_empty()).collect())
    }

    /// A list of known words.
    fn words<T>(self, key: &str, parse: impl Fn(&str) -> Option<T>, known: &str) -> Result<Vec<T>, Failure> {
        let word = |text: &str| {
            parse(text)
                .ok_or_else(|| Failure::bad_request(format!("`{key}` does not know `{text}`; there are {known}")))
        };
        self.texts(key)?.into_iter().map(word).collect()
    }

    fn duration(self, key: &str) -> Result<Option<Micros>, Failure> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let duration = text.parse::<Duration>().ok().map(|duration| duration.0);
        duration.map(Some).ok_or_else(|| wrong(key, "a duration such as 1m30s", &Value::from(text)))
    }

    fn filters(self) -> Result<Filters, Failure> {
        let empty = Map::new();
        let filters = match self.get("filters") {
            None => Model(&empty),
            Some(Value::Object(filters)) => Model(filters),
            Some(other) => return Err(wrong("filters", "an object", other)),
        };
        let owned =
            |key| -> Result<Vec<String>, Failure> { Ok(filters.texts(key)?.into_iter().map(str::to_owned).collect()) };
        let tags = logfmt::parse(filters.text("tags")?.unwrap_or_default());
        let tags = tags.map_err(|error| Failure::bad_request(format!("`tags` cannot be read: {error}")))?;
        let (min_duration, max_duration) = (filters.duration("minDuration")?, filters.duration("maxDuration")?);
        if let (Some(min), Some(max)) = (min_duration, max_duration)
            && min > max
        {
            return Err(Failure::bad_request(format!("`minDuration` ({min}) is longer than `maxDuration` ({max})")));
        }
        Ok(Filters {
            types: owned("types")?.into_iter().map(|text| text.to_lowercase()).collect(),
            statuses: filters.words(
                "statuses",
                OperationStatus::parse,
                &list(OperationStatus::ALL.into_iter().map(OperationStatus::as_str)),
            )?,
            verdicts: filters.words(
                "verdicts",
                Verdict::parse,
                &list(Verdict::ALL.into_iter().map(Verdict::as_str)),
            )?,
            error_types: owned("errorTypes")?,
            services: owned("services")?,
            tags,
            min_duration,
            max_duration,
        })
    }

    fn baseline(self) -> Result<Option<Baseline>, Failure> {
        let range = match self.get("baseline") {
            None => return Ok(None),
            Some(Value::Object(range)) => Model(range),
            Some(other) => return Err(wrong("baseline", "an object with `from` and `to`", other)),
        };
        match (range.when("from")?, range.when("to")?) {
            (None, None) => Ok(None),
            (Some(from), Some(to)) => Ok(Some(Baseline { from, to })),
            _ => Err(Failure::bad_request(
                "`baseline` needs both `from` and `to`; without both it is the time before the range",
            )),
        }
    }

    /// An end of a baseline: a text, or milliseconds of the Unix epoch.
    fn when(self, key: &str) -> Result<Option<When>, Failure> {
        let text = match self.get(key) {
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => self.text(key)?.map(str::to_owned),
        };
        let parse = |text: String| {
            text.parse().map_err(|why| Failure::bad_request(format!("`{key}` of `baseline` cannot be read: {why}")))
        };
        text.map(parse).transpose()
    }

    fn culprit_score(self) -> Result<QueryModel, Failure> {
        let by = self.group_by()?;
        if by.iter().any(|group| *group != GroupBy::Service) {
            return Err(Failure::bad_request(format!("`{CULPRIT_SCORE}` can be grouped by `service` only")));
        }
        if self.format()? == Format::Timeseries {
            return Err(Failure::bad_request(format!(
                "`{CULPRIT_SCORE}` compares the whole range, so it has the format `numeric` only"
            )));
        }
        let (filters, baseline) = (self.filters()?, self.baseline()?);
        Ok(QueryModel::CulpritScore { filters, baseline, by_service: !by.is_empty() })
    }

    fn order(self) -> Result<Order, Failure> {
        let Some(text) = self.text("orderBy")? else { return Ok(Order::default()) };
        let unknown = || {
            Failure::bad_request(format!(
                "unknown `orderBy` `{text}`; there are {}",
                list(Order::ALL.into_iter().map(Order::as_str))
            ))
        };
        Order::parse(text).ok_or_else(unknown)
    }

    fn limit(self, default: usize) -> Result<usize, Failure> {
        let Some(value) = self.get("limit") else { return Ok(default) };
        let number = match value {
            Value::String(text) if text.trim().is_empty() => return Ok(default),
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64(),
        };
        let fits = |number: &usize| (1..=MAX_LIMIT).contains(number);
        let limit = number.and_then(|number| usize::try_from(number).ok()).filter(fits);
        limit.ok_or_else(|| wrong("limit", &format!("a whole number from 1 to {MAX_LIMIT}"), value))
    }

    fn target(self, key: &str) -> Result<Target, Failure> {
        let other = if key == "query" { "operationId" } else { "query" };
        let id = match self.text(key)? {
            Some(id) => Some(id),
            None => self.text(other)?,
        };
        id.and_then(Target::parse)
            .ok_or_else(|| Failure::bad_request(format!("`{key}` is empty: name an operation id or a trace id")))
    }

    fn views(self) -> Result<Vec<View>, Failure> {
        let parse = |text: &str| View::ALL.into_iter().find(|view| view.as_str() == text);
        let asked = self.words("views", parse, &list(View::ALL.into_iter().map(View::as_str)))?;
        let wanted = |view: &View| asked.is_empty() || asked.contains(view);
        Ok(View::ALL.into_iter().filter(wanted).collect())
    }

    fn measure(self) -> Result<Measure, Failure> {
        let text = self.text("measure")?.unwrap_or("count");
        let unknown =
            || format!("unknown measure `{text}`; there are {}", list(Measure::names().chain([CULPRIT_SCORE])));
        Measure::parse(text).ok_or_else(|| Failure::bad_request(unknown()))
    }

    fn group_by(self) -> Result<Vec<GroupBy>, Failure> {
        self.words("groupBy", GroupBy::parse, &list(GroupBy::ALL.into_iter().map(GroupBy::as_str)))
    }

    fn format(self) -> Result<Format, Failure> {
        match self.text("format")? {
            None | Some("numeric") => Ok(Format::Numeric),
            Some("timeseries") => Ok(Format::Timeseries),
            Some(other) => {
                Err(Failure::bad_request(format!("unknown format `{other}`; there are numeric and timeseries")))
            }
        }
    }

    fn min_severity(self) -> Result<Severity, Failure> {
        let Some(value) = self.get("minSeverity") else { return Ok(Severity::Warning) };
        let level = value.as_u64().and_then(|level| u8::try_from(level).ok());
        let severity = level.and_then(Severity::from_level);
        severity.ok_or_else(|| wrong("minSeverity", "a whole number from 0 to 3", value))
    }
}

fn list<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn wrong(key: &str, expected: &str, found: &Value) -> Failure {
    let mut found = found.to_string();
    if found.chars().count() > 60 {
        found = found.chars().take(60).chain(['…']).collect();
    }
    Failure::bad_request(format!("`{key}` must be {expected}, not {found}"))
}
