//! Searches in both dialects, with the detours that storages need.

use futures_util::StreamExt as _;
use hashbrown::HashMap;

use super::{
    Client, Dialect, Found, Search,
    error::{Error, ErrorKind},
    http::{Beyond, Reply},
    matching,
    reply::{api_error, is_unencodable},
    server::Server,
};
use trace::{Trace, TraceId};

/// The largest limit that every server takes.
pub(super) const MOST_TRACES: usize = 1000;
/// How many services are asked at a time.
const AT_ONCE: usize = 6;
/// Elasticsearch reads these as operators.
const OPERATORS: &[char] =
    &['.', '?', '+', '*', '|', '(', ')', '[', ']', '{', '}', '"', '\\', '#', '@', '&', '<', '>', '~'];

/// How a search is sent; storages refuse some ways.
#[derive(Clone, Debug)]
struct Way {
    dialect: Dialect,
    limit: usize,
    attributes: bool,
    durations: bool,
    escaped: bool,
}

impl Client {
    /// Searches for traces. Only traces with a span that matches exactly are given, whatever the storage thought.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn search(&self, search: &Search) -> Result<Found, Error> {
        let server = self.server().await?;
        if search.service.is_some() || !server.wants_service {
            match self.search_one(search, server).await {
                Err(error) if search.service.is_none() && *error.kind() == ErrorKind::ServiceRequired => {
                    self.note_wants_service().await;
                }
                result => return result,
            }
        }
        self.search_all(search, server).await
    }

    /// What fits of the newest trace that a search finds and whose answer is larger than the limit, marked as partial.
    ///
    /// # Errors
    /// When Jaeger cannot be reached or refuses.
    pub async fn search_cut(&self, search: &Search) -> Result<Found, Error> {
        let server = self.server().await?;
        let attributes = server.dialect == Dialect::Legacy || server.attributes;
        let way = Way { dialect: server.dialect, limit: 1, attributes, durations: false, escaped: false };
        let reply = self.send(search, &way, Beyond::Cut).await?;
        let asked = vec![reply.url.clone()];
        let mut traces = self.answer(reply).await?.traces;
        if server.dialect == Dialect::Legacy
            && let Some(trace) = traces.first_mut()
            && trace.partial().is_some()
            && let Ok(Some(better)) = self.trace_cut(trace.id()).await
        {
            *trace = better;
        }
        Ok(Found { traces, truncated: true, partial: true, notes: Vec::new(), asked })
    }

    /// Asks every service, as many as is allowed.
    async fn search_all(&self, search: &Search, server: Server) -> Result<Found, Error> {
        let mut services = self.services().await?;
        let mut found = Found::default();
        let most = self.shared.max_services;
        if services.len() > most {
            found.truncated = true;
            found.notes.push(format!(
                "{most} of {} services were searched; not asked: {}",
                services.len(),
                listed(services.get(most..).unwrap_or_default())
            ));
            services.truncate(most);
        }
        let asked = services.len();
        let mut answers = futures_util::stream::iter(services)
            .map(|service| {
                let search = Search { service: Some(service.clone()), ..search.clone() };
                async move { (service, self.search_one(&search, server).await) }
            })
            .buffer_unordered(AT_ONCE);
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
            found.notes.push(format!("{} services could not be searched ({}): {error}", failed.len(), listed(&names)));
        }
        found.settle(search.limit.max(1));
        Ok(found)
    }

    /// One search as the server takes it.
    async fn search_one(&self, search: &Search, server: Server) -> Result<Found, Error> {
        let operators = search.attributes.iter().any(|(_, value)| value.contains(OPERATORS));
        let mut way = Way {
            dialect: server.dialect,
            limit: search.limit.clamp(1, MOST_TRACES),
            attributes: server.dialect == Dialect::Legacy || server.attributes,
            durations: true,
            escaped: false,
        };
        let mut found = Found::default();
        let mut probed = false;
        loop {
            let reply = self.send(search, &way, Beyond::Refuse).await?;
            if found.asked.len() < 8 {
                found.asked.push(reply.url.clone());
            }
            if reply.has_no_route() && !probed {
                probed = true;
                let now = self.probe_again(server).await?;
                if now.dialect == way.dialect {
                    return Err(self.error(reply.stranger(), &reply));
                }
                way.dialect = now.dialect;
                way.attributes = now.dialect == Dialect::Legacy || now.attributes;
                continue;
            }
            if reply.status == 500 && self.other_way(&reply, &mut way, operators, &mut found).await? {
                continue;
            }
            let answer = self.answer(reply).await?;
            if answer.traces.is_empty() && operators && way.attributes && !way.escaped {
                way.escaped = true;
                continue;
            }
            found.partial = !answer.errors.is_empty() || !answer.left_out.is_empty();
            found.notes.extend(answer.left_out.sentences());
            found.notes.extend(answer.errors.into_iter().map(|error| format!("Jaeger: {}", error.message)));
            found.truncated = answer.traces.len() >= way.limit;
            if !way.attributes && !search.attributes.is_empty() && found.truncated {
                found.notes.push("this Jaeger cannot filter by attributes: traces may be missing".to_owned());
            }
            found.traces = answer.traces;
            found.traces.retain(|trace| matching::matches(trace, search));
            found.settle(way.limit);
            return Ok(found);
        }
    }

    /// Finds another way to ask after a refusal of the storage, if there is one.
    async fn other_way(&self, reply: &Reply, way: &mut Way, operators: bool, found: &mut Found) -> Result<bool, Error> {
        let message = api_error(reply).map_or_else(|| reply.text(), |error| error.message).to_ascii_lowercase();
        if way.durations && message.contains("duration and tags") {
            way.durations = false;
        } else if message.contains("search depth") && way.limit > 1 {
            way.limit /= 2;
            found.notes.retain(|note| !note.starts_with("the storage of Jaeger"));
            found.notes.push(format!("the storage of Jaeger gives at most {} traces at a time", way.limit));
        } else if way.dialect == Dialect::Legacy && is_unencodable(reply) {
            way.dialect = Dialect::V3;
            way.attributes = self.filters_attributes().await?;
            found.notes.push("a value that the older API cannot write (NaN) was read through the newer one".to_owned());
        } else if operators && way.attributes && !way.escaped {
            way.escaped = true;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    async fn send(&self, search: &Search, way: &Way, beyond: Beyond) -> Result<Reply, Error> {
        let attributes = (way.attributes && !search.attributes.is_empty()).then(|| {
            let value = |value: &str| if way.escaped { escape(value) } else { value.to_owned() };
            let object: serde_json::Map<_, _> =
                search.attributes.iter().map(|(key, text)| (key.clone(), value(text).into())).collect();
            serde_json::Value::Object(object).to_string()
        });
        let duration =
            |bound: Option<trace::Micros>| bound.filter(|_| way.durations).map(|bound| format!("{}us", bound.0.max(0)));
        let (least, most) = (duration(search.min_duration), duration(search.max_duration));
        let legacy = way.dialect == Dialect::Legacy;
        let (from, to) = (search.from, search.to);
        let time = |at: trace::Time| if legacy { at.0.to_string() } else { at.to_string() };
        // The newer API wants a window of some length.
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
        add(named("limit", "query.searchDepth"), Some(way.limit.to_string()));
        let path: &[&str] = if legacy { &["api", "traces"] } else { &["api", "v3", "traces"] };
        self.get_or_cut(path, &query, beyond).await
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

/// Names for people, cut when there are many.
#[must_use]
pub fn listed(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text += " and ";
        text += &(names.len() - SHOWN).to_string();
        text += " more";
    }
    text
}

impl Found {
    /// Adds another answer.
    pub fn absorb(&mut self, other: Self) {
        self.traces.extend(other.traces);
        self.truncated |= other.truncated;
        self.partial |= other.partial;
        for note in other.notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        self.asked.extend(other.asked);
    }

    /// Each trace once, newest first, at most `limit`.
    fn settle(&mut self, limit: usize) {
        merge(&mut self.traces);
        if self.traces.len() > limit {
            self.traces.truncate(limit);
            self.truncated = true;
        }
    }
}

/// Keeps of each trace the copy with the most spans; newest first.
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
