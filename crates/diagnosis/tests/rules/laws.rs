//! What holds for every answer, whatever the traces are.

use std::collections::HashMap;

use diagnosis::{Confidence, Diagnosis, Evidence, EvidenceKind, OperationStatus as S, Verdict as V};
use testbed::{RawSpan, RawTrace};
use trace::{SpanId, Status, TraceId};

use crate::picture::playbook;

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

/// Whether a span holds what a piece of evidence says of it.
fn holds(span: &RawSpan, evidence: &Evidence) -> bool {
    let has = |attributes: &[(testbed::Text, testbed::RawValue)]| {
        attributes.iter().any(|(key, value)| *key == evidence.key && value.to_text() == evidence.value)
    };
    match evidence.kind {
        EvidenceKind::Attribute => has(&span.attributes),
        EvidenceKind::Event => span.events.iter().any(|event| {
            let named = evidence.key == "event" && event.name == evidence.value;
            // Of a time that cannot be true only the order is known: it is moved into the span, and before the clock.
            let inside = (span.start..=span.start + span.duration).contains(&event.time);
            let moved = !inside || evidence.at.is_some_and(|at| at < event.time);
            (Some(event.time) == evidence.at || moved) && (named || has(&event.attributes))
        }),
        EvidenceKind::Status if evidence.key == "status message" => span.status_message == evidence.value,
        EvidenceKind::Status => {
            let status = match span.status {
                Status::Unset => "unset",
                Status::Ok => "ok",
                Status::Error => "error",
            };
            (evidence.key.as_str(), evidence.value.as_str()) == ("status", status)
        }
        EvidenceKind::Absence => !span.attributes.iter().any(|(key, _)| *key == evidence.key),
        EvidenceKind::Count => evidence.value.parse::<u64>().is_ok_and(|count| count > 0),
        EvidenceKind::Comparison => evidence.value.contains(" / ") || evidence.value.contains(" of "),
    }
}

/// The text of a trace as a summary may show it: its first line, cut at its end.
fn shown(text: &str) -> String {
    let text = text.trim();
    let line = text.split(['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']).next().unwrap_or_default();
    line.chars().take(300).collect()
}

/// Laws that answers to this picture break.
pub(crate) fn broken(picture: &str, all: &[Diagnosis]) -> Vec<String> {
    broken_by(&crate::picture::draw(picture), all)
}

/// Laws that answers to these traces break.
pub(crate) fn broken_by(raw: &[RawTrace], all: &[Diagnosis]) -> Vec<String> {
    let mut spans: HashMap<(TraceId, SpanId), Vec<&RawSpan>> = HashMap::new();
    for (trace, span) in raw.iter().flat_map(|t| t.spans.iter().map(move |s| (t.id, s))) {
        spans.entry((trace, span.id)).or_default().push(span);
    }
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
                let found = spans.get(&(trace, span)).is_some_and(|spans| spans.iter().any(|span| holds(span, e)));
                law(found, format!("evidence that is not where it points: {e:?}"));
                law(d.trace_ids.contains(&trace), format!("evidence from a trace that is not named: {e:?}"));
            } else {
                let general = matches!(e.kind, EvidenceKind::Absence | EvidenceKind::Count | EvidenceKind::Comparison);
                law(general, format!("evidence without a place: {e:?}"));
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
            d.confidence_reason.is_some() == (d.confidence != Confidence::High),
            "confidence and its reason".to_owned(),
        );
        let absent = d.evidence.iter().any(|e| e.kind == EvidenceKind::Absence && !e.key.contains('.'));
        let unsure = d.partial && d.cut_lists.is_empty() && (absent || matches!(d.verdict, V::Healthy | V::Slow));
        law(!unsure || d.confidence != Confidence::High, "high confidence rests on missing spans".to_owned());
        let mut remarks = d.remarks.clone();
        remarks.sort();
        remarks.dedup();
        law(remarks.len() == d.remarks.len(), format!("repeated remarks {:?}", d.remarks));
        let message = d.error_message.as_deref().map(shown).filter(|text| !text.is_empty());
        let fill =
            playbook().rule(&d.rule).is_some_and(|rule| rule.summary.placeholders().any(|(name, _)| name == "message"));
        if let Some(message) = message.filter(|_| fill) {
            law(d.summary.contains(&message), format!("message {message:?} altered in {:?}", d.summary));
        }
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
