//! Data downloads: everything about the operation is in the API; the IB host service fetches segments.

use crate::{
    http::{Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, IB, Operation, SERVICE},
    story::{At, Story, mins, ms, secs},
};
use trace::{Micros, Time};

const ARGS: &str = "\"symbol\": \"EURUSD\", \"timeframe\": \"1h\", \"mode\": \"tail\", \"start_date\": \"2024-01-01\", \
    \"end_date\": \"2024-02-01\", \"trading_hours_only\": false, \"include_extended\": false, \"show_progress\": true, \
    \"output_format\": \"table\", \"verbose\": false, \"quiet\": false";
const FETCHER: &str = "ib.data_fetcher";

/// A download after its start request was answered.
struct Started {
    operation: Operation,
    cli: At,
    /// `data.download`, long over when the work goes on below it.
    service: At,
    /// When it was set to running.
    running: Time,
}

fn start(story: &mut Story, d: &Deployment, symbol: &'static str) -> Started {
    let at = story.base;
    let top = story.trace();
    let cli = story.cli(top, "data_load", ARGS, at, ms(540), Exit::Ok);
    story.call(cli, CLI, &d.api, &Request::new("GET", "/api/v1/health"), (at + ms(91), ms(12)), 200);
    let request =
        Request::with_path("POST", "/api/v1/data/acquire/download", "/api/v1/data/acquire/download?async_mode=true");
    let server = story.call(cli, CLI, &d.api, &request, (at + ms(173), ms(21)), 200);
    let when = at + ms(184);
    let operation = story.operation("data_load", when, symbol, "1h");
    let service = story
        .span(server, API, "data.download", when, Micros(1450))
        .scope(SERVICE, "")
        .attr("service.method", "data.download")
        .attr("data.symbol", symbol)
        .attr("data.timeframe", "1h")
        .attr("data.start_date", "2024-01-01")
        .attr("data.end_date", "2024-02-01")
        .ok()
        .done();
    story.register(service, API, &operation, when + Micros(400));
    let running = when + Micros(1100);
    story.transition(service, API, &operation, running, ("pending", "running"), &[]);
    story.about_operation(&operation.id);
    Started { operation, cli, service, running }
}

/// What became of a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Bars(i64),
    TimedOut,
}

fn segment(story: &mut Story, d: &Deployment, s: &Started, when: Time, took: Micros, result: Segment) {
    let request = Request::new("POST", "/data/historical");
    // The host answers 200 even when the fetch failed.
    let server = story.call(s.service, API, &d.ib, &request, (when, took), 200);
    let (start, inner) = (when + ms(4), Micros(took.0 - 8000));
    let pen = story
        .span(server, IB, "ib.fetch_historical", start, inner)
        .scope(FETCHER, "")
        .attr("data.symbol", s.operation.symbols.clone())
        .attr("data.timeframe", "1h")
        .attr("data.start_date", "2024-01-01")
        .attr("data.end_date", "2024-02-01")
        .attr("data.instrument_type", "forex");
    match result {
        Segment::Bars(bars) => {
            pen.attr("bars.received", bars).attr("ib.latency_ms", (inner.0 - 2100) as f64 / 1000.0).done()
        }
        Segment::TimedOut => {
            pen.attr("error", true).raised("TimeoutError", "Historical data request timed out", 2).done()
        }
    };
}

fn validate(story: &mut Story, d: &Deployment, s: &Started, when: Time, took: Micros) {
    story.call(s.service, API, &d.ib, &Request::new("POST", "/data/validate"), (when, took), 200);
}

fn poll_for_a_while(story: &mut Story, d: &Deployment, s: &Started, until: Time) {
    let mut when = s.running + ms(300);
    let last = until.min(when + secs(9));
    while when < last {
        story.poll(s.cli, d, &s.operation, when, None);
        when = when + ms(305);
    }
    story.stretch(s.cli, when);
}

/// So many segments of which each takes `took` ms; `lost` of them fail.
pub(super) fn segments(story: &mut Story, symbol: &'static str, count: i64, took: (i64, i64), lost: &[i64]) {
    let d = Deployment::new(story.seed);
    let s = start(story, &d, symbol);
    let mut when = s.running + ms(107);
    validate(story, &d, &s, when, secs(3));
    when = when + secs(3) + ms(40);
    for nth in 0..count {
        let took = ms(story.rng.within(took.0, took.1));
        let bars = Segment::Bars(story.rng.within(400, 1000));
        segment(story, &d, &s, when, took, if lost.contains(&nth) { Segment::TimedOut } else { bars });
        when = when + took + ms(35);
    }
    poll_for_a_while(story, &d, &s, when);
    story.transition(s.service, API, &s.operation, when, ("running", "completed"), &[]);
    story.clock(mins(30));
}

/// 3: every segment takes 12 to 28 s at the gateway.
pub(super) fn slow_gateway(story: &mut Story) {
    segments(story, "EURUSD", 40, (12_000, 28_000), &[]);
}

/// 3b: five of forty segments fail, yet the operation ends as completed.
pub(super) fn segments_failed(story: &mut Story) {
    segments(story, "GBPUSD", 40, (900, 2_400), &[7, 8, 21, 30, 31]);
}

/// 7b: nothing listens where the IB host service should be.
pub(super) fn host_down(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let s = start(story, &d, "EURUSD");
    let (when, request) = (s.running + ms(107), Request::new("POST", "/data/validate"));
    story.client(s.service, API, &d.ib, &request, (when, ms(8)), Reply::Refused);
    let text = "Host service connection failed: HTTP error for POST /data/validate: All connection attempts failed";
    let error = [("operation.error", text.into())];
    story.transition(s.service, API, &s.operation, when + ms(40), ("running", "failed"), &error);
    story.clock(mins(10));
}

/// 7d: the host listens but hangs, because the gateway behind it does not run; that shows in traces of its own.
pub(super) fn gateway_down(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let s = start(story, &d, "USDJPY");
    let request = Request::new("POST", "/data/validate");
    let mut when = s.running + ms(107);
    for pause in [1, 2, 4, 0] {
        let client = story.client(s.service, API, &d.ib, &request, (when, secs(30) + ms(4)), Reply::ReadTimeout);
        // The host's server span never ends, so only its `http receive` is exported.
        let server = story.under_missing(client);
        story
            .span(server, IB, "POST /data/validate http receive", when + ms(3), Micros(210))
            .scope("opentelemetry.instrumentation.fastapi", "0.59b0")
            .attr("asgi.event.type", "http.request")
            .done();
        when = when + secs(30 + pause) + ms(9);
    }
    let error = [("operation.error", "Host service timeout: Request timed out after 4 attempts: ".into())];
    story.transition(s.service, API, &s.operation, when, ("running", "failed"), &error);
    for nth in 0..12 {
        connect_refused(story, s.running + ms(350) + Micros(ms(10_450).0 * nth), 9 + nth % 3);
    }
    story.clock(mins(10));
}

fn connect_refused(story: &mut Story, when: Time, client_id: i64) {
    let top = story.trace();
    story
        .span(top, IB, "ib.connect", when, Micros(5700))
        .scope("ib.connection", "")
        .attr("ib.host", "127.0.0.1")
        .attr("ib.port", 4002)
        .attr("connection.client_id", client_id)
        .attr("connection.status", "error")
        .raised("ConnectionRefusedError", "[Errno 111] Connect call failed ('127.0.0.1', 4002)", 2)
        .done();
}

/// One small request per trading day: 180 quick calls one after the other.
pub(super) fn n_plus_one(story: &mut Story) {
    let d = Deployment::new(story.seed);
    let s = start(story, &d, "CADJPY");
    let mut when = s.running + ms(107);
    validate(story, &d, &s, when, ms(80));
    when = when + ms(120);
    for _ in 0..180 {
        let took = ms(story.rng.within(90, 150));
        let bars = Segment::Bars(story.rng.within(20, 24));
        segment(story, &d, &s, when, took, bars);
        when = when + took + ms(6);
    }
    story.transition(s.service, API, &s.operation, when, ("running", "completed"), &[]);
    story.clock(mins(10));
}
