//! Error classes: by the text that the operation wrote, and by the class of an exception.

use diagnosis::Verdict;

use crate::{picture::*, scenes::*};

/// Rule, class to show, and a text as KTRDR writes it.
pub(crate) const MESSAGES: &[(&str, &str, &str)] = &[
    ("error.worker_lost", "OrphanedOperation", "Operation was RUNNING but no worker claimed it"),
    ("error.backend_restarted", "OrphanedOperation", "Orphaned by backend restart"),
    ("error.data_not_found", "DataNotFoundError", "No data found in cache for EURUSD 1h"),
    ("error.data_not_found", "DataNotFoundError", "Data not found for EURUSD (1h)"),
    ("error.data_not_found", "DataNotFoundError", "Data file not found: /app/data/EURUSD_1h.csv"),
    ("error.data_not_found", "DataNotFoundError", "No timeframes successfully loaded for EURUSD"),
    ("error.insufficient_data", "ValueError", "Insufficient data for backtesting: 12 bars (need 50)"),
    ("error.gpu_memory", "OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB"),
    ("error.no_samples", "ValueError", "No aligned samples available after feature computation"),
    ("error.model_path", "ValueError", "model_path is required for backtesting"),
    ("error.model_path", "ValueError", "Model directory not found: /app/models/x"),
    ("error.strategy_not_found", "ValidationError", "Strategy file not found: momentum.yaml"),
    (
        "error.worker_rejected",
        "RuntimeError",
        "Training start failed on worker training-worker-1, HTTP 500: no password",
    ),
    (
        "error.worker_rejected",
        "RuntimeError",
        "Training start failed on worker training-worker-1, HTTP 500: db: connection refused",
    ),
    ("error.rate_limit", "DataProviderRateLimitError", "IB pacing violation"),
    ("error.data_provider", "DataProviderError", "Data provider returned nothing"),
    ("error.data_damaged", "DataCorruptionError", "DataCorruptionError: bad file"),
    ("error.configuration", "ConfigurationError", "ConfigurationError: no indicators"),
    ("error.training_data", "PipelineError", "PipelineError: shapes differ"),
    ("error.model_load", "ModelLoadError", "ModelLoadError: wrong version"),
    ("error.checkpoint", "CheckpointNotFoundError", "Checkpoint of this operation not found"),
    ("error.circuit_breaker", "CircuitBreakerOpenError", "CircuitBreakerOpenError: open"),
    ("error.agent_phase", "WorkerError", "WorkerError: design failed"),
    ("error.validation", "ValidationError", "ValidationError: end before start"),
    ("error.invalid_value", "ValueError", "ValueError: 12 is too much"),
    // Review B14: these are bugs of the program, not of its input.
    ("error.program_bug", "TypeError", "TypeError: fit() missing 1 required positional argument: 'x'"),
    ("error.program_bug", "KeyError", "KeyError: 'close'"),
    ("error.program_bug", "AttributeError", "AttributeError: 'NoneType' object has no attribute 'shape'"),
    ("error.file_not_found", "FileNotFoundError", "FileNotFoundError: [Errno 2] No such file"),
    ("error.http_status", "HTTPStatusError", "HTTPStatusError: Server error '500'"),
];

/// A training that failed with this text.
pub(crate) fn failing_with(text: &str) -> String {
    training(&format!("train | running->failed {{T}} | 9m | operation.error={text}"))
}

#[test]
fn texts_of_failed_operations_are_classified() {
    for (rule, class, text) in MESSAGES {
        let d = one(&failing_with(text), "1h");
        assert_eq!((d.rule.as_str(), d.error_type.as_deref()), (*rule, Some(*class)), "{text}");
    }
}

/// Every class of the playbook, qualified, as an exception on the span where the work broke.
#[test]
fn classes_of_exceptions_are_classified() {
    for row in playbook().errors().iter().filter(|row| row.effect != diagnosis::playbook::Effect::Wraps) {
        for class in &row.classes {
            let picture = training(&format!(
                "train | training.fit | 6s +1s | !some.module.{class}: abc\n\
                 train | running->failed {{T}} | 8s | operation.error=abc"
            ));
            let d = one(&picture, "1h");
            assert_eq!(d.error_type.as_deref(), Some(class.as_str()));
            assert_eq!(d.error_span.as_deref(), Some("training.fit"));
            if row.is_unreachable() {
                assert_eq!(d.verdict, Verdict::Unreachable, "{class}: {}", d.rule);
            } else {
                assert_eq!(d.rule, row.rule, "{class}");
            }
        }
    }
}

#[test]
fn the_words_of_a_message_fill_the_remedy() {
    let d =
        one(&training("train | running->failed {T} | 9m | operation.error=No data found in cache for GBPJPY 4h"), "1h");
    assert!(d.solution.as_deref().unwrap().contains("ktrdr data load GBPJPY -t 4h --mode full"), "{:?}", d.solution);
}
