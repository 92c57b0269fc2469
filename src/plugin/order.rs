//! The order of a table of operations, and which of them stay when there are more than asked for.

use std::{cmp::Reverse, sync::Arc};

use diagnosis::Answer;
use diagnosis::Diagnosis;
use trace::Micros;

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// The latest start.
    #[default]
    Newest,
    /// The highest severity, then the latest start.
    Worst,
    /// The longest duration, then the latest start.
    Longest,
}

impl Order {
    const NAMED: [(&'static str, Self); 3] =
        [("newest", Self::Newest), ("worst", Self::Worst), ("longest", Self::Longest)];

    /// All words, for messages.
    pub(super) const WORDS: &'static str = "newest, worst, longest";

    /// Parses the word of a query.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(name, _)| *name == text).map(|(_, order)| order)
    }

    /// How many operations to fetch for the first `limit` in this order: Jaeger can only be searched for the newest.
    pub(super) fn operations_to_fetch(self, limit: usize, most: usize) -> usize {
        if self == Self::Newest { limit } else { most }
    }

    /// Brings operations into this order.
    pub(super) fn sort(self, operations: &mut [Arc<Diagnosis>]) {
        match self {
            Self::Newest => {}
            Self::Worst => operations.sort_by_key(|d| Reverse((d.severity, d.start))),
            Self::Longest => operations.sort_by_key(|d| Reverse((duration(d), d.start))),
        }
    }

    /// Sorts the answer, and keeps the first `limit` of it.
    pub(super) fn apply(self, answer: &mut Answer, limit: usize) {
        self.sort(&mut answer.diagnoses);
        let all = answer.diagnoses.len();
        if all > limit {
            answer.diagnoses.truncate(limit);
            let word = Self::NAMED.into_iter().find(|(_, order)| *order == self).map_or("", |(name, _)| name);
            answer
                .notices
                .push(format!("the {word} {limit} of {all} operations are shown: raise the limit to see more"));
        }
    }
}

fn duration(diagnosis: &Diagnosis) -> Option<Micros> {
    diagnosis.duration_ms.map(|ms| Micros((ms * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use diagnosis::Severity;
    use trace::Time;

    fn operation(id: &str, severity: Severity, start: i64, duration_ms: Option<f64>) -> Arc<Diagnosis> {
        let operation_id = Some(id.to_owned());
        Arc::new(Diagnosis { operation_id, severity, start: Some(Time(start)), duration_ms, ..Diagnosis::default() })
    }

    fn ids(answer: &Answer) -> Vec<&str> {
        answer.diagnoses.iter().filter_map(|d| d.operation_id.as_deref()).collect()
    }

    #[test]
    fn operations_come_in_the_order_asked_for_and_the_rest_is_said() {
        let diagnoses = vec![
            operation("new", Severity::Fine, 9, Some(1.0)),
            operation("bad", Severity::Critical, 5, None),
            operation("long", Severity::Warning, 4, Some(9.0)),
            operation("worse", Severity::Critical, 7, Some(2.0)),
        ];
        let first = |order: Order, limit| {
            let mut answer = Answer { diagnoses: diagnoses.clone(), ..Answer::default() };
            order.apply(&mut answer, limit);
            (ids(&answer).join(" "), answer.notices)
        };
        assert_eq!(first(Order::Newest, 4), ("new bad long worse".to_owned(), vec![]));
        assert_eq!(first(Order::Worst, 4), ("worse bad long new".to_owned(), vec![]));
        assert_eq!(first(Order::Longest, 4), ("long worse new bad".to_owned(), vec![]));
        let (worst, notices) = first(Order::Worst, 3);
        assert_eq!(worst, "worse bad long");
        assert_eq!(notices, ["the worst 3 of 4 operations are shown: raise the limit to see more"]);
    }

    #[test]
    fn only_the_newest_can_be_found_without_looking_at_all() {
        assert_eq!(
            [Order::Newest, Order::Worst, Order::Longest].map(|order| order.operations_to_fetch(7, 1000)),
            [7, 1000, 1000]
        );
        for (word, order) in Order::NAMED {
            assert_eq!(Order::parse(word), Some(order));
            assert!(Order::WORDS.contains(word));
        }
        assert_eq!(Order::parse("oldest"), None);
    }
}
