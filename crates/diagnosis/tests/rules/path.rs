//! On whom an operation spent its time: which parent waited, and whose the time of a call is.

use diagnosis::{Diagnosis, SectionKind};

use crate::{picture::*, scenes::training};

/// Milliseconds on the path of the span with this name.
fn on_path(d: &Diagnosis, span: &str) -> f64 {
    d.flow.iter().filter(|step| step.span == span).map(|step| step.path_ms).sum()
}

#[test]
fn work_that_is_for_the_most_part_done_after_its_parent_lies_on_the_operation() {
    // Mutant M04: of 20 s of work, 10 s or a little more lie after the end of the parent.
    let work = |from: &str| {
        let lines = format!(
            "train | training.run | 10s +20s | ok\n  train | training.fit | {from} +20s | ok\n\
             train | running->completed {{T}} | 2m"
        );
        on_path(&one(&training(&lines), "1h"), "training.fit")
    };
    assert_eq!(work("20s"), 10_000.0, "half of it: the parent waited, so it ends with the parent");
    assert_eq!(work("20001ms"), 20_000.0, "more than half: nobody waited");
}

fn bottleneck(lines: &str) -> (Option<String>, Option<SectionKind>) {
    let lines =
        format!("train | > POST http://ib:5001/data 200 | 10s +10m\n{lines}train | running->completed {{T}} | 12m");
    let d = one(&training(&lines), "1h");
    (d.bottleneck_span, d.bottleneck_kind)
}

#[test]
fn time_of_a_call_belongs_to_the_network_if_a_span_of_another_service_answered_it() {
    // Mutant M14.
    let post = Some("POST".to_owned());
    let network = (post.clone(), Some(SectionKind::Network));
    let own = (post, Some(SectionKind::Span));
    assert_eq!(bottleneck("  ib | < POST /data | 11s +1s\n"), network);
    assert_eq!(bottleneck(""), own, "nobody answered");
    assert_eq!(bottleneck("  train | < POST /data | 11s +1s\n"), own, "the service called itself");
    assert_eq!(bottleneck("  ib | parse | 11s +1s\n"), own, "not a server's span");
}
