//! What always holds of bytes from outside, whatever they are. The fuzz targets and `tests/foreign_bytes.rs` check it.

#![allow(dead_code, reason = "each target calls one of them")]

use std::sync::Arc;

use diagnosis::playbook::Playbook;
use diagnosis::{Context, diagnose};
use grafana_plugin_protocol::api::{Backend as _, Caller, RawQuery};
use jaeger::{DecodeError, Decoded, decode};
use ktrdr_diagnosis::plugin::Plugin;
use serde_json::{Value, json};
use trace::{Time, Trace, Tree, critical_path};

const CLOCK: Time = Time(1_795_348_800_000_000);

/// Any bytes as a trace file: what is read can be diagnosed, and every path adds up.
pub(crate) fn trace_file(bytes: &[u8]) {
    let Ok(Decoded { traces, .. }) = decode(bytes) else { return };
    assert!(!traces.is_empty(), "an empty answer");
    for trace in &traces {
        assert!(!trace.is_empty(), "a trace without spans");
        let tree = Tree::new(trace);
        let roots: i64 = tree.roots().iter().filter_map(|ix| trace.span(*ix)).map(|span| span.duration().0).sum();
        let path: i64 = critical_path(trace, &tree).iter().map(|section| (section.end - section.start).0).sum();
        assert_eq!(path, roots, "the path of a trace is as long as its roots");
    }
    for d in diagnose(&traces, &Playbook::ktrdr(), &Context { now: CLOCK, ..Context::default() }).diagnoses {
        let times = [d.start, d.end, d.last_activity, d.progress_at];
        assert!(times.into_iter().flatten().all(|time| time <= CLOCK), "{times:?}");
    }
}

/// OTLP JSON, also without its first member.
pub(crate) fn otlp_json(bytes: &[u8]) {
    trace_file(bytes);
    trace_file(&[b"{\"resourceSpans\":[", bytes, b"]}"].concat());
}

/// An answer of Jaeger's old API: the fast reader and the general one, which alone reads several documents, read the same.
pub(crate) fn legacy_json(bytes: &[u8]) {
    trace_file(bytes);
    let general = decode(&[bytes, b"\nnull"].concat());
    assert_eq!(said(&decode(bytes)), said(&general), "the readers disagree");
}

fn said(read: &Result<Decoded, DecodeError>) -> Value {
    let of = |trace: &Trace| json!([trace.canonical(), trace.duplicates(), trace.gaps().collect::<Vec<_>>()]);
    match read {
        Ok(read) => json!([read.traces.iter().map(of).collect::<Vec<_>>(), read.left_out.to_string(), read.errors]),
        Err(DecodeError::NothingReadable { left_out }) => left_out.to_string().into(),
        // The general reader says where it stopped, and that is elsewhere.
        Err(_) => Value::Null,
    }
}

/// Any bytes as the model of a query, and any text as its tags in logfmt: an answer or a message, never a panic.
pub(crate) fn query(bytes: &[u8]) {
    let mut models = vec![bytes.to_vec()];
    if let Ok(text) = std::str::from_utf8(bytes) {
        let model = json!({"queryType": "operations", "filters": {"tags": text, "minDuration": text}, "limit": text});
        models.push(model.to_string().into_bytes());
        let tags = json!({"queryType": "operations", "filters": {"tags": text}});
        models.push(tags.to_string().into_bytes());
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    for json in models {
        let query = RawQuery { json, ..RawQuery::default() };
        // A data source without an address: nothing is asked of anybody.
        let answer = runtime.block_on(Plugin::default().query(Arc::new(Caller::default()), query));
        assert!(answer.is_err_and(|failure| failure.status == 400 && !failure.message.is_empty()));
    }
}
