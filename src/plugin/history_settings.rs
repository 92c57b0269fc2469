//! The settings of a data source's history: whether operations are kept, where, and how fast Jaeger is read for it.

use std::path::{Path, PathBuf};

use super::settings::{Json, SettingsError};
use crate::history::{DEFAULT_WINDOW, LocationError, StoreKind, StoreLocation};
use grafana_plugin_protocol::api::Secret;
use store::MemoryStore;
use trace::Micros;

/// The environment variable in which Grafana hands `history_dir` of the section `[plugin.ktrdr-diagnosis-datasource]` on.
const DIRECTORY_VARIABLE: &str = "GF_PLUGIN_HISTORY_DIR";
const DEFAULT_RETENTION: Micros = Micros::from_secs(90 * 86_400);
const DEFAULT_REQUESTS_PER_SECOND: f64 = 5.0;
/// The longest uid that Grafana gives.
const LONGEST_UID: usize = 40;

/// Where operations are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryPlace {
    /// In the plugin's memory.
    Memory,
    /// In a file of the server administrator's folder.
    Sqlite,
    /// In a PostgreSQL database with this URL.
    Postgres(Secret),
}

/// How much is recorded and where it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct HistorySettings {
    /// Where.
    pub place: HistoryPlace,
    /// How far back the past is read.
    pub window: Micros,
    /// How long operations are kept.
    pub retention: Micros,
    /// How often Jaeger is asked at most, in the long run.
    pub requests_per_second: f64,
}

impl HistorySettings {
    /// Parses the settings; `None` without a history.
    pub(super) fn of(json: Json<'_>, url: Option<Secret>, is_personal: bool) -> Result<Option<Self>, SettingsError> {
        let Some(word) = json.text("history") else { return Ok(None) };
        let place = match StoreKind::parse(word) {
            Some(StoreKind::Memory) => HistoryPlace::Memory,
            Some(StoreKind::Sqlite) => HistoryPlace::Sqlite,
            Some(StoreKind::Postgres) => HistoryPlace::Postgres(postgres(url)?),
            None => {
                let found = word.to_owned();
                return Err(SettingsError::Wrong { key: "history", expected: StoreKind::WORDS, found });
            }
        };
        if is_personal {
            return Err(SettingsError::PersonalHistory);
        }
        let window = json.duration("historyWindow")?.unwrap_or(DEFAULT_WINDOW);
        let retention = json.duration("retention")?.unwrap_or(DEFAULT_RETENTION);
        if retention < window {
            return Err(SettingsError::Wrong {
                key: "retention",
                expected: "at least as long as `historyWindow`",
                found: json.text("retention").unwrap_or("90d").to_owned(),
            });
        }
        let requests_per_second = json.rate("maxRequestsPerSecond")?.unwrap_or(DEFAULT_REQUESTS_PER_SECOND);
        Ok(Some(Self { place, window, retention, requests_per_second }))
    }

    /// Where the operations of one data source are kept.
    pub(super) fn location(
        &self,
        directory: &HistoryDirectory,
        org_id: i64,
        uid: &str,
    ) -> Result<StoreLocation, SettingsError> {
        Ok(match &self.place {
            HistoryPlace::Memory => StoreLocation::Memory { max_bytes: MemoryStore::DEFAULT_MAX_BYTES },
            HistoryPlace::Sqlite => StoreLocation::Sqlite(directory.file(org_id, uid)?),
            HistoryPlace::Postgres(url) => StoreLocation::Postgres(url.clone()),
        })
    }
}

/// The URL of the database, which must not name another kind of store: a file could be anywhere.
fn postgres(url: Option<Secret>) -> Result<Secret, SettingsError> {
    let missing = "the URL of the PostgreSQL database (`historyUrl`)";
    let url = url.ok_or(SettingsError::Missing { key: "history", missing })?;
    match StoreLocation::parse(url.expose()) {
        Ok(StoreLocation::Postgres(url)) => Ok(url),
        Err(LocationError::Url(why)) => Err(SettingsError::HistoryUrl(why)),
        Ok(_) | Err(_) => Err(SettingsError::HistoryUrl("it is not the URL of such a database".to_owned())),
    }
}

/// The folder of the SQLite files. Only the server's administrator sets it, so that someone who may edit a data source
/// cannot write elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct HistoryDirectory(Option<PathBuf>);

impl HistoryDirectory {
    /// The folder that Grafana's configuration names.
    pub(super) fn from_environment() -> Self {
        Self(std::env::var_os(DIRECTORY_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from))
    }

    fn file(&self, org_id: i64, uid: &str) -> Result<PathBuf, SettingsError> {
        let folder: &Path = self.0.as_deref().ok_or(SettingsError::NoHistoryDirectory)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if uid.is_empty() || uid.len() > LONGEST_UID || !uid.chars().all(is_plain) {
            return Err(SettingsError::Uid(uid.to_owned()));
        }
        Ok(folder.join(format!("{org_id}-{uid}.db")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plugin::Settings;
    use grafana_plugin_protocol::api::Instance;

    fn history(json: &Value) -> Result<Option<HistorySettings>, SettingsError> {
        let instance =
            Instance { url: "http://jaeger".into(), json: json.to_string().into_bytes(), ..Instance::default() };
        Settings::of(&instance).map(|settings| settings.history)
    }

    #[test]
    fn history_is_off_unless_it_is_asked_for_and_has_defaults() {
        for off in [json!({}), json!({"history": null}), json!({"history": " "}), json!({"retention": "1h"})] {
            assert_eq!(history(&off), Ok(None), "{off}");
        }
        let day = 86_400;
        let expected = HistorySettings {
            place: HistoryPlace::Memory,
            window: Micros::from_secs(7 * day),
            retention: Micros::from_secs(90 * day),
            requests_per_second: 5.0,
        };
        assert_eq!(history(&json!({"history": "memory"})), Ok(Some(expected)));
        let own = json!({"history": "sqlite", "historyWindow": "1d", "retention": "1d", "maxRequestsPerSecond": "0.5"});
        let expected = HistorySettings {
            place: HistoryPlace::Sqlite,
            window: Micros::from_secs(day),
            retention: Micros::from_secs(day),
            requests_per_second: 0.5,
        };
        assert_eq!(history(&own), Ok(Some(expected)));
    }

    #[test]
    fn wrong_settings_are_named() {
        let error = |json: Value| history(&json).unwrap_err().to_string();
        assert!(error(json!({"history": "redis"})).contains("`history` must be `memory`, `sqlite` or `postgres`"));
        assert!(error(json!({"history": "postgres"})).contains("`historyUrl`"));
        let short = json!({"history": "memory", "retention": "6d"});
        assert!(error(short).contains("`retention` must be at least as long as `historyWindow`"));
        let long = json!({"history": "memory", "historyWindow": "91d"});
        assert!(error(long).contains("`historyWindow`"));
        for rate in [json!(0), json!(-1), json!("many"), json!(1001), json!(true)] {
            let error = error(json!({"history": "memory", "maxRequestsPerSecond": rate}));
            assert!(error.contains("`maxRequestsPerSecond`"), "{error}");
        }
        for personal in [json!({"oauthPassThru": true}), json!({"keepCookies": ["session"]})] {
            let mut json = json!({"history": "memory"});
            json.as_object_mut().unwrap().extend(personal.as_object().unwrap().clone());
            assert!(error(json).contains("`history`"), "{personal}");
        }
    }

    #[test]
    fn the_database_url_is_a_secret() {
        let mut instance = Instance {
            url: "http://jaeger".into(),
            json: br#"{"history": "postgres"}"#.to_vec(),
            ..Instance::default()
        };
        instance.secrets.insert("historyUrl".into(), Secret::new("postgres://u:hunter2@db/x"));
        let settings = Settings::of(&instance).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        let place = settings.history.unwrap().place;
        assert_eq!(place, HistoryPlace::Postgres(Secret::new("postgres://u:hunter2@db/x")));
        for wrong in ["sqlite:/etc/passwd", "memory", "mysql://u:hunter2@db/x", "postgres://u:hunter2@db:port/x"] {
            instance.secrets.insert("historyUrl".into(), Secret::new(wrong));
            let error = Settings::of(&instance).unwrap_err();
            assert!(matches!(error, SettingsError::HistoryUrl(_)), "{wrong}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn files_stay_in_the_administrators_folder() {
        let directory = HistoryDirectory(Some("/var/lib/history".into()));
        assert_eq!(directory.file(1, "a-B_9"), Ok("/var/lib/history/1-a-B_9.db".into()));
        let long = "x".repeat(41);
        for uid in ["", "..", "../x", "a/b", "a\\b", "a.b", "a\0b", "ä", "C:", long.as_str()] {
            assert_eq!(directory.file(1, uid), Err(SettingsError::Uid(uid.to_owned())));
        }
        let error = HistoryDirectory::default().file(1, "a").unwrap_err().to_string();
        assert!(error.contains("history_dir") && error.contains("[plugin.ktrdr-diagnosis-datasource]"), "{error}");
    }
}
