//! Answers the data source's own HTTP resources: suggestions for editors and variables, uploads, the playbook, what
//! the history covers. Answers are JSON; an error is `{"message": …}` with a fitting status.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Value, json};

use super::{coverage, failure::failure, instances::DataSource, now, query_data, query_model, uploads::Uploads};
use crate::investigate::{MAX_SUGGESTIONS, Order};
use diagnosis::playbook::{Embedded, Playbook, PlaybookError};
use diagnosis::{Answer, Filters, TimeRange};
use grafana_plugin_protocol::api::{Caller, Failure, QueryRange, ResourceReply, ResourceRequest, Role};

/// A request for one of the resources.
#[derive(Debug)]
pub(super) enum Resource {
    Suggest(Suggestion, Scope),
    Upload,
    Playbook,
    CheckPlaybook(String),
    Coverage,
}

/// What can be suggested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Suggestion {
    Services,
    SpanNames,
    OperationIds,
    OperationTypes,
    ErrorTypes,
    Workers,
    TagKeys,
    TagValues(String),
}

/// The range and filters of the operations that suggestions come from.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    range: TimeRange,
    filters: Filters,
}

impl Resource {
    /// Parses a request.
    pub(super) fn parse(request: &ResourceRequest) -> Result<Self, Failure> {
        let parameters = Parameters::parse(&request.query);
        let suggestion = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "upload") => return Ok(Self::Upload),
            ("POST", "playbook") => return Ok(Self::CheckPlaybook(playbook_text(&request.body)?)),
            ("GET", "playbook") => return Ok(Self::Playbook),
            ("GET", "coverage") => return Ok(Self::Coverage),
            (_, "services") => Suggestion::Services,
            (_, "span-names") => Suggestion::SpanNames,
            (_, "operation-ids") => Suggestion::OperationIds,
            (_, "operation-types") => Suggestion::OperationTypes,
            (_, "error-types") => Suggestion::ErrorTypes,
            (_, "workers") => Suggestion::Workers,
            (_, "tag-keys") => Suggestion::TagKeys,
            (_, "tag-values") => {
                let key = parameters.get("key").ok_or_else(|| Failure::bad_request("`key` is missing"))?;
                Suggestion::TagValues(key.to_owned())
            }
            (_, "upload" | "playbook" | "coverage") => return Err(no_method(request)),
            (_, path) => return Err(Failure::downstream(404, format!("there is no resource `{path}`"))),
        };
        if request.method != "GET" {
            return Err(no_method(request));
        }
        Ok(Self::Suggest(suggestion, parameters.scope()?))
    }
}

fn no_method(request: &ResourceRequest) -> Failure {
    Failure::downstream(405, format!("`{}` does not take {}", request.path, request.method))
}

/// The text itself, or `{"text": …}`.
fn playbook_text(body: &[u8]) -> Result<String, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| Failure::bad_request("the playbook is not UTF-8 text"))?;
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => {
            let text = object.get("text").and_then(Value::as_str).map(str::to_owned);
            text.ok_or_else(|| {
                Failure::bad_request("`text` is missing: send the playbook as text, or as {\"text\": …}")
            })
        }
        Ok(Value::String(text)) => Ok(text),
        _ => Ok(text.to_owned()),
    }
}

/// The parameters of the request's query string.
struct Parameters<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Parameters<'q> {
    fn parse(query: &'q str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_ref())
    }

    fn millis(&self, name: &str) -> Result<Option<i64>, Failure> {
        let wrong = |text: &str| Failure::bad_request(format!("`{name}` must be milliseconds, not `{text}`"));
        self.get(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    /// `from` and `to` in milliseconds, `filters` as JSON.
    fn scope(&self) -> Result<Scope, Failure> {
        let range = match (self.millis("from")?, self.millis("to")?) {
            (Some(from_ms), Some(to_ms)) => Some(QueryRange { from_ms, to_ms }),
            _ => None,
        };
        let filters = self.get("filters").map(query_model::filters).transpose()?.unwrap_or_default();
        Ok(Scope { range: query_data::range(range, now())?, filters })
    }
}

/// Answers a request.
pub(super) async fn answer(
    resource: Resource,
    body: bytes::Bytes,
    caller: &Caller,
    data_source: DataSource,
    uploads: &Uploads,
) -> Result<Value, Failure> {
    match resource {
        Resource::Suggest(suggestion, scope) => Ok(json!(suggest(&suggestion, scope, &data_source).await?)),
        Resource::Upload if caller.role < Role::Editor => {
            Err(Failure::downstream(403, "only editors and administrators may upload trace files"))
        }
        Resource::Upload => Ok(json!({ "handle": uploads.keep(caller, body).await? })),
        Resource::Coverage => Ok(coverage::json(data_source.recorder()).await),
        Resource::Playbook => Ok(playbook_texts(&data_source)),
        Resource::CheckPlaybook(text) => Ok(check_playbook(&text)),
    }
}

/// The embedded playbook, and what the settings lay over it.
fn playbook_texts(data_source: &DataSource) -> Value {
    let extends = data_source.investigator.playbook().extends().unwrap_or(Embedded::Ktrdr);
    let overlay = data_source.settings.playbook.as_deref().filter(|text| Embedded::parse(text).is_none());
    json!({ "text": extends.text(), "overlay": overlay })
}

/// Checks a playbook. Mistakes in it are the answer and not an error of the request.
pub(super) fn check_playbook(text: &str) -> Value {
    let checked = if Embedded::parse(text).is_some() { Ok(Vec::new()) } else { Playbook::unreachable(text) };
    let ok = checked.is_ok();
    let (found, severity) = match checked {
        Ok(unreachable) => (unreachable, "warning"),
        Err(mistakes) => (mistakes, "error"),
    };
    let message = |found: &PlaybookError| {
        let line = (found.line > 0).then_some(found.line);
        json!({ "line": line, "message": found.message, "severity": severity })
    };
    json!({ "ok": ok, "messages": found.iter().map(message).collect::<Vec<_>>() })
}

async fn suggest(suggestion: &Suggestion, scope: Scope, data_source: &DataSource) -> Result<Vec<String>, Failure> {
    let Scope { range, filters } = scope;
    let (investigator, now) = (&data_source.investigator, now());
    let names = match suggestion {
        Suggestion::Services => investigator.services(range, &filters, now).await,
        Suggestion::SpanNames => investigator.span_names(&filters.services).await,
        // As many as a list may hold: the worst of only a few would be misleading.
        Suggestion::OperationIds => {
            investigator.ranked(range, &filters, Order::Worst, MAX_SUGGESTIONS, now).await.map(|answer| ids(&answer))
        }
        Suggestion::OperationTypes => investigator.operation_types(range, &filters, now).await,
        Suggestion::ErrorTypes => investigator.error_types(range, &filters, now).await,
        Suggestion::Workers => investigator.workers(range, &filters, now).await,
        Suggestion::TagKeys => investigator.tag_keys(range, &filters, now).await,
        Suggestion::TagValues(key) => investigator.tag_values(key, range, &filters, now).await,
    };
    names.map_err(|error| failure(&error))
}

/// The ids of operations.
fn ids(answer: &Answer) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let ids = answer.diagnoses.iter().filter_map(|d| d.operation_id.as_deref());
    ids.filter(|id| !id.is_empty() && seen.insert(*id)).take(MAX_SUGGESTIONS).map(str::to_owned).collect()
}

/// A failure as Grafana's browser side expects it.
pub(super) fn refused(failure: &Failure) -> ResourceReply {
    ResourceReply { status: failure.status, body: json!({ "message": failure.message }) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use diagnosis::Diagnosis;
    use trace::Time;

    fn request(method: &str, path: &str, query: &str, body: &'static [u8]) -> ResourceRequest {
        ResourceRequest {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            body: bytes::Bytes::from_static(body),
        }
    }

    #[test]
    fn scopes_are_read_from_the_query() {
        let query = "from=1000&to=2000&filters=%7B%22types%22%3A%5B%22training%22%5D%7D&key=a+b";
        let Ok(Resource::Suggest(Suggestion::TagValues(key), scope)) =
            Resource::parse(&request("GET", "tag-values", query, b""))
        else {
            panic!("not understood");
        };
        assert_eq!(key, "a b");
        assert_eq!(scope.range, TimeRange { from: Time::from_millis(1000), to: Time::from_millis(2000) });
        assert_eq!(scope.filters.types, ["training"]);
    }

    #[test]
    fn every_operation_id_is_offered_once_in_the_order_of_the_answer() {
        let of = |all: &[&str]| {
            let one = |id: &&str| Arc::new(Diagnosis { operation_id: Some((*id).to_owned()), ..Diagnosis::default() });
            let diagnoses = all.iter().map(one).chain([Arc::new(Diagnosis::default())]).collect();
            ids(&Answer { diagnoses, ..Answer::default() })
        };
        assert_eq!(of(&["op_2", "", "op_1", "op_2"]), ["op_2", "op_1"]);
        for (count, listed) in [(MAX_SUGGESTIONS, MAX_SUGGESTIONS), (MAX_SUGGESTIONS + 1, MAX_SUGGESTIONS)] {
            let names: Vec<String> = (0..count).map(|at| format!("op_{at}")).collect();
            let ids = of(&names.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!((ids.len(), ids[0].as_str()), (listed, "op_0"));
        }
    }

    #[test]
    fn wrong_requests_have_fitting_statuses() {
        let status = |method, path, query| Resource::parse(&request(method, path, query, b"")).unwrap_err().status;
        assert_eq!(status("GET", "nothing", ""), 404);
        assert_eq!(status("POST", "services", ""), 405);
        assert_eq!(status("GET", "upload", ""), 405);
        assert_eq!(status("GET", "services", "from=x&to=1"), 400);
        assert_eq!(status("GET", "services", "from=2&to=1"), 400);
        assert_eq!(status("GET", "services", "filters=nope"), 400);
        assert_eq!(status("GET", "tag-values", ""), 400);
    }

    #[test]
    fn a_playbook_is_taken_as_text_or_in_an_object() {
        for body in [b"{\"text\": \"a = 1\"}".as_slice(), b"a = 1"] {
            assert_eq!(playbook_text(body).unwrap(), "a = 1");
        }
        assert!(playbook_text(b"{}").is_err());
        let wrong = check_playbook("[rules.\n");
        assert_eq!(wrong["ok"], false);
        assert!(wrong["messages"][0]["message"].is_string(), "{wrong}");
        assert_eq!(check_playbook("")["ok"], true);
    }

    #[test]
    fn undecodable_escapes_stay() {
        let key = |query| Parameters::parse(query).get("key").unwrap().to_owned();
        assert_eq!(key("key=a%2"), "a%2");
        assert_eq!(key("key=%zz+%41"), "%zz A");
    }
}
