//! Scenarios in the telemetry of KTRDR's first observability plan: `worker_registry.*`, upper-case values, counts as
//! integers, exceptions as tags, an error flag that is a text. No version of KTRDR ever emitted it, but its documentation
//! describes it.

mod spans;

use self::spans::{
    BACKTEST, DOWNLOAD, OperationKind, Phase, TRAINING, WorkerEnd, dispatch, select, start, update_status, work,
};
use crate::{
    ktrdr::API,
    scenario_builder::{ScenarioBuilder, mins, ms, secs},
};
use trace::Micros;

fn data(rows: i64) -> Phase {
    ("training.data_loading", secs(5), vec![("data.rows", rows.into()), ("progress.phase", "data_loading".into())])
}

fn training_loop(took: Micros, device: &'static str, busy: i64) -> Phase {
    let attributes = vec![
        ("training.device", device.into()),
        ("training.epochs.total", 100.into()),
        ("training.epochs.completed", 100.into()),
        ("gpu.utilization_percent", busy.into()),
        ("progress.percentage", 100.0.into()),
        ("progress.phase", "training".into()),
    ];
    ("training.training_loop", took, attributes)
}

fn trained(builder: &mut ScenarioBuilder, took: Micros, device: &'static str, busy: i64, symbol: &'static str) {
    let phases = [
        data(5000),
        ("training.model_init", secs(5), vec![("model.parameters", 48_211.into())]),
        training_loop(took, device, busy),
        ("training.save_model", secs(11), vec![("model.size_mb", 1.4.into())]),
    ];
    work(builder, TRAINING, &phases, &WorkerEnd::Done, symbol);
}

/// 1 in the planned telemetry.
pub(super) fn training_success(builder: &mut ScenarioBuilder) {
    trained(builder, mins(24), "cuda:0", 87, "EURUSD");
    builder.set_clock(mins(40));
}

/// 14: the loop runs on a CPU, and its span has the device.
pub(super) fn on_cpu(builder: &mut ScenarioBuilder) {
    trained(builder, mins(242), "cpu", 0, "USDCHF");
    builder.set_clock(mins(260));
}

/// 2 in the planned telemetry.
pub(super) fn backtest_success(builder: &mut ScenarioBuilder) {
    let phases: [Phase; 3] = [
        ("backtest.data_loading", secs(4), vec![("data.rows", 3000.into())]),
        ("backtest.strategy_init", secs(2), Vec::new()),
        ("backtest.simulation", secs(252), vec![("progress.percentage", 100.0.into())]),
    ];
    work(builder, BACKTEST, &phases, &WorkerEnd::Done, "EURUSD");
    builder.set_clock(mins(15));
}

/// 3: one long fetch because of a high latency at the gateway.
pub(super) fn slow_gateway(builder: &mut ScenarioBuilder) {
    let started = start(builder, DOWNLOAD, "EURUSD", false);
    let fetch = builder
        .span(started.server, API, "data.fetch", started.when, secs(48))
        .attr("operation.id", started.operation.id.clone())
        .attr("data.bars_requested", 12_000)
        .attr("data.bars_received", 12_000)
        .attr("data.source", "ib")
        .attr("ib.latency_ms", 45_210.0)
        .add();
    builder
        .span(
            fetch,
            started.deployment.ib.service.clone(),
            "ib.fetch_historical",
            started.when + ms(20),
            Micros(45_210_000),
        )
        .attr("ib.latency_ms", 45_210.0)
        .attr("data.bars_requested", 12_000)
        .add();
    let end = started.when + secs(49);
    update_status(builder, &started, end, "COMPLETED");
    // In the plan, the request waits for the whole download.
    for (span, after) in [(started.server, 6), (started.request, 9), (started.cli, 40)] {
        builder.extend_until(span, end + ms(after));
    }
    builder.set_clock(mins(15));
}

fn refused_selection(builder: &mut ScenarioBuilder, kind: OperationKind, counts: [i64; 3]) {
    let started = start(builder, kind, "EURUSD", true);
    select(builder, &started, counts);
    builder.set_clock(mins(10));
}

/// 4: no worker is registered.
pub(super) fn no_workers_backtest(builder: &mut ScenarioBuilder) {
    refused_selection(builder, BACKTEST, [0, 0, 0]);
}

/// 4b: in the planned telemetry, the start of a training also records counts.
pub(super) fn no_workers_training(builder: &mut ScenarioBuilder) {
    refused_selection(builder, TRAINING, [0, 0, 0]);
}

/// 5: no worker is of the type.
pub(super) fn no_capable_workers(builder: &mut ScenarioBuilder) {
    refused_selection(builder, BACKTEST, [2, 0, 0]);
}

/// 6: every worker is busy.
pub(super) fn all_busy(builder: &mut ScenarioBuilder) {
    refused_selection(builder, BACKTEST, [1, 1, 0]);
}

/// 7: the chosen worker does not listen.
pub(super) fn worker_refused(builder: &mut ScenarioBuilder) {
    let started = start(builder, TRAINING, "EURUSD", true);
    select(builder, &started, [4, 2, 2]);
    dispatch(builder, &started, "http://training-worker-1:5005/training/start", false);
    builder.set_clock(mins(10));
}

/// 8: the worker raises an exception, and its span has the class.
pub(super) fn value_error(builder: &mut ScenarioBuilder) {
    let error = WorkerEnd::Raised("ValueError", "No aligned samples available: min_len=0");
    work(builder, TRAINING, &[data(5000), training_loop(secs(12), "cuda:0", 80)], &error, "EURUSD");
    builder.set_clock(mins(10));
}

/// 9: the data of a symbol was never loaded.
pub(super) fn data_not_found(builder: &mut ScenarioBuilder) {
    let error = WorkerEnd::Raised("DataNotFoundError", "No data found in cache for XAUUSD 1h");
    let phases: [Phase; 1] = [("training.data_loading", ms(400), vec![("error.symbol", "XAUUSD".into())])];
    work(builder, TRAINING, &phases, &error, "XAUUSD");
    builder.set_clock(mins(10));
}

/// 10: a phase without its worker's span, then nothing.
pub(super) fn crashed(builder: &mut ScenarioBuilder) {
    work(builder, TRAINING, &[data(5000)], &WorkerEnd::Vanished, "EURUSD,GBPUSD");
    builder.set_clock(mins(190));
}

/// 13: fifteen minutes at 45 %. The progress was last updated long ago, by another instance of the service.
pub(super) fn frozen_progress(builder: &mut ScenarioBuilder) {
    let updated = (builder.base.0 + 47_000_000) as f64 / 1e6;
    let frozen: Phase = (
        "training.training_loop",
        secs(900),
        vec![
            ("training.device", "cuda:0".into()),
            ("progress.percentage", 45.0.into()),
            ("progress.phase", "training".into()),
            ("progress.updated_at", updated.into()),
            ("operations_service.instance_id", "140987654321098".into()),
        ],
    );
    work(builder, TRAINING, &[data(5000), frozen], &WorkerEnd::Frozen, "EURUSD");
    builder.set_clock(mins(16));
}
