//! The ids of the rules whose condition is code. This is the only place in the code that spells them; a test holds the list
//! equal to the `[[rule]]` tables of the embedded playbooks, so a misspelt id cannot become a rule that is never applied.

/// Declares the constants and [`ALL`].
macro_rules! rule_ids {
    ($($name:ident = $id:literal),* $(,)?) => {
        $(#[doc = concat!("`", $id, "`")] pub const $name: &str = $id;)*

        /// All of them.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

rule_ids! {
    WORKER_NONE_REGISTERED = "worker.none_registered",
    WORKER_NONE_CAPABLE = "worker.none_capable",
    WORKER_ALL_BUSY = "worker.all_busy",
    WORKER_UNAVAILABLE = "worker.unavailable",
    WORKER_ALL_REFUSED = "worker.all_refused",
    WORKER_RETRIED = "worker.retried",
    WORKER_START_RETRIED = "worker.start_retried",
    STUCK_SILENT = "stuck.silent",
    STUCK_WORKER_LOST = "stuck.worker_lost",
    STUCK_HEALTH_CHECKS_ENDED = "stuck.health_checks_ended",
    STUCK_NEVER_STARTED = "stuck.never_started",
    STUCK_PROGRESS_FROZEN = "stuck.progress_frozen",
    STUCK_WORK_CUT_OFF = "stuck.work_cut_off",
    STUCK_INSTANCE_MISMATCH = "stuck.instance_mismatch",
    RUNNING_ACTIVE = "running.active",
    RUNNING_JUST_STARTED = "running.just_started",
    SLOW_BASELINE = "slow.baseline",
    DATA_SEGMENTS_FAILED = "data.segments_failed",
    DATA_FEWER_BARS = "data.fewer_bars",
    HEALTHY_COMPLETED = "healthy.completed",
    FAILED_OPERATION = "failed.operation",
    FAILED_START_REFUSED = "failed.start_refused",
    CANCELLED_USER = "cancelled.user",
    CANCELLED_SHUTDOWN = "cancelled.shutdown",
    TRACE_CONTEXT_LOST = "trace.context_lost",
    TRACE_HOST_UNINSTRUMENTED = "trace.host_uninstrumented",
    TRACE_WORKER_MISSING = "trace.worker_missing",
    TRACE_ROOT_MISSING = "trace.root_missing",
    TRACE_BACKEND_ONLY = "trace.backend_only",
    UNKNOWN_NO_EVIDENCE = "unknown.no_evidence",
    UNKNOWN_STATE = "unknown.state",
    UNKNOWN_TRACE_UNREAD = "unknown.trace_unread",
    NOT_FOUND_NO_TRACE = "not_found.no_trace",
    QUALITY_GATE_REJECTED = "quality.gate_rejected",
    CHATTY_N_PLUS_ONE = "chatty.n_plus_one",
    ERROR_SUPPRESSED = "error.suppressed",
    ATTEMPTS_SEVERAL = "attempts.several",
    ATTEMPTS_CUT_OFF = "attempts.cut_off",
}
