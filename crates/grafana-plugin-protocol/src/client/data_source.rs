//! The configuration of a data source that Grafana sends with each call.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::messages::{PluginContext, v2};

/// A data source's configuration.
#[derive(Clone, PartialEq)]
pub struct DataSource {
    /// Id of the data source plugin.
    pub plugin_id: String,
    /// Version of the plugin.
    pub plugin_version: String,
    /// Unique id of the data source.
    pub uid: String,
    /// Name of the data source.
    pub name: String,
    /// URL of the data source.
    pub url: String,
    /// User name for basic authentication. The password is the secret `basicAuthPassword`.
    pub basic_auth_user: Option<String>,
    /// Settings (`jsonData`).
    pub json: Value,
    /// Secret settings (`secureJsonData`).
    pub secrets: HashMap<String, String>,
    /// Time of the last change, in milliseconds since 1970.
    pub updated_ms: i64,
    /// Role of the user who calls.
    pub role: String,
}

impl std::fmt::Debug for DataSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataSource({} at {})", self.uid, self.url)
    }
}

impl DataSource {
    /// A data source without settings, called by a user with the role *Editor*.
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

    /// The context of a query.
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

    /// The context of all other calls.
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
