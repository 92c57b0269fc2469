//! Data downloads: the API runs the operation, and the IB host service fetches the segments of data.

use crate::{
    http::{Reply, Request},
    ktrdr::{API, CLI, Deployment, Exit, IB, Operation, SERVICE},
    scenario_builder::{ScenarioBuilder, TraceContext, mins, ms, secs},
};
use trace::{Micros, Time};

const ARGS: &str = "\"symbol\": \"EURUSD\", \"timeframe\": \"1h\", \"mode\": \"tail\", \"start_date\": \"2024-01-01\", \
    \"end_date\": \"2024-02-01\", \"trading_hours_only\": false, \"include_extended\": false, \"show_progress\": true, \
    \"output_format\": \"table\", \"verbose\": false, \"quiet\": false";
const FETCHER: &str = "ib.data_fetcher";

/// A download that has started.
struct Started {
    operation: Operation,
    cli: TraceContext,
    /// The context below `data.download`, which ends long before the work below it.
    service: TraceContext,
    /// When its state changed to running.
    running: Time,
}

fn start(builder: &mut ScenarioBuilder, deployment: &Deployment, symbol: &'static str) -> Started {
    let at = builder.base;
    let top = builder.new_trace();
    let cli = builder.cli(top, "data_load", ARGS, at, ms(540), Exit::Ok);
    builder.call(cli, CLI, &deployment.api, &Request::new("GET", "/api/v1/health"), (at + ms(91), ms(12)), 200);
    let request =
        Request::with_path("POST", "/api/v1/data/acquire/download", "/api/v1/data/acquire/download?async_mode=true");
    let server = builder.call(cli, CLI, &deployment.api, &request, (at + ms(173), ms(21)), 200);
    let when = at + ms(184);
    let operation = builder.operation("data_load", when, symbol, "1h");
    let service = builder
        .span(server, API, "data.download", when, Micros(1450))
        .scope(SERVICE, "")
        .attr("service.method", "data.download")
        .attr("data.symbol", symbol)
        .attr("data.timeframe", "1h")
        .attr("data.start_date", "2024-01-01")
        .attr("data.end_date", "2024-02-01")
        .ok()
        .add();
    builder.register(service, API, &operation, when + Micros(400));
    let running = when + Micros(1100);
    builder.transition(service, API, &operation, running, ("pending", "running"), &[]);
    builder.set_main_operation(&operation.id);
    Started { operation, cli, service, running }
}

/// The result of a segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Bars(i64),
    TimedOut,
}

fn segment(
    builder: &mut ScenarioBuilder,
    deployment: &Deployment,
    started: &Started,
    when: Time,
    took: Micros,
    result: Segment,
) {
    let request = Request::new("POST", "/data/historical");
    // The host service answers 200 even if the fetch failed.
    let server = builder.call(started.service, API, &deployment.ib, &request, (when, took), 200);
    let (start, inner) = (when + ms(4), Micros(took.0 - 8000));
    let span = builder
        .span(server, IB, "ib.fetch_historical", start, inner)
        .scope(FETCHER, "")
        .attr("data.symbol", started.operation.symbols.clone())
        .attr("data.timeframe", "1h")
        .attr("data.start_date", "2024-01-01")
        .attr("data.end_date", "2024-02-01")
        .attr("data.instrument_type", "forex");
    match result {
        Segment::Bars(bars) => {
            span.attr("bars.received", bars).attr("ib.latency_ms", (inner.0 - 2100) as f64 / 1000.0).add()
        }
        Segment::TimedOut => {
            span.attr("error", true).raised("TimeoutError", "Historical data request timed out", 2).add()
        }
    };
}

fn validate(builder: &mut ScenarioBuilder, deployment: &Deployment, started: &Started, when: Time, took: Micros) {
    builder.call(started.service, API, &deployment.ib, &Request::new("POST", "/data/validate"), (when, took), 200);
}

fn poll_for_a_while(builder: &mut ScenarioBuilder, deployment: &Deployment, started: &Started, until: Time) {
    let mut when = started.running + ms(300);
    let last = until.min(when + secs(9));
    while when < last {
        builder.poll(started.cli, deployment, &started.operation, when, None);
        when = when + ms(305);
    }
    builder.extend_until(started.cli, when);
}

/// Adds a download with `count` segments, each of which takes `took` milliseconds (shortest, longest). Those in `lost` fail.
pub(super) fn segments(
    builder: &mut ScenarioBuilder,
    symbol: &'static str,
    count: i64,
    took: (i64, i64),
    lost: &[i64],
) {
    let deployment = Deployment::new(builder.seed);
    let started = start(builder, &deployment, symbol);
    let mut when = started.running + ms(107);
    validate(builder, &deployment, &started, when, secs(3));
    when = when + secs(3) + ms(40);
    for nth in 0..count {
        let took = ms(builder.rng.within(took.0, took.1));
        let bars = Segment::Bars(builder.rng.within(400, 1000));
        segment(builder, &deployment, &started, when, took, if lost.contains(&nth) { Segment::TimedOut } else { bars });
        when = when + took + ms(35);
    }
    poll_for_a_while(builder, &deployment, &started, when);
    builder.transition(started.service, API, &started.operation, when, ("running", "completed"), &[]);
    builder.set_clock(mins(30));
}

/// 3: every segment takes 12 to 28 s at the gateway.
pub(super) fn slow_gateway(builder: &mut ScenarioBuilder) {
    segments(builder, "EURUSD", 40, (12_000, 28_000), &[]);
}

/// 3b: five of forty segments fail, but the state of the operation is `completed`.
pub(super) fn segments_failed(builder: &mut ScenarioBuilder) {
    segments(builder, "GBPUSD", 40, (900, 2_400), &[7, 8, 21, 30, 31]);
}

/// 7b: the IB host service does not listen.
pub(super) fn host_down(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let started = start(builder, &deployment, "EURUSD");
    let (when, request) = (started.running + ms(107), Request::new("POST", "/data/validate"));
    builder.client(started.service, API, &deployment.ib, &request, (when, ms(8)), Reply::Refused);
    let text = "Host service connection failed: HTTP error for POST /data/validate: All connection attempts failed";
    let error = [("operation.error", text.into())];
    builder.transition(started.service, API, &started.operation, when + ms(40), ("running", "failed"), &error);
    builder.set_clock(mins(10));
}

/// 7d: the host service listens but does not answer, because the IB Gateway is not running. Other traces show that.
pub(super) fn gateway_down(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let started = start(builder, &deployment, "USDJPY");
    let request = Request::new("POST", "/data/validate");
    let mut when = started.running + ms(107);
    for pause in [1, 2, 4, 0] {
        let client = builder.client(
            started.service,
            API,
            &deployment.ib,
            &request,
            (when, secs(30) + ms(4)),
            Reply::ReadTimeout,
        );
        // The host's server span never ends, so only its `http receive` is exported.
        let server = builder.below_missing_span(client);
        builder
            .span(server, IB, "POST /data/validate http receive", when + ms(3), Micros(210))
            .scope("opentelemetry.instrumentation.fastapi", "0.59b0")
            .attr("asgi.event.type", "http.request")
            .add();
        when = when + secs(30 + pause) + ms(9);
    }
    let error = [("operation.error", "Host service timeout: Request timed out after 4 attempts: ".into())];
    builder.transition(started.service, API, &started.operation, when, ("running", "failed"), &error);
    for nth in 0..12 {
        connect_refused(builder, started.running + ms(350) + Micros(ms(10_450).0 * nth), 9 + nth % 3);
    }
    builder.set_clock(mins(10));
}

fn connect_refused(builder: &mut ScenarioBuilder, when: Time, client_id: i64) {
    let top = builder.new_trace();
    builder
        .span(top, IB, "ib.connect", when, Micros(5700))
        .scope("ib.connection", "")
        .attr("ib.host", "127.0.0.1")
        .attr("ib.port", 4002)
        .attr("connection.client_id", client_id)
        .attr("connection.status", "error")
        .raised("ConnectionRefusedError", "[Errno 111] Connect call failed ('127.0.0.1', 4002)", 2)
        .add();
}

/// One small request per trading day: 180 short calls in a row.
pub(super) fn n_plus_one(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let started = start(builder, &deployment, "CADJPY");
    let mut when = started.running + ms(107);
    validate(builder, &deployment, &started, when, ms(80));
    when = when + ms(120);
    for _ in 0..180 {
        let took = ms(builder.rng.within(90, 150));
        let bars = Segment::Bars(builder.rng.within(20, 24));
        segment(builder, &deployment, &started, when, took, bars);
        when = when + took + ms(6);
    }
    builder.transition(started.service, API, &started.operation, when, ("running", "completed"), &[]);
    builder.set_clock(mins(10));
}
