//! One investigator per data source. Saving its settings replaces it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::future::Cache;

use super::{
    jaeger_client,
    metrics::JaegerTotals,
    settings::{Settings, SettingsError},
};
use crate::investigate::Investigator;
use diagnosis::playbook::Playbook;
use frames::Source;
use grafana_plugin_protocol::api::{Caller, Failure, Instance};

/// How many data sources are cached.
const MAX_DATA_SOURCES: u64 = 64;
const IDLE: Duration = Duration::from_secs(3600);

/// A data source with its settings and its investigator.
#[derive(Clone, Debug)]
pub(super) struct DataSource {
    pub(super) settings: Arc<Settings>,
    pub(super) source: Source,
    pub(super) investigator: Investigator,
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
}

impl fmt::Debug for DataSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataSources({})", self.cache.entry_count())
    }
}

impl Default for DataSources {
    fn default() -> Self {
        let evicted = Arc::new(Mutex::new(JaegerTotals::default()));
        let totals = Arc::clone(&evicted);
        let on_eviction = move |_: Arc<Key>, old: DataSource, _| {
            totals.lock().unwrap_or_else(PoisonError::into_inner).add(&old.investigator);
        };
        let cache =
            Cache::builder().max_capacity(MAX_DATA_SOURCES).time_to_idle(IDLE).eviction_listener(on_eviction).build();
        Self { cache, evicted }
    }
}

impl DataSources {
    /// The caller's data source; it sends the caller's identity to Jaeger if its settings say so.
    pub(super) async fn get(&self, caller: &Caller) -> Result<DataSource, Failure> {
        self.find(caller).await.map_err(|error| Failure::bad_request(error.to_string()))
    }

    async fn find(&self, caller: &Caller) -> Result<DataSource, SettingsError> {
        let instance = &caller.instance;
        let key = Key { org_id: caller.org_id, uid: instance.uid.clone(), updated_ms: instance.updated_ms };
        let made = self.cache.try_get_with(key, async { DataSource::new(instance) });
        let mut data_source = made.await.map_err(|error| (*error).clone())?;
        let identity = data_source.settings.identity(&caller.headers);
        if !identity.is_empty() {
            data_source.investigator = jaeger_client::personal(&data_source.investigator, &identity)?;
        }
        Ok(data_source)
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
    fn new(instance: &Instance) -> Result<Self, SettingsError> {
        let settings = Settings::of(instance)?;
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
        Ok(Self { settings: Arc::new(settings), source, investigator })
    }
}
