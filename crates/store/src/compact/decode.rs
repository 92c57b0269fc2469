//! From bytes to traces.

use std::sync::Arc;

use trace::{
    Attribute, EventDraft, ImpossibleTimes, Link, Micros, Parent, Relation, ResourceIx, SpanDraft, SpanId, SpanKind,
    Status, StrId, Strings, Time, Trace, TraceBuilder, TraceId,
};

use super::{
    DecodeError, VERSION,
    bytes::{Reader, expand},
};

type Result<T> = std::result::Result<T, DecodeError>;

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Trace>> {
    let [version, _flags, compressed @ ..] = bytes else { return Err(DecodeError::Damaged("the header")) };
    if *version != VERSION {
        return Err(DecodeError::Version(*version));
    }
    let payload = expand(compressed)?;
    let mut from = Reader(&payload);
    let mut strings = Strings::default();
    let mut texts = Vec::new();
    for _ in 0..from.count("the table of texts")? {
        texts.push(strings.intern(from.text("a text")?));
    }
    let mut decoder = Decoder { from, texts, strings: Arc::new(strings) };
    let count = decoder.from.count("the number of traces")?;
    (0..count).map(|_| decoder.trace()).collect()
}

struct Decoder<'b> {
    from: Reader<'b>,
    texts: Vec<StrId>,
    strings: Arc<Strings>,
}

impl Decoder<'_> {
    fn trace(&mut self) -> Result<Trace> {
        let mut builder = TraceBuilder::new(TraceId(u128::from_be_bytes(self.from.array("a trace id")?)));
        let gaps = self.texts("a reason for missing spans")?;
        let duplicates = self.size("the number of copies")?;
        let impossible_times = ImpossibleTimes {
            starts: self.size("a number of times")?,
            ends: self.size("a number of times")?,
            after_clock: self.size("a number of times")?,
            ends_after_clock: self.size("a number of times")?,
            events: self.size("a number of times")?,
            relative: self.from.byte("the kind of times")? != 0,
        };
        self.texts("a warning")?.into_iter().for_each(|warning| builder.warning(warning));
        let mut resources = Vec::new();
        for _ in 0..self.from.count("the number of resources")? {
            let service = self.text("a service")?;
            let mut attributes = self.attributes()?;
            resources.push(builder.resource(service, &mut attributes, &self.strings));
        }
        let mut before = Time(0);
        for _ in 0..self.from.count("the number of spans")? {
            let (mut draft, start) = self.span(&resources, before)?;
            builder.push_finished(&mut draft, start);
            before = start;
        }
        let mut trace = builder.restore(&self.strings, duplicates, impossible_times);
        for gap in gaps {
            trace.mark_partial(self.strings.get(gap));
        }
        Ok(trace)
    }

    fn span(&mut self, resources: &[ResourceIx], before: Time) -> Result<(SpanDraft, Time)> {
        let resource = self.size("a resource")?;
        let bits = self.from.byte("a span")?;
        let id = self.span_id()?;
        let parent = self.span_id()?;
        let relation = if bits >> 5 & 3 == 1 { Relation::FollowsFrom } else { Relation::ChildOf };
        let start = before + Micros(self.from.signed("a start")?);
        let mut draft = SpanDraft {
            id,
            parent: (parent != SpanId(0)).then_some(Parent { span: parent, relation }),
            unreadable_parent: bits >> 5 & 3 == 2,
            resource: resources.get(resource).copied().ok_or(DecodeError::Damaged("a resource"))?,
            start: (bits >> 7 == 1).then_some(start),
            duration: Some(Micros(self.from.signed("a duration")?)),
            kind: kind(bits & 7)?,
            status: status(bits >> 3 & 3)?,
            name: self.text("a name")?,
            status_message: self.text("a status")?,
            scope: self.text("a scope")?,
            scope_version: self.text("a scope")?,
            attributes: self.attributes()?,
            ..SpanDraft::default()
        };
        for _ in 0..self.from.count("the number of events")? {
            draft.events.push(EventDraft {
                time: Some(start + Micros(self.from.signed("an event's time")?)),
                name: self.text("an event")?,
                attributes: self.attributes()?,
            });
        }
        for _ in 0..self.from.count("the number of links")? {
            let trace = TraceId(u128::from_be_bytes(self.from.array("a link")?));
            draft.links.push(Link { trace, span: self.span_id()? });
        }
        draft.warnings = self.texts("a warning")?;
        Ok((draft, start))
    }

    fn attributes(&mut self) -> Result<Vec<Attribute>> {
        let count = self.from.count("the number of attributes")?;
        (0..count).map(|_| self.attribute()).collect()
    }

    fn attribute(&mut self) -> Result<Attribute> {
        let key = self.text("a key")?;
        Ok(match self.from.byte("a value")? {
            0 => Attribute::text(key, self.text("a value")?),
            1 => Attribute::bool(key, false),
            2 => Attribute::bool(key, true),
            3 => Attribute::int(key, self.from.signed("a value")?),
            4 => Attribute::float(key, f64::from_bits(u64::from_be_bytes(self.from.array("a value")?))),
            _ => return Err(DecodeError::Damaged("a value")),
        })
    }

    fn texts(&mut self, what: &'static str) -> Result<Vec<StrId>> {
        let count = self.from.count(what)?;
        (0..count).map(|_| self.text(what)).collect()
    }

    fn text(&mut self, what: &'static str) -> Result<StrId> {
        let number = self.size(what)?;
        self.texts.get(number).copied().ok_or(DecodeError::Damaged(what))
    }

    fn span_id(&mut self) -> Result<SpanId> {
        Ok(SpanId(u64::from_be_bytes(self.from.array("a span id")?)))
    }

    fn size(&mut self, what: &'static str) -> Result<usize> {
        usize::try_from(self.from.number(what)?).map_err(|_| DecodeError::Damaged(what))
    }
}

fn kind(bits: u8) -> Result<SpanKind> {
    Ok(match bits {
        0 => SpanKind::Unspecified,
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => return Err(DecodeError::Damaged("a span's kind")),
    })
}

fn status(bits: u8) -> Result<Status> {
    Ok(match bits {
        0 => Status::Unset,
        1 => Status::Ok,
        2 => Status::Error,
        _ => return Err(DecodeError::Damaged("a span's status")),
    })
}
