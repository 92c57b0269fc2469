//! What the tests of this target share.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use serde_json::{Value, json};
use testbed::grafana_harness::{DataResponse, DataSource, PluginProcess, QueryDataResponse, data_source, frame_json};
use testbed::{Flavour, Server, Store, demo, serve};
use tokio::runtime::Runtime;
use trace::Time;

/// The executable that Grafana starts.
pub(crate) fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_gpx_ktrdr_diagnosis"))
}

/// A running plugin.
pub(crate) async fn plugin() -> PluginProcess {
    PluginProcess::start(binary(), &[]).await.expect("the plugin starts")
}

/// A running plugin, a Jaeger, and a data source that connects them.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) plugin: Arc<PluginProcess>,
    pub(crate) jaeger: Arc<Server>,
    pub(crate) source: DataSource,
    pub(crate) now: i64,
}

/// The demo is expensive to generate: tests that only read share one, and the plugin's caches with it.
static SHARED: LazyLock<(Runtime, Setup)> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("threads can be started");
    let setup = runtime.block_on(Setup::demo());
    (runtime, setup)
});

/// Runs a test that only looks on the shared demo.
pub(crate) fn on_demo(test: impl AsyncFnOnce(&'static Setup)) {
    let (runtime, setup) = &*SHARED;
    runtime.block_on(test(setup));
}

impl Setup {
    /// A Jaeger with the demo's traces.
    async fn demo() -> Self {
        let now = chrono::Utc::now().timestamp_millis();
        Self::over(Store::new(demo(Time::from_millis(now), 1)), now).await
    }

    /// A Jaeger without traces.
    pub(crate) async fn empty() -> Self {
        Self::over(Store::new(Vec::new()), chrono::Utc::now().timestamp_millis()).await
    }

    /// A Jaeger with these traces.
    pub(crate) async fn over(store: Store, now: i64) -> Self {
        let jaeger = serve(store, Flavour::Both).await.expect("a port is free");
        let source = data_source("ktrdr", &jaeger.url);
        Self { plugin: Arc::new(plugin().await), jaeger: Arc::new(jaeger), source, now }
    }

    /// The same Jaeger with another plugin.
    pub(crate) async fn with_own_plugin(&self, environment: &[(&str, &str)]) -> Self {
        let plugin = PluginProcess::start(binary(), environment).await.expect("the plugin starts");
        Self { plugin: Arc::new(plugin), ..self.clone() }
    }

    /// Returns the plugin and drops the rest.
    pub(crate) fn into_plugin(self) -> PluginProcess {
        Arc::into_inner(self.plugin).expect("nobody else holds it")
    }

    /// The last day.
    pub(crate) fn range(&self) -> (i64, i64) {
        (self.now - 86_400_000, self.now)
    }

    /// Sends queries; a single model does not need a `refId`.
    pub(crate) async fn ask(&self, queries: Vec<Value>) -> QueryDataResponse {
        self.plugin.query(&self.source, self.range(), queries, HashMap::new()).await.expect("the call succeeds")
    }

    /// The answer to one query about hours before now; `headers` as Grafana sends them.
    pub(crate) async fn over_hours(&self, hours: (i64, i64), mut query: Value, alert: bool) -> DataResponse {
        query["refId"] = "A".into();
        let range = (self.now - hours.0 * 3_600_000, self.now - hours.1 * 3_600_000);
        let headers = HashMap::from([("FromAlert".to_owned(), alert.to_string())]);
        let answer = self.plugin.query(&self.source, range, vec![query], headers).await.expect("the call succeeds");
        answer.responses.into_values().next().expect("the query is answered")
    }

    /// The answer to one query.
    pub(crate) async fn one(&self, mut query: Value) -> DataResponse {
        query["refId"] = "A".into();
        self.ask(vec![query]).await.responses.remove("A").expect("the query is answered")
    }

    /// The frames that answer one query, as the browser receives them.
    pub(crate) async fn frames(&self, query: Value) -> Vec<Frame> {
        let text = query.to_string();
        let answer = self.one(query).await;
        assert_eq!((answer.error.as_str(), answer.status), ("", 200), "{text}");
        answer.frames.iter().map(|frame| Frame(frame_json(frame).expect("Grafana takes it"))).collect()
    }

    /// The failure that answers one query: status, message, source.
    pub(crate) async fn failure(&self, query: Value) -> (i32, String, String) {
        let answer = self.one(query).await;
        assert!(!answer.error.is_empty(), "it was answered");
        (answer.status, answer.error, answer.error_source)
    }

    /// A resource's status and body.
    pub(crate) async fn resource(&self, method: &str, path: &str, body: impl Into<bytes::Bytes>) -> (i32, Value) {
        let answer = self.plugin.resource(&self.source, method, path, body.into()).await.expect("the call succeeds");
        (answer.code, serde_json::from_slice(&answer.body).expect("resources answer JSON"))
    }

    /// The id of an operation of the demo with this verdict.
    pub(crate) async fn operation(&self, verdict: &str) -> String {
        let query = json!({"queryType": "operations", "limit": 1000, "filters": {"verdicts": [verdict]}});
        let frames = self.frames(query).await;
        let ids = frames[0].column("operation_id");
        ids.iter().find_map(Value::as_str).unwrap_or_else(|| panic!("no operation is {verdict}")).to_owned()
    }
}

/// A frame as the browser receives it.
#[derive(Debug)]
pub(crate) struct Frame(pub(crate) Value);

impl Frame {
    pub(crate) fn name(&self) -> &str {
        self.0["schema"]["name"].as_str().unwrap_or_default()
    }

    pub(crate) fn meta(&self) -> &Value {
        &self.0["schema"]["meta"]
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.fields().iter().filter_map(|field| field["name"].as_str()).collect()
    }

    pub(crate) fn fields(&self) -> &[Value] {
        self.0["schema"]["fields"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn rows(&self) -> usize {
        self.0["data"]["values"][0].as_array().map_or(0, Vec::len)
    }

    pub(crate) fn column(&self, name: &str) -> Vec<Value> {
        let at = self.names().iter().position(|field| *field == name).unwrap_or_else(|| panic!("no column {name}"));
        self.0["data"]["values"][at].as_array().expect("columns are lists").clone()
    }
}
