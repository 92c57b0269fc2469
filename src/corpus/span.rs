//! Spans as a program would send them: plain, complete, in no particular format.

use std::borrow::Cow;

use crate::trace::{Micros, SpanId, SpanKind, Status, Time, TraceId};

/// Text that is mostly known at compile time.
pub type Text = Cow<'static, str>;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum RawValue {
    /// Text.
    Text(Text),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number; finite.
    Float(f64),
}

impl From<&'static str> for RawValue {
    fn from(text: &'static str) -> Self {
        Self::Text(Text::Borrowed(text))
    }
}

impl From<String> for RawValue {
    fn from(text: String) -> Self {
        Self::Text(Text::Owned(text))
    }
}

impl From<Text> for RawValue {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for RawValue {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl From<i64> for RawValue {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for RawValue {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

/// Attributes in the order they were set.
pub type RawAttributes = Vec<(Text, RawValue)>;

/// An event of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct RawEvent {
    /// When.
    pub time: Time,
    /// Its name, `exception` for exceptions.
    pub name: Text,
    /// What it says.
    pub attributes: RawAttributes,
}

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSpan {
    /// Its id.
    pub id: SpanId,
    /// Its parent's id; the parent may be missing from the trace.
    pub parent: Option<SpanId>,
    /// Its name.
    pub name: Text,
    /// `service.name` of its process.
    pub service: Text,
    /// Its kind.
    pub kind: SpanKind,
    /// Its status.
    pub status: Status,
    /// Text beside the status; empty when none.
    pub status_message: Text,
    /// When it started.
    pub start: Time,
    /// How long it took.
    pub duration: Micros,
    /// Name and version of the instrumentation library; the version may be empty.
    pub scope: (&'static str, &'static str),
    /// Its attributes.
    pub attributes: RawAttributes,
    /// Its events by time.
    pub events: Vec<RawEvent>,
}

impl RawSpan {
    /// When it ended.
    #[must_use]
    pub fn end(&self) -> Time {
        self.start + self.duration
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&RawValue> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

/// One trace: spans that share an id.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTrace {
    /// Its id.
    pub id: TraceId,
    /// Its spans in the order they were made up.
    pub spans: Vec<RawSpan>,
}

impl RawTrace {
    /// Earliest start; `None` without spans.
    #[must_use]
    pub fn start(&self) -> Option<Time> {
        self.spans.iter().map(|span| span.start).min()
    }

    /// Latest end; `None` without spans.
    #[must_use]
    pub fn end(&self) -> Option<Time> {
        self.spans.iter().map(RawSpan::end).max()
    }
}

/// Attributes that every KTRDR process carries (beside `service.name`).
pub const RESOURCE: [(&str, &str); 5] = [
    ("telemetry.sdk.language", "python"),
    ("telemetry.sdk.name", "opentelemetry"),
    ("telemetry.sdk.version", "1.38.0"),
    ("service.version", "0.0.0.dev"),
    ("deployment.environment", "development"),
];
