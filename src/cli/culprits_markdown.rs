//! What changed as a report for an incident: what was compared, the culprits with their evidence, and what to look at next.

use std::fmt::Write;

use super::{
    markdown::{plain, proof},
    text::{ms, percent, second},
};
use diagnosis::{
    TimeRange,
    culprits::{Compared, Culprit, WhatChanged},
};

/// The Markdown report of a comparison.
pub(super) fn markdown(changed: &WhatChanged) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_report(&mut out, changed);
    out
}

fn write_report(out: &mut String, changed: &WhatChanged) -> std::fmt::Result {
    writeln!(out, "🔍 **What Changed**\n")?;
    writeln!(out, "**Comparison**:\n")?;
    if let Some(ranges) = changed.ranges {
        let range = |range: TimeRange| format!("{} to {} UTC", second(range.from), second(range.to));
        writeln!(out, "- Window: {}", range(ranges.window()))?;
        writeln!(out, "- Baseline: {}", range(ranges.baseline()))?;
    }
    for notice in &changed.notices {
        writeln!(out, "- {}", plain(notice))?;
    }
    let culprits = &changed.comparison.culprits;
    writeln!(out, "\n**Culprits**:\n")?;
    if culprits.is_empty() {
        writeln!(out, "None: nothing was found that deviates from the baseline.")?;
    }
    for culprit in culprits {
        row(out, culprit)?;
    }
    let example = culprits.first().and_then(|culprit| culprit.example_trace_ids.first());
    if let Some(example) = example.filter(|_| changed.ranges.is_some() && changed.compared == Compared::Operations) {
        writeln!(out, "\n**Next Step**:\n\nDiagnose the example that shows the first culprit best:\n")?;
        writeln!(out, "```sh\nktrdr-diagnose operation {example}\n```")?;
    }
    Ok(())
}

fn row(out: &mut String, culprit: &Culprit) -> std::fmt::Result {
    let Culprit { rank, kind, share, confidence, .. } = culprit;
    let (kind, confidence) = (kind.as_str(), confidence.as_str());
    let called = culprit.caller.as_ref().map(|caller| format!(", called by {}", plain(caller))).unwrap_or_default();
    writeln!(out, "{rank}. **{}**{called} (`{kind}`, {confidence} confidence)", plain(&culprit.service))?;
    writeln!(out, "   - {}", plain(&culprit.summary))?;
    let excess = culprit.excess_ms.map(|excess| format!("{} more each, ", ms(excess))).unwrap_or_default();
    let types = plain(&culprit.operation_types.join(", "));
    writeln!(out, "   - Affected: {} ({types}), {excess}{} of the whole excess", culprit.affected, percent(*share))?;
    let examples: Vec<String> = culprit.example_trace_ids.iter().map(ToString::to_string).collect();
    writeln!(out, "   - Examples: {}", examples.join(", "))?;
    for evidence in &culprit.evidence {
        writeln!(out, "   - Evidence: {}", proof(evidence))?;
    }
    Ok(())
}
