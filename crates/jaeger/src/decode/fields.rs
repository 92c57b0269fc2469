//! The members of every JSON object that the decoder reads, with all their names.
//!
//! These tables are the only place that knows the names. A reader matches on the fields of a table without a catch-all
//! arm, so a field that is added here does not compile until every reader of such objects reads it or ignores it
//! explicitly. This matters because most objects have several readers: `fast` for the usual answer of the legacy API,
//! `legacy`, `otlp`, and `foreign` for other formats. A name means the same in all formats, so a reader need not know
//! which format it reads.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, Visitor};

/// A table of fields.
pub(super) trait Fields: Copy + 'static {
    /// Each field with its names.
    #[cfg(test)]
    const ALL: &[(Self, &[&str])];

    /// The field that has this name.
    fn named(name: &str) -> Option<Self>;
}

macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident { $($(#[$note:meta])* $field:ident = $usual:literal $(| $other:literal)*),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $table { $($(#[$note])* $field),* }

        impl Fields for $table {
            #[cfg(test)]
            const ALL: &[(Self, &[&str])] = &[$((Self::$field, &[$usual $(, $other)*])),*];

            #[inline]
            fn named(name: &str) -> Option<Self> {
                #[cold]
                fn with_other_name(name: &str) -> Option<$table> {
                    match name {
                        $($($other => Some($table::$field),)*)*
                        _ => None,
                    }
                }
                // Names are compared one after the other, so the usual ones of all fields come first.
                match name {
                    $($usual => Some(Self::$field),)*
                    _ => with_other_name(name),
                }
            }
        }
    )*};
}

// The first name of a field is the usual one.
tables! {
    /// A span.
    SpanField {
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

    /// A reference to another span: Jaeger's references, OTLP's links, and the context of a span in the Python SDK.
    ReferenceField {
        Relation = "refType" | "ref_type",
        TraceId = "traceID" | "traceId" | "trace_id",
        SpanId = "spanID" | "spanId" | "span_id",
        /// The whole span that is referred to.
        Span = "span",
        // OTLP and the Python SDK.
        Context = "context",
        Attributes = "attributes",
    }

    /// An event: Jaeger's logs, OTLP's events and Zipkin's annotations.
    EventField {
        Timestamp = "timestamp",
        Fields = "fields",
        // OTLP.
        TimeNano = "timeUnixNano" | "time_unix_nano",
        Name = "name",
        Attributes = "attributes",
        // Zipkin: the name.
        Value = "value",
    }

    /// An attribute: Jaeger's tags and OTLP's attributes.
    AttributeField {
        Key = "key",
        Type = "type" | "vType" | "v_type",
        Value = "value",
        // Jaeger's gRPC model has one field for each type.
        TypedValue = "vStr" | "v_str" | "vBool" | "v_bool" | "vInt64" | "v_int64" | "vFloat64" | "v_float64"
            | "vBinary" | "v_binary",
    }

    /// The value of an attribute in OTLP.
    ValueField {
        Text = "stringValue" | "string_value",
        Bool = "boolValue" | "bool_value",
        Int = "intValue" | "int_value",
        Double = "doubleValue" | "double_value",
        Bytes = "bytesValue" | "bytes_value",
        Array = "arrayValue" | "array_value",
        Map = "kvlistValue" | "kvlist_value",
    }

    /// What produced a span: Jaeger's process, OTLP's resource and Zipkin's endpoint.
    ProcessField {
        Service = "serviceName" | "service_name",
        Tags = "tags" | "tag",
        // OTLP.
        Attributes = "attributes",
    }

    /// A process in the list of processes of Jaeger's gRPC model.
    NamedProcessField {
        Name = "processId" | "process_id" | "processID",
        Process = "process",
    }

    /// The status of a span. The second names are what the Python SDK prints.
    StatusField {
        Code = "code" | "status_code",
        Message = "message" | "description",
    }

    /// The spans of one resource in OTLP.
    ResourceSpansField {
        Resource = "resource",
        ScopeSpans = "scopeSpans" | "scope_spans" | "instrumentationLibrarySpans" | "instrumentation_library_spans",
        SchemaUrl = "schemaUrl" | "schema_url",
    }

    /// The spans of one instrumentation scope in OTLP.
    ScopeSpansField {
        Scope = "scope" | "instrumentationLibrary" | "instrumentation_library",
        Spans = "spans",
    }

    /// An instrumentation scope in OTLP.
    ScopeField {
        Name = "name",
        Version = "version",
    }

    /// An object that holds traces: an answer, an export, a trace, or an error in place of one.
    EnvelopeField {
        Data = "data" | "result" | "hits" | "_source",
        ResourceSpans = "resourceSpans" | "resource_spans",
        TraceId = "traceID" | "traceId" | "trace_id",
        Spans = "spans",
        Processes = "processes",
        ProcessMap = "processMap" | "process_map",
        Warnings = "warnings",
        Errors = "errors",
        Error = "error",
        Code = "code",
        Message = "message",
        /// Only answers of Grafana Tempo have it.
        Tempo = "batches" | "trace",
    }
}

/// The key of a member; `None` is a name that the table does not have.
pub(super) struct Key<F>(pub(super) Option<F>);

impl<'de, F: Fields> Deserialize<'de> for Key<F> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read<F>(PhantomData<F>);
        impl<F: Fields> Visitor<'_> for Read<F> {
            type Value = Key<F>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E>(self, name: &str) -> Result<Key<F>, E> {
                Ok(Key(F::named(name)))
            }
        }
        from.deserialize_identifier(Read(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_means_one_field() {
        fn check<F: Fields + PartialEq + fmt::Debug>() {
            for (field, names) in F::ALL {
                for name in *names {
                    assert_eq!(F::named(name), Some(*field), "{name}");
                    assert_eq!(F::named(&name.to_uppercase()), None, "{name}");
                }
            }
            assert_eq!(F::named(""), None);
        }
        check::<SpanField>();
        check::<ReferenceField>();
        check::<EventField>();
        check::<AttributeField>();
        check::<ValueField>();
        check::<ProcessField>();
        check::<NamedProcessField>();
        check::<StatusField>();
        check::<ResourceSpansField>();
        check::<ScopeSpansField>();
        check::<ScopeField>();
        check::<EnvelopeField>();
    }
}
