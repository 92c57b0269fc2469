//! What a row says: a one-line summary for people, and the evidence of each affected operation.

use super::{
    CulpritKind, RequestProfile,
    cell::{Affected, Detail},
    rank::Row,
};
use crate::{Evidence, EvidenceKind};
use trace::Micros;

/// One line: what deviates, by how much, in how many operations.
pub(super) fn summary(row: &Row<'_, '_>) -> String {
    let (service, span) = (&row.place.service, &row.place.span);
    let caller = row.place.caller.as_deref().unwrap_or("its callers");
    let often = format!("in {} of {} operations", row.count.deviating, row.count.passing);
    let longer =
        || format!("{} longer {often} (usually {})", duration(row.excess), duration(row.baseline.unwrap_or_default()));
    let before =
        || format!("{often}; in the baseline in {} of {}", row.baseline_count.deviating, row.baseline_count.passing);
    match row.kind {
        CulpritKind::Span => match shared_by(row) {
            callees if callees.is_empty() => format!("{service} takes {} in {span}", longer()),
            callees => format!("{service} waits {} for all of {}, so it is slow itself", longer(), callees.join(", ")),
        },
        CulpritKind::Network => {
            format!("{caller} waits for {span} of {service} {}, which the work of {service} does not explain", longer())
        }
        CulpritKind::Gap => format!("{service} starts {} ({span})", longer().replace("longer", "later")),
        CulpritKind::Errors => format!("Errors arise in {span} of {service} {}", before()),
        CulpritKind::Missing => format!("{} {}", missing(row), before()),
    }
}

fn shared_by<'c>(row: &Row<'c, '_>) -> Vec<&'c str> {
    let all = row.cells.iter().flat_map(|cell| match &cell.detail {
        Detail::Time { shared_by, .. } => shared_by.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    });
    let mut all: Vec<&str> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn missing(row: &Row<'_, '_>) -> String {
    let detail = row.cells.iter().find_map(|cell| match &cell.detail {
        Detail::Missing { parent, children } => Some((parent, children.len())),
        _ => None,
    });
    let Some((parent, children)) = detail else { return String::new() };
    let more = if children > 1 { format!(" and {} more", children - 1) } else { String::new() };
    format!("{} of {} lacks {}{more}", parent.span, parent.service, row.place.span)
}

/// The evidence that one affected operation provides.
pub(super) fn evidence(row: &Row<'_, '_>, affected: &Affected<'_>, profile: &RequestProfile) -> Evidence {
    let (kind, key, value) = match row.kind {
        CulpritKind::Errors => (EvidenceKind::Status, "status", "error".to_owned()),
        CulpritKind::Missing => (EvidenceKind::Absence, "child", row.place.span.clone()),
        CulpritKind::Span | CulpritKind::Network | CulpritKind::Gap => {
            let usual = row.baseline.unwrap_or_default();
            (
                EvidenceKind::Comparison,
                "time on the critical path",
                format!("{} more than {}", duration(affected.excess), duration(usual)),
            )
        }
    };
    Evidence {
        rule: format!("culprit.{}", row.kind.as_str()),
        kind,
        trace_id: Some(profile.trace_id),
        span_id: affected.span_id,
        service: Some(affected.at.service.clone()),
        span: Some(affected.at.span.clone()),
        key: key.to_owned(),
        value,
        at: Some(profile.start),
    }
}

/// Formats microseconds for people.
fn duration(us: f64) -> String {
    Micros(us.round() as i64).to_string()
}
