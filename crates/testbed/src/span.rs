//! Spans as a program produces them, before they are written in a format of Jaeger or OpenTelemetry.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use trace::{Micros, SpanId, SpanKind, Status, Time, TraceId};

/// A text. Most of them are known at compile time.
pub type Text = Cow<'static, str>;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum RawValue {
    /// Text.
    Text(Text),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite number.
    Float(f64),
}

impl RawValue {
    /// The value as text, as Jaeger's search compares it.
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

/// Attributes in the order in which they were set.
pub type RawAttributes = Vec<(Text, RawValue)>;

/// An event of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct RawEvent {
    /// Time of the event.
    pub time: Time,
    /// Its name; `exception` for exceptions.
    pub name: Text,
    /// Its attributes.
    pub attributes: RawAttributes,
}

/// One span.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSpan {
    /// Its id.
    pub id: SpanId,
    /// The id of its parent, which may be missing from the trace.
    pub parent: Option<SpanId>,
    /// Its name.
    pub name: Text,
    /// `service.name` of its process.
    pub service: Text,
    /// Its kind.
    pub kind: SpanKind,
    /// Its status.
    pub status: Status,
    /// Message of the status; may be empty.
    pub status_message: Text,
    /// Its start.
    pub start: Time,
    /// Its duration.
    pub duration: Micros,
    /// Attributes of its process, without `service.name`.
    pub process: Arc<RawAttributes>,
    /// Name and version of the instrumentation library; both may be empty.
    pub scope: (Text, Text),
    /// Its attributes.
    pub attributes: RawAttributes,
    /// Its events, sorted by time.
    pub events: Vec<RawEvent>,
}

impl RawSpan {
    /// Its end.
    #[must_use]
    pub fn end(&self) -> Time {
        self.start + self.duration
    }

    /// The tags that Jaeger adds for the kind and the status of a span.
    #[must_use]
    pub fn kind_and_status_tags(&self) -> Vec<(&'static str, RawValue)> {
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

    /// The value of the attribute with this key.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&RawValue> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

/// One trace: spans with the same trace id.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTrace {
    /// Its id.
    pub id: TraceId,
    /// Its spans, in the order in which they were generated.
    pub spans: Vec<RawSpan>,
}

impl RawTrace {
    /// Its earliest start; `None` without spans.
    #[must_use]
    pub fn start(&self) -> Option<Time> {
        self.spans.iter().map(|span| span.start).min()
    }

    /// Its latest end; `None` without spans.
    #[must_use]
    pub fn end(&self) -> Option<Time> {
        self.spans.iter().map(RawSpan::end).max()
    }
}

/// The attributes of every KTRDR process except `service.name`.
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
