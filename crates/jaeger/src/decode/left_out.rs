//! Counts the spans of an answer or a file that were left out, by reason. Every span is in a trace, is a dropped copy, or is
//! counted here.

use std::fmt;

/// Why a span was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Neither the span nor the object around it has a trace id.
    NoTraceId,
    /// Its trace id cannot be read.
    UnreadableTraceId,
    /// It has no span id.
    NoSpanId,
    /// Its span id cannot be read.
    UnreadableSpanId,
    /// It is not an object, or its format is not known.
    UnknownForm,
}

impl Reason {
    fn text(self) -> &'static str {
        match self {
            Self::NoTraceId => "without a trace id",
            Self::UnreadableTraceId => "with a trace id that cannot be read",
            Self::NoSpanId => "without a span id",
            Self::UnreadableSpanId => "with a span id that cannot be read",
            Self::UnknownForm => "in a form that is not known",
        }
    }
}

/// The spans that were left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    reason: Reason,
    count: usize,
    /// The value at fault in one of them, which does not depend on their order; empty if there is none.
    example: String,
}

/// How many spans were left out, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(Vec<Group>);

impl LeftOut {
    pub(super) fn add(&mut self, reason: Reason, what: &str) {
        self.add_group(Group { reason, count: 1, example: what.to_owned() });
    }

    pub(super) fn add_all(&mut self, other: Self) {
        other.0.into_iter().for_each(|group| self.add_group(group));
    }

    fn add_group(&mut self, group: Group) {
        if let Some(known) = self.0.iter_mut().find(|known| known.reason == group.reason) {
            known.count += group.count;
            if group.example < known.example {
                known.example = group.example;
            }
        } else {
            self.0.push(group);
            self.0.sort_by_key(|group| group.reason);
        }
    }

    /// How many spans were left out.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.iter().map(|group| group.count).sum()
    }

    /// Whether every span was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many spans were left out for this reason.
    #[must_use]
    pub fn count(&self, reason: Reason) -> usize {
        self.0.iter().filter(|group| group.reason == reason).map(|group| group.count).sum()
    }

    /// One sentence per reason, for people.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|group| format!("left out: {group}"))
    }
}

/// For people: `3 span(s) with a trace id that cannot be read, such as "req1"`.
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} span(s) {}", self.count, self.reason.text())?;
        if self.example.is_empty() { Ok(()) } else { write!(f, ", such as {:?}", self.example) }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (ix, group) in self.0.iter().enumerate() {
            if ix > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{group}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_counted_by_reason_with_an_example() {
        let mut left_out = LeftOut::default();
        left_out.add(Reason::NoSpanId, "");
        left_out.add(Reason::UnreadableTraceId, "req2");
        left_out.add(Reason::UnreadableTraceId, "req1");
        assert_eq!((left_out.total(), left_out.count(Reason::UnreadableTraceId)), (3, 2));
        assert_eq!(
            left_out.to_string(),
            "2 span(s) with a trace id that cannot be read, such as \"req1\"; 1 span(s) without a span id"
        );
        assert_eq!(left_out.sentences().last().unwrap(), "left out: 1 span(s) without a span id");
    }
}
