//! Remarks about irregularities of a trace, such as missing parents, counted by kind.

use std::fmt;

/// An irregularity of a trace, with the number of spans or events that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remark {
    /// Spans that name a parent which is missing.
    MissingParents(usize),
    /// Spans that share their id with a different span.
    SharedIds(usize),
    /// Copies of spans that were dropped.
    Copies(usize),
    /// Cycles of parents that were cut open.
    Cycles(usize),
    /// Spans that start before the call that caused them.
    ClockSkew(usize),
    /// Spans that name their parent by an id that cannot be read.
    UnreadableParents(usize),
    /// Spans without a usable start.
    NoStart(usize),
    /// Spans without a usable end.
    NoEnd(usize),
    /// Spans that start after the clock.
    StartsAfterClock(usize),
    /// Spans that end after the clock.
    EndsAfterClock(usize),
    /// Events without a usable time.
    EventTimes(usize),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingParents(n) => write!(f, "{n} span(s) name a parent that is missing"),
            Self::SharedIds(n) => write!(f, "{n} span(s) share a span id with another span"),
            Self::Copies(n) => write!(f, "{n} repeated span(s) dropped"),
            Self::Cycles(n) => write!(f, "{n} circle(s) of parents cut open"),
            Self::ClockSkew(n) => {
                write!(f, "clock skew: {n} span(s) start before their caller; they are clamped to it")
            }
            Self::UnreadableParents(n) => write!(f, "{n} span(s) name a parent by an id that cannot be read"),
            Self::NoStart(n) => write!(
                f,
                "{n} span(s) have no usable start (missing, zero, before the year 2000 or out of range); they are left \
                 out of every time"
            ),
            Self::NoEnd(n) => write!(
                f,
                "{n} span(s) have no usable end (missing, before their start or out of range); they count as empty"
            ),
            Self::StartsAfterClock(n) => {
                write!(f, "{n} span(s) start after the clock; they are left out of every time")
            }
            Self::EndsAfterClock(n) => write!(f, "{n} span(s) end after the clock; they count as empty"),
            Self::EventTimes(n) => write!(
                f,
                "{n} event(s) have no usable time or lie outside their span; they count as at its nearer edge"
            ),
        }
    }
}

impl Remark {
    /// The number of spans or events that it is about.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::MissingParents(n)
            | Self::SharedIds(n)
            | Self::Copies(n)
            | Self::Cycles(n)
            | Self::ClockSkew(n)
            | Self::UnreadableParents(n)
            | Self::NoStart(n)
            | Self::NoEnd(n)
            | Self::StartsAfterClock(n)
            | Self::EndsAfterClock(n)
            | Self::EventTimes(n) => n,
        }
    }

    /// Adds it to the remark of its kind in the list, so that each kind occurs once.
    pub fn add_to(self, remarks: &mut Vec<Self>) {
        let kind = std::mem::discriminant(&self);
        match remarks.iter_mut().find(|known| std::mem::discriminant(*known) == kind) {
            Some(known) => *known = known.with_count(known.count() + self.count()),
            None => remarks.push(self),
        }
    }

    fn with_count(self, n: usize) -> Self {
        match self {
            Self::MissingParents(_) => Self::MissingParents(n),
            Self::SharedIds(_) => Self::SharedIds(n),
            Self::Copies(_) => Self::Copies(n),
            Self::Cycles(_) => Self::Cycles(n),
            Self::ClockSkew(_) => Self::ClockSkew(n),
            Self::UnreadableParents(_) => Self::UnreadableParents(n),
            Self::NoStart(_) => Self::NoStart(n),
            Self::NoEnd(_) => Self::NoEnd(n),
            Self::StartsAfterClock(_) => Self::StartsAfterClock(n),
            Self::EndsAfterClock(_) => Self::EndsAfterClock(n),
            Self::EventTimes(_) => Self::EventTimes(n),
        }
    }

    /// Whether it means that spans are missing, so that the whole trace may look different.
    #[must_use]
    pub fn is_gap(self) -> bool {
        matches!(self, Self::MissingParents(_) | Self::UnreadableParents(_))
    }
}
