//! The data source's own HTTP resources: suggestions for editors and variables, uploads, the playbook.

use std::{borrow::Cow, collections::BTreeSet};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{instances::DataSource, now, order::Order, query_data, question, uploads::Uploads, upstream};
use crate::investigate::Target;
use diagnosis::Diagnosis;
use diagnosis::playbook::Playbook;
use diagnosis::{Answer, Filters, TimeRange};
use grafana_plugin_protocol::api::{Caller, Failure, QueryRange, ResourceReply, ResourceRequest, Role};
use trace::Trace;

/// Operations that are looked through for suggestions.
const LOOKED_THROUGH: usize = 200;
/// Operations whose spans are looked through for attributes.
const OPERATIONS_FOR_TAGS: usize = 5;
/// Services that are asked for their spans.
const SERVICES_FOR_SPANS: usize = 50;
/// Most suggestions: nobody reads more.
const MOST: usize = 1000;

/// What a request asks of one data source.
#[derive(Debug)]
pub(super) enum Resource {
    Suggest(Suggestion, Scope),
    Upload,
    Playbook,
    CheckPlaybook(String),
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

/// Where suggestions come from.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    range: TimeRange,
    filters: Filters,
}

impl Resource {
    /// Understands a request.
    pub(super) fn parse(request: &ResourceRequest) -> Result<Self, Failure> {
        let parameters = Parameters::parse(&request.query);
        let suggestion = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "upload") => return Ok(Self::Upload),
            ("POST", "playbook") => return Ok(Self::CheckPlaybook(playbook_text(&request.body)?)),
            ("GET", "playbook") => return Ok(Self::Playbook),
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
            (_, "upload" | "playbook") => return Err(no_method(request)),
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
    let text = std::str::from_utf8(body).map_err(|_| Failure::bad_request("the playbook is no UTF-8 text"))?;
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

/// Parameters after the question mark.
struct Parameters<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl<'q> Parameters<'q> {
    fn parse(query: &'q str) -> Self {
        Self(query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect())
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
        let filters = self.get("filters").map(question::filters).transpose()?.unwrap_or_default();
        Ok(Scope { range: query_data::range(range, now())?, filters })
    }
}

/// Percent-encoding, `+` for a space; what cannot be decoded stays.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (byte == b'%').then(|| [ahead.next().unwrap_or(b' '), ahead.next().unwrap_or(b' ')]);
        let digits = digits.as_ref().and_then(|digits| std::str::from_utf8(digits).ok());
        match (byte, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (_, Some(decoded)) => {
                out.push(decoded);
                bytes = ahead;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
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
        Resource::Playbook => Ok(json!({ "text": Playbook::ktrdr_text(), "overlay": data_source.settings.playbook })),
        Resource::CheckPlaybook(text) => Ok(check_playbook(&text)),
    }
}

/// What a playbook's author must know; wrong rules are no failed request.
pub(super) fn check_playbook(text: &str) -> Value {
    let errors = Playbook::with_overlay(text).err().unwrap_or_default();
    let messages: Vec<_> = errors
        .iter()
        .map(|error| {
            let line = (error.line > 0).then_some(error.line);
            json!({ "line": line, "message": error.message, "severity": "error" })
        })
        .collect();
    json!({ "ok": messages.is_empty(), "messages": messages })
}

async fn suggest(suggestion: &Suggestion, scope: Scope, data_source: &DataSource) -> Result<Vec<String>, Failure> {
    let names = match suggestion {
        // as many as a variable may list: the worst of few would be worth little
        Suggestion::OperationIds => return Ok(worst_first(found(scope, MOST, data_source).await?)),
        Suggestion::Services => services(data_source).await?,
        Suggestion::SpanNames => span_names(data_source, &scope.filters.services).await?,
        Suggestion::OperationTypes => {
            let mut types = each(&found(scope, LOOKED_THROUGH, data_source).await?, |d| vec![d.operation_type.clone()]);
            types.extend(data_source.investigator.playbook().operation_types());
            types
        }
        Suggestion::ErrorTypes => {
            each(&found(scope, LOOKED_THROUGH, data_source).await?, |d| d.error_type.iter().cloned().collect())
        }
        Suggestion::Workers => {
            each(&found(scope, LOOKED_THROUGH, data_source).await?, |d| d.worker_id.iter().cloned().collect())
        }
        Suggestion::TagKeys => attributes(scope, data_source, |key, _| Some(key.to_owned())).await?,
        Suggestion::TagValues(wanted) => {
            attributes(scope, data_source, |key, value| (key == wanted).then(|| value.to_owned())).await?
        }
    };
    Ok(names.into_iter().filter(|name| !name.is_empty()).take(MOST).collect())
}

/// The ids of operations, the worst first.
fn worst_first(mut answer: Answer) -> Vec<String> {
    Order::Worst.sort(&mut answer.diagnoses);
    let mut seen = BTreeSet::new();
    let ids = answer.diagnoses.iter().filter_map(|d| d.operation_id.as_deref());
    ids.filter(|id| !id.is_empty() && seen.insert(*id)).take(MOST).map(str::to_owned).collect()
}

/// At most `limit` operations that suggestions come from.
async fn found(scope: Scope, limit: usize, data_source: &DataSource) -> Result<Answer, Failure> {
    let clock = scope.range.to.min(now());
    let found = data_source.investigator.operations(scope.range, &scope.filters, limit, clock).await;
    found.map_err(|error| upstream::failure(&error))
}

/// The services that are searched.
async fn services(data_source: &DataSource) -> Result<BTreeSet<String>, Failure> {
    let globs: Vec<_> =
        data_source.settings.options.discovery_services.iter().map(|glob| wildmatch::WildMatch::new(glob)).collect();
    let wanted = |name: &String| globs.is_empty() || globs.iter().any(|glob| glob.matches(name));
    let names = data_source.investigator.client().services().await.map_err(|error| upstream::failure(&error))?;
    Ok(names.into_iter().filter(wanted).collect())
}

/// The names of the spans of these services, of all (a bounded number) when none is named.
async fn span_names(data_source: &DataSource, of: &[String]) -> Result<BTreeSet<String>, Failure> {
    let services = if of.is_empty() { services(data_source).await? } else { of.iter().cloned().collect() };
    let ask = |service: String| async move { data_source.investigator.client().operations(&service).await };
    let answers: Vec<_> =
        stream::iter(services.into_iter().take(SERVICES_FOR_SPANS)).map(ask).buffered(8).collect().await;
    let mut names = BTreeSet::new();
    for answer in answers {
        names.extend(answer.map_err(|error| upstream::failure(&error))?);
    }
    Ok(names)
}

fn each(answer: &Answer, get: impl Fn(&Diagnosis) -> Vec<String>) -> BTreeSet<String> {
    answer.diagnoses.iter().flat_map(|diagnosis| get(diagnosis)).collect()
}

/// What `get` takes from the attributes of the newest operations.
async fn attributes(
    scope: Scope,
    data_source: &DataSource,
    get: impl Fn(&str, &str) -> Option<String>,
) -> Result<BTreeSet<String>, Failure> {
    let answer = found(scope, LOOKED_THROUGH, data_source).await?;
    let mut names = BTreeSet::new();
    let newest = answer.diagnoses.iter().filter_map(|d| d.trace_id).take(OPERATIONS_FOR_TAGS);
    for id in newest.collect::<Vec<_>>() {
        let found = data_source.investigator.traces(&Target::Trace(id), now()).await;
        let traces = found.map_err(|error| upstream::failure(&error))?;
        for span in traces.iter().flat_map(Trace::spans) {
            names.extend(span.attributes().filter_map(|(key, value)| get(key, &value.to_text())));
        }
    }
    Ok(names)
}

/// A failure in the form that Grafana's browser side shows.
pub(super) fn refused(failure: &Failure) -> ResourceReply {
    ResourceReply { status: failure.status, body: json!({ "message": failure.message }) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use diagnosis::Severity;
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

    fn operation(id: &str, severity: Severity, start: i64) -> Arc<Diagnosis> {
        let operation_id = (!id.is_empty()).then(|| id.to_owned());
        Arc::new(Diagnosis { operation_id, severity, start: Some(Time(start)), ..Diagnosis::default() })
    }

    /// acceptance G10: a dashboard opened with some operation, not with the worst or newest one in trouble.
    #[test]
    fn operation_ids_come_worst_first_and_newest_first_among_equals() {
        let diagnoses = vec![
            operation("fine", Severity::Fine, 9),
            operation("slow", Severity::Warning, 8),
            operation("failed", Severity::Critical, 1),
            operation("", Severity::Critical, 7),
            operation("failed later", Severity::Critical, 3),
            operation("slow", Severity::Notice, 2),
        ];
        let answer = Answer { diagnoses, ..Answer::default() };
        assert_eq!(worst_first(answer), ["failed later", "failed", "slow", "fine"]);
        for (count, listed) in [(MOST, MOST), (MOST + 1, MOST)] {
            let diagnoses = (0..count).map(|at| operation(&format!("op_{at}"), Severity::Fine, at as i64)).collect();
            let ids = worst_first(Answer { diagnoses, ..Answer::default() });
            assert_eq!((ids.len(), ids[0].clone()), (listed, format!("op_{}", count - 1)));
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
        assert_eq!(decode("a%2"), "a%2");
        assert_eq!(decode("%zz+%41"), "%zz A");
    }
}
