//! One investigator per data source, for as long as its settings stay as they are.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::future::Cache;

use super::{
    api::{Caller, Failure, Secret},
    metrics::JaegerTotals,
    settings::{Settings, SettingsError},
    upstream,
};
use crate::{frames::Source, investigate::Investigator, jaeger::Client, playbook::Playbook};

/// Data sources that are kept.
const MOST_CLIENTS: u64 = 64;
/// Data sources times users, where these ask in their own name.
const MOST: u64 = 256;
const IDLE: Duration = Duration::from_secs(3600);

/// A data source that can be asked.
#[derive(Debug)]
pub(super) struct DataSource {
    pub(super) settings: Settings,
    pub(super) source: Source,
    pub(super) client: Client,
    pub(super) playbook: Arc<Playbook>,
    pub(super) investigator: Investigator,
}

/// Changed settings make another key.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    org_id: i64,
    uid: String,
    updated_ms: i64,
}

/// Who asks in their own name is not answered from another's cache.
type PersonalKey = (Key, Vec<(String, Secret)>);

/// All of them.
#[derive(Clone)]
pub(super) struct DataSources {
    clients: Cache<Key, Client>,
    sources: Cache<PersonalKey, Arc<DataSource>>,
    /// What clients did that are gone.
    gone: Arc<Mutex<JaegerTotals>>,
}

impl fmt::Debug for DataSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataSources({})", self.sources.entry_count())
    }
}

impl Default for DataSources {
    fn default() -> Self {
        let gone = Arc::new(Mutex::new(JaegerTotals::default()));
        let totals = Arc::clone(&gone);
        let leave = move |_: Arc<Key>, client: Client, _| {
            totals.lock().unwrap_or_else(PoisonError::into_inner).add(client.stats().snapshot());
        };
        let clients = Cache::builder().max_capacity(MOST_CLIENTS).time_to_idle(IDLE).eviction_listener(leave).build();
        Self { clients, sources: Cache::builder().max_capacity(MOST).time_to_idle(IDLE).build(), gone }
    }
}

impl DataSources {
    /// The caller's data source.
    pub(super) async fn get(&self, caller: &Caller) -> Result<Arc<DataSource>, Failure> {
        self.find(caller).await.map_err(|error| Failure::bad_request(error.to_string()))
    }

    async fn find(&self, caller: &Caller) -> Result<Arc<DataSource>, SettingsError> {
        let instance = &caller.instance;
        let settings = Settings::of(instance)?;
        let key = Key { org_id: caller.org_id, uid: instance.uid.clone(), updated_ms: instance.updated_ms };
        let client = self.clients.try_get_with(key.clone(), async { upstream::client(&settings) });
        let client = client.await.map_err(|error| (*error).clone())?;
        let identity = settings.identity(&caller.headers);
        let source = Source { uid: instance.uid.clone(), name: instance.name.clone() };
        let personal = (key, identity.clone());
        let made = self.sources.try_get_with(personal, async {
            let client = upstream::personal(&client, &identity)?;
            DataSource::new(settings, source, client).map(Arc::new)
        });
        made.await.map_err(|error| (*error).clone())
    }

    /// What all clients have done since the start.
    pub(super) fn totals(&self) -> JaegerTotals {
        let mut totals = *self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, client) in &self.clients {
            totals.add(client.stats().snapshot());
        }
        totals
    }
}

impl DataSource {
    fn new(settings: Settings, source: Source, client: Client) -> Result<Self, SettingsError> {
        let playbook = match &settings.playbook {
            None => Playbook::ktrdr(),
            Some(text) => Playbook::with_overlay(text).map_err(|errors| {
                let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                SettingsError::Playbook(errors.join("; "))
            })?,
        };
        let playbook = Arc::new(playbook);
        let investigator = Investigator::new(client.clone(), Arc::clone(&playbook), settings.options.clone());
        Ok(Self { settings, source, client, playbook, investigator })
    }
}
