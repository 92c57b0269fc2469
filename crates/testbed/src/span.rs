//! Spans as a program would send them: plain, complete, in no particular format.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use trace::{Micros, SpanId, SpanKind, Status, Time, TraceId};

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

impl RawValue {
    /// As text, the way Jaeger's search compares it.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Bool(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(number.to_string()),
        }
    }
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
    /// Attributes of its process, without `service.name`.
    pub process: Arc<RawAttributes>,
    /// Name and version of the instrumentation library; both may be empty.
    pub scope: (Text, Text),
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

    /// What Jaeger 1.x makes tags of though it is none of the attributes: kind, status and library.
    #[must_use]
    pub fn own_fields(&self) -> Vec<(&'static str, RawValue)> {
        let mut fields: Vec<(&'static str, RawValue)> = Vec::with_capacity(4);
        if !self.kind.as_str().is_empty() {
            fields.push(("span.kind", self.kind.as_str().into()));
        }
        match self.status {
            Status::Unset => {}
            Status::Ok => fields.push(("otel.status_code", "OK".into())),
            Status::Error => {
                fields.push(("otel.status_code", "ERROR".into()));
                fields.push(("error", true.into()));
            }
        }
        if !self.status_message.is_empty() {
            fields.push(("otel.status_description", self.status_message.clone().into()));
        }
        fields
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
pub(crate) fn ktrdr_process() -> Arc<RawAttributes> {
    static PROCESS: OnceLock<Arc<RawAttributes>> = OnceLock::new();
    let attributes = PROCESS.get_or_init(|| {
        let pairs: [(&'static str, &'static str); 5] = [
            ("telemetry.sdk.language", "python"),
            ("telemetry.sdk.name", "opentelemetry"),
            ("telemetry.sdk.version", "1.38.0"),
            ("service.version", "0.0.0.dev"),
            ("deployment.environment", "development"),
        ];
        Arc::new(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    });
    Arc::clone(attributes)
}
