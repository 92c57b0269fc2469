//! What a data source records: the operations of its Jaeger, into the store that its settings name.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use store::{SourceId, Store};
use tokio::{sync::watch, time::Instant};

use super::keeper::{Recording, Work};
use crate::{
    history::{History, StoreLocation},
    plugin::{coverage::Rate, settings::Settings},
    recorder::{Handle, JaegerSource, Observed, Options, Paced, Recorder, Status, SystemClock},
};
use diagnosis::playbook::Playbook;
use trace::Time;

/// Names this process to other recorders.
static HOLDER: LazyLock<String> = LazyLock::new(|| {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("grafana-plugin-{}-{}", std::process::id(), unique.get(..8).unwrap_or(&unique))
});

/// Records one Jaeger.
#[derive(Debug)]
pub(in crate::plugin) struct JaegerRecording {
    pub(in crate::plugin) settings: Arc<Settings>,
    pub(in crate::plugin) client: jaeger::Client,
    pub(in crate::plugin) playbook: Arc<Playbook>,
    pub(in crate::plugin) location: StoreLocation,
    pub(in crate::plugin) source: SourceId,
    pub(in crate::plugin) options: Options,
    pub(in crate::plugin) requests_per_second: f64,
}

/// An open store that is being recorded into.
#[derive(Clone, Debug)]
pub(in crate::plugin) struct Opened {
    pub(in crate::plugin) store: Arc<dyn Store>,
    pub(in crate::plugin) source: SourceId,
    pub(in crate::plugin) handle: Handle,
    /// Answers questions from the store.
    pub(in crate::plugin) history: History,
    requests: Arc<Rate>,
    recording: Arc<JaegerRecording>,
}

impl Opened {
    /// How many requests the recorder sends per second, lately.
    pub(in crate::plugin) fn rate(&self, status: &Status) -> f64 {
        self.requests.per_second(Instant::now(), status.requests)
    }

    /// What is known of the recorder for metrics.
    pub(in crate::plugin) async fn observe(&self, now: Time) -> Observed {
        Observed::read(self.source.clone(), self.handle.status(), self.store.as_ref(), now).await
    }
}

impl JaegerRecording {
    /// What was kept in memory, unless it is of another Jaeger.
    fn kept(&self, previous: Option<&Opened>) -> Option<Arc<dyn Store>> {
        let previous = previous?;
        let before = &previous.recording;
        let is_same = matches!(self.location, StoreLocation::Memory { .. })
            && self.location == before.location
            && self.settings.asks_the_same_as(&before.settings);
        is_same.then(|| Arc::clone(&previous.store))
    }
}

#[async_trait]
impl Recording for JaegerRecording {
    type Open = Opened;

    async fn open(
        self: Arc<Self>,
        previous: Option<Opened>,
        stop: watch::Receiver<bool>,
    ) -> Result<(Opened, Work), String> {
        let store = match self.kept(previous.as_ref()) {
            Some(store) => store,
            None => self.location.open().await.map_err(|error| error.to_string())?,
        };
        let recorder = Recorder::new(
            Arc::new(Paced::new(JaegerSource::new(self.client.clone()), self.requests_per_second)),
            Arc::clone(&store),
            self.source.clone(),
            Arc::clone(&self.playbook),
            self.options.clone(),
            Arc::new(SystemClock),
            HOLDER.as_str(),
        );
        let handle = recorder.handle();
        let work = recorder.run(stop, false).map(|result| result.map_err(|error| error.to_string()));
        let source = self.source.clone();
        let history = History::new(
            Arc::clone(&store),
            source.clone(),
            Arc::clone(&self.playbook),
            &self.settings.options,
            Some(handle.clone()),
        )
        .with_window(self.options.history_window);
        let requests = Arc::new(Rate::new(Instant::now()));
        Ok((Opened { store, source, handle, history, requests, recording: self }, work.boxed()))
    }

    fn place(&self) -> String {
        match &self.location {
            StoreLocation::Memory { .. } => "the memory".to_owned(),
            StoreLocation::Sqlite(path) => path.display().to_string(),
            StoreLocation::Postgres(_) => "PostgreSQL".to_owned(),
        }
    }
}
