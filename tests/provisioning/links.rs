//! Every link has an existing target and passes on the right variables.

use std::collections::BTreeSet;

use crate::files::{Dashboard, Rule, text, texts};

/// The dashboard and the variables in a URL.
fn target(address: &str) -> Option<(String, BTreeSet<String>)> {
    let rest = address.split_once("/d/")?.1;
    let (uid, query) = rest.split_once('?').unwrap_or((rest, ""));
    let name = |part: &str| {
        let written = part.strip_prefix("var-").and_then(|part| part.split_once('=')).map(|(name, _)| name);
        let handed_on = part.strip_prefix("${").and_then(|part| part.strip_suffix(":queryparam}"));
        written.or(handed_on).map(str::to_owned)
    };
    Some((uid.to_owned(), query.split('&').filter_map(name).collect()))
}

fn assert_leads_somewhere(place: &str, address: &str) {
    let Some((uid, variables)) = target(address) else { return };
    let dashboard = Dashboard::with_uid(&uid).unwrap_or_else(|| panic!("{place}: there is not a dashboard {uid}"));
    for variable in variables {
        assert!(dashboard.variable(&variable).is_some(), "{place}: {uid} has no variable {variable}");
    }
}

#[test]
fn links_lead_to_dashboards_and_variables_that_exist() {
    let mut count = 0;
    for dashboard in Dashboard::all() {
        for address in texts(&dashboard.json).into_iter().filter(|text| text.starts_with("/d/")) {
            count += 1;
            assert_leads_somewhere(&dashboard.file, address);
            assert!(address.contains("${__url_time_range}"), "{}: {address} loses the time range", dashboard.file);
        }
    }
    for rule in Rule::of("provisioning/alerting/ktrdr-diagnosis.yaml") {
        let address = text(&rule.json["annotations"]["dashboard"]).to_owned();
        assert!(target(&address).is_some(), "{}: {address} is not a dashboard", rule.title());
        assert_leads_somewhere(rule.title(), &address);
    }
    assert!(count >= 8, "only {count} links");
}

#[test]
fn dashboards_link_to_each_other_keeping_time_and_variables() {
    for dashboard in Dashboard::all() {
        let tag = "ktrdr-diagnosis";
        let tags = texts(&dashboard.json["tags"]);
        assert!(tags.contains(&tag), "{}: the others find it by this tag", dashboard.file);
        let links = dashboard.json["links"].as_array().cloned().unwrap_or_default();
        let [link] = links.as_slice() else { panic!("{}: {} links", dashboard.file, links.len()) };
        assert_eq!((text(&link["type"]), texts(&link["tags"])), ("dashboards", vec![tag]), "{}", dashboard.file);
        assert!(link["keepTime"] == true && link["includeVars"] == true, "{}", dashboard.file);
    }
}

#[test]
fn an_operation_in_the_table_opens_its_diagnosis() {
    let dashboard = Dashboard::with_uid("ktrdr-diagnosis").expect("the dashboard");
    let panels = dashboard.panels();
    let table = panels.iter().find(|panel| panel["type"] == "table").expect("a table");
    let links: Vec<_> = texts(&table["fieldConfig"]).into_iter().filter(|text| text.starts_with("/d/")).collect();
    assert!(links.iter().any(|link| link.contains("var-operation=${__value.raw")), "{links:?}");
    for name in ["diagnosis", "type", "verdict"] {
        assert!(
            links.iter().all(|link| link.contains(&format!("${{{name}:queryparam}}"))),
            "{name} is lost: {links:?}"
        );
    }
}
