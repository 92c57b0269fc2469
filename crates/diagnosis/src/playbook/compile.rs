//! From the tables of a playbook to a [`Playbook`] that rules can use; what is missing or wrong is reported with its line.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::{
    Attr, Cancellation, Correlation, Effect, ErrorClass, OperationTable, Phase, Placeholder, Playbook, PlaybookError,
    Route, Rule, Service, Silence, SpanRole, State, Step, Template, Thresholds, Word, WorkerStatus, Workers,
    tables::{self, Table, Tables, Text, Words},
    values::Duration,
    verdict::{Confidence, Severity, Verdict},
};

/// A playbook without any rule.
pub(super) fn empty() -> Playbook {
    Checker { text: "", errors: Vec::new() }.playbook(Tables::default())
}

/// Builds a playbook and collects the mistakes of the user's text.
pub(super) struct Checker<'t> {
    /// The user's text.
    pub(super) text: &'t str,
    pub(super) errors: Vec<PlaybookError>,
}

impl Checker<'_> {
    /// Notes a mistake at the first line of the user's text that is about `near`: as a key, else as a text, else anyhow.
    pub(super) fn error(&mut self, near: &str, message: String) {
        let key = |line: &str| {
            let rest = line.trim_start().trim_start_matches('"').strip_prefix(near);
            rest.is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with('='))
        };
        let quoted = [format!("\"{near}\""), format!("'{near}'")];
        let first = |fits: &dyn Fn(&str) -> bool| self.text.lines().position(fits);
        let line = first(&key)
            .or_else(|| first(&|line| quoted.iter().any(|quoted| line.contains(quoted))))
            .or_else(|| first(&|line| line.contains(near)))
            .map_or(1, |ix| ix + 1);
        self.errors.push(PlaybookError { line, message });
    }

    fn need<T>(&mut self, id: &str, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.error(id, format!("'{id}' lacks the field '{field}'"));
        }
        value
    }

    fn enabled<T: Table>(&mut self, kind: &str, tables: Vec<T>) -> Vec<T> {
        if tables.iter().any(|table| table.id().is_empty()) {
            self.error(&format!("[[{kind}]]"), format!("a [[{kind}]] lacks its id"));
        }
        tables.into_iter().filter(T::is_enabled).collect()
    }

    pub(super) fn playbook(&mut self, tables: Tables) -> Playbook {
        let attributes = self.attributes(&tables);
        let words = self.words(&tables);
        let workers = self.workers(tables.worker.clone());
        let thresholds = self.thresholds(&tables.thresholds);
        let spans = self.spans(&tables);
        let mut rules = Vec::new();
        for table in self.enabled("rule", tables.rule) {
            let rule = self.rule(&table.words());
            rules.extend(rule.map(|rule| Rule {
                ports: table.ports.unwrap_or_default(),
                hosts: table.hosts.unwrap_or_default(),
                ignore: table.ignore.unwrap_or_default(),
                general: table.general.unwrap_or(false),
                hidden_beside: table.hidden_beside.unwrap_or_default(),
                ..rule
            }));
        }
        let steps = self.enabled("step", tables.step);
        let steps = steps.into_iter().filter_map(|table| self.step(table, &mut rules)).collect();
        let services = self.enabled("service", tables.service);
        let services = services.into_iter().filter_map(|table| self.service(table, &mut rules)).collect();
        let errors = self.enabled("error", tables.error);
        let errors: Vec<ErrorClass> =
            errors.into_iter().filter_map(|table| self.error_class(table, &mut rules)).collect();
        let routes = self.enabled("route", tables.route).into_iter().filter_map(|t| self.route(t)).collect();
        let phases = self.enabled("phase", tables.phase).into_iter().filter_map(|t| self.phase(t)).collect();
        let silences = self.enabled("silence", tables.silence).into_iter().filter_map(|t| self.silence(t)).collect();
        let cancellations = self.enabled("cancellation", tables.cancellation);
        let cancellations: Vec<Cancellation> =
            cancellations.into_iter().filter_map(|table| self.cancellation(table)).collect();
        let states = self.states(&tables.operation.states);
        let correlations = self.enabled("correlation", tables.correlation);
        let correlations = correlations.into_iter().filter_map(|t| self.correlation(t)).collect();
        let by_id: HashMap<String, usize> = rules.iter().enumerate().map(|(ix, r)| (r.id.clone(), ix)).collect();
        let named = errors.iter().map(|class| &class.rule).chain(cancellations.iter().map(|c| &c.rule));
        for rule in named.filter(|rule| !by_id.contains_key(*rule)) {
            self.error(rule, format!("there is no rule '{rule}' to take the words from"));
        }
        Playbook {
            name: tables.name.unwrap_or_default(),
            extends: None,
            overlay: String::new(),
            attributes,
            words,
            context_spans: tables.spans.get("context").into_iter().flatten().map(ToString::to_string).collect(),
            spans,
            primary_discovery_spans: {
                let secondary = &tables.discovery.secondary;
                tables.discovery.spans.iter().filter(|name| !secondary.contains(name)).cloned().collect()
            },
            sample: tables.discovery.sample,
            discovery_spans: tables.discovery.spans,
            mentions: tables.discovery.mentions,
            operation: OperationTable {
                source: tables.operation.source.unwrap_or_default(),
                most_types: tables.operation.most_types.unwrap_or(usize::MAX),
                other_type: tables.operation.other_type.unwrap_or_default(),
                pattern: tables.operation.id_pattern.map(|pattern| pattern.0),
                time: tables.operation.id_time.unwrap_or_default(),
                comparable_by: tables.operation.comparable_by.unwrap_or_default(),
                stored_attributes: tables.operation.stored_attributes.unwrap_or_default(),
                called_directly: tables.operation.called_directly.unwrap_or_default(),
                types: tables.operation.types,
                aliases: tables.operation.aliases,
                states,
            },
            workers,
            routes,
            phases,
            silences,
            cancellations,
            thresholds,
            precedence: tables.verdicts.precedence.unwrap_or_else(|| Verdict::ALL.to_vec()),
            rules,
            by_id,
            steps,
            services,
            correlations,
            errors,
            vague_classes: tables.vague_classes,
        }
    }

    /// Texts that stand alone have those of the embedded text, so none can be missing in a text of the user's.
    fn thresholds(&mut self, t: &tables::Thresholds) -> Thresholds {
        let length = |given: Option<Duration>| given.map(|duration| duration.0);
        Thresholds {
            export_delay: self.threshold("export_delay", length(t.export_delay)),
            worker_lost_after: self.threshold("worker_lost_after", length(t.worker_lost_after)),
            health_gap: self.threshold("health_gap", length(t.health_gap)),
            pending_for: self.threshold("pending_for", length(t.pending_for)),
            progress_frozen: self.threshold("progress_frozen", length(t.progress_frozen)),
            slow_factor: self.threshold("slow_factor", t.slow_factor),
            slow_excess: self.threshold("slow_excess", length(t.slow_excess)),
            silence_factor: self.threshold("silence_factor", t.silence_factor),
            correlation_window: self.threshold("correlation_window", length(t.correlation_window)),
            chatty_calls: self.threshold("chatty_calls", t.chatty_calls),
            chatty_spread: self.threshold("chatty_spread", t.chatty_spread),
            chatty_alike_percent: self.threshold("chatty_alike_percent", t.chatty_alike_percent),
            chatty_overlap_percent: self.threshold("chatty_overlap_percent", t.chatty_overlap_percent),
            failing_calls: self.threshold("failing_calls", t.failing_calls),
            timed_out_polls: self.threshold("timed_out_polls", t.timed_out_polls),
            health_checks: self.threshold("health_checks", t.health_checks),
            baseline_min_operations: self.threshold("baseline_min_operations", t.baseline_min_operations),
            baseline_max_operations: self.threshold("baseline_max_operations", t.baseline_max_operations),
            baseline_window: self.threshold("baseline_window", length(t.baseline_window)),
            lookback: self.threshold("lookback", length(t.lookback)),
            clock_skew: self.threshold("clock_skew", length(t.clock_skew)),
            start_window: self.threshold("start_window", length(t.start_window)),
            context_window: self.threshold("context_window", length(t.context_window)),
            poll_window: self.threshold("poll_window", length(t.poll_window)),
            id_margin: self.threshold("id_margin", length(t.id_margin)),
        }
    }

    fn threshold<T: Default>(&mut self, name: &str, value: Option<T>) -> T {
        if value.is_none() {
            self.error("[thresholds]", format!("[thresholds] lacks '{name}'"));
        }
        value.unwrap_or_default()
    }

    /// The words of the system; keys under such a name in `[attributes]` belong to them too.
    fn words(&mut self, tables: &Tables) -> Vec<Word> {
        let proving = tables.operation.error_words.as_deref().unwrap_or_default();
        for name in proving.iter().filter(|name| !tables.words.contains_key(*name)) {
            self.error(name, format!("error_words of [operation] names '{name}', which is not in [words]"));
        }
        let mut words = Vec::new();
        for (name, keys) in &tables.words {
            if Placeholder::ALL.iter().any(|placeholder| placeholder.name() == name) {
                self.error(
                    name,
                    format!("[words] has '{name}', a placeholder that is filled anyway; choose another name"),
                );
            }
            let more = tables.attributes.get(name).into_iter().flatten();
            let keys = more.chain(keys).cloned().collect();
            words.push(Word { name: name.clone(), keys, proves_errors: proving.contains(name) });
        }
        words
    }

    fn workers(&mut self, table: tables::WorkerTable) -> Workers {
        let mut statuses = BTreeMap::new();
        for (word, name) in &table.statuses {
            if let Some(status) = WorkerStatus::parse(name) {
                statuses.insert(word.trim().to_lowercase(), status);
            } else {
                let known = WorkerStatus::ALL.map(WorkerStatus::as_str).join(", ");
                self.error(word, format!("[worker.statuses] has '{word}' as '{name}'; it may be one of: {known}"));
            }
        }
        Workers {
            accepted: table.accepted.unwrap_or_default(),
            busy: table.busy.unwrap_or_default(),
            name: table.name,
            local_name: table.local_name,
            statuses,
            types: table.types,
            containers: table.containers,
        }
    }

    fn attributes(&mut self, tables: &Tables) -> HashMap<Attr, Vec<String>> {
        let mut attributes = HashMap::new();
        for (name, keys) in &tables.attributes {
            if let Some(attr) = Attr::ALL.iter().find(|attr| attr.name() == name) {
                attributes.insert(*attr, keys.clone());
            } else if !tables.words.contains_key(name) {
                let known: Vec<_> = Attr::ALL.iter().map(|attr| attr.name()).collect();
                let known = known.join(", ");
                let message = format!(
                    "[attributes] has no '{name}'; it may be one of: {known}. Words of your own belong into [words]"
                );
                self.error(name, message);
            }
        }
        attributes
    }

    fn spans(&mut self, tables: &Tables) -> Vec<(SpanRole, Vec<super::Glob>)> {
        let mut spans = Vec::new();
        for (name, globs) in &tables.spans {
            if let Some((role, _)) = SpanRole::ALL.iter().find(|(_, known)| known == name) {
                spans.push((*role, globs.clone()));
            } else {
                let known = SpanRole::ALL.map(|(_, name)| name).join(", ");
                self.error(name, format!("[spans] has no '{name}'; it may be one of: {known}"));
            }
        }
        spans
    }

    fn states(&mut self, words: &BTreeMap<String, String>) -> BTreeMap<String, State> {
        let mut states = BTreeMap::new();
        for (word, name) in words {
            if let Some(state) = State::parse(name) {
                states.insert(word.trim().to_lowercase(), state);
            } else {
                let known = State::ALL.map(State::as_str).join(", ");
                self.error(word, format!("[operation.states] has '{word}' as '{name}'; it may be one of: {known}"));
            }
        }
        states
    }

    fn cancellation(&mut self, table: tables::CancellationTable) -> Option<Cancellation> {
        let reason = self.need(&table.id, "reason", table.reason)?.0;
        let rule = self.need(&table.id, "rule", table.rule)?;
        // Free text may mention anything; only how it begins says who wrote it.
        if !reason.as_str().trim_start_matches("(?i)").starts_with('^') {
            self.error(&table.id, format!("the reason of '{}' must begin with ^", table.id));
            return None;
        }
        Some(Cancellation { reason, rule })
    }

    fn rule(&mut self, words: &Words<'_>) -> Option<Rule> {
        let id = words.id;
        let doc = self.need(id, "doc", words.doc);
        let verdict = self.need(id, "verdict", words.verdict);
        let severity = self.need(id, "severity", words.severity);
        let summary = self.need(id, "summary", words.summary);
        let severity = severity.and_then(|level| {
            let severity = Severity::from_level(level);
            if severity.is_none() {
                self.error(id, format!("'{id}' has severity {level}; it may be 0, 1, 2 or 3"));
            }
            severity
        });
        Some(Rule {
            id: id.to_owned(),
            doc: doc?.to_owned(),
            verdict: verdict?,
            severity: severity?,
            confidence: words.confidence.map_or(Confidence::High, Confidence::from),
            confidence_reason: words.confidence_reason.and_then(template),
            summary: template(summary?)?,
            root_cause: words.root_cause.and_then(template),
            solution: words.solution.and_then(template),
            ports: Vec::new(),
            hosts: Vec::new(),
            ignore: Vec::new(),
            general: false,
            hidden_beside: Vec::new(),
        })
    }

    fn step(&mut self, table: tables::StepTable, rules: &mut Vec<Rule>) -> Option<Step> {
        rules.extend(self.rule(&table.words()));
        let over = self.need(&table.id, "over", table.over)?;
        Some(Step {
            rule: table.id,
            spans: table.spans.unwrap_or_default(),
            phases: table.phases.unwrap_or_default(),
            types: table.types.unwrap_or_default(),
            milliseconds: table.milliseconds.unwrap_or_default(),
            over: over.0,
            share: table.share.unwrap_or(0.0),
            unless_ports: table.unless_ports.unwrap_or_default(),
            unless_hosts: table.unless_hosts.unwrap_or_default(),
            unless_attribute: table.unless_attribute.unwrap_or_default(),
            certain_attribute: table.certain_attribute.unwrap_or_default(),
        })
    }

    fn service(&mut self, table: tables::ServiceTable, rules: &mut Vec<Rule>) -> Option<Service> {
        rules.extend(self.rule(&table.words()));
        let name = self.need(&table.id, "name", table.name)?;
        let root_cause_timeout = table.root_cause_timeout.as_ref().and_then(template);
        Some(Service {
            rule: table.id,
            name,
            names: table.names.unwrap_or_default(),
            routes: table.routes.unwrap_or_default(),
            ports: table.ports.unwrap_or_default(),
            hosts: table.hosts.unwrap_or_default(),
            preferred: table.preferred.unwrap_or(false),
            root_cause_timeout,
        })
    }

    fn error_class(&mut self, table: tables::ErrorTable, rules: &mut Vec<Rule>) -> Option<ErrorClass> {
        rules.extend(self.rule(&table.words()));
        if table.classes.is_none() && table.messages.is_none() {
            self.error(&table.id, format!("'{}' needs 'classes' or 'messages'", table.id));
            return None;
        }
        Some(ErrorClass {
            rule: table.rule.unwrap_or(table.id),
            effect: match (table.wrapper, table.lost_worker, table.unreachable, table.timeout) {
                (Some(true), ..) => Effect::Wraps,
                (_, Some(true), ..) => Effect::WorkerLost,
                (.., Some(true), Some(true)) => Effect::TimedOut,
                (.., Some(true), _) => Effect::Refused,
                _ => Effect::Plain,
            },
            classes: table.classes.unwrap_or_default(),
            messages: table.messages.unwrap_or_default().into_iter().map(|pattern| pattern.0).collect(),
            causes: table.causes.unwrap_or_default().into_iter().map(|pattern| pattern.0).collect(),
            error_type: table.error_type,
        })
    }

    fn route(&mut self, table: tables::RouteTable) -> Option<Route> {
        Some(Route {
            role: self.need(&table.id, "role", table.role)?,
            method: self.need(&table.id, "method", table.method)?,
            path: self.need(&table.id, "path", table.path)?,
            operation_type: table.r#type,
        })
    }

    fn phase(&mut self, table: tables::PhaseTable) -> Option<Phase> {
        let name = self.need(&table.id, "name", table.name)?;
        Some(Phase {
            types: table.types.unwrap_or_default(),
            after: table.after,
            before: table.before,
            after_kind: table.after_kind.map(|kind| kind.0),
            before_kind: table.before_kind.map(|kind| kind.0),
            name,
        })
    }

    fn silence(&mut self, table: tables::SilenceTable) -> Option<Silence> {
        let operation_type = self.need(&table.id, "type", table.r#type)?;
        let allowed = self.need(&table.id, "allowed", table.allowed)?.0;
        Some(Silence { id: table.id, operation_type, after: table.after, allowed })
    }

    fn correlation(&mut self, table: tables::CorrelationTable) -> Option<Correlation> {
        Some(Correlation {
            span: self.need(&table.id, "span", table.span)?,
            waiting_on: self.need(&table.id, "waiting_on", table.waiting_on)?,
            explains: self.need(&table.id, "explains", table.explains)?,
            host: table.host,
            port: table.port,
            id: table.id,
        })
    }
}

/// The template of a text; its mistakes were reported when the text was loaded.
fn template(text: &Text) -> Option<Template> {
    Template::parse(text.get_ref()).ok()
}
