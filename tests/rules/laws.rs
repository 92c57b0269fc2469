//! What holds for every answer, whatever the traces are.

use std::collections::HashSet;

use ktrdr_diagnosis::{
    corpus::RawTrace,
    diagnosis::{Diagnosis, OperationStatus as S, Verdict as V},
    trace::{SpanId, TraceId},
};

/// Severities that a verdict may have (design, section 5).
fn severities(verdict: V) -> &'static [u8] {
    match verdict {
        V::Healthy | V::Running => &[0],
        V::Failed | V::Stuck | V::NoWorkers | V::Unreachable => &[3],
        V::Slow => &[2],
        V::MissingData => &[2, 3],
        V::Cancelled | V::Unknown | V::NotFound => &[1],
        V::TraceBroken => &[1, 2],
    }
}

/// Verdicts that make sense for a state.
fn goes_with(verdict: V, status: S) -> bool {
    match verdict {
        V::Healthy | V::Slow => status == S::Completed,
        V::Failed => status == S::Failed,
        V::Running => matches!(status, S::Running | S::Pending | S::Unknown),
        V::Stuck => matches!(status, S::Running | S::Pending),
        V::Cancelled => status == S::Cancelled,
        V::MissingData => matches!(status, S::Completed | S::Failed),
        V::Unreachable | V::NoWorkers | V::TraceBroken => true,
        V::Unknown => status == S::Unknown,
        V::NotFound => false,
    }
}

/// Laws that answers to this picture break.
pub(crate) fn broken(picture: &str, all: &[Diagnosis]) -> Vec<String> {
    broken_by(&crate::picture::draw(picture), all)
}

/// Laws that answers to these traces break.
pub(crate) fn broken_by(raw: &[RawTrace], all: &[Diagnosis]) -> Vec<String> {
    let spans: HashSet<(TraceId, SpanId)> = raw.iter().flat_map(|t| t.spans.iter().map(|s| (t.id, s.id))).collect();
    let mut broken = Vec::new();
    for d in all {
        let mut law = |holds: bool, text: String| {
            if !holds {
                broken.push(format!("[{:?} {:?} {} {:?}] {text}", d.operation_id, d.verdict, d.rule, d.status));
            }
        };
        law(severities(d.verdict).contains(&d.severity.level()), format!("severity {:?}", d.severity));
        law(goes_with(d.verdict, d.status), "verdict and status".to_owned());
        law(!d.summary.is_empty() && !d.summary.contains('\n'), format!("summary {:?}", d.summary));
        law(d.findings.is_sorted_by(|a, b| a.severity >= b.severity), "findings are not sorted".to_owned());
        law(d.attempts >= 1, "no attempt".to_owned());
        let proofs = d.evidence.iter().chain(d.findings.iter().flat_map(|f| &f.evidence));
        for e in proofs {
            if let (Some(trace), Some(span)) = (e.trace_id, e.span_id) {
                law(spans.contains(&(trace, span)), format!("evidence of nowhere: {e:?}"));
                law(d.trace_ids.contains(&trace), format!("evidence from a trace that is not named: {e:?}"));
            }
        }
        for text in [Some(&d.summary), d.root_cause.as_ref(), d.solution.as_ref()].into_iter().flatten() {
            law(!text.contains("unknown"), format!("placeholder: {text}"));
        }
        if let Some(share) = d.bottleneck_share {
            law((0.0..=1.0).contains(&share), format!("share {share}"));
        }
        let path: f64 = d.flow.iter().map(|step| step.path_ms).sum();
        let whole = d.duration_ms.unwrap_or(0.0);
        law(d.flow.iter().all(|step| step.path_ms >= 0.0 && step.self_ms >= 0.0), "negative time".to_owned());
        law((path - whole).abs() <= 1e-6 * whole.abs().max(1.0), format!("sections {path} ms of {whole} ms"));
        law(whole >= 0.0, format!("duration {whole}"));
        law(d.end.is_none_or(|end| d.start.is_some_and(|start| end >= start)), "ends before it starts".to_owned());
        law(
            d.confidence_reason.is_some() == (d.confidence != ktrdr_diagnosis::diagnosis::Confidence::High),
            "confidence and its reason".to_owned(),
        );
        law(d.trace_ids.first().copied() == d.trace_id, "main trace is not first".to_owned());
        let ends = d.status != S::Running && d.status != S::Pending;
        law(
            d.end.is_some() == (ends && (d.status != S::Unknown || d.operation_id.is_none())) || d.start.is_none(),
            format!("end {:?}", d.end),
        );
        law(serde_json::to_string(d).is_ok(), "no JSON".to_owned());
    }
    broken
}
