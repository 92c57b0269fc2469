//! Parts of a playbook that can never apply: rows after others that match everything, rules that nothing uses, references to
//! rows that do not exist. They do no harm, so the playbook is still used, but its author should know.

use std::collections::BTreeSet;

use super::{
    Attr, Glob, OperationSource, Playbook, PlaybookError, RouteRole, SpanRole, Verdict, rule_ids,
    similar::nearest,
    tables::{Table, Tables},
};

/// Finds what can never apply in the text of a playbook.
pub(super) fn find(text: &str, own: &Tables, playbook: &Playbook) -> Vec<PlaybookError> {
    let mut search = Search { text, found: Vec::new() };
    search.ids_twice(own);
    search.rules(own, playbook);
    search.phases(own);
    search.silences(own);
    search.routes(own);
    search.cancellations(own);
    search.errors(own);
    search.services(own, playbook);
    search.steps(own, playbook);
    search.correlations(own, playbook);
    search.precedence(own, playbook);
    search.operations(playbook);
    search.found.sort_by_key(|found| found.line);
    search.found
}

struct Search<'t> {
    text: &'t str,
    found: Vec<PlaybookError>,
}

/// Whether the first pattern matches everything that the second matches.
fn covers(first: Option<&Glob>, second: Option<&Glob>) -> bool {
    match (first, second) {
        (None, _) => true,
        (Some(first), None) => first.to_string() == "*",
        (Some(first), Some(second)) => first == second || first.fits(&second.to_string()),
    }
}

/// The same for lists; no list means all.
fn covers_types(first: Option<&Vec<String>>, second: Option<&Vec<String>>) -> bool {
    let first = first.map_or(&[][..], Vec::as_slice);
    let second = second.map_or(&[][..], Vec::as_slice);
    first.is_empty() || !second.is_empty() && second.iter().all(|one| first.contains(one))
}

impl Search<'_> {
    /// Reports something at the `nth` line (from 0) that contains `near`.
    fn note_at(&mut self, near: &str, nth: usize, message: String) {
        let mut lines = self.text.lines().enumerate().filter(|(_, line)| line.contains(near));
        let line = lines.nth(nth).map_or(1, |(ix, _)| ix + 1);
        self.found.push(PlaybookError { line, message });
    }

    fn note(&mut self, near: &str, message: String) {
        self.note_at(near, 0, message);
    }

    /// Reports rows that an earlier row hides.
    fn hidden<T: Table>(&mut self, rows: &[T], hides: impl Fn(&T, &T) -> bool) {
        let enabled: Vec<&T> = rows.iter().filter(|row| row.is_enabled()).collect();
        for (at, row) in enabled.iter().enumerate() {
            let before = enabled.iter().take(at).find(|before| before.id() != row.id() && hides(before, row));
            if let Some(before) = before {
                let (id, before) = (quoted(row.id()), before.id());
                let message =
                    format!("'{}' never applies: '{before}' is tried first and fits whatever it fits", row.id());
                self.note(&id, message);
            }
        }
    }

    fn ids_twice(&mut self, own: &Tables) {
        let mut ids: Vec<&str> = Vec::new();
        ids.extend(own.rule.iter().map(Table::id).chain(own.step.iter().map(Table::id)));
        ids.extend(own.service.iter().map(Table::id).chain(own.error.iter().map(Table::id)));
        let others = [
            own.route.iter().map(Table::id).collect::<Vec<_>>(),
            own.phase.iter().map(Table::id).collect(),
            own.silence.iter().map(Table::id).collect(),
            own.cancellation.iter().map(Table::id).collect(),
            own.correlation.iter().map(Table::id).collect(),
        ];
        for ids in std::iter::once(ids).chain(others) {
            let mut seen = BTreeSet::new();
            for id in ids.into_iter().filter(|id| !id.is_empty()) {
                if !seen.insert(id) {
                    self.note_at(
                        &quoted(id),
                        1,
                        format!("the id '{id}' is there twice: the second row changes the first"),
                    );
                }
            }
        }
    }

    fn rules(&mut self, own: &Tables, playbook: &Playbook) {
        let named = playbook.errors().iter().map(|error| error.rule.as_str());
        let named: BTreeSet<&str> = named.chain(playbook.cancellations().iter().map(|c| c.rule.as_str())).collect();
        for rule in own.rule.iter().filter(|rule| rule.is_enabled()) {
            let id = rule.id();
            if !rule_ids::ALL.contains(&id) && !named.contains(id) {
                let near = nearest(id, rule_ids::ALL.iter().copied());
                let near = near.map(|near| format!("; perhaps '{near}'")).unwrap_or_default();
                let message = format!(
                    "nothing applies the rule '{id}'{near}: a [[rule]] has the words of a built-in condition, or those \
                     that the `rule` of an [[error]] or [[cancellation]] names; errors of your own are rows of [[error]]"
                );
                self.note(&quoted(id), message);
            }
        }
    }

    fn phases(&mut self, own: &Tables) {
        self.hidden(&own.phase, |before, row| {
            let kinds = before.after_kind.is_none_or(|kind| row.after_kind == Some(kind))
                && before.before_kind.is_none_or(|kind| row.before_kind == Some(kind));
            let sides = covers(before.after.as_ref(), row.after.as_ref())
                && covers(before.before.as_ref(), row.before.as_ref());
            kinds && sides && covers_types(before.types.as_ref(), row.types.as_ref())
        });
    }

    fn silences(&mut self, own: &Tables) {
        self.hidden(&own.silence, |before, row| {
            before.r#type.is_some()
                && covers(before.r#type.as_ref(), row.r#type.as_ref())
                && covers(before.after.as_ref(), row.after.as_ref())
        });
    }

    fn routes(&mut self, own: &Tables) {
        self.hidden(&own.route, |before, row| {
            before.path.is_some() && before.method == row.method && covers(before.path.as_ref(), row.path.as_ref())
        });
    }

    fn cancellations(&mut self, own: &Tables) {
        self.hidden(&own.cancellation, |before, row| {
            before.reason.as_ref().zip(row.reason.as_ref()).is_some_and(|(a, b)| a.0.as_str() == b.0.as_str())
        });
    }

    /// Reports classes and messages that an earlier row already has. Rows with messages are tried before rows with classes.
    fn errors(&mut self, own: &Tables) {
        let mut classes: Vec<(&str, &str)> = Vec::new();
        let mut messages: Vec<(&str, &str)> = Vec::new();
        for row in own.error.iter().filter(|row| row.is_enabled() && row.wrapper != Some(true)) {
            for class in row.classes.iter().flatten() {
                if let Some((_, before)) = classes.iter().find(|(known, id)| known == class && *id != row.id) {
                    let message = format!(
                        "the class '{class}' of '{}' is already that of '{before}', which is tried first",
                        row.id
                    );
                    self.note_at(&quoted(class), 1, message);
                }
                classes.push((class, &row.id));
            }
            for pattern in row.messages.iter().flatten() {
                let pattern = pattern.0.as_str();
                if let Some((_, before)) = messages.iter().find(|(known, id)| *known == pattern && *id != row.id) {
                    let message = format!(
                        "the message '{pattern}' of '{}' is already that of '{before}', which is tried first",
                        row.id
                    );
                    self.note(&quoted(&row.id), message);
                }
                messages.push((pattern, &row.id));
            }
        }
    }

    fn services(&mut self, own: &Tables, playbook: &Playbook) {
        for service in own.service.iter().filter(|service| service.is_enabled()) {
            let id = service.id();
            let Some(known) = playbook.services().iter().find(|known| known.rule == id) else { continue };
            let unknown =
                known.names.is_empty() && known.routes.is_empty() && known.ports.is_empty() && known.hosts.is_empty();
            let first = playbook.services().iter().find(|known| known.name.is_empty());
            if known.name.is_empty() && first.is_some_and(|first| first.rule != id) {
                let message = format!("'{id}' is a second service with an empty name, which stands for all others");
                self.note(&quoted(id), message);
            } else if unknown && !known.name.is_empty() {
                let message =
                    format!("nothing identifies the service '{id}': give `names`, `routes`, `ports` or `hosts`");
                self.note(&quoted(id), message);
            }
        }
    }

    fn steps(&mut self, own: &Tables, playbook: &Playbook) {
        let phases: Vec<&str> = playbook.phases().iter().map(|phase| phase.name.as_str()).collect();
        for step in own.step.iter().filter(|step| step.is_enabled()) {
            let id = step.id();
            let Some(known) = playbook.steps().iter().find(|known| known.rule == id) else { continue };
            if known.spans.is_empty() && known.phases.is_empty() {
                self.note(&quoted(id), format!("nothing is measured for '{id}': give `spans` or `phases`"));
            }
            for phase in known.phases.iter().filter(|phase| !phases.contains(&phase.as_str())) {
                let near = nearest(phase, phases.iter().copied()).map(|near| format!("; perhaps '{near}'"));
                let message =
                    format!("'{id}' measures '{phase}', but no [[phase]] has this name{}", near.unwrap_or_default());
                self.note(&quoted(phase), message);
            }
        }
    }

    fn correlations(&mut self, own: &Tables, playbook: &Playbook) {
        let services: Vec<&str> = playbook.services().iter().map(|service| service.rule.as_str()).collect();
        for row in own.correlation.iter().filter(|row| row.is_enabled()) {
            for service in [&row.waiting_on, &row.explains].into_iter().flatten() {
                if !services.contains(&service.as_str()) {
                    let near = nearest(service, services.iter().copied()).map(|near| format!("; perhaps '{near}'"));
                    let message = format!(
                        "'{}' names '{service}', but there is no such [[service]]{}",
                        row.id,
                        near.unwrap_or_default()
                    );
                    self.note(&quoted(service), message);
                }
            }
        }
    }

    fn precedence(&mut self, own: &Tables, playbook: &Playbook) {
        if own.verdicts.precedence.is_none() {
            return;
        }
        let missing = |verdict: &Verdict| playbook.precedence(*verdict) == usize::MAX;
        let rules = playbook.rules().iter().map(|rule| rule.verdict).filter(missing);
        let missing: BTreeSet<&str> = rules.map(Verdict::as_str).collect();
        if !missing.is_empty() {
            let missing: Vec<&str> = missing.into_iter().collect();
            let message =
                format!("rules have these verdicts, but [verdicts] precedence does not: {}", missing.join(", "));
            self.note("precedence", message);
        }
    }

    /// Reports what is missing for operations to exist, to be found, and to end.
    fn operations(&mut self, playbook: &Playbook) {
        if playbook.extends().is_some() || playbook.operation_source() == OperationSource::RootRequests {
            return;
        }
        let starts = playbook.routes().iter().any(|route| route.role == RouteRole::Start);
        if playbook.operation_id_keys().is_empty() && !starts {
            let message = "no operation can be found: give `operation_id` in [attributes], a [[route]] with the role \
                           `start`, or `source = \"root_requests\"` in [operation]";
            self.note("[attributes]", message.to_owned());
            return;
        }
        if playbook.discovery_spans().is_empty() && playbook.sample().is_none() {
            let message = "operations are found in trace files only: Jaeger is searched for the span names in [discovery] \
                           `spans`, and there are none";
            self.note("[discovery]", message.to_owned());
        }
        let states = [Attr::ToStatus, Attr::OperationStatus].iter().any(|attr| !playbook.keys(*attr).is_empty());
        if !states && !playbook.has_span_role(SpanRole::Work) {
            let message = "no operation ever ends: give the attribute of its state as `to_status` in [attributes], or the \
                           span of the whole work as `work` in [spans]";
            self.note("[attributes]", message.to_owned());
        }
        for (id, what) in [(rule_ids::HEALTHY_COMPLETED, "end well"), (rule_ids::FAILED_OPERATION, "fail")] {
            if playbook.rule(id).is_none() {
                let message = format!("operations that {what} have no words: there is no [[rule]] '{id}'");
                self.note("extends", message);
            }
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
