//! Reads processes, which name the service of spans.

use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::{
    super::{
        attributes::Tags,
        fields::{Key, NamedProcessField, ProcessField},
        scalar::Text,
        shape::{Object, ReadList, ReadObject},
        sink::{Process, Sink},
    },
    trace_object::TraceObject,
};
use trace::StrId;

/// Reads `processes`: an object with the processes by name.
pub(in super::super) struct Processes<'s> {
    pub(in super::super) sink: &'s mut Sink,
    pub(in super::super) object: &'s mut TraceObject,
}

impl<'de> ReadObject<'de> for Processes<'_> {
    type Value = ();
    const WHAT: &'static str = "processes by id";

    fn null(self) -> Option<()> {
        Some(())
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(id) = map.next_key_seed(Text(&mut self.sink.strings))? {
            let process = map.next_value_seed(Object(OneProcess(self.sink)))?;
            self.object.describe(id, process, self.sink);
        }
        Ok(())
    }
}

/// Reads `processMap` of Jaeger's gRPC model: a list of processes with their names.
pub(in super::super) struct ProcessMap<'s> {
    pub(in super::super) sink: &'s mut Sink,
    pub(in super::super) object: &'s mut TraceObject,
}

impl<'de> ReadList<'de> for ProcessMap<'_> {
    const WHAT: &'static str = "a list of processes";

    fn next<A: SeqAccess<'de>>(&mut self, seq: &mut A) -> Result<bool, A::Error> {
        let Some((name, process)) = seq.next_element_seed(Object(NamedProcess(self.sink)))? else { return Ok(false) };
        self.object.describe(name, process, self.sink);
        Ok(true)
    }
}

struct NamedProcess<'s>(&'s mut Sink);

impl<'de> ReadObject<'de> for NamedProcess<'_> {
    type Value = (StrId, Process);
    const WHAT: &'static str = "a process with its name";

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<(StrId, Process), A::Error> {
        let (mut name, mut process) = (StrId::EMPTY, Process::default());
        while let Some(Key(field)) = map.next_key()? {
            match field {
                Some(NamedProcessField::Name) => name = map.next_value_seed(Text(&mut self.0.strings))?,
                Some(NamedProcessField::Process) => process = map.next_value_seed(Object(OneProcess(self.0)))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((name, process))
    }
}

/// Reads a process, in a trace or in a span.
pub(super) struct OneProcess<'s>(pub(super) &'s mut Sink);

impl<'de> ReadObject<'de> for OneProcess<'_> {
    type Value = Process;
    const WHAT: &'static str = "a process";

    fn null(self) -> Option<Process> {
        let mut process = Process::default();
        self.0.normalize_process(&mut process);
        Some(process)
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Process, A::Error> {
        let mut process = Process::default();
        while let Some(Key(field)) = map.next_key()? {
            let strings = &mut self.0.strings;
            match field {
                Some(ProcessField::Service) => process.service = map.next_value_seed(Text(strings))?,
                Some(ProcessField::Tags) => map.next_value_seed(Tags::new(strings, &mut process.attributes))?,
                Some(ProcessField::Attributes) | None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.0.normalize_process(&mut process);
        Ok(process)
    }
}
