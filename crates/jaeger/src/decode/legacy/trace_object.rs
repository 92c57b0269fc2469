//! Collects one trace object, `{traceID, spans, processes}`. Its processes may come after the spans that name them, and its
//! spans may belong to several traces.

use hashbrown::{HashMap, hash_map::Entry};

use super::super::{
    sink::{Process, Reference, Sink},
    wire_id::WireId,
};
use trace::{Attribute, Relation, ResourceIx, SpanId, StrId, TraceId};

/// What has been read of a trace object so far.
#[derive(Debug, Default)]
pub(in super::super) struct TraceObject {
    pub(in super::super) id: WireId<TraceId>,
    pub(in super::super) warnings: Vec<StrId>,
    /// The processes that were read.
    described: HashMap<StrId, Process>,
    /// One for each trace that its spans belong to, which is almost always one.
    parts: Vec<Part>,
    part_of: HashMap<TraceId, usize>,
    /// The part of the previous span.
    last: usize,
}

/// The spans of one trace in a trace object.
#[derive(Debug)]
struct Part {
    id: TraceId,
    trace: usize,
    processes: HashMap<StrId, Named>,
    /// Scopes of processes that came after their spans.
    scopes: HashMap<ResourceIx, Scope>,
}

type Scope = (StrId, StrId);

/// A process that spans refer to.
#[derive(Debug)]
enum Named {
    /// Not read yet. The spans had these attributes for it.
    Reserved(ResourceIx, Vec<Attribute>),
    Described(ResourceIx, Scope),
}

impl TraceObject {
    /// Normalises the current span and adds it with the process that it names.
    pub(in super::super) fn add_span(&mut self, parent: WireId<SpanId>, process: StrId, sink: &mut Sink) {
        let Some(id) = normalized(&self.id, parent, sink) else { return };
        let part = self.part(id, sink);
        let Some(part) = self.parts.get_mut(part) else { return };
        let resource = part.resource(process, &self.described, sink);
        sink.push(part.trace, resource);
    }

    /// Normalises the current span and adds it with a process of its own.
    pub(super) fn add_span_with_process(&mut self, parent: WireId<SpanId>, mut process: Process, sink: &mut Sink) {
        let Some(id) = normalized(&self.id, parent, sink) else { return };
        let part = self.part(id, sink);
        let Some(part) = self.parts.get_mut(part) else { return };
        process.attributes.append(&mut sink.current.moved);
        sink.set_default_scope((process.scope, process.scope_version));
        let resource = sink.resource(part.trace, &mut process);
        sink.push(part.trace, resource);
    }

    fn part(&mut self, id: TraceId, sink: &mut Sink) -> usize {
        if self.parts.get(self.last).is_none_or(|part| part.id != id) {
            self.last = *self.part_of.entry(id).or_insert_with(|| {
                let trace = sink.trace(id);
                self.parts.push(Part { id, trace, processes: HashMap::new(), scopes: HashMap::new() });
                self.parts.len() - 1
            });
        }
        self.last
    }

    /// Adds a process. If a name is used twice, the first process counts.
    pub(super) fn describe(&mut self, name: StrId, process: Process, sink: &mut Sink) {
        let Entry::Vacant(slot) = self.described.entry(name) else { return };
        for part in &mut self.parts {
            part.describe(name, &process, sink);
        }
        slot.insert(process);
    }

    /// Defines the processes that never came, and gives spans the scopes of their processes.
    pub(in super::super) fn finish(self, sink: &mut Sink) {
        for part in self.parts {
            for text in &self.warnings {
                sink.warning(part.trace, *text);
            }
            for named in part.processes.into_values() {
                if let Named::Reserved(ix, attributes) = named {
                    let mut process = Process { attributes, ..Process::default() };
                    sink.normalize_process(&mut process);
                    sink.define(part.trace, ix, &mut process);
                }
            }
            sink.inherit_scopes(part.trace, &part.scopes);
        }
    }
}

impl Part {
    fn resource(&mut self, name: StrId, described: &HashMap<StrId, Process>, sink: &mut Sink) -> ResourceIx {
        let trace = self.trace;
        let named = self.processes.entry(name).or_insert_with(|| match described.get(&name) {
            None => Named::Reserved(sink.reserve(trace), Vec::new()),
            Some(process) => {
                let mut process = process.clone();
                process.attributes.append(&mut sink.current.moved);
                let scope = (process.scope, process.scope_version);
                Named::Described(sink.resource(trace, &mut process), scope)
            }
        });
        match named {
            Named::Reserved(ix, extra) => {
                for moved in sink.current.moved.drain(..) {
                    if extra.iter().all(|known| known.key() != moved.key()) {
                        extra.push(moved);
                    }
                }
                *ix
            }
            Named::Described(ix, scope) => {
                sink.set_default_scope(*scope);
                *ix
            }
        }
    }

    fn describe(&mut self, name: StrId, process: &Process, sink: &mut Sink) {
        let Some(named) = self.processes.get_mut(&name) else { return };
        if let Named::Reserved(ix, extra) = named {
            let ix = *ix;
            let mut process = process.clone();
            process.attributes.append(extra);
            let scope = (process.scope, process.scope_version);
            sink.define(self.trace, ix, &mut process);
            *named = Named::Described(ix, scope);
            if scope.0 != StrId::EMPTY {
                self.scopes.insert(ix, scope);
            }
        }
    }
}

/// Normalises the current span and returns its trace; `None` if the trace is not known.
fn normalized(holder: &WireId<TraceId>, parent: WireId<SpanId>, sink: &mut Sink) -> Option<TraceId> {
    let id = sink.trace_of_span(holder)?;
    if parent != WireId::Missing {
        let reference = Reference { relation: Relation::ChildOf, trace: WireId::Missing, span: parent };
        sink.current.references.insert(0, reference);
    }
    sink.normalize_span(id);
    Some(id)
}
