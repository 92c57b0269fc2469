//! The usual beginnings of operations, so that a test writes only what is special about it.

/// Puts `lines` below a place that is `deep` spaces in.
fn below(deep: usize, lines: &str) -> String {
    let lines: Vec<&str> = lines.trim_matches('\n').lines().collect();
    let least = lines.iter().filter(|l| !l.trim().is_empty()).map(|l| l.len() - l.trim_start().len()).min();
    let cut = |line: &str| line.get(least.unwrap_or(0)..).unwrap_or_default().to_owned();
    lines.iter().map(|line| format!("{}{}\n", " ".repeat(deep), cut(line))).collect()
}

/// A training that runs on its worker; `lines` are below the worker's request.
pub(crate) fn training(lines: &str) -> String {
    training_at("training-worker-1:5005", lines)
}

/// The same, dispatched to another address.
pub(crate) fn training_at(address: &str, lines: &str) -> String {
    format!(
        "\
cli | cli.train | 0 +400ms | ok
  cli | > POST http://backend:8000/api/v1/trainings/start 200 | 10ms +200ms
    api | < POST /api/v1/trainings/start 200 | 12ms +196ms
      api | training.start | 15ms +190ms | ok
        api | > POST http://{address}/training/start 200 | 50ms +10ms
          train | < POST /training/start 200 | 52ms +6ms
            train | register {{T}} training | 60ms | data.symbol=EURUSD ; data.timeframe=1h
            train | pending->running {{T}} | 62ms
            train | training.data_loading | 70ms +5s | data.symbol=EURUSD ; ok
{}",
        below(12, lines)
    )
}

/// A backtest that runs on its worker; `lines` are below the worker's request.
pub(crate) fn backtest(lines: &str) -> String {
    backtest_selected("2ms", lines)
}

/// The same with a selection that took so long.
pub(crate) fn backtest_selected(took: &str, lines: &str) -> String {
    format!(
        "\
cli | cli.backtest | 0 +900ms | ok
  cli | > POST http://backend:8000/api/v1/backtests/start 200 | 10ms +800ms
    api | < POST /api/v1/backtests/start 200 | 12ms +796ms
      api | workers.select | 20ms +{took} | {FREE} ; worker.selected_id=backtesting-worker-1 ; ok
      api | > POST http://backtest-worker-1:5003/backtests/start 200 | 650ms +10ms
        back | < POST /backtests/start 200 | 652ms +6ms
          back | register {{B}} backtesting | 660ms | data.symbol=EURUSD ; data.timeframe=1h
          back | pending->running {{B}} | 662ms
          back | backtest.data_loading | 670ms +2s | ok
{}",
        below(10, lines)
    )
}

const FREE: &str = "worker.type=backtesting ; worker.total_workers=\"4\" ; worker.capable_workers=\"2\" ; \
                    worker.available_workers=\"2\" ; worker.selection_status=success";

/// A backtest that is refused; `lines` are below the API's request.
pub(crate) fn refused_backtest(lines: &str) -> String {
    format!(
        "\
cli | cli.backtest | 0 +900ms | !click.exceptions.Exit: 1
  cli | > POST http://backend:8000/api/v1/backtests/start 503 | 10ms +200ms
    api | < POST /api/v1/backtests/start 503 | 12ms +196ms
{}",
        below(6, lines)
    )
}

/// A selection with these counts.
pub(crate) fn selection(total: &str, capable: &str, available: &str) -> String {
    format!(
        "api | workers.select | 20ms +1ms | worker.type=backtesting ; worker.total_workers=\"{total}\" ; \
         worker.capable_workers=\"{capable}\" ; worker.available_workers=\"{available}\" ; \
         worker.selection_status=no_workers_available ; ok"
    )
}

/// A training whose start is answered with this status; `lines` are below the API's request.
pub(crate) fn refused_training(status: u16, lines: &str) -> String {
    format!(
        "\
cli | cli.train | 0 +900ms | !click.exceptions.Exit: 1
  cli | > POST http://backend:8000/api/v1/trainings/start {status} | 10ms +200ms
    api | < POST /api/v1/trainings/start {status} | 12ms +196ms
{}",
        below(6, lines)
    )
}

/// A download; `lines` are below the API's request.
pub(crate) fn download(lines: &str) -> String {
    format!(
        "\
cli | cli.data_load | 0 +1s | ok
  cli | > POST http://backend:8000/api/v1/data/acquire/download?async_mode=true 200 | 10ms +90ms
    api | < POST /api/v1/data/acquire/download 200 | 12ms +80ms
      api | data.download | 20ms +2ms | data.symbol=EURUSD ; data.timeframe=1h ; ok
      api | register {{D}} data_load | 24ms | data.symbol=EURUSD ; data.timeframe=1h
      api | pending->running {{D}} | 26ms
{}",
        below(6, lines)
    )
}

/// A research; `lines` are below `agent.trigger`.
pub(crate) fn research(lines: &str) -> String {
    format!(
        "\
cli | cli.research | 0 +400ms | ok
  cli | > POST http://backend:8000/api/v1/agent/trigger 200 | 10ms +200ms
    api | < POST /api/v1/agent/trigger 200 | 12ms +196ms
      api | agent.trigger | 15ms +190ms | ok
        api | register {{R}} agent_research | 20ms
        api | pending->running {{R}} | 22ms
{}",
        below(8, lines)
    )
}

/// A command that looks at an operation; the backend's own request to the worker ends like this.
pub(crate) fn poll(id: &str, at: &str, end: &str) -> String {
    format!(
        "
cli | cli.status | {at} +50ms | ok
  cli | > GET http://backend:8000/api/v1/operations/{id} 200 | {at} +40ms
    api | < GET /api/v1/operations/{id} 200 | {at} +30ms
      api | > GET http://training-worker-1:5005/api/v1/operations/{id} {end}
"
    )
}

/// A worker's health checks every 10 s from the start; the last `until` seconds after it.
pub(crate) fn health(service: &str, until: i64) -> String {
    let check = |at: i64| {
        format!(
            "\napi | > GET http://training-worker-1:5005/health 200 | {at}s +9ms\n  {service} | < GET /health 200 | {at}s +5ms\n"
        )
    };
    (0..=until / 10).map(|nth| check(nth * 10)).collect()
}
