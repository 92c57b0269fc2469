//! One investigator per data source, for as long as its settings stay as they are.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::future::Cache;

use super::{
    metrics::JaegerTotals,
    settings::{Settings, SettingsError},
    upstream,
};
use crate::investigate::Investigator;
use diagnosis::playbook::Playbook;
use frames::Source;
use grafana_plugin_protocol::api::{Caller, Failure, Instance};

/// Data sources that are kept.
const MOST: u64 = 64;
const IDLE: Duration = Duration::from_secs(3600);

/// A data source that can be asked.
#[derive(Clone, Debug)]
pub(super) struct DataSource {
    pub(super) settings: Arc<Settings>,
    pub(super) source: Source,
    pub(super) investigator: Investigator,
}

/// Changed settings make another key.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    org_id: i64,
    uid: String,
    updated_ms: i64,
}

/// All of them.
#[derive(Clone)]
pub(super) struct DataSources {
    kept: Cache<Key, DataSource>,
    /// What data sources did that are gone.
    gone: Arc<Mutex<JaegerTotals>>,
}

impl fmt::Debug for DataSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataSources({})", self.kept.entry_count())
    }
}

impl Default for DataSources {
    fn default() -> Self {
        let gone = Arc::new(Mutex::new(JaegerTotals::default()));
        let totals = Arc::clone(&gone);
        let leave = move |_: Arc<Key>, old: DataSource, _| {
            totals.lock().unwrap_or_else(PoisonError::into_inner).add(&old.investigator);
        };
        let kept = Cache::builder().max_capacity(MOST).time_to_idle(IDLE).eviction_listener(leave).build();
        Self { kept, gone }
    }
}

impl DataSources {
    /// The caller's data source, asking in the caller's name where it is set up so.
    pub(super) async fn get(&self, caller: &Caller) -> Result<DataSource, Failure> {
        self.find(caller).await.map_err(|error| Failure::bad_request(error.to_string()))
    }

    async fn find(&self, caller: &Caller) -> Result<DataSource, SettingsError> {
        let instance = &caller.instance;
        let key = Key { org_id: caller.org_id, uid: instance.uid.clone(), updated_ms: instance.updated_ms };
        let made = self.kept.try_get_with(key, async { DataSource::new(instance) });
        let mut data_source = made.await.map_err(|error| (*error).clone())?;
        let identity = data_source.settings.identity(&caller.headers);
        if !identity.is_empty() {
            data_source.investigator = upstream::personal(&data_source.investigator, &identity)?;
        }
        Ok(data_source)
    }

    /// What all data sources have asked of Jaeger since the start.
    pub(super) fn totals(&self) -> JaegerTotals {
        let mut totals = *self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, data_source) in &self.kept {
            totals.add(&data_source.investigator);
        }
        totals
    }
}

impl DataSource {
    fn new(instance: &Instance) -> Result<Self, SettingsError> {
        let settings = Settings::of(instance)?;
        let playbook = match &settings.playbook {
            None => Playbook::ktrdr(),
            Some(text) => Playbook::with_overlay(text).map_err(|errors| {
                let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                SettingsError::Playbook(errors.join("; "))
            })?,
        };
        let client = upstream::client(&settings)?;
        let investigator = Investigator::new(client, Arc::new(playbook), settings.options.clone());
        let source = Source { uid: instance.uid.clone(), name: instance.name.clone() };
        Ok(Self { settings: Arc::new(settings), source, investigator })
    }
}
