//! Which open operations to read again, and how. Operations that just started are read often, old ones less often. One that
//! has ended is read once more after its last spans must have arrived; then it can be closed.

use std::collections::BTreeSet;

use store::{OperationKey, StoredOperation};
use trace::{Micros, Time, TraceId};

use super::plan::SETTLED_AFTER;

/// How long an operation is left alone at least, and at most, after its traces were read. What is known of its workers' health
/// must not become older than the playbook's `health_gap`, else they seem lost.
const SOONEST: Micros = Micros::from_secs(15);
const LATEST: Micros = Micros::from_secs(60);
/// An operation is read again after this part of its age.
const PART_OF_AGE: i64 = 20;
/// Traces that mention an operation without belonging to a known trace are searched for this many times less often.
const SEARCHED_LESS_OFTEN: i64 = 4;
/// How old an operation is when they are searched for the first time.
const SEARCHED_FROM_AGE: Micros = Micros::from_secs(600);
/// How many traces are read by id in one pass.
const MOST_TRACES: usize = 40;
/// For how many operations one pass searches.
const MOST_SEARCHES: usize = 4;

/// What a pass over the open operations does.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Traces to read by id.
    pub(super) traces: BTreeSet<TraceId>,
    /// Operations whose other traces are searched for.
    pub(super) searches: Vec<StoredOperation>,
    /// Services whose health checks matter.
    pub(super) services: BTreeSet<String>,
    /// Operations that may be closed as they are.
    pub(super) judge: Vec<OperationKey>,
}

/// Plans a pass. `searched_at` says when an operation's other traces were last searched for.
pub(super) fn plan_pass(
    open: &[StoredOperation],
    now: Time,
    lookback: Micros,
    searched_at: impl Fn(&OperationKey) -> Option<Time>,
) -> Pass {
    let mut pass = Pass::default();
    let mut by_age: Vec<&StoredOperation> = open.iter().collect();
    by_age.sort_by_key(|operation| (operation.observed_at, operation.key.clone()));
    for operation in by_age {
        let record = &operation.record;
        let last = operation.last_time();
        let ended = record.status.is_terminal() || record.operation_id.is_none();
        let must_read = if ended {
            now >= last + SETTLED_AFTER && operation.observed_at < last + SETTLED_AFTER
        } else {
            now - operation.observed_at >= pause(record.start, now)
        };
        if must_read && pass.traces.len() < MOST_TRACES {
            pass.traces.extend(record.trace_ids.iter().chain(&record.trace_id));
            if !ended {
                pass.services.extend(record.services.iter().cloned());
            }
        } else if ended && operation.observed_at >= last + SETTLED_AFTER || !ended && last + lookback < now {
            pass.judge.push(operation.key.clone());
        }
        if !ended {
            let due = match searched_at(&operation.key) {
                Some(at) => at + Micros(pause(record.start, now).0 * SEARCHED_LESS_OFTEN),
                // One that was found late may have been given up long ago.
                None => record.start.unwrap_or(operation.observed_at) + SEARCHED_FROM_AGE,
            };
            if due <= now && pass.searches.len() < MOST_SEARCHES {
                pass.searches.push(operation.clone());
            }
        }
    }
    pass
}

fn pause(start: Option<Time>, now: Time) -> Micros {
    let age = start.map_or(Micros(0), |start| now - start);
    Micros(age.0 / PART_OF_AGE).clamp(SOONEST, LATEST)
}

#[cfg(test)]
mod tests {
    use diagnosis::{Diagnosis, OperationStatus};

    use super::*;

    const NOW: Time = Time(1_795_342_000_000_000);
    const DAY: Micros = Micros::from_secs(86_400);

    fn seconds(n: i64) -> Micros {
        Micros::from_secs(n)
    }

    fn operation(status: OperationStatus, started: i64, ended: Option<i64>, observed: i64) -> StoredOperation {
        let record = Diagnosis {
            operation_id: Some("op_1".to_owned()),
            status,
            start: Some(NOW - seconds(started)),
            end: ended.map(|ago| NOW - seconds(ago)),
            trace_ids: vec![TraceId(7)],
            services: vec!["worker".to_owned()],
            ..Diagnosis::default()
        };
        let mut operation = StoredOperation::of(record).unwrap();
        operation.observed_at = NOW - seconds(observed);
        operation
    }

    fn reads(operation: StoredOperation) -> bool {
        !plan_pass(&[operation], NOW, DAY, |_| Some(NOW)).traces.is_empty()
    }

    #[test]
    fn running_operations_are_read_less_often_the_older_they_are() {
        let running = |started, observed| operation(OperationStatus::Running, started, None, observed);
        for (started, pause) in [(60, 15), (300, 15), (600, 30), (1200, 60), (86_000, 60)] {
            assert!(reads(running(started, pause)), "{started} s old");
            assert!(!reads(running(started, pause - 1)), "{started} s old");
        }
    }

    #[test]
    fn an_operation_that_ended_is_read_once_more_when_its_spans_have_arrived() {
        let ended = |ago, observed| operation(OperationStatus::Completed, ago + 10, Some(ago), observed);
        assert!(!reads(ended(299, 200)));
        assert!(reads(ended(300, 200)));
        assert!(!reads(ended(310, 10)), "it was read after that already");
        let pass = plan_pass(&[ended(310, 10)], NOW, DAY, |_| None);
        assert_eq!(pass.judge.len(), 1, "it may be closed");
        assert!(pass.services.is_empty() && pass.searches.is_empty());
    }

    #[test]
    fn health_checks_are_read_with_the_operation() {
        let services = |observed| {
            let running = operation(OperationStatus::Running, 2400, None, observed);
            plan_pass(&[running], NOW, DAY, |_| Some(NOW)).services.len()
        };
        assert_eq!((services(59), services(60)), (0, 1));
    }

    #[test]
    fn a_silent_operation_is_closed_beyond_the_lookback() {
        let silent = |started| operation(OperationStatus::Running, started, None, 1);
        let judged = |started| plan_pass(&[silent(started)], NOW, DAY, |_| Some(NOW)).judge.len();
        assert_eq!((judged(86_400), judged(86_401)), (0, 1));
    }

    #[test]
    fn other_traces_are_searched_for_four_times_less_often() {
        let running = operation(OperationStatus::Running, 60, None, 1);
        let searched =
            |ago| plan_pass(std::slice::from_ref(&running), NOW, DAY, |_| Some(NOW - seconds(ago))).searches.len();
        assert_eq!((searched(59), searched(60)), (0, 1));
    }

    #[test]
    fn an_operation_that_was_found_late_is_searched_for_at_once() {
        let found = |started| operation(OperationStatus::Running, started, None, 1);
        let searched = |started| plan_pass(&[found(started)], NOW, DAY, |_| None).searches.len();
        assert_eq!((searched(599), searched(600), searched(10_000)), (0, 1, 1));
    }

    #[test]
    fn one_pass_reads_a_bounded_number_of_traces() {
        let many: Vec<StoredOperation> = (0..100u128)
            .map(|n| {
                let mut one = operation(OperationStatus::Running, 60, None, 30);
                let record = Diagnosis { trace_ids: vec![TraceId(n + 1)], ..Diagnosis::clone(&one.record) };
                one.record = record.into();
                one.key = OperationKey::new(n.to_string());
                one
            })
            .collect();
        assert_eq!(plan_pass(&many, NOW, DAY, |_| Some(NOW)).traces.len(), MOST_TRACES);
    }
}
