//! What a recorder asks: a Jaeger, or a simulated one in tests.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use async_trait::async_trait;
use jaeger::{Client, Search, SearchResult, ServerClock, TraceForm};
use trace::{Trace, TraceId};

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The answer exceeds the size limit: ask for less.
    #[error("{0}")]
    TooLarge(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Where traces come from.
#[async_trait]
pub trait Source: std::fmt::Debug + Send + Sync {
    /// Its address for people, without credentials.
    fn address(&self) -> &str;

    /// The names of all services.
    async fn services(&self) -> Result<Vec<String>, SourceError>;

    /// The span names of a service.
    async fn span_names(&self, service: &str) -> Result<Vec<String>, SourceError>;

    /// The traces that a search finds. [`SearchResult::truncated`] says that there may be more.
    async fn search(&self, search: &Search) -> Result<SearchResult, SourceError>;

    /// As much as fits of the newest trace that a search finds.
    async fn search_truncated(&self, search: &Search) -> Result<SearchResult, SourceError>;

    /// A trace by id.
    async fn trace(&self, id: TraceId) -> Result<Option<Trace>, SourceError>;

    /// How its clock compares with ours, where that is known.
    fn server_clock(&self) -> Option<ServerClock> {
        None
    }
}

/// A source whose requests are counted.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) source: Arc<dyn Source>,
    pub(super) requests: Arc<AtomicU64>,
}

impl Counted {
    fn count(&self) -> &dyn Source {
        self.requests.fetch_add(1, Relaxed);
        &*self.source
    }
}

#[async_trait]
impl Source for Counted {
    fn address(&self) -> &str {
        self.source.address()
    }

    async fn services(&self) -> Result<Vec<String>, SourceError> {
        self.count().services().await
    }

    async fn span_names(&self, service: &str) -> Result<Vec<String>, SourceError> {
        self.count().span_names(service).await
    }

    async fn search(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.count().search(search).await
    }

    async fn search_truncated(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.count().search_truncated(search).await
    }

    async fn trace(&self, id: TraceId) -> Result<Option<Trace>, SourceError> {
        self.count().trace(id).await
    }

    fn server_clock(&self) -> Option<ServerClock> {
        self.source.server_clock()
    }
}

/// A real Jaeger. Traces are read as the storage has them: Jaeger may damage those that it adjusts for several requests.
#[derive(Debug)]
pub struct JaegerSource(Client);

impl JaegerSource {
    /// The Jaeger behind a client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

fn source_error(error: &jaeger::Error) -> SourceError {
    if error.is_too_large() { SourceError::TooLarge(error.to_string()) } else { SourceError::Failed(error.to_string()) }
}

#[async_trait]
impl Source for JaegerSource {
    fn address(&self) -> &str {
        self.0.base()
    }

    async fn services(&self) -> Result<Vec<String>, SourceError> {
        self.0.services().await.map_err(|error| source_error(&error))
    }

    async fn span_names(&self, service: &str) -> Result<Vec<String>, SourceError> {
        self.0.operations(service).await.map_err(|error| source_error(&error))
    }

    async fn search(&self, search: &Search) -> Result<SearchResult, SourceError> {
        let search = Search { form: TraceForm::Raw, ..search.clone() };
        self.0.search(&search).await.map_err(|error| source_error(&error))
    }

    async fn search_truncated(&self, search: &Search) -> Result<SearchResult, SourceError> {
        let search = Search { form: TraceForm::Raw, ..search.clone() };
        self.0.search_truncated(&search).await.map_err(|error| source_error(&error))
    }

    async fn trace(&self, id: TraceId) -> Result<Option<Trace>, SourceError> {
        let trace = match self.0.trace_in_form(id, TraceForm::Raw).await {
            Err(error) if error.is_too_large() => self.0.trace_truncated(id).await,
            other => other,
        };
        trace.map_err(|error| source_error(&error))
    }

    fn server_clock(&self) -> Option<ServerClock> {
        self.0.server_clock()
    }
}
