//! The inputs of the benches, made from a fixed seed so that nobody has to download anything.

#![allow(dead_code, reason = "each bench uses its own part")]

use std::sync::Arc;

use testbed::{JaegerVersion, JaegerWriter, RawAttributes, RawSpan, RawTrace, Rng, Text};
use trace::{Micros, SpanId, SpanKind, Status, Time, TraceId};

/// When the first operation of every workload starts.
pub(crate) const BASE: Time = Time(1_795_341_900_000_000);
/// A clock after the end of every workload.
pub(crate) const NOW: Time = Time(1_795_341_900_000_000 + 86_400_000_000);

const HTTPX: (Text, Text) = (Text::Borrowed("opentelemetry.instrumentation.httpx"), Text::Borrowed("0.59b0"));
const FASTAPI: (Text, Text) = (Text::Borrowed("opentelemetry.instrumentation.fastapi"), Text::Borrowed("0.59b0"));
const SERVICE: (Text, Text) = (Text::Borrowed("ktrdr.monitoring.service_telemetry"), Text::Borrowed(""));
const WORKER: &str = "ktrdr-training-worker-8ca5a72c";

/// Makes the spans of one trace and hands each to `out`, so that the largest workload never exists twice.
struct Maker<'o> {
    rng: Rng,
    process: Arc<RawAttributes>,
    out: &'o mut dyn FnMut(RawSpan),
    made: usize,
}

fn pairs(list: &[(&'static str, &str)]) -> RawAttributes {
    list.iter().map(|(key, value)| ((*key).into(), (*value).to_owned().into())).collect()
}

impl<'o> Maker<'o> {
    fn new(seed: u64, out: &'o mut dyn FnMut(RawSpan)) -> Self {
        let process = pairs(&[
            ("telemetry.sdk.language", "python"),
            ("telemetry.sdk.name", "opentelemetry"),
            ("telemetry.sdk.version", "1.38.0"),
            ("service.version", "0.0.0.dev"),
            ("deployment.environment", "development"),
        ]);
        Self { rng: Rng::new("workload", &[seed]), process: Arc::new(process), out, made: 0 }
    }

    fn span(
        &mut self,
        (parent, service): (Option<SpanId>, &'static str),
        name: &'static str,
        (kind, status): (SpanKind, Status),
        (start, duration): (Time, Micros),
        (scope, attributes): ((Text, Text), RawAttributes),
    ) -> SpanId {
        let id = SpanId(self.rng.draw() | 1);
        (self.out)(RawSpan {
            id,
            parent,
            name: name.into(),
            service: service.into(),
            kind,
            status,
            status_message: "".into(),
            start,
            duration,
            process: Arc::clone(&self.process),
            scope,
            attributes,
            events: Vec::new(),
        });
        self.made += 1;
        id
    }

    fn client(&mut self, at: (SpanId, &'static str), method: &'static str, url: &str, when: (Time, Micros)) -> SpanId {
        let mut attributes = pairs(&[("http.method", method), ("http.url", url)]);
        attributes.push(("http.status_code".into(), 200.into()));
        self.span((Some(at.0), at.1), method, (SpanKind::Client, Status::Unset), when, (HTTPX, attributes))
    }

    fn server(
        &mut self,
        at: (SpanId, &'static str),
        (method, name, route): (&'static str, &'static str, &'static str),
        (host, path): (&'static str, &str),
        when: (Time, Micros),
    ) -> SpanId {
        let url = format!("http://{host}{path}");
        let mut attributes = pairs(&[
            ("http.scheme", "http"),
            ("http.host", host),
            ("http.flavor", "1.1"),
            ("http.target", path),
            ("http.url", &url),
            ("http.method", method),
            ("http.server_name", host),
            ("http.user_agent", "python-httpx/0.28.1"),
            ("net.peer.ip", "172.18.0.7"),
            ("http.route", route),
        ]);
        attributes.push(("net.host.port".into(), 8000.into()));
        attributes.push(("net.peer.port".into(), self.rng.within(32_768, 61_000).into()));
        attributes.push(("http.status_code".into(), 200.into()));
        self.span((Some(at.0), at.1), name, (SpanKind::Server, Status::Unset), when, (FASTAPI, attributes))
    }

    fn sends(&mut self, at: (SpanId, &'static str), name: &'static str, when: Time, count: i64) {
        for nth in 0..count {
            let attributes = pairs(&[("asgi.event.type", "http.response.body")]);
            let when = (when + Micros(300 * nth), Micros(30));
            self.span((Some(at.0), at.1), name, (SpanKind::Internal, Status::Unset), when, (FASTAPI, attributes));
        }
    }

    fn method(&mut self, at: (SpanId, &'static str), name: &'static str, when: (Time, Micros), says: RawAttributes) {
        self.span((Some(at.0), at.1), name, (SpanKind::Internal, Status::Ok), when, (SERVICE, says));
    }

    fn transition(&mut self, at: SpanId, id: &str, when: Time, from: &str, to: &str) {
        let says = pairs(&[("operation.id", id), ("operation.from_status", from), ("operation.to_status", to)]);
        self.method((at, WORKER), "operation.state_transition", (when, Micros(80)), says);
    }

    /// The start of a training; answers the command's span and the worker's.
    fn start(&mut self, id: &str, at: Time, length: Micros) -> (SpanId, SpanId) {
        let says = pairs(&[("cli.command", "train"), ("cli.args", "{\"args\": [], \"kwargs\": {\"follow\": true}}")]);
        let kinds = (SpanKind::Internal, Status::Ok);
        let root = self.span((None, "ktrdr-cli"), "cli.train", kinds, (at, length), (SERVICE, says));
        let path = "/api/v1/trainings/start";
        let url = format!("http://backend:8000{path}");
        let post = self.client((root, "ktrdr-cli"), "POST", &url, (at + Micros(174_000), Micros(215_000)));
        let api = self.server(
            (post, "ktrdr-api"),
            ("POST", "POST /api/v1/trainings/start", path),
            ("backend:8000", path),
            (at + Micros(176_000), Micros(211_000)),
        );
        self.method((api, "ktrdr-api"), "training.start", (at + Micros(180_000), Micros(196_000)), Vec::new());
        let url = "http://training-worker-1:5005/training/start";
        let dispatch = self.client((api, "ktrdr-api"), "POST", url, (at + Micros(350_000), Micros(8_000)));
        let worker = self.server(
            (dispatch, WORKER),
            ("POST", "POST /training/start", "/training/start"),
            ("training-worker-1:5005", "/training/start"),
            (at + Micros(353_000), Micros(2_300)),
        );
        let mut says = pairs(&[
            ("operation.id", id),
            ("data.symbol", "EURUSD,GBPUSD"),
            ("data.timeframe", "1h"),
            ("operation.type", "training"),
            ("operation.status", "pending"),
        ]);
        says.push(("operation.is_backend_local".into(), false.into()));
        self.method((worker, WORKER), "operation.register", (at + Micros(356_000), Micros(400)), says);
        self.transition(worker, id, at + Micros(357_000), "pending", "running");
        for nth in 0..3 {
            let mut says = pairs(&[("data.symbol", "EURUSD"), ("data.timeframes", "1h")]);
            says.push(("data.rows".into(), 5000.into()));
            let when = (at + Micros(740_000 + 500_000 * nth), Micros(480_000));
            self.method((worker, WORKER), "training.data_loading", when, says);
        }
        (root, worker)
    }

    /// A poll: five spans when the API knows the answer, thirteen when it asks the worker.
    fn poll(&mut self, root: SpanId, id: &str, at: Time, ask: bool) {
        const NAME: &str = "GET /api/v1/operations/{operation_id}";
        const ROUTE: &str = "/api/v1/operations/{operation_id}";
        let path = format!("/api/v1/operations/{id}");
        let url = format!("http://backend:8000{path}");
        let took = if ask { 16_000 } else { 5_000 };
        let get = self.client((root, "ktrdr-cli"), "GET", &url, (at, Micros(took)));
        let when = (at + Micros(1000), Micros(took - 2000));
        let api = self.server((get, "ktrdr-api"), ("GET", NAME, ROUTE), ("backend:8000", &path), when);
        self.sends((api, "ktrdr-api"), "GET /api/v1/operations/{operation_id} http send", at + Micros(took - 1500), 3);
        if ask {
            for nth in 0..2 {
                let at = at + Micros(2000 + 5000 * nth);
                let url = format!("http://training-worker-1:5005{path}");
                let get = self.client((api, "ktrdr-api"), "GET", &url, (at, Micros(4000)));
                let when = (at + Micros(700), Micros(2600));
                let host = ("training-worker-1:5005", path.as_str());
                let worker = self.server((get, WORKER), ("GET", NAME, ROUTE), host, when);
                self.sends((worker, WORKER), "GET /api/v1/operations/{operation_id} http send", at + Micros(2000), 2);
            }
        }
    }
}

fn operation_id(nth: u64) -> String {
    format!("op_training_20261122_100500_{:08x}", Rng::new("operation", &[nth]).draw() as u32)
}

/// One followed training of exactly `count` spans (16 at least).
fn followed(nth: u64, count: usize, out: &mut dyn FnMut(RawSpan)) {
    let id = operation_id(nth);
    let at = BASE + Micros(nth as i64 * 11_000_000);
    let polls = count.saturating_sub(12) as i64 / 8;
    let length = Micros(3_000_000 + polls * 310_000);
    // The last poll is cut where the count is reached; its missing spans are leaves or carry none.
    let mut left = count.saturating_sub(1);
    let mut limited = |span: RawSpan| {
        if left > 0 {
            left -= 1;
            out(span);
        }
    };
    let mut maker = Maker::new(nth, &mut limited);
    let (root, worker) = maker.start(&id, at, length);
    let mut nth = 0;
    while maker.made + 1 < count {
        maker.poll(root, &id, at + Micros(500_000 + 310_000 * nth), nth % 3 == 0);
        nth += 1;
    }
    let mut last = Maker::new(!0 - nth as u64, out);
    last.transition(worker, &id, at + length, "running", "completed");
}

fn trace_id(nth: u64) -> TraceId {
    let mut rng = Rng::new("trace", &[nth]);
    TraceId(u128::from(rng.draw()) << 64 | u128::from(rng.draw()))
}

fn write(traces: u64, count: usize, fill: impl Fn(u64, usize, &mut dyn FnMut(RawSpan))) -> Vec<u8> {
    let mut writer = JaegerWriter::new(JaegerVersion::V2, traces as usize * count * 1_050 + 4096);
    for nth in 0..traces {
        writer.begin(trace_id(nth));
        fill(nth, count, &mut |span| writer.span(&span));
        writer.end();
    }
    writer.finish()
}

/// S1: 20 traces of 50 spans, what a dashboard asks for.
pub(crate) fn s1() -> Vec<u8> {
    write(20, 50, followed)
}

/// S2: one trace of 50 000 spans.
pub(crate) fn s2() -> Vec<u8> {
    write(1, 50_000, followed)
}

/// S3: 1 500 traces of 50 spans.
pub(crate) fn s3() -> Vec<u8> {
    write(1_500, 50, followed)
}

/// S4: one trace of a million spans, or of another number.
pub(crate) fn giant(spans: usize) -> Vec<u8> {
    write(1, spans, followed)
}

/// S5: 20 000 children one after the other.
pub(crate) fn s5() -> Vec<u8> {
    write(1, 20_000, |nth, count, out| {
        let id = operation_id(nth);
        let mut maker = Maker::new(nth, out);
        let step = 10_000;
        let (_, worker) = maker.start(&id, BASE, Micros(3_000_000));
        for nth in 0..count as i64 {
            let when = (BASE + Micros(3_000_000 + step * nth), Micros(step - 1));
            maker.client((worker, WORKER), "POST", "http://host.docker.internal:5001/data/historical", when);
        }
        maker.transition(worker, &id, BASE + Micros(3_000_000 + step * count as i64), "running", "completed");
    })
}

/// S6: a chain of 100 000 spans, each the only child of the one before.
pub(crate) fn s6() -> Vec<u8> {
    write(1, 100_000, |nth, count, out| {
        let id = operation_id(nth);
        let mut maker = Maker::new(nth, out);
        let (_, worker) = maker.start(&id, BASE, Micros(3_000_000));
        let mut parent = worker;
        let whole = 2 * count as i64 + 10;
        for nth in 0..count as i64 {
            let when = (BASE + Micros(3_000_000 + nth), Micros(whole - 2 * nth));
            let at = (Some(parent), WORKER);
            parent = maker.span(at, "step", (SpanKind::Internal, Status::Unset), when, (SERVICE, Vec::new()));
        }
        maker.transition(worker, &id, BASE + Micros(3_000_000 + whole), "running", "completed");
    })
}

/// R1: 20 traces of 33 spans, a chain, whose references repeat the whole parent span with its own references, as one
/// exporter of benchmark suites writes them.
pub(crate) fn r1() -> Vec<u8> {
    let body = write(20, 21, |nth, count, out| {
        let id = operation_id(nth);
        let mut maker = Maker::new(nth, out);
        let (_, worker) = maker.start(&id, BASE, Micros(3_000_000));
        let mut parent = worker;
        for nth in 0..count as i64 {
            let url = "http://compose-post-service:9090/upload";
            parent = maker.client((parent, WORKER), "POST", url, (BASE + Micros(nth), Micros(900 - 2 * nth)));
        }
        maker.transition(worker, &id, BASE + Micros(3_000_000), "running", "completed");
    });
    embed_parents(&body).unwrap_or(body)
}

fn embed_parents(body: &[u8]) -> Option<Vec<u8>> {
    use serde_json::Value;
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    for trace in answer.get_mut("data")?.as_array_mut()? {
        let mut written: std::collections::HashMap<String, Value> = std::collections::HashMap::new();
        for span in trace.get_mut("spans")?.as_array_mut()? {
            for reference in span.get_mut("references")?.as_array_mut()? {
                let parent = reference.get("spanID")?.as_str()?.to_owned();
                if let Some(parent) = written.get(&parent) {
                    reference.as_object_mut()?.insert("span".to_owned(), parent.clone());
                }
            }
            written.insert(span.get("spanID")?.as_str()?.to_owned(), span.clone());
        }
    }
    serde_json::to_vec(&answer).ok()
}

/// The same traces as plain spans, for the OTLP form.
pub(crate) fn plain(traces: u64, count: usize) -> Vec<RawTrace> {
    let trace = |nth| {
        let mut spans = Vec::with_capacity(count);
        followed(nth, count, &mut |span| spans.push(span));
        RawTrace { id: trace_id(nth), spans }
    };
    (0..traces).map(trace).collect()
}
