//! The members of a span, in every form in which spans are written.
//!
//! This table is the only place that knows their names. Every reader of spans (`fast`, `legacy`, `otlp`) matches on
//! [`SpanField`] without a catch-all arm, so a field that is added here does not compile until each of them reads it or
//! ignores it explicitly. A name means the same in all forms, so the form of a span need not be known.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

macro_rules! span_fields {
    ($($field:ident = $usual:literal $(| $other:literal)*),* $(,)?) => {
        /// A member of a span.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum SpanField { $($field),* }

        impl SpanField {
            /// Each field with its names.
            #[cfg(test)]
            pub(super) const ALL: &[(Self, &[&str])] = &[$((Self::$field, &[$usual $(, $other)*])),*];

            /// The field that has this name.
            #[inline]
            pub(super) fn named(name: &str) -> Option<Self> {
                // Names are compared one after the other, so the usual ones of all fields come first.
                match name {
                    $($usual => Some(Self::$field),)*
                    _ => Self::with_other_name(name),
                }
            }

            #[cold]
            fn with_other_name(name: &str) -> Option<Self> {
                match name {
                    $($($other => Some(Self::$field),)*)*
                    _ => None,
                }
            }
        }
    };
}

// The first name of a field is the usual one.
span_fields! {
    // Jaeger's query API and its gRPC model.
    TraceId = "traceID" | "traceId" | "trace_id",
    SpanId = "spanID" | "spanId" | "span_id",
    ParentSpanId = "parentSpanID" | "parentSpanId" | "parent_span_id",
    Flags = "flags",
    OperationName = "operationName" | "operation_name",
    References = "references",
    StartTime = "startTime" | "start_time",
    Duration = "duration",
    Tags = "tags",
    Logs = "logs",
    ProcessId = "processID" | "processId" | "process_id",
    Process = "process",
    Warnings = "warnings",
    // OTLP. Zipkin, the Python SDK and Elasticsearch share some of them.
    Name = "name",
    Kind = "kind",
    StartNano = "startTimeUnixNano" | "start_time_unix_nano",
    EndNano = "endTimeUnixNano" | "end_time_unix_nano",
    Attributes = "attributes",
    Events = "events",
    Links = "links",
    Status = "status",
    // Zipkin, the Python SDK's console exporter, and Jaeger's documents in Elasticsearch.
    Id = "id",
    Context = "context",
    ParentId = "parentId" | "parent_id",
    EndTime = "endTime" | "end_time",
    Timestamp = "timestamp",
    TagObject = "tag",
    Annotations = "annotations",
    BinaryAnnotations = "binaryAnnotations",
    Resource = "resource",
    LocalEndpoint = "localEndpoint",
    RemoteEndpoint = "remoteEndpoint",
}

/// The key of a member; `None` is a name that no span has.
pub(super) struct SpanKey(pub(super) Option<SpanField>);

impl<'de> Deserialize<'de> for SpanKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = SpanKey;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E>(self, name: &str) -> Result<SpanKey, E> {
                Ok(SpanKey(SpanField::named(name)))
            }
        }
        from.deserialize_identifier(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::SpanField;

    #[test]
    fn each_name_means_one_field() {
        for (field, names) in SpanField::ALL {
            for name in *names {
                assert_eq!(SpanField::named(name), Some(*field), "{name}");
                assert_eq!(SpanField::named(&name.to_uppercase()), None, "{name}");
            }
        }
        assert_eq!(SpanField::named(""), None);
    }
}
