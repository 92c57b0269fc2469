//! Collects the spans of an answer into traces. All readers end here, and only here spans are brought into their one form,
//! so the same span is equal through both APIs: kind, status, scope and warnings become fields, and what describes the
//! process moves there.

use std::sync::Arc;

use hashbrown::HashMap;

use super::{
    left_out::{LeftOut, Reason},
    normalize::{name_event, parent_of, status_of, truth},
    well_known_key::WellKnownKey,
    wire_id::WireId,
};
use trace::{
    Attribute, Relation, ResourceIx, SpanDraft, SpanId, SpanKind, SpanRef, Status, StrId, Strings, Trace, TraceBuilder,
    TraceId,
};

/// The name of a service without a name.
const UNKNOWN_SERVICE: &str = "unknown";
/// Jaeger's name for such a service.
const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";

/// The name of a service as it is in traces.
pub(crate) fn service_name(name: &str) -> &str {
    if name.is_empty() || name == NO_SERVICE_NAME { UNKNOWN_SERVICE } else { name }
}

/// A reference to another span, which may be the parent.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) relation: Relation,
    /// If missing, the trace of the span itself.
    pub(super) trace: WireId<TraceId>,
    pub(super) span: WireId<SpanId>,
}

/// A process: its name and attributes, and the scope of its spans, which some versions of Jaeger write there.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    pub(super) service: StrId,
    pub(super) attributes: Vec<Attribute>,
    pub(super) scope: StrId,
    pub(super) scope_version: StrId,
}

/// The span that is being read.
#[derive(Debug, Default)]
pub(super) struct CurrentSpan {
    pub(super) draft: SpanDraft,
    /// The trace id on the span itself.
    pub(super) trace: WireId<TraceId>,
    pub(super) id: WireId<SpanId>,
    pub(super) references: Vec<Reference>,
    /// Attributes that describe the process.
    pub(super) moved: Vec<Attribute>,
}

/// Collects the traces of an answer.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) strings: Strings,
    pub(super) current: CurrentSpan,
    /// Spans that were left out and whose trace is not known.
    pub(super) left_out: LeftOut,
    builders: Vec<TraceInProgress>,
    by_id: HashMap<TraceId, usize>,
    block: usize,
}

#[derive(Debug)]
struct TraceInProgress {
    builder: TraceBuilder,
    /// The resource of the last `resourceSpans` with its number, so that it is looked up once for each trace in it.
    resource: (usize, ResourceIx),
    left_out: LeftOut,
}

impl Sink {
    pub(super) fn new() -> Self {
        let mut strings = Strings::default();
        for (_, text) in WellKnownKey::ALL {
            strings.intern(text);
        }
        Self {
            strings,
            current: CurrentSpan::default(),
            left_out: LeftOut::default(),
            builders: Vec::new(),
            by_id: HashMap::new(),
            block: 0,
        }
    }

    /// Starts a span: resets everything that the previous one has set.
    pub(super) fn begin(&mut self) -> &mut CurrentSpan {
        // Without `..`, so that a new field cannot keep the value of the previous span.
        let CurrentSpan { draft, trace, id, references, moved } = &mut self.current;
        let SpanDraft {
            id: _,
            parent,
            unreadable_parent,
            name,
            resource,
            start,
            duration,
            kind,
            status,
            status_message,
            scope,
            scope_version,
            attributes,
            events,
            links,
            warnings,
        } = draft;
        (*parent, *unreadable_parent, *name, *resource) = (None, false, StrId::EMPTY, ResourceIx::default());
        (*start, *duration) = (None, None);
        (*kind, *status, *status_message) = (SpanKind::Unspecified, Status::Unset, StrId::EMPTY);
        (*scope, *scope_version) = (StrId::EMPTY, StrId::EMPTY);
        attributes.clear();
        events.clear();
        links.clear();
        warnings.clear();
        (*trace, *id) = (WireId::Missing, WireId::Missing);
        references.clear();
        moved.clear();
        &mut self.current
    }

    /// The trace of the current span: by its own trace id, otherwise by that of the object around it. A span without either
    /// is left out.
    pub(super) fn trace_of_span(&mut self, holder: &WireId<TraceId>) -> Option<TraceId> {
        let id = if self.current.trace == WireId::Missing { holder } else { &self.current.trace };
        match id {
            WireId::Known(id) => return Some(*id),
            WireId::Missing => self.left_out.add(Reason::NoTraceId, ""),
            WireId::Unreadable(text) => self.left_out.add(Reason::UnreadableTraceId, text),
        }
        None
    }

    /// The number of the trace with this id, which is added if it is new.
    pub(super) fn trace(&mut self, id: TraceId) -> usize {
        *self.by_id.entry(id).or_insert_with(|| {
            let builder = TraceBuilder::new(id);
            let resource = (0, ResourceIx::default());
            self.builders.push(TraceInProgress { builder, resource, left_out: LeftOut::default() });
            self.builders.len() - 1
        })
    }

    pub(super) fn warning(&mut self, trace: usize, text: StrId) {
        if let Some(to) = self.builders.get_mut(trace) {
            to.builder.warning(text);
        }
    }

    /// Starts `resourceSpans` of OTLP, whose spans share one resource.
    pub(super) fn begin_resource_spans(&mut self) {
        self.block += 1;
    }

    /// The resource of the current `resourceSpans` in a trace. A span with attributes that describe the process gets a
    /// resource of its own.
    pub(super) fn shared_resource(&mut self, trace: usize, process: &Process) -> ResourceIx {
        let Some(to) = self.builders.get_mut(trace) else { return ResourceIx::default() };
        if self.current.moved.is_empty() && to.resource.0 == self.block {
            return to.resource.1;
        }
        let mut attributes = process.attributes.clone();
        attributes.extend_from_slice(&self.current.moved);
        let ix = to.builder.resource(process.service, &mut attributes, &self.strings);
        if self.current.moved.is_empty() {
            to.resource = (self.block, ix);
        }
        ix
    }

    /// Adds a process to a trace.
    pub(super) fn resource(&mut self, trace: usize, process: &mut Process) -> ResourceIx {
        let Some(to) = self.builders.get_mut(trace) else { return ResourceIx::default() };
        to.builder.resource(process.service, &mut process.attributes, &self.strings)
    }

    pub(super) fn reserve(&mut self, trace: usize) -> ResourceIx {
        self.builders.get_mut(trace).map_or_else(ResourceIx::default, |to| to.builder.reserve_resource())
    }

    pub(super) fn define(&mut self, trace: usize, ix: ResourceIx, process: &mut Process) {
        if let Some(to) = self.builders.get_mut(trace) {
            to.builder.define_resource(ix, process.service, &mut process.attributes, &self.strings);
        }
    }

    /// Sets the scope of the current span if it has none.
    pub(super) fn set_default_scope(&mut self, (scope, version): (StrId, StrId)) {
        let draft = &mut self.current.draft;
        if draft.scope == StrId::EMPTY {
            (draft.scope, draft.scope_version) = (scope, version);
        }
    }

    pub(super) fn inherit_scopes(&mut self, trace: usize, scopes: &HashMap<ResourceIx, (StrId, StrId)>) {
        if let Some(to) = self.builders.get_mut(trace).filter(|_| !scopes.is_empty()) {
            to.builder.inherit_scopes(|ix| scopes.get(&ix).copied());
        }
    }

    /// Moves attributes of a process that are fields here. `service` takes precedence over an attribute `service.name`.
    pub(super) fn normalize_process(&mut self, process: &mut Process) {
        let mut named = StrId::EMPTY;
        let (scope, version) = (&mut process.scope, &mut process.scope_version);
        process.attributes.retain(|attribute| {
            let text = attribute.text_id().unwrap_or_default();
            match WellKnownKey::of(attribute.key()) {
                Some(WellKnownKey::ServiceName) => named = text,
                Some(WellKnownKey::ScopeName) => *scope = text,
                Some(WellKnownKey::ScopeVersion) => *version = text,
                Some(WellKnownKey::LibraryName) => fill_if_empty(scope, text),
                Some(WellKnownKey::LibraryVersion) => fill_if_empty(version, text),
                Some(WellKnownKey::Format | WellKnownKey::InternalFormat) => {}
                _ => return true,
            }
            false
        });
        fill_if_empty(&mut process.service, named);
        let name = service_name(self.strings.get(process.service));
        if name == UNKNOWN_SERVICE {
            process.service = self.strings.intern(UNKNOWN_SERVICE);
        }
    }

    /// Brings the current span, which belongs to this trace, into its one form. Afterwards `moved` has the attributes that
    /// describe the process.
    pub(super) fn normalize_span(&mut self, trace: TraceId) {
        let CurrentSpan { draft, references, moved, .. } = &mut self.current;
        let strings = &self.strings;
        let (mut failed, mut library, mut library_version) = (false, StrId::EMPTY, StrId::EMPTY);
        let mut warnings = None;
        let SpanDraft { attributes, kind, status, status_message, scope, scope_version, .. } = draft;
        attributes.retain(|attribute| {
            let Some(known) = WellKnownKey::of(attribute.key()) else { return true };
            let text = attribute.text_id().unwrap_or_default();
            match known {
                WellKnownKey::SpanKind => {
                    if *kind == SpanKind::Unspecified {
                        *kind = SpanKind::parse(strings.get(text)).unwrap_or_default();
                    }
                }
                WellKnownKey::Error => match truth(attribute.value(strings)) {
                    Some(error) => failed |= error,
                    None => return true,
                },
                WellKnownKey::StatusCode => {
                    if *status == Status::Unset {
                        *status = status_of(attribute.value(strings));
                    }
                }
                WellKnownKey::StatusDescription => fill_if_empty(status_message, text),
                WellKnownKey::ScopeName => fill_if_empty(scope, text),
                WellKnownKey::ScopeVersion => fill_if_empty(scope_version, text),
                WellKnownKey::LibraryName => library = text,
                WellKnownKey::LibraryVersion => library_version = text,
                WellKnownKey::Warnings => warnings = Some(text),
                WellKnownKey::Format | WellKnownKey::InternalFormat | WellKnownKey::TraceState => {}
                WellKnownKey::SdkLanguage
                | WellKnownKey::SdkName
                | WellKnownKey::SdkVersion
                | WellKnownKey::DistroName
                | WellKnownKey::DistroVersion => {
                    moved.push(*attribute);
                }
                WellKnownKey::ServiceName | WellKnownKey::Event | WellKnownKey::Message | WellKnownKey::RefType => {
                    return true;
                }
            }
            false
        });
        if failed {
            *status = Status::Error;
        }
        fill_if_empty(scope, library);
        fill_if_empty(scope_version, library_version);
        (draft.parent, draft.unreadable_parent) = parent_of(trace, references, &mut draft.links);
        if let Some(text) = warnings {
            self.add_warnings(text);
        }
        for event in &mut self.current.draft.events {
            name_event(event, &mut self.strings);
        }
    }

    fn add_warnings(&mut self, text: StrId) {
        let text = self.strings.get(text);
        let list = serde_json::from_str::<Vec<String>>(text).unwrap_or_else(|_| vec![text.to_owned()]);
        for warning in list {
            let id = self.strings.intern(&warning);
            self.current.draft.warnings.push(id);
        }
    }

    /// Adds the current span, which must be normalised, to a trace.
    pub(super) fn push(&mut self, trace: usize, resource: ResourceIx) {
        let Some(to) = self.builders.get_mut(trace) else { return };
        match &self.current.id {
            WireId::Known(id) => {
                self.current.draft.id = *id;
                self.current.draft.resource = resource;
                to.builder.push(&mut self.current.draft, &self.strings);
            }
            WireId::Missing => to.left_out.add(Reason::NoSpanId, ""),
            WireId::Unreadable(text) => to.left_out.add(Reason::UnreadableSpanId, text),
        }
    }

    /// The traces in the order in which they occurred, and all spans that were left out. A trace is partial if a span of it was
    /// left out. If the trace of a span that was left out is not known, all traces are partial.
    pub(super) fn finish(self) -> (Vec<Trace>, LeftOut) {
        let strings = Arc::new(self.strings);
        let of_any = self.left_out;
        let mut left_out = of_any.clone();
        let mut traces = Vec::with_capacity(self.builders.len());
        for building in self.builders {
            let mut trace = building.builder.finish(&strings);
            of_any.sentences().chain(building.left_out.sentences()).for_each(|why| trace.mark_partial(why));
            left_out.add_all(building.left_out);
            let cut = |text: &str| text.contains("trace has more than") && text.contains("showing first");
            let mut warnings = trace.warnings().chain(trace.spans().flat_map(SpanRef::warnings));
            let why = warnings.find(|text| cut(text)).map(|text| format!("Jaeger: {text}"));
            drop(warnings);
            if let Some(why) = why {
                trace.mark_partial(why);
            }
            if !trace.is_empty() {
                traces.push(trace);
            }
        }
        (traces, left_out)
    }
}

fn fill_if_empty(kept: &mut StrId, other: StrId) {
    if *kept == StrId::EMPTY {
        *kept = other;
    }
}
