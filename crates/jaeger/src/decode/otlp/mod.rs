//! Reads OTLP JSON, as in answers of `/api/v3` and as exporters write it. Older spellings are read too: snake case,
//! `instrumentationLibrary…`, names of enum values and ids in base64.

mod event;
mod span;

use serde::de::{self, DeserializeSeed as _, IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use self::span::Spans;
pub(super) use self::{
    event::{Events, Links, SpanContext},
    span::{StatusObject, kind_of, set_times},
};
use super::{
    attributes::KeyValues,
    fields::{Key, ProcessField, ResourceSpansField, ScopeField, ScopeSpansField},
    left_out::Reason,
    scalar::Text,
    shape::{List, Object, ReadList, ReadObject},
    sink::{Process, Sink},
};
use trace::{StrId, Strings};

/// Reads `resourceSpans`, a list of [`ResourceSpans`]s.
pub(super) struct ResourceSpansList<'s> {
    pub(super) sink: &'s mut Sink,
}

impl<'de> ReadList<'de> for ResourceSpansList<'_> {
    const WHAT: &'static str = "a list of resource spans";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        Ok(seq.next_element_seed(Object(ResourceSpans(&mut *self.sink)))?.is_some())
    }
}

/// Reads the spans of one resource.
pub(super) struct ResourceSpans<'s>(pub(super) &'s mut Sink);

impl<'de> ReadObject<'de> for ResourceSpans<'_> {
    type Value = ();
    const WHAT: &'static str = "the spans of a resource";

    fn other(self, what: &str) -> Option<()> {
        self.0.left_out.add(Reason::UnknownForm, what);
        Some(())
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let sink = self.0;
        sink.begin_resource_spans();
        let mut process = None;
        // Spans that come before their resource are read when it is known.
        let mut early: Vec<&'de RawValue> = Vec::new();
        let (mut has_spans, mut has_others) = (false, false);
        while let Some(Key(field)) = map.next_key()? {
            has_spans |= matches!(field, Some(ResourceSpansField::ScopeSpans));
            has_others |= field.is_none();
            match (field, &process) {
                (Some(ResourceSpansField::Resource), _) => {
                    let mut read = Process::default();
                    map.next_value_seed(Object(ResourceObject { strings: &mut sink.strings, into: &mut read }))?;
                    sink.normalize_process(&mut read);
                    process = Some(read);
                }
                (Some(ResourceSpansField::ScopeSpans), Some(process)) => {
                    map.next_value_seed(List(ScopeSpansList { sink, process }))?;
                }
                (Some(ResourceSpansField::ScopeSpans), None) => early.push(map.next_value()?),
                (Some(ResourceSpansField::SchemaUrl) | None, _) => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let process = process.unwrap_or_else(|| {
            let mut unnamed = Process::default();
            sink.normalize_process(&mut unnamed);
            unnamed
        });
        for raw in early {
            List(ScopeSpansList { sink, process: &process }).deserialize(raw).map_err(de::Error::custom)?;
        }
        if has_others && !has_spans {
            sink.left_out.add(Reason::UnknownForm, "the spans of a resource without `scopeSpans`");
        }
        Ok(())
    }
}

/// Reads a resource.
pub(super) struct ResourceObject<'s> {
    pub(super) strings: &'s mut Strings,
    pub(super) into: &'s mut Process,
}

impl<'de> ReadObject<'de> for ResourceObject<'_> {
    type Value = ();
    const WHAT: &'static str = "a resource";

    fn null(self) -> Option<()> {
        Some(())
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(ProcessField::Attributes) => {
                    map.next_value_seed(KeyValues::new(&mut *self.strings, &mut self.into.attributes))?;
                }
                Some(ProcessField::Service | ProcessField::Tags) | None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

pub(super) struct ScopeSpansList<'s> {
    pub(super) sink: &'s mut Sink,
    pub(super) process: &'s Process,
}

impl<'de> ReadList<'de> for ScopeSpansList<'_> {
    const WHAT: &'static str = "a list of scope spans";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        Ok(seq.next_element_seed(Object(ScopeSpans { sink: &mut *self.sink, process: self.process }))?.is_some())
    }
}

struct ScopeSpans<'s> {
    sink: &'s mut Sink,
    process: &'s Process,
}

impl<'de> ReadObject<'de> for ScopeSpans<'_> {
    type Value = ();
    const WHAT: &'static str = "the spans of a scope";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { sink, process } = self;
        let mut scope = None;
        let mut early: Vec<&'de RawValue> = Vec::new();
        while let Some(Key(field)) = map.next_key()? {
            match (field, scope) {
                (Some(ScopeSpansField::Scope), _) => {
                    scope = Some(map.next_value_seed(Object(Scope(&mut sink.strings)))?);
                }
                (Some(ScopeSpansField::Spans), Some(scope)) => {
                    map.next_value_seed(List(Spans { sink, process, scope }))?;
                }
                (Some(ScopeSpansField::Spans), None) => early.push(map.next_value()?),
                (None, _) => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let scope = scope.unwrap_or_default();
        for raw in early {
            List(Spans { sink, process, scope }).deserialize(raw).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

/// Name and version of a library.
struct Scope<'s>(&'s mut Strings);

impl<'de> ReadObject<'de> for Scope<'_> {
    type Value = (StrId, StrId);
    const WHAT: &'static str = "a scope";

    fn null(self) -> Option<(StrId, StrId)> {
        Some((StrId::EMPTY, StrId::EMPTY))
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(StrId, StrId), A::Error> {
        let mut scope = (StrId::EMPTY, StrId::EMPTY);
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(ScopeField::Name) => scope.0 = map.next_value_seed(Text(&mut *self.0))?,
                Some(ScopeField::Version) => scope.1 = map.next_value_seed(Text(&mut *self.0))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(scope)
    }
}
