//! The backend that Grafana calls: passes each request on to its handler, within a deadline, and counts it.

use std::{sync::Arc, time::Instant};

use futures_util::StreamExt;

use super::{
    call_resource::{self, Resource},
    check_health,
    deadline::Deadline,
    history_settings::HistoryDirectory,
    instances::{DataSource, DataSources},
    metrics::{Metrics, QueryOutcome},
    query_data,
    query_model::QueryModel,
    stream,
    uploads::Uploads,
};
use crate::investigate::Target;
use grafana_plugin_protocol::api::{
    Backend, Caller, ErrorSource, Failure, Frames, HealthResult, LiveStream, RawQuery, ResourceReply, ResourceRequest,
    Subscription,
};

/// The plugin's state: data sources, uploads and metrics.
#[derive(Clone, Debug)]
pub struct Plugin {
    data_sources: DataSources,
    uploads: Uploads,
    metrics: Metrics,
}

impl Default for Plugin {
    /// A plugin that is not configured by Grafana.
    fn default() -> Self {
        Self::new(HistoryDirectory::default())
    }
}

/// Counts a query when it is dropped, so that a cancelled query counts too.
struct Counted<'m> {
    metrics: &'m Metrics,
    kind: &'static str,
    since: Instant,
    outcome: QueryOutcome,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.metrics.query(self.kind, self.outcome, self.since.elapsed());
    }
}

impl Plugin {
    /// A plugin with the configuration that Grafana has put into the environment.
    pub(super) fn from_environment() -> Self {
        Self::new(HistoryDirectory::from_environment())
    }

    fn new(history_directory: HistoryDirectory) -> Self {
        let data_sources = DataSources::new(history_directory);
        Self { data_sources, uploads: Uploads::default(), metrics: Metrics::default() }
    }

    async fn answer(&self, caller: &Caller, query: &RawQuery, counted: &mut Counted<'_>) -> Result<Frames, Failure> {
        let model = QueryModel::parse(&query.json, &query.query_type)?;
        counted.kind = model.kind();
        if caller.is_alert() {
            model.check_alert()?;
        }
        let data_source = self.data_sources.get(caller).await?;
        let answer = |data_source: DataSource| async {
            let data_source = if model.asks_operations() { data_source.with_history().await? } else { data_source };
            query_data::answer(model, query, caller, data_source, &self.uploads).await
        };
        Deadline::within(caller.timeout).limit(data_source, answer).await
    }

    /// The data source of a live channel and the operation that its path names. A stream carries no headers of a user, so a
    /// data source that forwards the user's identity has no channels: they would be answered with its own credentials.
    async fn channel(&self, caller: &Caller, path: &str) -> Result<(DataSource, Target), Failure> {
        let unknown = || Failure::downstream(404, "there is no such channel");
        let target = stream::target(path).ok_or_else(unknown)?;
        let data_source = self.data_sources.get(caller).await?;
        if data_source.settings.is_personal() {
            return Err(Failure::downstream(
                403,
                "a data source that forwards the user's identity offers no live updates",
            ));
        }
        Ok((data_source, target))
    }

    async fn call(&self, caller: &Caller, request: ResourceRequest) -> Result<serde_json::Value, Failure> {
        let resource = Resource::parse(&request)?;
        // A playbook can be checked before the data source works.
        if let Resource::CheckPlaybook(text) = &resource {
            return Ok(call_resource::check_playbook(text));
        }
        let data_source = self.data_sources.get(caller).await?;
        let asks_jaeger = matches!(resource, Resource::Suggest(..));
        let answer = |data_source: DataSource| async {
            let data_source = if asks_jaeger { data_source.with_history().await? } else { data_source };
            call_resource::answer(resource, request.body, caller, data_source, &self.uploads).await
        };
        if asks_jaeger {
            Deadline::within(caller.timeout).limit(data_source, answer).await
        } else {
            answer(data_source).await
        }
    }
}

#[tonic::async_trait]
impl Backend for Plugin {
    async fn query(&self, caller: Arc<Caller>, query: RawQuery) -> Result<Frames, Failure> {
        let mut counted = Counted {
            metrics: &self.metrics,
            kind: "invalid",
            since: Instant::now(),
            outcome: QueryOutcome::Cancelled,
        };
        let result = self.answer(&caller, &query, &mut counted).await;
        counted.outcome = match &result {
            Ok(_) => QueryOutcome::Ok,
            Err(failure) if failure.error_source == ErrorSource::Downstream => QueryOutcome::Downstream,
            Err(_) => QueryOutcome::Plugin,
        };
        if let Err(failure) = &result {
            tracing::debug!(ref_id = query.ref_id, query_type = counted.kind, %failure, "query failed");
        }
        result
    }

    async fn health(&self, caller: Arc<Caller>) -> HealthResult {
        let check = async {
            let data_source = self.data_sources.get(&caller).await?;
            let check = |data_source: DataSource| async move {
                Ok(check_health::check(&data_source.with_history().await?).await)
            };
            Deadline::within(caller.timeout).limit(data_source, check).await
        };
        check.await.unwrap_or_else(|failure: Failure| check_health::failed(&failure.message))
    }

    async fn metrics(&self) -> String {
        let recorders = self.data_sources.observe_recorders().await;
        self.metrics.text(self.data_sources.totals(), &recorders)
    }

    async fn resource(&self, caller: Arc<Caller>, request: ResourceRequest) -> ResourceReply {
        let reply = match self.call(&caller, request).await {
            Ok(body) => ResourceReply { status: 200, body },
            Err(failure) => call_resource::refused(&failure),
        };
        self.metrics.resource(reply.status);
        reply
    }

    async fn subscribe(&self, caller: Arc<Caller>, path: String) -> Subscription {
        let Ok((data_source, target)) = self.channel(&caller, &path).await else { return Subscription::NotFound };
        match stream::snapshot(&data_source, &target).await {
            Ok(Some(frame)) => Subscription::Ok(Some(frame)),
            Ok(None) => Subscription::NotFound,
            // The stream reports the failure and tries again.
            Err(_) => Subscription::Ok(None),
        }
    }

    fn follow(&self, caller: Arc<Caller>, path: String) -> LiveStream {
        let plugin = self.clone();
        let start = async move {
            match plugin.channel(&caller, &path).await {
                Ok((data_source, target)) => stream::follow(data_source, target, plugin.metrics.stream()).boxed(),
                Err(failure) => futures_util::stream::iter([Err(failure)]).boxed(),
            }
        };
        futures_util::stream::once(start).flatten().boxed()
    }

    async fn stop(&self) {
        self.data_sources.stop().await;
    }
}
