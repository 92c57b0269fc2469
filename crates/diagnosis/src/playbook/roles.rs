//! What attributes and spans mean, whatever they are called.

/// What an attribute means, whatever its key is called.
macro_rules! attribute_roles {
    ($($role:ident $name:literal),* $(,)?) => {
        /// What an attribute means; the playbook says which keys carry it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "named by what they mean; docs/playbook.md describes each")]
        pub enum Attr { $($role),* }

        impl Attr {
            /// All roles.
            pub const ALL: &[Self] = &[$(Self::$role),*];

            /// The role's name in a playbook.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$role => $name),* }
            }
        }
    };
}

attribute_roles! {
    OperationId "operation_id", OperationType "operation_type", OperationStatus "operation_status",
    FromStatus "from_status", ToStatus "to_status", OperationError "operation_error",
    CancellationReason "cancellation_reason", Outcome "outcome", OutcomeError "outcome_error",
    WorkerType "worker_type", WorkerTotal "worker_total", WorkerCapable "worker_capable",
    WorkerAvailable "worker_available", WorkerSelected "worker_selected", WorkerStatus "worker_status",
    DispatchStatus "dispatch_status", ProgressPercent "progress_percent", ProgressPhase "progress_phase",
    ProgressAt "progress_at", Instance "instance", HttpMethod "http_method", HttpUrl "http_url",
    HttpTarget "http_target", HttpRoute "http_route", HttpStatus "http_status", GrpcStatus "grpc_status", DbStatement "db_statement", PeerHost "peer_host",
    PeerPort "peer_port", PeerService "peer_service", ErrorType "error_type",
    ErrorMessage "error_message", ExceptionType "exception_type", ExceptionMessage "exception_message",
    ExceptionStacktrace "exception_stacktrace", ItemsReceived "items_received",
    ItemsRequested "items_requested", CheckName "check_name", CheckPassed "check_passed", CheckReason "check_reason",
}

/// What part a span plays by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanRole {
    /// Registers an operation.
    Register,
    /// Changes an operation's state.
    Transition,
    /// Chooses a worker.
    Selection,
    /// Hands the work over (older vocabulary).
    Dispatch,
    /// The worker's span of the whole work (older vocabulary).
    Work,
    /// A command around an operation.
    Wrapper,
    /// A loop that holds several operations.
    Coordinator,
    /// Written when a phase has ended.
    Marker,
    /// Asks another system for data.
    DataRequest,
    /// Folded away.
    Noise,
    /// May explain operations of the same time from its own trace.
    Context,
}

impl SpanRole {
    /// All roles with their names in a playbook.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Register, "register"),
        (Self::Transition, "transition"),
        (Self::Selection, "selection"),
        (Self::Dispatch, "dispatch"),
        (Self::Work, "work"),
        (Self::Wrapper, "wrapper"),
        (Self::Coordinator, "coordinator"),
        (Self::Marker, "marker"),
        (Self::DataRequest, "data_request"),
        (Self::Noise, "noise"),
        (Self::Context, "context"),
    ];
}
