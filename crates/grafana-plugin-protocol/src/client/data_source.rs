//! A configured data source, as Grafana hands it to the plugin.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::services::{PluginContext, v2};

/// A data source's configuration.
#[derive(Clone, PartialEq)]
pub struct DataSource {
    /// Id of the plugin.
    pub plugin_id: String,
    /// Version of the plugin.
    pub plugin_version: String,
    /// Uid.
    pub uid: String,
    /// Name.
    pub name: String,
    /// Address of Jaeger.
    pub url: String,
    /// User of basic authentication; its password is the secret `basicAuthPassword`.
    pub basic_auth_user: Option<String>,
    /// Settings.
    pub json: Value,
    /// Secret settings.
    pub secrets: HashMap<String, String>,
    /// When it was changed last (ms since the epoch).
    pub updated_ms: i64,
    /// Role of whoever asks.
    pub role: String,
}

impl std::fmt::Debug for DataSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataSource({} at {})", self.uid, self.url)
    }
}

impl DataSource {
    /// A data source without further settings, asked by an editor.
    #[must_use]
    pub fn new(plugin_id: &str, uid: &str, url: &str) -> Self {
        Self {
            plugin_id: plugin_id.to_owned(),
            plugin_version: "0.0.0".to_owned(),
            uid: uid.to_owned(),
            name: uid.to_owned(),
            url: url.to_owned(),
            basic_auth_user: None,
            json: json!({}),
            secrets: HashMap::new(),
            updated_ms: 1,
            role: "Editor".to_owned(),
        }
    }

    fn user(&self) -> v2::User {
        let role = self.role.clone();
        v2::User { login: "demo".to_owned(), name: "Demo".to_owned(), email: String::new(), role }
    }

    fn settings(&self) -> v2::DataSourceInstanceSettings {
        v2::DataSourceInstanceSettings {
            id: 1,
            uid: self.uid.clone(),
            name: self.name.clone(),
            url: self.url.clone(),
            basic_auth_enabled: self.basic_auth_user.is_some(),
            basic_auth_user: self.basic_auth_user.clone().unwrap_or_default(),
            json_data: self.json.to_string().into_bytes(),
            decrypted_secure_json_data: self.secrets.clone(),
            last_updated_ms: self.updated_ms,
            ..v2::DataSourceInstanceSettings::default()
        }
    }

    /// For queries.
    #[must_use]
    pub fn query_context(&self) -> PluginContext {
        PluginContext {
            org_id: 1,
            plugin_id: self.plugin_id.clone(),
            user: Some(self.user()),
            data_source_instance_settings: Some(self.settings()),
            grafana_config: HashMap::new(),
            plugin_version: self.plugin_version.clone(),
            user_agent: "Grafana/12.3.0".to_owned(),
        }
    }

    /// For everything else.
    #[must_use]
    pub fn context(&self) -> v2::PluginContext {
        v2::PluginContext {
            org_id: 1,
            plugin_id: self.plugin_id.clone(),
            user: Some(self.user()),
            app_instance_settings: None,
            data_source_instance_settings: Some(self.settings()),
        }
    }
}
