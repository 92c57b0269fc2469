//! What belongs to one trace object while it is read: its processes come after the spans that name them.

use hashbrown::HashMap;

use super::super::sink::{Process, Reference, Sink};
use crate::trace::{Attribute, Relation, ResourceIx, SpanId, StrId, TraceId};

/// What one trace object has told so far; its processes come after its spans.
#[derive(Debug, Default)]
pub(in super::super) struct Element {
    pub(in super::super) id: TraceId,
    pub(in super::super) warnings: Vec<StrId>,
    builder: Option<usize>,
    processes: HashMap<StrId, Known>,
    /// Scopes told with processes whose spans came before.
    scopes: HashMap<ResourceIx, (StrId, StrId)>,
}

#[derive(Debug)]
enum Known {
    /// Named by spans only; with the attributes that those spans hold for it.
    Reserved(ResourceIx, Vec<Attribute>),
    /// Told of before any span.
    Told(Process),
    Defined(ResourceIx, (StrId, StrId)),
}

impl Element {
    fn builder(&mut self, sink: &mut Sink) -> usize {
        let id = if self.id == TraceId(0) { sink.reading.trace } else { self.id };
        *self.builder.get_or_insert_with(|| sink.trace(id))
    }

    fn resource(&mut self, process: StrId, sink: &mut Sink) -> ResourceIx {
        let trace = self.builder(sink);
        let known = self.processes.entry(process).or_insert_with(|| Known::Reserved(sink.reserve(trace), Vec::new()));
        if let Known::Told(process) = known {
            process.attributes.append(&mut sink.reading.moved);
            let scope = (process.scope, process.scope_version);
            *known = Known::Defined(sink.resource(trace, process), scope);
        }
        match known {
            Known::Reserved(ix, extra) => {
                for moved in sink.reading.moved.drain(..) {
                    if extra.iter().all(|known| known.key() != moved.key()) {
                        extra.push(moved);
                    }
                }
                *ix
            }
            Known::Defined(ix, scope) => {
                let draft = &mut sink.reading.draft;
                if draft.scope == StrId::EMPTY {
                    (draft.scope, draft.scope_version) = *scope;
                }
                *ix
            }
            Known::Told(_) => ResourceIx::default(),
        }
    }

    /// Settles the span that was read and adds it, with the process it names.
    pub(in super::super) fn take(&mut self, parent: Option<SpanId>, process: StrId, sink: &mut Sink) {
        self.settle(parent, sink);
        let trace = self.builder(sink);
        let resource = self.resource(process, sink);
        sink.push(trace, resource);
    }

    /// Likewise, with the process that it brought along.
    pub(super) fn take_with(&mut self, parent: Option<SpanId>, mut process: Process, sink: &mut Sink) {
        self.settle(parent, sink);
        let trace = self.builder(sink);
        process.attributes.append(&mut sink.reading.moved);
        let draft = &mut sink.reading.draft;
        if draft.scope == StrId::EMPTY {
            (draft.scope, draft.scope_version) = (process.scope, process.scope_version);
        }
        let resource = sink.resource(trace, &mut process);
        sink.push(trace, resource);
    }

    fn settle(&self, parent: Option<SpanId>, sink: &mut Sink) {
        let reading = &mut sink.reading;
        if reading.trace == TraceId(0) {
            reading.trace = self.id;
        }
        if let Some(span) = parent {
            let reference = Reference { relation: Relation::ChildOf, trace: reading.trace, span };
            reading.references.insert(0, reference);
        }
        sink.settle_span();
    }

    pub(super) fn told(&mut self, id: StrId, mut process: Process, sink: &mut Sink) {
        let scope = (process.scope, process.scope_version);
        match self.processes.get_mut(&id) {
            Some(known @ Known::Reserved(..)) => {
                if let (Known::Reserved(ix, extra), Some(trace)) = (&mut *known, self.builder) {
                    process.attributes.append(extra);
                    let ix = *ix;
                    sink.define(trace, ix, &mut process);
                    *known = Known::Defined(ix, scope);
                    if scope.0 != StrId::EMPTY {
                        self.scopes.insert(ix, scope);
                    }
                }
            }
            Some(_) => {}
            None => {
                self.processes.insert(id, Known::Told(process));
            }
        }
    }

    /// Defines the processes that were never told of and hands the scopes told with processes to their spans.
    pub(in super::super) fn finish(mut self, sink: &mut Sink) {
        let Some(trace) = self.builder else { return };
        for text in self.warnings.drain(..) {
            sink.warning(trace, text);
        }
        for known in self.processes.into_values() {
            if let Known::Reserved(ix, attributes) = known {
                let mut process = Process { attributes, ..Process::default() };
                sink.settle_process(&mut process);
                sink.define(trace, ix, &mut process);
            }
        }
        sink.inherit_scopes(trace, &self.scopes);
    }
}
