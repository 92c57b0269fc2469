//! Which series an expression reads.

use std::collections::BTreeSet;

/// A name and perhaps matchers, as in `up{job="a"}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    pub(crate) promql: String,
}

/// Words of PromQL that may stand where a metric could.
const WORDS: [&str; 13] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "inf",
    "nan",
];
/// Those of them that a list of labels follows.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The selectors of an expression without variables.
pub(crate) fn of(promql: &str) -> BTreeSet<Selector> {
    let token = regex::Regex::new(concat!(
        r#"(?P<string>"(?:[^"\\]|\\.)*"|'[^']*')"#,
        r"|\[[^\]]*\]",
        r"|(?P<number>\d[\w.]*)",
        r#"|(?P<name>[A-Za-z_:][\w:]*)(?P<matchers>\s*\{(?:[^}"]|"(?:[^"\\]|\\.)*")*\})?"#,
        r"|(?P<other>[^\s])"
    ))
    .unwrap();
    let tokens: Vec<_> = token.captures_iter(promql).collect();
    let mut found = BTreeSet::new();
    let mut labels = false;
    for (at, part) in tokens.iter().enumerate() {
        let whole = &part[0];
        labels = labels && whole != ")" || BEFORE_LABELS.contains(&whole);
        let Some(name) = part.name("name").map(|name| name.as_str()) else { continue };
        let called = tokens.get(at + 1).is_some_and(|next| &next[0] == "(");
        // An aggregation may have its labels between its name and its arguments.
        let aggregates = tokens.get(at + 1).is_some_and(|next| matches!(&next[0], "by" | "without"));
        let keyword = WORDS.contains(&name.to_lowercase().as_str());
        if !labels && !called && !aggregates && !keyword {
            found.insert(Selector { metric: name.to_owned(), promql: whole.to_owned() });
        }
    }
    found
}

#[test]
fn selectors_are_distinguished_from_functions_labels_and_words() {
    let promql = "histogram_quantile(0.95, sum by (le, job) (rate(a_bucket{t=~\"x|(y)\"}[5m]))) or vector(0) \
                  / on (job) group_left (x) max(b) without (instance) and count(up{a=\"}\"} == 0) > bool 1e3 - c offset 5m";
    let found: Vec<String> = of(promql).into_iter().map(|selector| selector.promql).collect();
    assert_eq!(found, ["a_bucket{t=~\"x|(y)\"}", "b", "c", "up{a=\"}\"}"]);
}
