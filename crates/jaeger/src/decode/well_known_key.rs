//! Keys of attributes that have a meaning in every traced system, such as `span.kind`. They become fields of a span or are
//! dropped.

use trace::StrId;

macro_rules! well_known_keys {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// A key with a meaning for the decoder. These keys are the first texts of every table, so a number is enough
        /// to recognise them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum WellKnownKey { $($name),* }

        impl WellKnownKey {
            pub(super) const ALL: &[(Self, &str)] = &[$((Self::$name, $text)),*];
        }
    };
}

well_known_keys! {
    SpanKind = "span.kind",
    Error = "error",
    StatusCode = "otel.status_code",
    StatusDescription = "otel.status_description",
    ScopeName = "otel.scope.name",
    ScopeVersion = "otel.scope.version",
    LibraryName = "otel.library.name",
    LibraryVersion = "otel.library.version",
    Warnings = "@jaeger@warnings",
    Format = "@jaeger@format",
    InternalFormat = "internal.span.format",
    TraceState = "w3c.tracestate",
    SdkLanguage = "telemetry.sdk.language",
    SdkName = "telemetry.sdk.name",
    SdkVersion = "telemetry.sdk.version",
    DistroName = "telemetry.distro.name",
    DistroVersion = "telemetry.distro.version",
    ServiceName = "service.name",
    Event = "event",
    Message = "message",
    RefType = "opentracing.ref_type",
}

impl WellKnownKey {
    pub(super) fn of(key: StrId) -> Option<Self> {
        // The first text of every table is the empty one.
        Self::ALL.get(key.index().wrapping_sub(1)).map(|(known, _)| *known)
    }
}
