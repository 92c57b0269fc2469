//! What a recorder says of itself and of what it could not read.

use std::time::Duration;

use jaeger::ServerClock;
use ktrdr_diagnosis::recorder::Activity;
use store::{Coverage, OperationKey, SourceId};
use testbed::{RawTrace, Rng, Telemetry, build, scenarios};
use trace::{Micros, Time};

use crate::{
    model::arrivals,
    simulated::{BEGIN, Faults, Feed, SOURCE, Setup, SimulatedJaeger, VirtualClock},
    truth::{recorded, truth},
};

const LENGTH: Duration = Duration::from_secs(120);

/// Operations that were refused, one a minute.
fn refused(count: i64) -> Vec<RawTrace> {
    let all = scenarios();
    let scenario = all.iter().find(|scenario| scenario.number == "4").unwrap();
    let base = |nth: i64| BEGIN - Micros::from_secs((nth + 70) * 60);
    (0..count).flat_map(|nth| build(scenario, Telemetry::Current, base(nth), nth as u64)).collect()
}

fn setup(traces: &[RawTrace], faults: Option<Faults>, change: impl FnOnce(&mut SimulatedJaeger)) -> Setup {
    let clock = VirtualClock::start();
    let feed = Feed::Planned(arrivals(traces, &mut Rng::new("honesty", &[])));
    let mut jaeger = SimulatedJaeger::new(clock, feed, faults);
    change(&mut jaeger);
    Setup::with(clock, jaeger)
}

async fn coverage(setup: &Setup) -> Coverage {
    setup.store.coverage(&SourceId::new(SOURCE)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_does_not_fill_its_limits_is_noticed() {
    let traces = refused(60);
    for (hidden_limit, unproven) in [(usize::MAX, false), (25, true)] {
        let setup = setup(&traces, None, |jaeger| jaeger.hidden_limit = hidden_limit);
        let status = setup.record(LENGTH).await;
        assert!(status.caught_up);
        assert_eq!(status.coverage.unproven, unproven, "{hidden_limit}");
        assert_eq!(coverage(&setup).await.unproven, unproven);
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_that_differ_are_reported_from_five_seconds_on() {
    let uncertainty = Micros::from_millis(500);
    for (ahead, reported) in [(5_400, None), (-5_501, Some(-5_501)), (90_000, Some(90_000))] {
        let ahead = Micros::from_millis(ahead);
        let clock = ServerClock { ahead, uncertainty, measured: BEGIN };
        let setup = setup(&refused(1), None, |jaeger| jaeger.server_clock = Some(clock));
        let status = setup.record(LENGTH).await;
        let reported = reported.map(Micros::from_millis);
        assert_eq!((status.coverage.clock_skew, coverage(&setup).await.clock_skew), (reported, reported));
    }
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_cannot_be_read_leaves_a_gap_of_a_minute_and_everything_else_is_known() {
    let traces = refused(20);
    let damaged = traces.iter().find(|trace| trace.spans.iter().any(|span| span.name == "workers.select")).unwrap();
    let setup = setup(&traces, None, |jaeger| jaeger.damaged = Some(damaged.id));
    let status = setup.record(LENGTH).await;
    assert!(status.caught_up);
    let gaps = coverage(&setup).await.gaps;
    assert!(!gaps.is_empty());
    let damaged_at = |time: Time| damaged.start() <= Some(time) && damaged.end() >= Some(time);
    for gap in &gaps {
        assert!(gap.range.to - gap.range.from <= Micros::from_secs(60), "{gap:?}");
        assert!(gap.reason.contains("a trace cannot be read"), "{gap:?}");
    }
    let within = |time: Option<Time>| gaps.iter().any(|gap| time >= Some(gap.range.from) && time < Some(gap.range.to));
    assert!(damaged.spans.iter().any(|span| damaged_at(span.start) && within(Some(span.start))), "{gaps:?}");
    let now = status.committed_at.unwrap();
    let known = recorded(&setup, now).await;
    let missing: Vec<OperationKey> = truth(&setup, now).into_keys().filter(|key| !known.contains_key(key)).collect();
    assert_eq!(missing.len(), 1, "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_remembered_after_it_has_passed() {
    let faults =
        |until| Faults { rng: Rng::new("faults", &[]), until, failing: 100, slow: 0, too_large: 0, any_traces: false };
    let down = setup(&refused(1), Some(faults(BEGIN + Micros::from_secs(3600))), |_| {}).record(LENGTH).await;
    assert!(matches!(&down.activity, Activity::Failing { error } if error.contains("429")), "{down:?}");
    assert_eq!((down.coverage, down.caught_up), (Coverage::default(), false));
    let up = setup(&refused(1), Some(faults(BEGIN + Micros::from_secs(20))), |_| {}).record(LENGTH).await;
    assert_eq!(up.activity, Activity::Recording);
    let (at, error) = up.last_error.unwrap();
    assert!(at < BEGIN + Micros::from_secs(21) && error.contains("429"), "{at} {error}");
    assert!(up.failures > 2 && up.requests > up.failures && up.caught_up);
}
