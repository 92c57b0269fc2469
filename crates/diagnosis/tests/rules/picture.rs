//! Traces written down as pictures. A line is a span, its indentation says below which, an empty line begins the next
//! trace:
//!
//! ```text
//! cli | cli.train                                  | 0 +400ms
//!   cli | > POST http://backend:8000/start 200     | 10ms +300ms
//!     api | < POST /start 200                      | 12ms +290ms | data.symbol=EURUSD ; ok
//! ```
//!
//! The parts of a line: service, span, time, attributes. Spans: `> METHOD URL [STATUS]` is a client's, `< METHOD ROUTE
//! [STATUS]` a server's, `register ID TYPE` and `FROM->TO ID` are KTRDR's own, anything else is a name. Attributes:
//! `key=value` (quoted values stay text, `error` needs the quotes), `ok`, `error[=description]`, `!Class: message` (an exception event
//! at the span's end, with `@2s!Class: message` so long after its start), `trace=…` (the stack trace of the last one, with `\n`),
//! `new` (newer HTTP names), `kind=…`. A `?` before the service names a parent that is missing.

use std::sync::{Arc, LazyLock};

use diagnosis::playbook::{Duration, Playbook};
use diagnosis::{Context, Diagnosis, diagnose};
use jaeger::decode;
use testbed::{JaegerVersion, RawEvent, RawSpan, RawTrace, RawValue, Text, jaeger_json};
use trace::{Micros, SpanId, SpanKind, Status, Time, Trace, TraceId};

pub(crate) const BASE: Time = Time(1_795_341_905_000_000);
pub(crate) const T: &str = "op_training_20261122_100505_a41e50c8";
pub(crate) const B: &str = "op_backtesting_20261122_100505_b41e50c8";
pub(crate) const D: &str = "op_data_load_20261122_100505_d41e50c8";
pub(crate) const R: &str = "op_agent_research_20261122_100505_c41e50c8";

/// The service behind a short name.
fn service(short: &str) -> &str {
    match short {
        "cli" => "ktrdr-cli",
        "api" => "ktrdr-api",
        "ib" => "ktrdr-ib-host-service",
        "mcp" => "ktrdr-mcp-server",
        "train" => "ktrdr-training-worker-aa11bb22",
        "train2" => "ktrdr-training-worker-99887766",
        "back" => "ktrdr-backtest-worker-cc33dd44",
        other => other,
    }
}

/// Where a service's own requests arrive.
fn own_url(service: &str) -> &'static str {
    match service {
        "ktrdr-ib-host-service" => "http://localhost:5001",
        "ktrdr-training-worker-aa11bb22" => "http://training-worker-1:5005",
        "ktrdr-training-worker-99887766" => "http://training-worker-2:5006",
        "ktrdr-backtest-worker-cc33dd44" => "http://backtest-worker-1:5003",
        _ => "http://backend:8000",
    }
}

/// `0`, `1.5s`, `-2s`, `1h30m`.
pub(crate) fn span_of_time(text: &str) -> Micros {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let micros = if text == "0" { 0 } else { text.parse::<Duration>().unwrap_or_else(|e| panic!("{text}: {e}")).0.0 };
    Micros(sign * micros)
}

fn value(text: &str) -> RawValue {
    if let Some(quoted) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return quoted.to_owned().into();
    }
    match (text, text.parse::<i64>(), text.parse::<f64>()) {
        ("true", ..) => true.into(),
        ("false", ..) => false.into(),
        (_, Ok(number), _) => number.into(),
        (_, _, Ok(number)) if number.is_finite() => number.into(),
        _ => text.to_owned().into(),
    }
}

struct Line {
    span: RawSpan,
    new_names: bool,
}

impl Line {
    fn set(&mut self, key: &str, value: impl Into<RawValue>) {
        self.span.attributes.push((Text::Owned(key.to_owned()), value.into()));
    }

    fn name(&mut self, name: impl Into<Text>) {
        self.span.name = name.into();
    }

    fn what(&mut self, what: &str) {
        let words: Vec<&str> = what.split_whitespace().collect();
        match words.as_slice() {
            [">", method, url, status @ ..] => {
                self.name((*method).to_owned());
                self.span.kind = SpanKind::Client;
                self.request(method, url);
                self.answer(status.first(), 400);
            }
            ["<", method, route, status @ ..] => {
                let url = format!("{}{route}", own_url(&self.span.service));
                let name = route.split('/').map(|part| if part.starts_with("op_") { "{operation_id}" } else { part });
                self.name(format!("{method} {}", name.collect::<Vec<_>>().join("/")));
                self.span.kind = SpanKind::Server;
                self.request(method, &url);
                let key = if self.new_names { "url.path" } else { "http.target" };
                self.set(key, (*route).to_owned());
                self.answer(status.first(), 500);
            }
            ["register", id, kind] => {
                self.name("operation.register");
                self.set("operation.id", (*id).to_owned());
                self.set("operation.type", (*kind).to_owned());
                self.set("operation.status", "pending");
                self.span.status = Status::Ok;
            }
            [change, id] if change.contains("->") => {
                let (from, to) = change.split_once("->").unwrap();
                self.name("operation.state_transition");
                self.set("operation.id", (*id).to_owned());
                self.set("operation.from_status", from.to_owned());
                self.set("operation.to_status", to.to_owned());
                self.span.status = Status::Ok;
            }
            _ => self.name(what.to_owned()),
        }
    }

    fn request(&mut self, method: &str, url: &str) {
        let keys = if self.new_names { ["http.request.method", "url.full"] } else { ["http.method", "http.url"] };
        self.set(keys[0], method.to_owned());
        self.set(keys[1], url.to_owned());
    }

    fn answer(&mut self, status: Option<&&str>, error_from: i64) {
        let Some(code) = status.and_then(|status| status.parse::<i64>().ok()) else { return };
        self.set(if self.new_names { "http.response.status_code" } else { "http.status_code" }, code);
        if code >= error_from {
            self.span.status = Status::Error;
        }
    }

    fn more(&mut self, word: &str) {
        let raised = word.strip_prefix('@').and_then(|timed| timed.split_once('!'));
        let (at, word) = raised.map_or((None, word), |(at, _)| (Some(at), word.trim_start_matches(|c| c != '!')));
        if let Some(raised) = word.strip_prefix('!') {
            let (class, message) = raised.split_once(':').unwrap_or((raised, ""));
            let short = class.rsplit('.').next().unwrap_or(class);
            self.span.status = Status::Error;
            self.span.status_message = format!("{short}: {}", message.trim()).into();
            self.span.events.push(RawEvent {
                time: at.map_or(self.span.end(), |at| self.span.start + span_of_time(at)),
                name: "exception".into(),
                attributes: vec![
                    ("exception.type".into(), class.to_owned().into()),
                    ("exception.message".into(), message.trim().to_owned().into()),
                ],
            });
        } else if let Some(trace) = word.strip_prefix("trace=") {
            let event = self.span.events.last_mut().unwrap();
            event.attributes.push(("exception.stacktrace".into(), trace.replace("\\n", "\n").into()));
        } else if let Some(kind) = word.strip_prefix("kind=") {
            self.span.kind = SpanKind::parse(kind).unwrap();
        } else if let Some(description) = word.strip_prefix("error=").filter(|text| !text.starts_with('"')) {
            self.span.status = Status::Error;
            self.span.status_message = description.to_owned().into();
        } else if word == "error" {
            self.span.status = Status::Error;
        } else if word == "ok" {
            self.span.status = Status::Ok;
        } else if let Some((key, text)) = word.split_once('=') {
            self.set(key, value(text));
        } else {
            panic!("what is '{word}'?");
        }
    }
}

/// The traces of a picture, with `{T}`, `{B}`, `{D}`, `{R}` for an operation id of each type.
pub(crate) fn draw(picture: &str) -> Vec<RawTrace> {
    let picture = picture.replace("{T}", T).replace("{B}", B).replace("{D}", D).replace("{R}", R);
    let mut traces: Vec<RawTrace> = Vec::new();
    let mut above: Vec<(usize, SpanId)> = Vec::new();
    let mut open = false;
    for (number, line) in picture.lines().enumerate() {
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        if !open {
            traces.push(RawTrace { id: TraceId(0xabc0 + traces.len() as u128), spans: Vec::new() });
            above.clear();
            open = true;
        }
        let indent = line.len() - line.trim_start().len();
        let mut parts = line.trim().splitn(4, " | ").map(str::trim);
        let who = parts.next().unwrap();
        let (missing, who) = who.strip_prefix('?').map_or((false, who), |rest| (true, rest));
        let what = parts.next().unwrap_or_else(|| panic!("no span in: {line}"));
        let time = parts.next().unwrap_or_else(|| panic!("no time in: {line}"));
        let (start, length) = time.split_once('+').unwrap_or((time, "1ms"));
        above.retain(|(deep, _)| *deep < indent);
        let parent = if missing { Some(SpanId(0xdead)) } else { above.last().map(|(_, id)| *id) };
        let extra: Vec<&str> = parts.next().map(|rest| rest.split(" ; ").map(str::trim).collect()).unwrap_or_default();
        let mut line = Line {
            span: RawSpan {
                id: SpanId(number as u64 + 1),
                parent,
                name: "".into(),
                service: service(who).to_owned().into(),
                kind: SpanKind::Unspecified,
                status: Status::Unset,
                status_message: "".into(),
                start: BASE + span_of_time(start.trim()),
                duration: span_of_time(length.trim()),
                process: Arc::new(Vec::new()),
                scope: ("".into(), "".into()),
                attributes: Vec::new(),
                events: Vec::new(),
            },
            new_names: extra.contains(&"new"),
        };
        line.what(what);
        for word in extra.into_iter().filter(|word| *word != "new") {
            line.more(word);
        }
        above.push((indent, line.span.id));
        traces.last_mut().unwrap().spans.push(line.span);
    }
    traces
}

/// As the engine gets them.
pub(crate) fn traces(raw: &[RawTrace]) -> Vec<Trace> {
    decode(&jaeger_json(raw, JaegerVersion::V1_53)).unwrap().traces
}

/// The diagnoses of a picture, `after` its start.
pub(crate) fn read(picture: &str, after: &str) -> Vec<Diagnosis> {
    read_by(playbook(), picture, after)
}

/// The diagnoses of a picture by another playbook.
pub(crate) fn read_by(playbook: &Playbook, picture: &str, after: &str) -> Vec<Diagnosis> {
    let context = Context { now: BASE + span_of_time(after), ..Context::default() };
    diagnose(&traces(&draw(picture)), playbook, &context).diagnoses
}

/// The diagnosis of the one operation of a picture.
pub(crate) fn one(picture: &str, after: &str) -> Diagnosis {
    one_by(playbook(), picture, after)
}

/// The diagnosis of the one operation of a picture by another playbook.
pub(crate) fn one_by(playbook: &Playbook, picture: &str, after: &str) -> Diagnosis {
    let mut all = read_by(playbook, picture, after);
    assert_eq!(all.len(), 1, "{:#?}", all.iter().map(|d| (&d.operation_id, &d.summary)).collect::<Vec<_>>());
    all.remove(0)
}

/// The diagnosis of an operation among several.
pub(crate) fn of(id: &str, picture: &str, after: &str) -> Diagnosis {
    let all = read(picture, after);
    let found = all.iter().find(|d| d.operation_id.as_deref() == Some(id)).cloned();
    found.unwrap_or_else(|| panic!("no {id} among {:?}", all.iter().map(|d| &d.operation_id).collect::<Vec<_>>()))
}

/// The embedded playbook.
pub(crate) fn playbook() -> &'static Playbook {
    static PLAYBOOK: LazyLock<Playbook> = LazyLock::new(Playbook::ktrdr);
    &PLAYBOOK
}
