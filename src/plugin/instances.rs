//! One investigator per data source, and a recorder if its settings ask for a history. Saving the settings replaces both.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::future::Cache;

use super::{
    history_settings::{HistoryDirectory, HistorySettings},
    jaeger_client,
    metrics::JaegerTotals,
    now,
    recorders::{self, JaegerRecording, Link, Opened, Recorders, State, Version},
    settings::{Settings, SettingsError},
};
use crate::{
    investigate::Investigator,
    recorder::{self, Observed, can_record, playbook_hash},
};
use diagnosis::playbook::Playbook;
use frames::Source;
use grafana_plugin_protocol::api::{Caller, Failure, Instance};
use store::SourceId;
use tokio::time::{Instant, timeout};

/// How many data sources are cached.
const MAX_DATA_SOURCES: u64 = 64;
const IDLE: Duration = Duration::from_secs(3600);
/// How long a store may take to answer for the metrics.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// A data source with its settings and its investigator.
#[derive(Clone, Debug)]
pub(super) struct DataSource {
    pub(super) settings: Arc<Settings>,
    pub(super) source: Source,
    pub(super) investigator: Investigator,
    recording: Option<Arc<JaegerRecording>>,
    recorder: Option<Link<Opened>>,
}

/// The cache key: it changes when the settings are saved.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    org_id: i64,
    uid: String,
    updated_ms: i64,
}

/// The cached data sources.
#[derive(Clone)]
pub(super) struct DataSources {
    cache: Cache<Key, DataSource>,
    /// What data sources did that were evicted.
    evicted: Arc<Mutex<JaegerTotals>>,
    recorders: Recorders,
    history_directory: Arc<HistoryDirectory>,
}

impl fmt::Debug for DataSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataSources({})", self.cache.entry_count())
    }
}

impl DataSources {
    /// Without data sources. The SQLite files of their histories are in this folder.
    pub(super) fn new(history_directory: HistoryDirectory) -> Self {
        let evicted = Arc::new(Mutex::new(JaegerTotals::default()));
        let totals = Arc::clone(&evicted);
        let on_eviction = move |_: Arc<Key>, old: DataSource, _| {
            totals.lock().unwrap_or_else(PoisonError::into_inner).add(&old.investigator);
        };
        let cache =
            Cache::builder().max_capacity(MAX_DATA_SOURCES).time_to_idle(IDLE).eviction_listener(on_eviction).build();
        let history_directory = Arc::new(history_directory);
        Self { cache, evicted, recorders: Recorders::default(), history_directory }
    }

    /// The caller's data source, whose recorder runs from now on for an hour at least if it has one; it sends the caller's identity to Jaeger if its settings say so.
    pub(super) async fn get(&self, caller: &Caller) -> Result<DataSource, Failure> {
        self.find(caller).await.map_err(|error| Failure::bad_request(error.to_string()))
    }

    async fn find(&self, caller: &Caller) -> Result<DataSource, SettingsError> {
        let instance = &caller.instance;
        let key = Key { org_id: caller.org_id, uid: instance.uid.clone(), updated_ms: instance.updated_ms };
        let made = async { DataSource::new(instance, caller.org_id, &self.history_directory) };
        let mut data_source = self.cache.try_get_with(key, made).await.map_err(|error| (*error).clone())?;
        let key = recorders::Key { org_id: caller.org_id, uid: instance.uid.clone() };
        let version = Version(instance.updated_ms);
        data_source.recorder = self.recorders.asked(key, version, data_source.recording.as_ref());
        let identity = data_source.settings.identity(&caller.headers);
        if !identity.is_empty() {
            data_source.investigator = jaeger_client::personal(&data_source.investigator, &identity)?;
        }
        Ok(data_source)
    }

    /// Ends all recorders.
    pub(super) async fn stop(&self) {
        self.recorders.stop().await;
    }

    /// What is known of all recorders for metrics. A store that does not answer soon is left out.
    pub(super) async fn observe_recorders(&self) -> Vec<Observed> {
        let observe = |state: State<Opened>| async move {
            let State::Open(opened) = state else { return None };
            timeout(STORE_PATIENCE, opened.observe(now())).await.ok()
        };
        let all = futures_util::future::join_all(self.recorders.states().into_iter().map(observe)).await;
        all.into_iter().flatten().collect()
    }

    /// What all data sources have asked of Jaeger since the start.
    pub(super) fn totals(&self) -> JaegerTotals {
        let mut totals = *self.evicted.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, data_source) in &self.cache {
            totals.add(&data_source.investigator);
        }
        totals
    }
}

impl DataSource {
    fn new(instance: &Instance, org_id: i64, history_directory: &HistoryDirectory) -> Result<Self, SettingsError> {
        let settings = Arc::new(Settings::of(instance)?);
        let playbook = match &settings.playbook {
            None => Playbook::ktrdr(),
            Some(text) => Playbook::from_setting(text).map_err(|errors| {
                let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                SettingsError::Playbook(errors.join("; "))
            })?,
        };
        let client = jaeger_client::client(&settings)?;
        let investigator = Investigator::new(client, Arc::new(playbook), settings.options.clone());
        let source = Source { uid: instance.uid.clone(), name: instance.name.clone() };
        let recording = match &settings.history {
            None => None,
            Some(_) if !can_record(investigator.playbook()) => return Err(SettingsError::SampledHistory),
            Some(history) => {
                let location = history.location(history_directory, org_id, &instance.uid)?;
                let source = SourceId::new(format!("{org_id}-{}", instance.uid));
                let options = recorder_options(&settings, history, investigator.playbook());
                Some(Arc::new(JaegerRecording {
                    settings: Arc::clone(&settings),
                    client: investigator.client().clone(),
                    playbook: Arc::clone(investigator.playbook()),
                    location,
                    source,
                    options,
                    requests_per_second: history.requests_per_second,
                }))
            }
        };
        Ok(Self { settings, source, investigator, recording, recorder: None })
    }

    /// The same data source for a question that must be answered by `deadline`.
    pub(super) fn with_deadline(self, deadline: Instant) -> Self {
        Self { investigator: self.investigator.with_deadline(deadline), ..self }
    }

    /// What the recorder is doing at this moment.
    pub(super) fn recorder(&self) -> State<Opened> {
        self.recorder.as_ref().map_or(State::Off, Link::state_now)
    }

    /// The same data source, which answers from its history if it has one.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub(super) async fn with_history(mut self) -> Result<Self, Failure> {
        let Some(recorder) = &mut self.recorder else { return Ok(self) };
        let unavailable = |why: &str| Failure::downstream(503, format!("the history cannot be used: {why}"));
        match recorder.state().await {
            State::Off => {}
            State::Opening => return Err(unavailable("its store is still being opened; try again in a few seconds")),
            State::Failed(error) => return Err(unavailable(&error)),
            State::Open(opened) => self.investigator = self.investigator.with_history(opened.history),
        }
        Ok(self)
    }
}

/// What the settings say to a recorder.
fn recorder_options(settings: &Settings, history: &HistorySettings, playbook: &Playbook) -> recorder::Options {
    recorder::Options {
        history_window: history.window,
        retention: history.retention,
        lookback: settings.options.lookback_with(playbook),
        baseline_window: settings.options.baseline_window_with(playbook),
        stall_threshold: settings.options.stall_threshold,
        discovery_services: settings.options.discovery_services.clone(),
        playbook_hash: playbook_hash(playbook),
    }
}
