//! Replaces impossible times.
//!
//! Clocks jump, exporters do not set a time, and storages write a negative duration as 2^64 − n. Such a span is kept,
//! because its name, attributes and errors are still useful, but its time must not affect others. A span without a usable
//! start becomes an empty interval where its parent starts, and a span without a usable end becomes an empty interval at
//! its own start. Afterwards every span lies within the spans that have a time, and every event within its span, so no
//! later code has to handle impossible times. They are counted for the remarks.

use hashbrown::HashMap;

use super::{
    ids::SpanId,
    model::{Event, Span},
    time::{Micros, Time},
};

/// Tracing did not exist before the year 2000.
const YEAR_2000: i64 = 946_684_800_000_000;
/// The last microsecond that fits into 64-bit nanoseconds (April 2262), the unit of Arrow and OTLP.
const LAST: i64 = i64::MAX / 1000;
/// Times below this count from the start of the trace and not from 1970. It is small enough that seconds since 1970 which
/// are mistaken for microseconds are above it.
const RELATIVE: i64 = 15 * 60 * 1_000_000;
/// An event may lie this far outside its span before it counts as impossible: Jaeger rounds start and duration down.
const EVENT_TOLERANCE: i64 = 1_000;
/// The clock of a traced machine may be ahead of ours by this much.
pub(super) const CLOCK_TOLERANCE: Micros = Micros::from_secs(60);
/// The time of an event without a time. The event is moved to the end of its span.
pub(super) const NO_TIME: Time = Time(i64::MAX);

/// Which ends of a span's interval are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Timing {
    /// Start and end.
    #[default]
    Known,
    /// Only the start: the interval is empty.
    NoEnd,
    /// Nothing: the interval is empty and lies where the parent starts.
    NoStart,
}

/// How many spans and events of a trace have an impossible time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImpossibleTimes {
    /// Spans whose start is missing, zero, before the year 2000 or out of range.
    pub starts: usize,
    /// Spans whose end is missing, before their start or out of range.
    pub ends: usize,
    /// Spans that start after the clock.
    pub after_clock: usize,
    /// Spans that start before the clock and end after it.
    pub ends_after_clock: usize,
    /// Events without a usable time or outside their span.
    pub events: usize,
    /// Whether the trace counts from its own start and not from 1970.
    pub relative: bool,
}

/// From when the times of a trace count, which decides which starts are possible. Traces that were written by hand often
/// count from zero, and then zero is a time.
#[derive(Clone, Copy)]
enum TimeOrigin {
    Absolute,
    Relative,
    Unknown,
}

impl TimeOrigin {
    fn of(spans: &[Span]) -> Self {
        let latest = spans.iter().map(|span| span.start.0).filter(|start| *start <= LAST).max().unwrap_or(0);
        match latest {
            YEAR_2000.. => Self::Absolute,
            1..RELATIVE => Self::Relative,
            _ => Self::Unknown,
        }
    }

    fn allows(self, start: i64) -> bool {
        match self {
            Self::Absolute => (YEAR_2000..=LAST).contains(&start),
            Self::Relative => (0..RELATIVE).contains(&start),
            Self::Unknown => false,
        }
    }
}

/// Replaces the impossible times of a trace. If [`ImpossibleTimes::changed_spans`] of the result is true, spans may no longer
/// be in the order of their start.
pub(super) fn replace_impossible(spans: &mut [Span], events: &mut [Event]) -> ImpossibleTimes {
    let era = TimeOrigin::of(spans);
    let mut found = ImpossibleTimes { relative: matches!(era, TimeOrigin::Relative), ..ImpossibleTimes::default() };
    for span in spans.iter_mut() {
        if span.timing == Timing::NoStart || !era.allows(span.start.0) {
            span.timing = Timing::NoStart;
            found.starts += 1;
        } else if span.timing == Timing::NoEnd || span.duration.0 < 0 || (span.start + span.duration).0 > LAST {
            (span.timing, span.duration) = (Timing::NoEnd, Micros(0));
            found.ends += 1;
        }
    }
    if found.starts > 0 {
        place_untimed(spans);
    }
    found.events = clamp_events(spans, events);
    found
}

/// Replaces times after the clock, and adds them to `found`.
pub(super) fn replace_after_clock(clock: Time, spans: &mut [Span], events: &mut [Event], found: &mut ImpossibleTimes) {
    let latest = clock + CLOCK_TOLERANCE;
    for span in spans.iter_mut().filter(|span| span.timing != Timing::NoStart) {
        let end = span.start + span.duration;
        if span.start > latest {
            span.timing = Timing::NoStart;
            found.after_clock += 1;
        } else if end > latest {
            span.start = span.start.min(clock);
            (span.timing, span.duration) = (Timing::NoEnd, Micros(0));
            found.ends_after_clock += 1;
        } else if end > clock {
            span.start = span.start.min(clock);
            span.duration = clock - span.start;
        }
    }
    if found.after_clock > 0 {
        place_untimed(spans);
    }
    found.events += clamp_events(spans, events);
}

impl ImpossibleTimes {
    /// Whether the interval of some span was replaced.
    pub(super) fn changed_spans(self) -> bool {
        self.starts + self.ends + self.after_clock + self.ends_after_clock > 0
    }
}

/// Moves events outside their span to its nearer edge. Returns how many were further outside than rounding explains.
fn clamp_events(spans: &[Span], events: &mut [Event]) -> usize {
    let mut impossible = 0;
    for span in spans.iter().filter(|span| span.events.len > 0) {
        let (start, end) = (span.start, span.start + span.duration);
        let first = span.events.start as usize;
        let own = events.get_mut(first..first + span.events.len as usize).unwrap_or_default();
        for event in own {
            let inside = event.time.clamp(start, end);
            impossible += usize::from((event.time - inside).0.abs() > EVENT_TOLERANCE);
            event.time = inside;
        }
    }
    impossible
}

/// Moves spans without a start to the start of their nearest ancestor with one, otherwise to the start of the trace.
fn place_untimed(spans: &mut [Span]) {
    let timed = |span: &&Span| span.timing != Timing::NoStart;
    let earliest = spans.iter().filter(timed).map(|span| span.start).min();
    let mut starts: HashMap<SpanId, Time> = spans.iter().filter(timed).map(|span| (span.id, span.start)).collect();
    let parents: HashMap<SpanId, SpanId> =
        spans.iter().filter(|span| span.timing == Timing::NoStart).map(|span| (span.id, span.parent)).collect();
    for span in spans.iter_mut().filter(|span| span.timing == Timing::NoStart) {
        let mut passed = vec![span.id];
        let mut above = span.parent;
        let start = loop {
            if let Some(start) = starts.get(&above) {
                break *start;
            }
            match parents.get(&above) {
                // More steps than spans would mean that the parents form a cycle.
                Some(next) if passed.len() <= parents.len() => {
                    passed.push(above);
                    above = *next;
                }
                _ => break earliest.unwrap_or_default(),
            }
        };
        starts.extend(passed.into_iter().map(|id| (id, start)));
        (span.start, span.duration) = (start, Micros(0));
    }
}
