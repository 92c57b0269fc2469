//! Parses the settings of a data source (jsonData and secureJsonData).

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use super::history_settings::HistorySettings;
use crate::{history::StoreKind, investigate::Options};
use diagnosis::playbook;
use grafana_plugin_protocol::api::{Instance, Secret};
use jaeger::Tls;
use trace::Micros;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
/// What Jaeger itself expects.
const TENANT_HEADER: &str = "x-tenant";
const DEFAULT_BODY_MIB: u64 = 256;

/// Settings that cannot be used. Shows keys, never secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not a JSON object.
    #[error("the data source's settings are not a JSON object ({0}); save the data source again")]
    NotJson(String),
    /// No URL.
    #[error("the data source has no URL; enter Jaeger's address, such as http://jaeger:16686")]
    NoUrl,
    /// A setting of the wrong form.
    #[error("the setting `{key}` must be {expected}, not `{found}`")]
    Wrong {
        /// Its name in jsonData.
        key: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A secret that belongs to a setting is missing.
    #[error("the setting `{key}` is on, but {missing} is missing; enter it in the data source's settings")]
    Missing {
        /// The setting.
        key: &'static str,
        /// What is missing.
        missing: &'static str,
    },
    /// A history would show one user's operations to another.
    #[error(
        "the setting `history` cannot be used while the user's identity or cookies are forwarded (`oauthPassThru`, \
         `keepCookies`): all users would see what one of them may see; turn one of them off"
    )]
    PersonalHistory,
    /// A history needs names by which all operations are found.
    #[error(
        "the setting `history` cannot be used with this playbook, which reads a sample of the traces: a history would be \
         incomplete; leave `history` empty, or use a playbook that names the spans which start operations"
    )]
    SampledHistory,
    /// The URL of the database cannot be used.
    #[error("the secret setting `historyUrl` cannot be used: {0}; write `{form}`", form = StoreKind::URL_FORM)]
    HistoryUrl(String),
    /// SQLite files have no folder.
    #[error(
        "the setting `history` is `sqlite`, but this Grafana server has no folder for it: set `history_dir` in the \
         section `[plugin.ktrdr-diagnosis-datasource]` of Grafana's configuration and restart Grafana, or choose \
         another value"
    )]
    NoHistoryDirectory,
    /// The uid cannot be part of a file name.
    #[error("the uid `{0}` cannot name a file: give the data source a uid of at most 40 letters, digits, `-` and `_`")]
    Uid(String),
    /// The playbook cannot be used.
    #[error("the playbook in the data source's settings is wrong: {0}")]
    Playbook(String),
    /// The client cannot be built: address or certificates.
    #[error("{0}")]
    Client(String),
}

/// All settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Address of Jaeger with its path.
    pub url: String,
    /// User and password of basic authentication.
    pub basic_auth: Option<(String, Secret)>,
    /// Headers of every request to Jaeger.
    pub headers: Vec<(String, Secret)>,
    /// Header and value that select a tenant.
    pub tenant: Option<(String, String)>,
    /// TLS of the connection to Jaeger.
    pub tls: Tls,
    /// How long a request to Jaeger may take.
    pub timeout: Duration,
    /// Largest body that Jaeger may send, in bytes.
    pub max_body: u64,
    /// Whether the user's own identity (OAuth) goes to Jaeger.
    pub forward_oauth: bool,
    /// Whether some of the user's cookies go to Jaeger; Grafana chooses which.
    pub forward_cookies: bool,
    /// Options of the investigator.
    pub options: Options,
    /// The name of an embedded playbook, or a text to lay over one.
    pub playbook: Option<String>,
    /// Whether operations are recorded, and where they are kept.
    pub history: Option<HistorySettings>,
}

impl Settings {
    /// Parses the settings of an instance.
    ///
    /// # Errors
    /// On the first setting that cannot be used.
    pub fn of(instance: &Instance) -> Result<Self, SettingsError> {
        let json: Map<String, Value> = if instance.json.is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(&instance.json).map_err(|error| SettingsError::NotJson(error.to_string()))?
        };
        let json = Json(&json);
        let url = instance.url.trim();
        if url.is_empty() {
            return Err(SettingsError::NoUrl);
        }
        let secret = |key: &str| instance.secrets.get(key).filter(|secret| !secret.expose().is_empty()).cloned();
        let password = || secret("basicAuthPassword").unwrap_or_default();
        let basic_auth = instance.basic_auth_user.clone().map(|user| (user, password()));
        let forward_oauth = json.flag("oauthPassThru");
        let forward_cookies = json.list("keepCookies").is_some_and(|names| !names.is_empty());
        let max_body = json.number("maxBodyMiB", "a whole number of MiB, at least 1")?.unwrap_or(DEFAULT_BODY_MIB);
        Ok(Self {
            url: url.to_owned(),
            basic_auth,
            headers: headers(json, &instance.secrets)?,
            tenant: json
                .text("tenant")
                .map(|tenant| (json.text("tenantHeader").unwrap_or(TENANT_HEADER).to_owned(), tenant.to_owned())),
            tls: tls(json, &secret)?,
            timeout: json
                .number("timeout", "a whole number of seconds, at least 1")?
                .map_or(DEFAULT_TIMEOUT, Duration::from_secs),
            max_body: max_body.saturating_mul(1 << 20),
            forward_oauth,
            forward_cookies,
            options: Options {
                lookback: json.duration("lookback")?,
                baseline_window: json.duration("baselineWindow")?,
                discovery_services: json.list("discoveryServices").unwrap_or_default(),
                stall_threshold: json.duration("stallThreshold")?,
            },
            playbook: json.text("playbook").map(str::to_owned),
            history: HistorySettings::of(json, secret("historyUrl"), forward_oauth || forward_cookies)?,
        })
    }

    /// The headers of a request that identify its user to Jaeger.
    #[must_use]
    pub fn identity(&self, headers: &BTreeMap<String, Secret>) -> Vec<(String, Secret)> {
        let mut wanted = Vec::new();
        if self.forward_oauth {
            wanted.extend(["authorization", "x-id-token"]);
        }
        if self.forward_cookies {
            wanted.push("cookie");
        }
        wanted.into_iter().filter_map(|name| Some((name.to_owned(), headers.get(name)?.clone()))).collect()
    }

    /// Whether these settings find the same traces as others.
    pub(super) fn asks_the_same_as(&self, other: &Self) -> bool {
        let asked = |of: &Self| {
            let Self { url, basic_auth, headers, tenant, .. } = of.clone();
            (url, basic_auth, headers, tenant, of.options.discovery_services.clone())
        };
        asked(self) == asked(other)
    }

    /// Whether requests go out in the user's name, which a live stream cannot do.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.forward_oauth || self.forward_cookies
    }
}

/// `httpHeaderNameN` with `httpHeaderValueN`.
fn headers(json: Json<'_>, secrets: &BTreeMap<String, Secret>) -> Result<Vec<(String, Secret)>, SettingsError> {
    let headers: Vec<(String, Secret)> = json
        .0
        .iter()
        .filter_map(|(key, name)| {
            let number = key.strip_prefix("httpHeaderName")?;
            let name = name.as_str().filter(|name| !name.is_empty())?;
            Some((name.to_owned(), secrets.get(&format!("httpHeaderValue{number}")).cloned().unwrap_or_default()))
        })
        .collect();
    for (name, _) in &headers {
        http::HeaderName::try_from(name.as_str()).map_err(|_| SettingsError::Wrong {
            key: "httpHeaderName",
            expected: "the name of an HTTP header",
            found: name.clone(),
        })?;
    }
    Ok(headers)
}

fn tls(json: Json<'_>, secret: &dyn Fn(&str) -> Option<Secret>) -> Result<Tls, SettingsError> {
    let missing = |key, missing| SettingsError::Missing { key, missing };
    let server_name = json.text("serverName").map(str::to_owned);
    let mut tls = Tls { skip_verify: json.flag("tlsSkipVerify"), server_name, ..Tls::default() };
    if json.flag("tlsAuthWithCACert") {
        let ca = secret("tlsCACert").ok_or_else(|| missing("tlsAuthWithCACert", "the CA certificate"))?;
        tls.ca_pem = Some(ca.expose().to_owned());
    }
    if json.flag("tlsAuth") {
        let certificate = secret("tlsClientCert").ok_or_else(|| missing("tlsAuth", "the client certificate"))?;
        let key = secret("tlsClientKey").ok_or_else(|| missing("tlsAuth", "the client key"))?;
        tls.client_pem = Some((certificate.expose().to_owned(), jaeger::Secret::new(key.expose())));
    }
    Ok(tls)
}

/// Tolerant reading: provisioning files write numbers as texts and lists as one text.
#[derive(Clone, Copy)]
pub(super) struct Json<'j>(&'j Map<String, Value>);

impl<'j> Json<'j> {
    pub(super) fn text(self, key: &str) -> Option<&'j str> {
        self.0.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    fn flag(self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| value.as_bool().unwrap_or_else(|| value.as_str() == Some("true")))
    }

    fn list(self, key: &str) -> Option<Vec<String>> {
        let texts = |list: Vec<&str>| -> Vec<String> {
            list.into_iter().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
        };
        match self.0.get(key)? {
            Value::Array(list) => Some(texts(list.iter().filter_map(Value::as_str).collect())),
            Value::String(text) => Some(texts(text.split(',').collect())),
            _ => None,
        }
    }

    fn number(self, key: &'static str, expected: &'static str) -> Result<Option<u64>, SettingsError> {
        let parse = |value: &Value| match value {
            Value::String(text) => text.trim().parse().ok(),
            number => number.as_u64(),
        };
        self.parsed(key, expected, |value| parse(value).filter(|number| *number > 0))
    }

    /// A number of requests per second.
    pub(super) fn rate(self, key: &'static str) -> Result<Option<f64>, SettingsError> {
        let parse = |value: &Value| match value {
            Value::String(text) => text.trim().parse().ok(),
            number => number.as_f64(),
        };
        let expected = "a number above 0, at most 1000";
        self.parsed(key, expected, |value| parse(value).filter(|rate| *rate > 0.0 && *rate <= 1000.0))
    }

    /// A value that is neither missing nor empty.
    fn parsed<T>(
        self,
        key: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, SettingsError> {
        let value = match self.0.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(value) => value,
        };
        parse(value).map(Some).ok_or_else(|| SettingsError::Wrong { key, expected, found: value.to_string() })
    }

    pub(super) fn duration(self, key: &'static str) -> Result<Option<Micros>, SettingsError> {
        let expected = "a duration such as 48h or 1m30s";
        let parse = |value: &Value| Some(value.as_str()?.parse::<playbook::Duration>().ok()?.0);
        self.parsed(key, expected, parse)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn instance(json: &Value) -> Instance {
        Instance { url: "http://jaeger:16686/base".into(), json: json.to_string().into_bytes(), ..Instance::default() }
    }

    #[test]
    fn without_settings_the_defaults_hold() {
        let settings = Settings::of(&Instance { url: " http://j ".into(), ..Instance::default() }).unwrap();
        assert_eq!(settings.url, "http://j");
        assert_eq!(settings.max_body, 256 << 20);
        assert_eq!(settings.options, Options::default());
        assert!(!settings.is_personal());
    }

    #[test]
    fn grafanas_usual_keys_are_read() {
        let mut instance = instance(&json!({
            "timeout": "7", "maxBodyMiB": 3, "lookback": "72h", "discoveryServices": "ktrdr-*, backend",
            "stallThreshold": "15m", "oauthPassThru": true, "keepCookies": ["session"],
            "httpHeaderName1": "X-Team", "tenant": "blue", "tlsAuth": true, "tlsAuthWithCACert": true,
            "serverName": "jaeger.local", "unknown": {"a": 1},
        }));
        for (key, value) in
            [("httpHeaderValue1", "v"), ("tlsCACert", "ca"), ("tlsClientCert", "c"), ("tlsClientKey", "k")]
        {
            instance.secrets.insert(key.into(), Secret::new(value));
        }
        instance.basic_auth_user = Some("u".into());
        let settings = Settings::of(&instance).unwrap();
        assert_eq!(settings.timeout, Duration::from_secs(7));
        assert_eq!(settings.max_body, 3 << 20);
        assert_eq!(settings.options.discovery_services, ["ktrdr-*", "backend"]);
        assert_eq!(settings.options.stall_threshold, Some(Micros::from_secs(900)));
        let headers: Vec<_> = settings.headers.iter().map(|(k, v)| (k.as_str(), v.expose())).collect();
        assert_eq!(headers, [("X-Team", "v")]);
        assert_eq!(settings.tenant, Some(("x-tenant".into(), "blue".into())));
        assert_eq!(settings.tls.client_pem, Some(("c".into(), jaeger::Secret::new("k"))));
        assert_eq!(settings.tls.server_name.as_deref(), Some("jaeger.local"));
        let mut sent = BTreeMap::from([("authorization".to_owned(), Secret::new("Bearer x"))]);
        sent.insert("x-other".into(), Secret::new("y"));
        assert_eq!(settings.identity(&sent), [("authorization".to_owned(), Secret::new("Bearer x"))]);
    }

    #[test]
    fn wrong_settings_are_named_with_what_they_should_be() {
        let error = |json: Value| Settings::of(&instance(&json)).unwrap_err().to_string();
        assert!(error(json!({"lookback": "soon"})).contains("`lookback` must be a duration"));
        assert!(error(json!({"timeout": 0})).contains("`timeout`"));
        assert!(error(json!({"tlsAuth": true})).contains("client certificate"));
        assert!(error(json!({"httpHeaderName1": "a b"})).contains("a b"));
        let broken = Instance { url: "http://j".into(), json: b"[1".to_vec(), ..Instance::default() };
        assert!(Settings::of(&broken).unwrap_err().to_string().contains("not a JSON object"));
        assert_eq!(Settings::of(&Instance::default()), Err(SettingsError::NoUrl));
    }
}
