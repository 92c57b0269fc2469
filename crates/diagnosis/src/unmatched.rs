//! Patterns of a playbook that match nothing in given traces, each with its line.
//!
//! A pattern that never matches is not an error: the case that it is for may just not be in the traces. But most patterns that
//! beginners write should match something in traces that they have at hand, and a misspelt one never does.

use std::collections::BTreeSet;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    playbook::{Attr, Glob, Playbook, PlaybookError, similar::nearest},
    read::{class_name::short_class, reported, scan},
};
use trace::Trace;

/// What the traces hold.
#[derive(Default)]
struct Seen {
    spans: BTreeSet<String>,
    services: BTreeSet<String>,
    attributes: BTreeSet<String>,
    requests: BTreeSet<(String, String)>,
    hosts: BTreeSet<String>,
    ports: BTreeSet<u16>,
    classes: BTreeSet<String>,
    /// Messages of errors and their stack traces.
    messages: BTreeSet<String>,
    ids: BTreeSet<String>,
    types: BTreeSet<String>,
    states: BTreeSet<String>,
    reasons: BTreeSet<String>,
}

impl Seen {
    fn of(traces: &[Trace], playbook: &Playbook) -> Self {
        let (scans, _) = scan::scan(traces, playbook);
        let mut seen = Self::default();
        for scan in &scans {
            for span in scan.trace.spans() {
                seen.spans.insert(span.name().to_owned());
                seen.services.insert(span.service().to_owned());
                let events = span.events().flat_map(|event| event.attributes().map(|(key, _)| key).collect::<Vec<_>>());
                let own = span.attributes().chain(span.resource_attributes()).map(|(key, _)| key);
                seen.attributes.extend(own.chain(events).map(str::to_owned));
                if let Some(request) = scan.request(span) {
                    let path = request.path.unwrap_or_default().to_owned();
                    seen.requests.insert((request.method.unwrap_or_default().to_uppercase(), path));
                    seen.hosts.extend(request.host.into_iter().chain(request.peer).map(str::to_owned));
                    seen.ports.extend(request.port);
                    seen.classes.extend(request.error_class().map(|class| class.replace("gRPC ", "")));
                }
                for error in reported::errors(scan, span) {
                    seen.classes.extend(error.class.as_deref().map(|class| short_class(class).to_owned()));
                    let texts = error.message.into_iter().chain(error.stacktrace);
                    seen.messages.extend(texts.map(std::borrow::Cow::into_owned));
                }
                let text = |attr| scan.text(span, attr).map(std::borrow::Cow::into_owned);
                seen.messages.extend([Attr::OperationError, Attr::OutcomeError].into_iter().filter_map(text));
                seen.ids.extend(text(Attr::OperationId));
                seen.types.extend(text(Attr::OperationType).map(|name| playbook.fold_type(&name)));
                let states = [Attr::ToStatus, Attr::FromStatus, Attr::OperationStatus, Attr::Outcome];
                seen.states.extend(states.into_iter().filter_map(text).map(|word| word.trim().to_lowercase()));
                seen.reasons.extend(text(Attr::CancellationReason));
            }
        }
        seen.types.extend(seen.ids.iter().filter_map(|id| playbook.type_in_id(id)));
        seen
    }
}

/// The patterns of `text` that match nothing in `traces`, in the order of its lines, and how many patterns there are.
///
/// # Errors
/// Every mistake of a text that cannot be used.
pub fn unmatched(text: &str, traces: &[Trace]) -> Result<(Vec<PlaybookError>, usize), Vec<PlaybookError>> {
    let playbook = Playbook::with_overlay(text)?;
    let seen = Seen::of(traces, &playbook);
    let mut search = Search { text, seen: &seen, found: Vec::new(), patterns: 0 };
    if let Ok(document) = DeTable::parse(text) {
        for (table, value) in document.get_ref() {
            search.table(table.get_ref(), value);
        }
    }
    search.found.sort_by_key(|found| found.line);
    Ok((search.found, search.patterns))
}

type Item<'i> = Spanned<DeValue<'i>>;

struct Search<'s> {
    text: &'s str,
    seen: &'s Seen,
    found: Vec<PlaybookError>,
    patterns: usize,
}

impl Search<'_> {
    fn table(&mut self, name: &str, value: &Item<'_>) {
        let fields = || value.get_ref().as_table().into_iter().flat_map(DeTable::iter);
        let rows = value.get_ref().as_array().into_iter().flat_map(|rows| rows.iter());
        let seen = self.seen;
        match name {
            "attributes" | "words" => {
                for (role, keys) in fields() {
                    self.any_attribute(name, role.get_ref(), keys);
                }
            }
            "spans" => fields().for_each(|(_, names)| self.each(names, "no span has a name like", &seen.spans, glob)),
            "discovery" => {
                let names = fields().find(|(field, _)| field.get_ref() == "spans");
                if let Some((_, names)) = names {
                    self.each(names, "no span has the name", &seen.spans, exact);
                }
            }
            "operation" => fields().for_each(|(field, value)| self.operation(field.get_ref(), value)),
            _ => rows.for_each(|row| self.row(name, row)),
        }
    }

    fn operation(&mut self, field: &str, value: &Item<'_>) {
        let seen = self.seen;
        match field {
            "id_pattern" => self.each(value, "no operation has an id like", &seen.ids, expression),
            "comparable_by" => self.each(value, "no span has the attribute", &seen.attributes, exact),
            "called_directly" => self.each(value, "no operation has an id like", &seen.ids, glob),
            "types" => self.each(value, "no operation has the type", &seen.types, exact),
            "states" => {
                for (word, _) in value.get_ref().as_table().into_iter().flat_map(DeTable::iter) {
                    let lower = word.get_ref().trim().to_lowercase();
                    self.patterns += 1;
                    if !seen.states.contains(&lower) {
                        self.note(word.span().start, "no span has the state", word.get_ref(), &seen.states);
                    }
                }
            }
            _ => {}
        }
    }

    fn row(&mut self, table: &str, row: &Item<'_>) {
        let Some(fields) = row.get_ref().as_table() else { return };
        let seen = self.seen;
        let text = |name: &str| fields.iter().find(|(key, _)| key.get_ref() == name)?.1.get_ref().as_str();
        for (field, value) in fields {
            match (table, field.get_ref().as_ref()) {
                ("phase", "after" | "before") | ("step", "spans") | ("silence", "after") | ("correlation", "span") => {
                    self.each(value, "no span has a name like", &seen.spans, glob);
                }
                ("silence", "type") => self.each(value, "no operation has a type like", &seen.types, glob),
                ("phase" | "step", "types") => self.each(value, "no operation has the type", &seen.types, exact),
                ("route", "path") => {
                    let method = text("method").unwrap_or_default().to_uppercase();
                    let paths: BTreeSet<String> = seen
                        .requests
                        .iter()
                        .filter(|(of, _)| method.is_empty() || *of == method)
                        .map(|(_, path)| path.clone())
                        .collect();
                    self.each(value, &format!("no {method} request has a path like"), &paths, glob);
                }
                ("step", "milliseconds") => self.each(value, "no span has the attribute", &seen.attributes, exact),
                ("service", "names") => self.each(value, "no service has a name like", &seen.services, glob),
                ("service", "hosts") => self.each(value, "no request goes to a host like", &seen.hosts, glob),
                ("service", "routes") => {
                    let paths: BTreeSet<String> = seen.requests.iter().map(|(_, path)| path.clone()).collect();
                    self.each(value, "no request has a path like", &paths, glob);
                }
                ("service", "ports") => self.ports(value),
                ("error", "classes") => self.each(value, "no error has the class", &seen.classes, exact),
                ("error", "messages" | "causes") => {
                    self.each(value, "no error has a message like", &seen.messages, expression);
                }
                ("cancellation", "reason") => {
                    self.each(value, "nothing was cancelled with a reason like", &seen.reasons, expression);
                }
                _ => {}
            }
        }
    }

    /// Keys of one meaning are spellings of different ages, so one of them is enough.
    fn any_attribute(&mut self, table: &str, role: &str, keys: &Item<'_>) {
        let texts: Vec<&str> = texts(keys).into_iter().map(|(text, _)| text).collect();
        self.patterns += usize::from(!texts.is_empty());
        if let Some(first) = texts.first().filter(|_| !texts.iter().any(|key| self.seen.attributes.contains(*key))) {
            let what = format!("no span or event has an attribute for {role} of [{table}]:");
            let names = texts.join("`, `");
            let near = nearest(first, self.seen.attributes.iter().map(String::as_str)).map(str::to_owned);
            self.push(keys.span().start, &what, &names, near.as_deref());
        }
    }

    fn ports(&mut self, value: &Item<'_>) {
        for port in value.get_ref().as_array().into_iter().flat_map(|ports| ports.iter()) {
            let number: Option<u16> = port.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
            self.patterns += 1;
            if let Some(number) = number.filter(|number| !self.seen.ports.contains(number)) {
                self.push(port.span().start, "no request goes to the port", &number.to_string(), None);
            }
        }
    }

    /// Notes each text that fits nothing.
    fn each(&mut self, value: &Item<'_>, what: &str, seen: &BTreeSet<String>, fits: fn(&str, &str) -> bool) {
        for (text, at) in texts(value) {
            self.patterns += 1;
            if !seen.iter().any(|name| fits(text, name)) {
                self.note(at, what, text, seen);
            }
        }
    }

    fn note(&mut self, at: usize, what: &str, text: &str, seen: &BTreeSet<String>) {
        let near = nearest(text.trim_matches('*'), seen.iter().map(String::as_str)).or_else(|| beginning(text, seen));
        self.push(at, what, text, near.map(str::to_owned).as_deref());
    }

    fn push(&mut self, at: usize, what: &str, text: &str, near: Option<&str>) {
        let line = self.text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let near = near.map(|near| format!("; `{near}` is there")).unwrap_or_default();
        self.found.push(PlaybookError { line, message: format!("{what} `{text}`{near}") });
    }
}

/// For a pattern whose fixed beginning is misspelt: the first name that begins almost so.
fn beginning<'n>(pattern: &str, seen: &'n BTreeSet<String>) -> Option<&'n str> {
    let fixed = pattern.split('*').next().filter(|fixed| fixed.chars().count() > 3 && pattern.contains('*'))?;
    let length = fixed.chars().count();
    seen.iter().map(String::as_str).find(|name| {
        let start: String = name.chars().take(length).collect();
        nearest(fixed, [start.as_str()]).is_some()
    })
}

/// The texts of a value that is a text or a list of them, with the places where they stand.
fn texts<'i>(value: &'i Item<'_>) -> Vec<(&'i str, usize)> {
    let text = |item: &'i Item<'_>| Some((item.get_ref().as_str()?, item.span().start));
    match value.get_ref().as_array() {
        Some(items) => items.iter().filter_map(text).collect(),
        None => text(value).into_iter().collect(),
    }
}

fn exact(text: &str, name: &str) -> bool {
    text == name
}

fn glob(pattern: &str, name: &str) -> bool {
    Glob::new(pattern).fits(name)
}

fn expression(pattern: &str, text: &str) -> bool {
    regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}
