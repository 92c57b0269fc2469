//! Processes: the services behind the spans.

use serde::de::{IgnoredAny, MapAccess};

use super::{
    super::{
        scalar::Text,
        shape::{List, Object, ReadObject, fields},
        sink::{Process, Sink},
    },
    element::Element,
    tag::Tags,
};

/// Reads `processes`.
pub(in super::super) struct Processes<'s> {
    pub(in super::super) sink: &'s mut Sink,
    pub(in super::super) element: &'s mut Element,
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
            self.element.told(id, process, self.sink);
        }
        Ok(())
    }
}

fields! { ProcessField { Service = "serviceName", Tags = "tags" } }

/// Reads a process, also where a span holds it.
pub(super) struct OneProcess<'s>(pub(super) &'s mut Sink);

impl<'de> ReadObject<'de> for OneProcess<'_> {
    type Value = Process;
    const WHAT: &'static str = "a process";

    fn null(self) -> Option<Process> {
        let mut process = Process::default();
        self.0.settle_process(&mut process);
        Some(process)
    }

    fn read<A: MapAccess<'de>>(self, mut map: A) -> Result<Process, A::Error> {
        let mut process = Process::default();
        while let Some(field) = map.next_key()? {
            let strings = &mut self.0.strings;
            match field {
                ProcessField::Service => process.service = map.next_value_seed(Text(strings))?,
                ProcessField::Tags => {
                    map.next_value_seed(List(Tags { strings, into: &mut process.attributes }))?;
                }
                ProcessField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.0.settle_process(&mut process);
        Ok(process)
    }
}
