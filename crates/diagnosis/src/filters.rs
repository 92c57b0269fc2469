//! Which operations a question is about: a range of time and filters.

use trace::{Micros, Time};

use super::{Diagnosis, OperationStatus, Verdict, playbook::Playbook};

/// From when to when, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// Start.
    pub from: Time,
    /// End.
    pub to: Time,
}

impl TimeRange {
    /// Whether an operation's window overlaps the range; without an end it reaches to the clock.
    #[must_use]
    pub fn overlaps(self, d: &Diagnosis, clock: Time) -> bool {
        let Some(start) = d.start.or(d.last_activity) else { return false };
        let end = d.end.unwrap_or(clock);
        start <= self.to && end >= self.from
    }

    /// Whether an operation started or ended in the range.
    #[must_use]
    pub fn holds_start_or_end(self, d: &Diagnosis) -> bool {
        let inside = |at: Option<Time>| at.is_some_and(|at| self.from <= at && at <= self.to);
        inside(d.start.or(d.last_activity)) || inside(d.end)
    }
}

/// Which operations are wanted; an empty list means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filters {
    /// Operation types.
    pub types: Vec<String>,
    /// States.
    pub statuses: Vec<OperationStatus>,
    /// Verdicts.
    pub verdicts: Vec<Verdict>,
    /// Short error classes.
    pub error_types: Vec<String>,
    /// Services that took part.
    pub services: Vec<String>,
    /// Attributes that one of the operation's spans carries.
    pub tags: Vec<(String, String)>,
    /// Shortest duration of the operation.
    pub min_duration: Option<Micros>,
    /// Longest duration of the operation.
    pub max_duration: Option<Micros>,
}

impl Filters {
    /// Whether an operation is wanted. Tags are not looked at: they are a matter of spans.
    #[must_use]
    pub fn fit(&self, d: &Diagnosis, playbook: &Playbook) -> bool {
        let folded = |wanted: &String| playbook.fold_type(wanted) == d.operation_type;
        (self.types.is_empty() || self.types.iter().any(folded)) && self.fit_all_but_type(d)
    }

    /// The filters with the spellings of types folded into the one that diagnoses carry.
    #[must_use]
    pub fn folded(&self, playbook: &Playbook) -> Self {
        Self { types: self.types.iter().map(|written| playbook.fold_type(written)).collect(), ..self.clone() }
    }

    /// [`Filters::fit`] for filters that are [`Filters::folded`].
    #[must_use]
    pub fn fit_folded(&self, d: &Diagnosis) -> bool {
        (self.types.is_empty() || self.types.contains(&d.operation_type)) && self.fit_all_but_type(d)
    }

    fn fit_all_but_type(&self, d: &Diagnosis) -> bool {
        let any = |wanted: &[String], has: &dyn Fn(&str) -> bool| wanted.is_empty() || wanted.iter().any(|w| has(w));
        let duration = d.duration_ms.map(|ms| Micros((ms * 1000.0).round() as i64));
        (self.statuses.is_empty() || self.statuses.contains(&d.status))
            && (self.verdicts.is_empty() || self.verdicts.contains(&d.verdict))
            && any(&self.error_types, &|wanted| d.error_type.as_deref() == Some(wanted))
            && any(&self.services, &|wanted| d.services.iter().any(|service| service == wanted))
            && self.min_duration.is_none_or(|least| duration.is_some_and(|duration| duration >= least))
            && self.max_duration.is_none_or(|most| duration.is_some_and(|duration| duration <= most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_belongs_to_a_range_that_its_window_touches() {
        let range = TimeRange { from: Time(100), to: Time(200) };
        let at = |start, end: Option<i64>| Diagnosis {
            start: Some(Time(start)),
            end: end.map(Time),
            ..Diagnosis::default()
        };
        for (inside, d) in [
            (true, at(50, Some(100))),
            (false, at(50, Some(99))),
            (true, at(200, Some(300))),
            (false, at(201, Some(300))),
            (true, at(10, None)),
            (false, at(201, None)),
            (false, Diagnosis::default()),
        ] {
            assert_eq!(range.overlaps(&d, Time(200)), inside, "{:?} {:?}", d.start, d.end);
        }
    }

    #[test]
    fn filters_take_any_of_a_list_and_all_lists_together() {
        let playbook = Playbook::ktrdr();
        let d = Diagnosis {
            operation_type: "training".to_owned(),
            status: OperationStatus::Failed,
            verdict: Verdict::MissingData,
            error_type: Some("DataNotFoundError".to_owned()),
            services: vec!["a".to_owned(), "b".to_owned()],
            duration_ms: Some(1500.0),
            ..Diagnosis::default()
        };
        let fits = |change: &dyn Fn(&mut Filters)| {
            let mut filters = Filters::default();
            change(&mut filters);
            filters.fit(&d, &playbook)
        };
        assert!(fits(&|_| {}));
        assert!(fits(&|f| f.types = vec!["backtesting".to_owned(), "TRAINING".to_owned()]));
        assert!(!fits(&|f| f.types = vec!["backtesting".to_owned()]));
        assert!(fits(&|f| f.services = vec!["b".to_owned(), "c".to_owned()]));
        assert!(!fits(&|f| f.services = vec!["c".to_owned()]));
        assert!(!fits(&|f| f.verdicts = vec![Verdict::Stuck]));
        assert!(!fits(&|f| f.statuses = vec![OperationStatus::Completed]));
        assert!(!fits(&|f| f.error_types = vec!["ValueError".to_owned()]));
        assert!(fits(&|f| (f.min_duration, f.max_duration) = (Some(Micros(1_500_000)), Some(Micros(1_500_000)))));
        assert!(!fits(&|f| f.min_duration = Some(Micros(1_500_001))));
        assert!(!fits(&|f| f.max_duration = Some(Micros(1_499_999))));
    }
}
