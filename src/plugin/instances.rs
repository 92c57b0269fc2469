//! One investigator per data source, for as long as its settings stay as they are.

use std::{fmt, sync::Arc, time::Duration};

use moka::future::Cache;

use super::{
    api::{Caller, Failure, Secret},
    settings::{Settings, SettingsError},
    upstream,
};
use crate::{frames::Source, investigate::Investigator, jaeger::Client, playbook::Playbook};

/// Data sources (and users, where they ask in their own name) that are kept.
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

/// Changed settings and another identity make another key, so that nobody is answered from another's cache.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    org_id: i64,
    uid: String,
    updated_ms: i64,
    identity: Vec<(String, Secret)>,
}

/// All of them.
#[derive(Clone)]
pub(super) struct DataSources {
    cache: Cache<Key, Arc<DataSource>>,
}

impl fmt::Debug for DataSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataSources({})", self.cache.entry_count())
    }
}

impl Default for DataSources {
    fn default() -> Self {
        Self { cache: Cache::builder().max_capacity(MOST).time_to_idle(IDLE).build() }
    }
}

impl DataSources {
    /// The caller's data source.
    pub(super) async fn get(&self, caller: &Caller) -> Result<Arc<DataSource>, Failure> {
        let wrong = |error: &SettingsError| Failure::bad_request(error.to_string());
        let settings = Settings::of(&caller.instance).map_err(|error| wrong(&error))?;
        let identity = settings.identity(&caller.headers);
        let key = Key {
            org_id: caller.org_id,
            uid: caller.instance.uid.clone(),
            updated_ms: caller.instance.updated_ms,
            identity: identity.clone(),
        };
        let source = Source { uid: caller.instance.uid.clone(), name: caller.instance.name.clone() };
        let made = self.cache.try_get_with(key, async { DataSource::new(settings, source, &identity).map(Arc::new) });
        made.await.map_err(|error| wrong(&error))
    }
}

impl DataSource {
    fn new(settings: Settings, source: Source, identity: &[(String, Secret)]) -> Result<Self, SettingsError> {
        let playbook = match &settings.playbook {
            None => Playbook::ktrdr(),
            Some(text) => Playbook::with_overlay(text).map_err(|errors| {
                let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
                SettingsError::Playbook(errors.join("; "))
            })?,
        };
        let playbook = Arc::new(playbook);
        let client = upstream::client(&settings, identity)?;
        let investigator = Investigator::new(client.clone(), Arc::clone(&playbook), settings.options.clone());
        Ok(Self { settings, source, client, playbook, investigator })
    }
}
