//! A Jaeger that can be switched off.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_trait::async_trait;
use jaeger::{Search, SearchResult};
use ktrdr_diagnosis::recorder::{Source, SourceError};
use trace::{Trace, TraceId};

use crate::simulated::SimulatedJaeger;

#[derive(Debug)]
pub(crate) struct Switched {
    jaeger: Arc<SimulatedJaeger>,
    off: AtomicBool,
}

impl Switched {
    pub(crate) fn new(jaeger: Arc<SimulatedJaeger>, off: bool) -> Arc<Self> {
        Arc::new(Self { jaeger, off: off.into() })
    }

    pub(crate) fn off(&self) {
        self.off.store(true, Relaxed);
    }

    fn there(&self) -> Result<&SimulatedJaeger, SourceError> {
        if self.off.load(Relaxed) {
            Err(SourceError::Failed("connection refused".to_owned()))
        } else {
            Ok(&self.jaeger)
        }
    }
}

#[async_trait]
impl Source for Switched {
    fn address(&self) -> &str {
        self.jaeger.address()
    }

    async fn services(&self) -> Result<Vec<String>, SourceError> {
        self.there()?.services().await
    }

    async fn span_names(&self, service: &str) -> Result<Vec<String>, SourceError> {
        self.there()?.span_names(service).await
    }

    async fn search(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.there()?.search(search).await
    }

    async fn search_truncated(&self, search: &Search) -> Result<SearchResult, SourceError> {
        self.there()?.search_truncated(search).await
    }

    async fn trace(&self, id: TraceId) -> Result<Option<Trace>, SourceError> {
        self.there()?.trace(id).await
    }
}
