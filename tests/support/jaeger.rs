//! Real Jaegers on loopback ports.

use std::{
    fmt::Write as _,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// A version and the storage behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// v1.42.0 (2023): compresses answers; storage in memory.
    V1Old,
    /// v1.76.0 (end of 2025), the last of v1: storage in memory.
    V1Last,
    /// v2.13.0 (end of 2025) with storage in memory.
    V2Memory,
    /// v2.13.0 with Badger, which looks for tags in whole traces.
    V2Badger,
}

impl Kind {
    /// What `scripts/build-jaeger.sh` builds.
    pub fn version(self) -> &'static str {
        match self {
            Self::V1Old => "v1.42.0",
            Self::V1Last => "v1.76.0",
            Self::V2Memory | Self::V2Badger => "v2.13.0",
        }
    }
}

/// A running Jaeger. Dropping it stops it.
#[derive(Debug)]
pub struct Jaeger {
    /// Base address of its query API.
    pub url: String,
    otlp: String,
    process: Child,
    _files: TempDir,
}

/// The base path of Jaeger's UI and API, so that base paths are tested too.
const BASE: &str = "/jaeger";

impl Jaeger {
    /// Starts one and waits until it answers.
    pub async fn start(kind: Kind, program: &Path) -> Self {
        for _ in 0..3 {
            // A port may be taken by someone else between choosing it and Jaeger's opening it.
            if let Some(jaeger) = Self::try_start(kind, program).await {
                return jaeger;
            }
        }
        panic!("Jaeger {} did not start", kind.version());
    }

    async fn try_start(kind: Kind, program: &Path) -> Option<Self> {
        let files = tempfile::tempdir().expect("a folder for Jaeger");
        let ports = Ports::choose();
        let mut command = Command::new(program);
        command.args(arguments(kind, &ports, files.path()));
        // Jaeger must not trace itself: its own traces would be among ours.
        command.env("OTEL_TRACES_SAMPLER", "always_off").env("COLLECTOR_OTLP_ENABLED", "true");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let mut jaeger = Self {
            url: format!("http://127.0.0.1:{}{BASE}", ports.query),
            otlp: format!("http://127.0.0.1:{}/v1/traces", ports.otlp),
            process,
            _files: files,
        };
        jaeger.ready().await.then_some(jaeger)
    }

    async fn ready(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            let query = reqwest::get(format!("{}/api/services", self.url)).await;
            let otlp = reqwest::Client::new()
                .post(&self.otlp)
                .header("content-type", "application/json")
                .body("{}")
                .send()
                .await;
            if query.is_ok_and(|answer| answer.status().is_success()) && otlp.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Sends OTLP JSON.
    pub async fn feed(&self, otlp: Vec<u8>) {
        let answer =
            reqwest::Client::new().post(&self.otlp).header("content-type", "application/json").body(otlp).send().await;
        let answer = answer.expect("Jaeger takes traces");
        assert!(answer.status().is_success(), "Jaeger refused the traces: {}", answer.status());
        let rejected: Value = answer.json().await.unwrap_or_default();
        assert!(rejected["partialSuccess"]["rejectedSpans"].is_null(), "Jaeger refused spans: {rejected}");
    }

    /// Waits until a trace has at least so many spans.
    pub async fn wait_for(&self, trace: &str, spans: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut seen = 0;
        while Instant::now() < deadline {
            if let Ok(answer) = reqwest::get(format!("{}/api/traces/{trace}", self.url)).await
                && let Ok(body) = answer.json::<Value>().await
            {
                seen = body["data"][0]["spans"].as_array().map_or(0, Vec::len);
                if seen >= spans {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("of {spans} spans of {trace} Jaeger shows {seen}");
    }
}

impl Drop for Jaeger {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Ports {
    query: u16,
    query_grpc: u16,
    otlp: u16,
    otlp_grpc: u16,
    rest: [u16; 4],
}

impl Ports {
    fn choose() -> Self {
        let open: Vec<TcpListener> =
            (0..8).map(|_| TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback")).collect();
        let port = |at: usize| open[at].local_addr().expect("its address").port();
        Self {
            query: port(0),
            query_grpc: port(1),
            otlp: port(2),
            otlp_grpc: port(3),
            rest: [port(4), port(5), port(6), port(7)],
        }
    }
}

fn arguments(kind: Kind, ports: &Ports, files: &Path) -> Vec<String> {
    match kind {
        Kind::V1Old | Kind::V1Last => flags(kind, ports),
        Kind::V2Memory | Kind::V2Badger => {
            let path = files.join("jaeger.yaml");
            std::fs::write(&path, config(kind, ports, files)).expect("Jaeger's configuration is written");
            vec!["--config".to_owned(), path.display().to_string()]
        }
    }
}

fn flags(kind: Kind, ports: &Ports) -> Vec<String> {
    let [admin, collector, collector_grpc, sampling] = ports.rest;
    let mut flags = vec![
        ("query.base-path".to_owned(), BASE.to_owned()),
        ("collector.otlp.enabled".to_owned(), "true".to_owned()),
        // v1 silently drops what its queue cannot hold.
        ("collector.queue-size".to_owned(), "200000".to_owned()),
        ("log-level".to_owned(), "error".to_owned()),
    ];
    let mut listen = |flag: &str, port: u16| flags.push((flag.to_owned(), format!("127.0.0.1:{port}")));
    listen("query.http-server.host-port", ports.query);
    listen("query.grpc-server.host-port", ports.query_grpc);
    listen("collector.otlp.http.host-port", ports.otlp);
    listen("collector.otlp.grpc.host-port", ports.otlp_grpc);
    listen("admin.http.host-port", admin);
    listen("collector.http-server.host-port", collector);
    listen("collector.grpc-server.host-port", collector_grpc);
    if kind == Kind::V1Old {
        // The agent was still part of it.
        listen("http-server.host-port", sampling);
        for processor in ["jaeger-binary", "jaeger-compact", "zipkin-compact"] {
            listen(&format!("processor.{processor}.server-host-port"), 0);
        }
    }
    flags.into_iter().map(|(flag, value)| format!("--{flag}={value}")).collect()
}

fn config(kind: Kind, ports: &Ports, files: &Path) -> String {
    let store = match kind {
        Kind::V2Badger => {
            let (keys, values) = (files.join("keys"), files.join("values"));
            format!(
                "badger: {{ephemeral: true, directories: {{keys: {}, values: {}}}}}",
                keys.display(),
                values.display()
            )
        }
        _ => "memory: {max_traces: 10000}".to_owned(),
    };
    let mut text = String::new();
    let _ = write!(
        text,
        "service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines: {{traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}}}
  telemetry: {{metrics: {{level: none}}, logs: {{level: error}}}}
extensions:
  jaeger_storage: {{backends: {{store: {{{store}}}}}}}
  jaeger_query:
    base_path: {BASE}
    enable_tracing: false
    storage: {{traces: store}}
    http: {{endpoint: '127.0.0.1:{query}'}}
    grpc: {{endpoint: '127.0.0.1:{grpc}'}}
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{otlp}'}}}}}}}}
exporters: {{jaeger_storage_exporter: {{trace_storage: store}}}}
",
        query = ports.query,
        grpc = ports.query_grpc,
        otlp = ports.otlp,
    );
    text
}
