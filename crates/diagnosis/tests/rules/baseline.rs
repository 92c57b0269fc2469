//! Comparing with what is usual: which operations count, and where a slow one lost its time.

use std::fmt::Write as _;

use diagnosis::{Comparable, Context, Diagnosis, EvidenceKind, LargestSections, Verdict as V, diagnose};
use trace::Micros;

use crate::picture::*;

/// A backtest whose parts take so many milliseconds.
#[derive(Clone, Copy)]
struct Backtest {
    worker: &'static str,
    loading: i64,
    features: i64,
    simulation: i64,
}

const USUAL: Backtest = Backtest { worker: "back", loading: 2_000, features: 3_000, simulation: 15_000 };

impl Backtest {
    /// The whole of its time; the end of the simulation is a transition of 1 ms.
    fn length(self) -> i64 {
        self.loading + self.features + self.simulation + 1
    }

    /// One that starts this many milliseconds after the base.
    fn picture(self, id: &str, start: i64) -> String {
        let Self { worker, loading, features, simulation } = self;
        let (features_at, simulation_at) = (start + loading, start + loading + features);
        format!(
            "
?{worker} | < POST /backtests/start 200 | {start}ms +0
  {worker} | register {id} backtesting | {start}ms +0 | data.symbol=EURUSD ; data.timeframe=1h
  {worker} | pending->running {id} | {start}ms +0
  {worker} | backtest.data_loading | {start}ms +{loading}ms | ok
  {worker} | backtest.feature_compute | {features_at}ms +{features}ms | ok
  {worker} | running->completed {id} | {}ms +1ms
",
            simulation_at + simulation
        )
    }
}

fn id(nth: usize) -> String {
    format!("op_backtesting_20261122_090505_{nth:08x}")
}

/// So many usual ones, a minute apart, the last one an hour before the base.
fn usual(count: usize, run: Backtest) -> String {
    (0..count).map(|nth| run.picture(&id(nth), -3_600_000 - 60_000 * (count - nth) as i64)).collect()
}

fn judged(history: &str, run: Backtest) -> Diagnosis {
    of(B, &format!("{history}{}", run.picture("{B}", 0)), "1h")
}

/// A completed operation of the history: how long it took, and how long before the end of `USUAL` at the base it ended.
fn ended(nth: usize, before: Micros, duration_ms: i64) -> Comparable {
    Comparable {
        operation_id: id(nth),
        operation_type: "backtesting".into(),
        key: vec![Some("EURUSD".into()), Some("1h".into()), None, None],
        end: BASE + Micros::from_millis(USUAL.length()) - before,
        duration: Micros::from_millis(duration_ms),
        sections: LargestSections::default(),
    }
}

fn baseline_of(history: Vec<Comparable>, window: Option<Micros>) -> Option<f64> {
    let now = BASE + span_of_time("1h");
    let context = Context { now, history, baseline_window: window, ..Context::default() };
    let all = diagnose(&traces(&draw(&USUAL.picture("{B}", 0))), playbook(), &context).diagnoses;
    assert_eq!(all.len(), 1);
    all[0].baseline_ms
}

#[test]
fn five_operations_are_a_baseline_and_four_are_not() {
    assert_eq!(judged(&usual(4, USUAL), USUAL).baseline_ms, None);
    assert_eq!(judged(&usual(5, USUAL), USUAL).baseline_ms, Some(20_001.0));
    let slow = Backtest { simulation: 60_000, ..USUAL };
    assert_eq!(judged(&usual(4, USUAL), slow).verdict, V::Healthy);
    assert_eq!(judged(&usual(5, USUAL), slow).verdict, V::Slow);
}

#[test]
fn the_newest_fifty_count() {
    // From the newest to the oldest: 25 of 10 s, then of 30 s.
    let history = |count: usize| -> Vec<Comparable> {
        let took = |nth| if nth < 25 { 10_000 } else { 30_000 };
        (0..count).map(|nth| ended(nth, Micros::from_secs(60 * (nth as i64 + 1)), took(nth))).collect()
    };
    assert_eq!(baseline_of(history(49), None), Some(10_000.0));
    assert_eq!(baseline_of(history(50), None), Some(20_000.0), "the fiftieth counts");
    assert_eq!(baseline_of(history(51), None), Some(20_000.0), "the fifty-first does not");
}

#[test]
fn an_operation_counts_up_to_the_end_of_the_window() {
    // Review B4: the window of the setting was not respected. Mutant M01.
    let five = |before: Micros| (0..5).map(|nth| ended(nth, before, 10_000)).collect();
    for (window, length) in [(None, "7d"), (Some("1h"), "1h"), (Some("30d"), "30d")] {
        let (window, length) = (window.map(span_of_time), span_of_time(length));
        assert_eq!(baseline_of(five(length), window), Some(10_000.0), "{length}");
        assert_eq!(baseline_of(five(length + Micros(1)), window), None, "{length}");
    }
}

#[test]
fn what_ended_before_the_window_or_later_changes_nothing() {
    // Review B2: the answer must not depend on what else was read.
    let six_days = Micros::from_secs(6 * 86_400);
    let inside: Vec<Comparable> = (0..5).map(|nth| ended(nth, six_days, 10_000)).collect();
    let mut all = inside.clone();
    all.extend((10..70).map(|nth| ended(nth, Micros::from_secs(8 * 86_400), 90_000)));
    all.extend((70..130).map(|nth| ended(nth, Micros(-1), 90_000)));
    assert_eq!(baseline_of(all.clone(), None), Some(10_000.0));
    all.reverse();
    assert_eq!(baseline_of(all, None), Some(10_000.0));
    assert_eq!(baseline_of(inside, None), Some(10_000.0));
    let at_the_same_moment = (0..5).map(|nth| ended(nth, Micros(0), 10_000)).collect();
    assert_eq!(baseline_of(at_the_same_moment, None), Some(10_000.0));
}

#[test]
fn a_slow_operation_names_what_grew_and_not_what_is_always_large() {
    let slow = Backtest { features: 40_000, simulation: 45_000, ..USUAL };
    let d = judged(&usual(5, USUAL), slow);
    assert_eq!((d.verdict, d.rule.as_str()), (V::Slow, "slow.baseline"));
    assert_eq!(d.bottleneck_span.as_deref(), Some("simulation"));
    assert_eq!(
        d.summary,
        "4.3 times as long as usual: 1 min 27 s instead of 20.0 s; 'backtest.feature_compute' grew most, by 37.0 s"
    );
    let proof = d.evidence.iter().find(|e| e.span.as_deref() == Some("backtest.feature_compute")).unwrap();
    assert_eq!((proof.kind, proof.value.as_str()), (EvidenceKind::Comparison, "40.0 s / 3.0 s"));
    assert!(proof.span_id.is_some());
}

#[test]
fn a_gap_can_have_grown_most() {
    let d = judged(&usual(5, USUAL), Backtest { simulation: 60_000, ..USUAL });
    assert!(d.summary.ends_with("'simulation' grew most, by 45.0 s"), "{}", d.summary);
    assert!(d.evidence.iter().any(|e| e.kind == EvidenceKind::Comparison && e.value == "1 min 0 s / 15.0 s"));
}

#[test]
fn a_large_share_or_a_grown_section_alone_is_not_slow() {
    // All of it is simulation, as usual.
    let lopsided = Backtest { loading: 100, features: 100, simulation: 600_000, ..USUAL };
    assert_eq!(judged(&usual(5, lopsided), lopsided).verdict, V::Healthy);
    // The features took ten times as long, the operation no longer than usual.
    let shifted = Backtest { features: 12_000, simulation: 6_000, ..USUAL };
    let d = judged(&usual(5, Backtest { features: 1_200, ..USUAL }), shifted);
    assert_eq!((d.verdict, d.rule.as_str()), (V::Healthy, "healthy.completed"));
    assert!(d.findings.is_empty(), "{:?}", d.findings);
}

#[test]
fn operations_are_slow_above_twice_and_five_seconds_more_than_usual() {
    let verdict = |run: Backtest, longer: i64| {
        judged(&usual(5, run), Backtest { simulation: run.simulation + longer, ..run }).verdict
    };
    let long = USUAL.length();
    assert_eq!((verdict(USUAL, long - 1), verdict(USUAL, long)), (V::Healthy, V::Slow));
    let short = Backtest { loading: 100, features: 100, simulation: 800, ..USUAL };
    assert_eq!((verdict(short, 4_999), verdict(short, 5_000)), (V::Healthy, V::Slow));
}

fn steps_of(d: &Diagnosis, span: &str) -> Vec<(f64, Option<f64>)> {
    d.flow.iter().filter(|step| step.span == span).map(|step| (step.path_ms, step.baseline_ms)).collect()
}

#[test]
fn steps_carry_what_is_usual_for_them() {
    let slow = Backtest { simulation: 60_000, ..USUAL };
    let d = judged(&usual(5, USUAL), slow);
    assert_eq!(steps_of(&d, "backtest.feature_compute"), [(3_000.0, Some(3_000.0))]);
    assert_eq!(steps_of(&d, "simulation"), [(60_000.0, Some(15_000.0))]);
    let d = judged(&usual(4, USUAL), slow);
    assert!(d.flow.iter().all(|step| step.baseline_ms.is_none()));
}

#[test]
fn a_median_is_taken_section_by_section() {
    let runs = [1_000, 9_000, 2_000, 8_000, 3_000];
    let history = |runs: &[i64]| -> String {
        let run = |(nth, features): (usize, &i64)| {
            Backtest { features: *features, ..USUAL }.picture(&id(nth), -3_600_000 + 60_000 * nth as i64)
        };
        runs.iter().enumerate().map(run).collect()
    };
    let d = judged(&history(&runs), USUAL);
    assert_eq!(steps_of(&d, "backtest.feature_compute"), [(3_000.0, Some(3_000.0))]);
    assert_eq!(
        steps_of(&judged(&history(&[1_000, 9_000, 2_000, 8_000, 3_000, 4_000]), USUAL), "backtest.feature_compute")[0]
            .1,
        Some(3_500.0)
    );
}

#[test]
fn workers_that_were_restarted_are_compared() {
    let workers = ["ktrdr-backtest-worker-00000001", "ktrdr-backtest-worker-00000002"];
    let history: String = (0..6)
        .map(|nth| Backtest { worker: workers[nth % 2], ..USUAL }.picture(&id(nth), -3_600_000 + 60_000 * nth as i64))
        .collect();
    let d = judged(&history, Backtest { features: 50_000, ..USUAL });
    assert!(d.summary.ends_with("'backtest.feature_compute' grew most, by 47.0 s"), "{}", d.summary);
    assert_eq!(steps_of(&d, "backtest.feature_compute"), [(50_000.0, Some(3_000.0))]);
}

/// A training whose loop has this many epochs of a second each.
fn epochs(id: &str, start: i64, count: usize) -> String {
    let epoch = |nth| format!("  train | training.epoch | {}ms +1s | ok\n", start + 1_000 * nth as i64);
    format!(
        "
?train | < POST /training/start 200 | {start}ms +1ms
  train | register {id} training | {start}ms +0
{}  train | running->completed {id} | {}ms +0
",
        (0..count).map(epoch).collect::<String>(),
        start + 1_000 * count as i64
    )
}

#[test]
fn of_a_loop_every_step_is_compared_with_one_step_and_the_section_with_the_section() {
    let history: String = (0..5)
        .map(|nth| epochs(&format!("op_training_20261122_090505_{nth:08x}"), -3_600_000 + 60_000 * nth, 10))
        .collect();
    let d = of(T, &(history + &epochs("{T}", 0, 40)), "1h");
    assert_eq!(d.verdict, V::Slow);
    assert!(d.summary.ends_with("'training.epoch' grew most, by 30.0 s"), "{}", d.summary);
    let steps = steps_of(&d, "training.epoch");
    assert!(
        steps.len() == 40 && steps.iter().all(|(_, usual)| usual.is_some_and(|ms| (999.0..=1_000.0).contains(&ms)))
    );
}

/// A training with a span of each of so many names, the first one the shortest.
fn many_names(id: &str, start: i64, names: usize, first_ms: i64) -> String {
    let mut at = start;
    let mut lines = String::new();
    for nth in 0..names {
        let length = if nth == 0 { first_ms } else { 1_000 };
        writeln!(lines, "  train | step.{nth:03} | {at}ms +{length}ms | ok").unwrap();
        at += length;
    }
    format!(
        "
?train | step.last | {start}ms +0 | operation.id={id}
  train | register {id} training | {start}ms +0
{lines}  train | running->completed {id} | {at}ms +0
"
    )
}

#[test]
fn the_thirty_two_largest_sections_are_known_and_of_others_nothing_is_invented() {
    // Five with the same names and one with one more; the first of them is the shortest.
    let usual = |names: usize| {
        let before = |nth: i64| {
            many_names(&format!("op_training_20261122_090505_{nth:08x}"), -36_000_000 + 600_000 * nth, names, 10)
        };
        let d = of(T, &((0..5).map(before).collect::<String>() + &many_names("{T}", 0, names + 1, 10)), "1h");
        [steps_of(&d, "step.000")[0].1, steps_of(&d, &format!("step.{names:03}"))[0].1]
    };
    assert_eq!(usual(32), [Some(10.0), Some(0.0)], "all are known, so one that is not there takes no time");
    assert_eq!(usual(33), [None, None], "one that is not known may have been left out");
}
