//! Searches through both APIs. Storages refuse some searches, so a refused search is repeated in another way
//! ([`SearchStrategy`]), and results are filtered again because storages match loosely.

use futures_util::StreamExt as _;
use hashbrown::HashMap;

use super::{
    Client, Dialect, Search, SearchResult, TraceForm,
    error::{Error, ErrorKind},
    http::OversizePolicy,
    matching,
    reply::{Reply, api_error, is_unencodable},
    server::Server,
};
use trace::{Trace, TraceId};

/// The largest limit that every server accepts.
pub(super) const MAX_TRACES: usize = 1000;
/// How many services are searched at the same time.
const MAX_CONCURRENT_SERVICES: usize = 6;
/// Elasticsearch reads these as operators of regular expressions.
const OPERATORS: &[char] =
    &['.', '?', '+', '*', '|', '(', ')', '[', ']', '{', '}', '"', '\\', '#', '@', '&', '<', '>', '~'];

/// How a search is sent. Storages refuse some combinations of parameters.
#[derive(Clone, Debug)]
struct SearchStrategy {
    dialect: Dialect,
    limit: usize,
    attributes: bool,
    durations: bool,
    escaped: bool,
}

impl Client {
    /// Searches for traces. Only traces with a span that matches exactly are returned, even if the storage matches loosely.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn search(&self, search: &Search) -> Result<SearchResult, Error> {
        let server = self.server().await?;
        if search.service.is_some() || !server.requires_service {
            match self.search_one(search, server).await {
                Err(error) if search.service.is_none() && *error.kind() == ErrorKind::ServiceRequired => {
                    self.note_service_required().await;
                }
                result => return result,
            }
        }
        self.search_all(search, server).await
    }

    /// The beginning of the newest trace that a search finds, for a trace that exceeds the size limit; marked as partial.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn search_truncated(&self, search: &Search) -> Result<SearchResult, Error> {
        let server = self.server().await?;
        let attributes = server.dialect == Dialect::Legacy || server.attributes;
        let strategy =
            SearchStrategy { dialect: server.dialect, limit: 1, attributes, durations: false, escaped: false };
        let reply = self.send(search, &strategy, OversizePolicy::Truncate).await?;
        let asked = vec![reply.url.clone()];
        let mut traces = self.answer(reply).await?.traces;
        if server.dialect == Dialect::Legacy
            && let Some(trace) = traces.first_mut()
            && trace.partial().is_some()
            && let Ok(Some(better)) = self.trace_truncated(trace.id()).await
        {
            *trace = better;
        }
        Ok(SearchResult { traces, truncated: true, limit_reached: true, partial: true, notes: Vec::new(), asked })
    }

    /// Searches each service, up to the configured number.
    async fn search_all(&self, search: &Search, server: Server) -> Result<SearchResult, Error> {
        let mut services = self.services().await?;
        let mut found = SearchResult::default();
        let most = self.shared.max_services;
        if services.len() > most {
            found.truncated = true;
            found.notes.push(format!(
                "{most} of {} services were searched; not searched: {}",
                services.len(),
                abbreviated_list(services.get(most..).unwrap_or_default())
            ));
            services.truncate(most);
        }
        let asked = services.len();
        let mut answers = futures_util::stream::iter(services)
            .map(|service| {
                let search = Search { service: Some(service.clone()), ..search.clone() };
                async move { (service, self.search_one(&search, server).await) }
            })
            .buffer_unordered(MAX_CONCURRENT_SERVICES);
        let mut failed: Vec<(String, Error)> = Vec::new();
        while let Some((service, answer)) = answers.next().await {
            match answer {
                Ok(one) => found.absorb(one),
                Err(error) if error.is_too_large() => return Err(error),
                Err(error) => failed.push((service, error)),
            }
        }
        failed.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some((_, error)) = failed.first() {
            if failed.len() == asked {
                return Err(error.clone());
            }
            let names: Vec<_> = failed.iter().map(|(service, _)| service.clone()).collect();
            found.truncated = true;
            found.notes.push(format!(
                "{} services could not be searched ({}): {error}",
                failed.len(),
                abbreviated_list(&names)
            ));
        }
        found.settle(search.limit.max(1));
        Ok(found)
    }

    /// Searches once for one service, or for all if the server allows that, with the first strategy that works.
    async fn search_one(&self, search: &Search, server: Server) -> Result<SearchResult, Error> {
        let operators = search.attributes.iter().any(|(_, value)| value.contains(OPERATORS));
        let mut strategy = SearchStrategy {
            dialect: server.dialect,
            limit: search.limit.clamp(1, MAX_TRACES),
            attributes: server.dialect == Dialect::Legacy || server.attributes,
            durations: true,
            escaped: false,
        };
        let mut found = SearchResult::default();
        let mut probed = false;
        loop {
            let reply = self.send(search, &strategy, OversizePolicy::Reject).await?;
            if found.asked.len() < 8 {
                found.asked.push(reply.url.clone());
            }
            if reply.has_no_route() && !probed {
                probed = true;
                let now = self.probe_again(server).await?;
                if now.dialect == strategy.dialect {
                    return Err(self.error(reply.classify_unexpected(), &reply));
                }
                strategy.dialect = now.dialect;
                strategy.attributes = now.dialect == Dialect::Legacy || now.attributes;
                continue;
            }
            if reply.status == 500 && self.next_strategy(&reply, &mut strategy, operators, &mut found).await? {
                continue;
            }
            let answer = self.answer(reply).await?;
            if answer.traces.is_empty() && operators && strategy.attributes && !strategy.escaped {
                strategy.escaped = true;
                continue;
            }
            found.partial = !answer.errors.is_empty() || !answer.left_out.is_empty();
            found.notes.extend(answer.left_out.sentences());
            found.notes.extend(answer.errors.into_iter().map(|error| format!("Jaeger: {}", error.message)));
            found.limit_reached = answer.traces.len() >= strategy.limit;
            found.truncated = found.limit_reached;
            if !strategy.attributes && !search.attributes.is_empty() && found.truncated {
                found.notes.push("this Jaeger cannot filter by attributes: traces may be missing".to_owned());
            }
            found.traces = answer.traces;
            found.traces.retain(|trace| matching::matches(trace, search));
            found.settle(strategy.limit);
            return Ok(found);
        }
    }

    /// Changes the strategy after a refusal; `false` if there is no other.
    async fn next_strategy(
        &self,
        reply: &Reply,
        strategy: &mut SearchStrategy,
        operators: bool,
        found: &mut SearchResult,
    ) -> Result<bool, Error> {
        let message = api_error(reply).map_or_else(|| reply.text(), |error| error.message).to_ascii_lowercase();
        if strategy.durations && message.contains("duration and tags") {
            strategy.durations = false;
        } else if message.contains("search depth") && strategy.limit > 1 {
            strategy.limit /= 2;
            found.notes.retain(|note| !note.starts_with("the storage of Jaeger"));
            found.notes.push(format!("the storage of Jaeger gives at most {} traces at a time", strategy.limit));
        } else if strategy.dialect == Dialect::Legacy && is_unencodable(reply) {
            strategy.dialect = Dialect::V3;
            strategy.attributes = self.filters_attributes().await?;
            found.notes.push("a value that the older API cannot write (NaN) was read through the newer one".to_owned());
        } else if operators && strategy.attributes && !strategy.escaped {
            strategy.escaped = true;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    async fn send(&self, search: &Search, strategy: &SearchStrategy, oversize: OversizePolicy) -> Result<Reply, Error> {
        let attributes = (strategy.attributes && !search.attributes.is_empty()).then(|| {
            let value = |value: &str| if strategy.escaped { escape(value) } else { value.to_owned() };
            let object: serde_json::Map<_, _> =
                search.attributes.iter().map(|(key, text)| (key.clone(), value(text).into())).collect();
            serde_json::Value::Object(object).to_string()
        });
        let duration = |bound: Option<trace::Micros>| {
            bound.filter(|_| strategy.durations).map(|bound| format!("{}us", bound.0.max(0)))
        };
        let (least, most) = (duration(search.min_duration), duration(search.max_duration));
        let legacy = strategy.dialect == Dialect::Legacy;
        let (from, to) = (search.from, search.to);
        let time = |at: trace::Time| if legacy { at.0.to_string() } else { at.to_string() };
        // The newer API refuses an empty time range.
        let to = if !legacy && to <= from { from + trace::Micros(1) } else { to };
        let named = |legacy_name, v3_name| if legacy { legacy_name } else { v3_name };
        let mut query: Vec<(&str, String)> = Vec::new();
        let mut add = |name, value: Option<String>| query.extend(value.map(|value| (name, value)));
        add(named("service", "query.serviceName"), search.service.clone());
        add(named("operation", "query.operationName"), search.operation.clone());
        add(named("tags", "query.attributes"), attributes);
        add(named("start", "query.startTimeMin"), Some(time(from)));
        add(named("end", "query.startTimeMax"), Some(time(to)));
        add(named("minDuration", "query.durationMin"), least);
        add(named("maxDuration", "query.durationMax"), most);
        add(named("limit", "query.searchDepth"), Some(strategy.limit.to_string()));
        add(named("raw", "query.rawTraces"), (search.form == TraceForm::Raw).then(|| "true".to_owned()));
        let path: &[&str] = if legacy { &["api", "traces"] } else { &["api", "v3", "traces"] };
        self.get_with_policy(path, &query, oversize).await
    }
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        if OPERATORS.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Names for people; only the first ten if there are more.
#[must_use]
pub fn abbreviated_list(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text += " and ";
        text += &(names.len() - SHOWN).to_string();
        text += " more";
    }
    text
}

impl SearchResult {
    /// Adds another result.
    pub fn absorb(&mut self, other: Self) {
        self.traces.extend(other.traces);
        self.truncated |= other.truncated;
        self.limit_reached |= other.limit_reached;
        self.partial |= other.partial;
        for note in other.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.asked.extend(other.asked);
    }

    /// Keeps each trace once, newest first, and at most `limit`.
    fn settle(&mut self, limit: usize) {
        merge(&mut self.traces);
        if self.traces.len() > limit {
            self.traces.truncate(limit);
            (self.truncated, self.limit_reached) = (true, true);
        }
    }
}

/// Keeps the copy with the most spans of each trace, and sorts the newest first.
pub fn merge(traces: &mut Vec<Trace>) {
    let mut best: HashMap<TraceId, usize> = HashMap::with_capacity(traces.len());
    for (ix, trace) in traces.iter().enumerate() {
        let kept = best.entry(trace.id()).or_insert(ix);
        if traces.get(*kept).is_some_and(|known| known.len() < trace.len()) {
            *kept = ix;
        }
    }
    let mut ix = 0;
    traces.retain(|trace| {
        let keep = best.get(&trace.id()) == Some(&ix);
        ix += 1;
        keep
    });
    traces.sort_by(|a, b| b.start().cmp(&a.start()).then_with(|| a.id().cmp(&b.id())));
}
