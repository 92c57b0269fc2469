//! An answer says what was not read, and numbers are never too low without saying so.

use std::{sync::Arc, time::Duration};

use diagnosis::{Filters, Measure, MetricAnswer, TimeRange};
use ktrdr_diagnosis::{
    history::{History, STALE_AFTER, TABLE_WAIT},
    investigate::{Error, Investigator, MetricQuery, Options, Reader},
    recorder::{Clock as _, Recorder, Source},
};
use store::{CoverageChange, Gap, Interval, MemoryStore, SourceId, Store};
use tokio::{sync::watch, time::Instant};
use trace::{Micros, Time};

use crate::{
    corpus::{DAY, HOUR, MINUTE, NOBODY, NOW, ask, commit, read},
    simulated::{SOURCE, Setup},
    switched::Switched,
};

fn count(reader: Reader) -> MetricQuery {
    MetricQuery { measure: Measure::Count, by: Vec::new(), buckets: None, reader, limit: 1000 }
}

fn last(length: Micros) -> TimeRange {
    TimeRange { from: NOW - length, to: NOW }
}

/// What the last hour answers to a list, to a person's number and to an alert rule.
struct Answers {
    list: Result<(Vec<String>, bool), Error>,
    person: Result<MetricAnswer, Error>,
    rule: Result<MetricAnswer, Error>,
}

async fn answers(coverage: Vec<CoverageChange>, range: TimeRange) -> Answers {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    commit(&*store, Vec::new(), coverage).await;
    let ask = ask(&store);
    let filters = Filters::default();
    let list = ask.operations(range, &filters, 10, NOW).await;
    Answers {
        list: list.map(|answer| (answer.notices, answer.partial)),
        person: ask.metric(range, &filters, &count(Reader::Person), NOW).await,
        rule: ask.metric(range, &filters, &count(Reader::AlertRule), NOW).await,
    }
}

#[tokio::test]
async fn a_microsecond_that_was_not_read_makes_numbers_an_error_and_lists_say_so() {
    // An operation of the last hour may have started two days before it.
    let first = NOW - HOUR - Micros(2 * DAY.0);
    let all = answers(read(first, NOW), last(HOUR)).await;
    assert_eq!(all.list.unwrap(), (vec![], false));
    assert!(!all.person.unwrap().partial && !all.rule.unwrap().partial);

    let less = answers(read(first + Micros(1), NOW), last(HOUR)).await;
    let nobody = "no recorder runs here, and the one that fills the store in memory has not read more";
    let started = format!("operations that started before 2026-11-20T09:06:40Z may be missing: {nobody}");
    assert_eq!(less.list.unwrap(), (vec![started], true));
    for error in [less.person.unwrap_err(), less.rule.unwrap_err()] {
        assert_eq!(
            error.to_string(),
            format!(
                "99 % of the operations from 2026-11-20T09:06:40Z to 2026-11-22T10:06:40Z were read from Jaeger, too few to \
                 count them: {nobody}"
            )
        );
    }

    let half = answers(read(NOW - Micros(HOUR.0 / 2), NOW), last(HOUR)).await;
    let (notices, partial) = half.list.unwrap();
    assert_eq!(notices, [format!("operations are missing, because 1 % of their time was read: {nobody}")]);
    assert!(partial && matches!(half.rule, Err(Error::NotCovered { percent: 1, .. })));
}

#[tokio::test]
async fn where_nothing_was_read_a_list_is_an_error_too() {
    let nothing = answers(Vec::new(), last(HOUR)).await;
    for error in [nothing.list.unwrap_err(), nothing.person.unwrap_err(), nothing.rule.unwrap_err()] {
        assert!(matches!(error, Error::NotCovered { percent: 0, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_range_that_ends_a_minute_after_the_live_edge_is_out_of_date() {
    let up_to = async |edge| answers(read(NOW - Micros(7 * DAY.0), edge), last(HOUR)).await;
    let fresh = up_to(NOW - STALE_AFTER).await;
    assert_eq!(fresh.list.unwrap(), (vec![], false));
    assert!(fresh.rule.is_ok());

    let stale = up_to(NOW - STALE_AFTER - Micros(1)).await;
    let notice = "operations after 2026-11-22T10:05:39Z are missing: no recorder runs here, and the one that fills the store in memory \
                  has not read more";
    assert_eq!(stale.list.unwrap(), (vec![notice.to_owned()], true));
    let person = stale.person.unwrap();
    assert_eq!((person.notices, person.partial), (vec![notice.to_owned()], true));
    let error = stale.rule.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }));
    assert!(
        error.to_string().starts_with(
            "operations were read from Jaeger up to 2026-11-22T10:05:39Z, and the range ends at 2026-11-22T10:06:40Z: no"
        ),
        "{error}"
    );

    // What ended before the live edge is not out of date, however long ago that was.
    let earlier = TimeRange { from: NOW - Micros(3 * HOUR.0), to: NOW - Micros(2 * HOUR.0) };
    let covered = answers(read(NOW - Micros(7 * DAY.0), NOW - Micros(2 * HOUR.0)), earlier).await;
    assert_eq!(covered.list.unwrap(), (vec![], false));
    assert!(covered.rule.is_ok());
}

#[tokio::test]
async fn a_gap_is_named_and_a_rule_does_not_count_beside_it() {
    let with_gap = async |from: Time, to: Time| {
        let mut coverage = read(NOW - Micros(7 * DAY.0), NOW);
        let gap = Gap { range: Interval { from, to }, reason: "more than 1000 traces start in one second".to_owned() };
        coverage.push(CoverageChange::Gap(gap));
        answers(coverage, last(HOUR)).await
    };
    let begin = NOW - HOUR;
    let notice = "not all operations from 2026-11-22T09:06:40Z to 2026-11-22T09:07:40Z could be read: more than 1000 traces \
                  start in one second";
    let inside = with_gap(begin, begin + MINUTE).await;
    assert_eq!(inside.list.unwrap(), (vec![notice.to_owned()], true));
    assert_eq!(inside.person.unwrap().notices, [notice]);
    let error = inside.rule.unwrap_err();
    assert!(matches!(error, Error::NotCovered { percent: 99, .. }) && error.to_string().ends_with(notice), "{error}");

    // Most operations of the range started in it.
    let before = with_gap(begin - MINUTE, begin).await;
    assert!(before.list.unwrap().1);
    let rule = before.rule.unwrap();
    assert!(rule.partial && rule.notices.len() == 1, "{:?}", rule.notices);
    // What started two days before has ended.
    let long_before = with_gap(begin - Micros(2 * DAY.0) - MINUTE, begin - Micros(2 * DAY.0)).await;
    assert_eq!(long_before.list.unwrap(), (vec![], false));
}

#[tokio::test]
async fn a_range_that_begins_before_the_recorded_past_says_from_when_on_there_is_something() {
    let coverage = || read(NOW - Micros(7 * DAY.0), NOW);
    assert!(answers(coverage(), last(Micros(7 * DAY.0))).await.rule.is_ok());
    let longer = answers(coverage(), last(Micros(7 * DAY.0 + 1))).await;
    let error = longer.rule.unwrap_err().to_string();
    assert!(error.contains("operations are recorded from 2026-11-15T10:06:40Z on; choose a later range"), "{error}");
    assert!(longer.list.unwrap().1);
}

#[tokio::test]
async fn storage_that_may_leave_out_results_and_a_wrong_clock_are_said() {
    let with = async |change: CoverageChange| {
        let mut coverage = read(NOW - Micros(7 * DAY.0), NOW);
        coverage.push(change);
        answers(coverage, last(HOUR)).await.list.unwrap()
    };
    let (notices, partial) = with(CoverageChange::Unproven(true)).await;
    assert!(notices[0].starts_with("the storage behind Jaeger may leave out results") && !partial, "{notices:?}");
    let skew = async |seconds: i64| with(CoverageChange::ClockSkew(Some(Micros::from_secs(seconds)))).await.0;
    assert_eq!(skew(5).await, Vec::<String>::new());
    assert_eq!(
        skew(6).await,
        ["the clock of Jaeger's machine is 6.0 s ahead of the clock here; set both by the same source"]
    );
    assert!(skew(-6).await[0].contains("behind the clock here"));
}

#[tokio::test]
async fn a_user_with_an_identity_gets_nothing_that_was_recorded() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    commit(&*store, Vec::new(), read(NOW - Micros(7 * DAY.0), NOW)).await;
    let personal = ask(&store).with_headers([("authorization", "Bearer x")]).unwrap();
    let error = personal.operations(last(HOUR), &Filters::default(), 10, NOW).await.unwrap_err();
    assert!(matches!(error, Error::Jaeger(_)), "{error}");
}

/// A recorder that runs, and questions to what it records.
struct Recording {
    setup: Setup,
    jaeger: Arc<Switched>,
    ask: Investigator,
    stop: watch::Sender<bool>,
}

impl Recording {
    fn start(off: bool) -> Self {
        let setup = Setup::new(3);
        let jaeger = Switched::new(Arc::clone(&setup.jaeger), off);
        let from = Arc::clone(&jaeger) as Arc<dyn Source>;
        let recorder: Recorder = setup.recorder(from, Arc::clone(&setup.store), "first");
        let options = Options::default();
        let playbook = Arc::clone(&setup.playbook);
        let source = SourceId::new(SOURCE);
        let handle = Some(recorder.handle());
        let history = History::new(Arc::clone(&setup.store), source, Arc::clone(&playbook), &options, handle);
        let config = jaeger::Config { url: NOBODY.to_owned(), ..jaeger::Config::default() };
        let client = jaeger::Client::new(&config).unwrap();
        let ask = Investigator::new(client, playbook, options).with_history(history.with_window(DAY));
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(recorder.run(stopped, false));
        Self { setup, jaeger, ask, stop }
    }

    fn last(&self, length: Micros) -> (TimeRange, Time) {
        let now = self.setup.clock.now();
        (TimeRange { from: now - length, to: now }, now)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_list_waits_for_its_range_and_the_first_number_for_the_past_too() {
    let recording = Recording::start(false);
    let (range, now) = recording.last(HOUR);
    let begun = Instant::now();
    let list = recording.ask.operations(range, &Filters::default(), 1000, now).await.unwrap();
    assert!(begun.elapsed() < TABLE_WAIT, "{:?}", begun.elapsed());
    assert!(!list.diagnoses.is_empty());
    let deadline = Instant::now() + Duration::from_secs(18);
    let ask = recording.ask.with_deadline(deadline);
    let number = ask.metric(range, &Filters::default(), &count(Reader::AlertRule), now).await.unwrap();
    assert_eq!((number.notices, number.partial), (vec![], false));
    let list = ask.operations(range, &Filters::default(), 1, now).await.unwrap();
    assert_eq!(number.rows[0].count as usize, total(&list.notices[0]), "{:?}", list.notices);
}

/// The number of all operations in `the newest 1 of N operations are shown`.
fn total(notice: &str) -> usize {
    notice.split(' ').nth(4).unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn while_jaeger_is_down_questions_wait_as_long_as_they_may_and_name_the_cause() {
    let recording = Recording::start(true);
    let (range, now) = recording.last(HOUR);
    let filters = Filters::default();
    let begun = Instant::now();
    let error = recording.ask.operations(range, &filters, 10, now).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), TABLE_WAIT.as_secs());
    assert!(error.to_string().ends_with("recording fails: connection refused"), "{error}");
    for reader in [Reader::Person, Reader::AlertRule] {
        let begun = Instant::now();
        let ask = recording.ask.with_deadline(begun + Duration::from_secs(18));
        let error = ask.metric(range, &filters, &count(reader), now).await.unwrap_err();
        assert_eq!(begun.elapsed().as_secs(), 17);
        assert!(error.to_string().ends_with("recording fails: connection refused"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_answers_on_while_jaeger_is_down() {
    let recording = Recording::start(false);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let (range, before) = recording.last(HOUR);
    let filters = Filters::default();
    let first = recording.ask.operations(range, &filters, 1000, before).await.unwrap();
    recording.jaeger.off();
    tokio::time::sleep(Duration::from_secs(300)).await;

    let begun = Instant::now();
    let again = recording.ask.operations(range, &filters, 1000, recording.last(HOUR).1).await.unwrap();
    assert_eq!(again.diagnoses.len(), first.diagnoses.len());
    assert_eq!((again.notices, again.partial), (vec![], false), "the range ended before Jaeger failed");
    let (range, now) = recording.last(HOUR);
    let list = recording.ask.operations(range, &filters, 1000, now).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "nothing is gained by waiting");
    assert!(list.partial && list.notices[0].ends_with("recording fails: connection refused"), "{:?}", list.notices);
    let error = recording.ask.metric(range, &filters, &count(Reader::AlertRule), now).await.unwrap_err();
    assert!(matches!(&error, Error::Stale { cause, .. } if cause.contains("connection refused")), "{error}");
}
