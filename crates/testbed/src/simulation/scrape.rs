//! The metrics endpoints of the deployment's processes, which Prometheus scrapes.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{Process, Simulation};

/// The ports on which the metrics endpoints listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// The ports of KTRDR's local stack.
    Own,
    /// Any free ports.
    Free,
}

/// Why the metrics of a process cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot serve the metrics of {} on {host}:{port}: {source}; stop what listens there (`ss -ltn 'sport = :{port}'` shows \
     it), or serve on another address of this machine, such as 127.0.0.2",
    process.host()
)]
pub struct ScrapeError {
    /// The process.
    pub process: Process,
    /// Address on which it should listen.
    pub host: String,
    /// Port on which it should listen.
    pub port: u16,
    /// Why the port cannot be opened.
    pub source: io::Error,
}

/// The metrics endpoint of a process. It closes when this is dropped.
#[derive(Debug)]
pub struct Exporter {
    /// The process.
    pub process: Process,
    /// Address on which it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the metrics of every process on `/metrics/`. `/metrics` redirects there, as in KTRDR.
///
/// # Errors
/// If a port is in use, or the host is not an address of this machine. Then nothing is served.
pub async fn serve(
    host: &str,
    ports: Ports,
    simulation: &Arc<Mutex<Simulation>>,
) -> Result<Vec<Exporter>, ScrapeError> {
    serve_at(host, |process| if ports == Ports::Own { process.port() } else { 0 }, simulation).await
}

async fn serve_at(
    host: &str,
    port_of: impl Fn(Process) -> u16,
    simulation: &Arc<Mutex<Simulation>>,
) -> Result<Vec<Exporter>, ScrapeError> {
    let mut listeners = Vec::new();
    for process in Process::ALL {
        let port = port_of(process);
        let failed = |source| ScrapeError { process, host: host.to_owned(), port, source };
        let listener = TcpListener::bind((host, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        listeners.push((process, listener, address));
    }
    let exporter = |(process, listener, address)| {
        let app = Router::new()
            .route("/metrics", get(|| async { Redirect::temporary("/metrics/") }))
            .route("/metrics/", get(scrape))
            .with_state((process, Arc::clone(simulation)));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!(%error, "a metrics endpoint stopped serving");
            }
        });
        Exporter { process, address, task }
    };
    Ok(listeners.into_iter().map(exporter).collect())
}

async fn scrape(State((process, simulation)): State<(Process, Arc<Mutex<Simulation>>)>) -> Response {
    let text = simulation.lock().unwrap_or_else(PoisonError::into_inner).metrics().write(process);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Activity;
    use trace::Time;

    fn simulation() -> Arc<Mutex<Simulation>> {
        Arc::new(Mutex::new(Simulation::new(Activity::Idle, Time(1_795_341_900_000_000), 1)))
    }

    #[tokio::test]
    async fn every_process_exports_its_own_metrics_behind_a_redirect() {
        let exporters = serve("127.0.0.1", Ports::Free, &simulation()).await.unwrap();
        assert_eq!(exporters.len(), Process::ALL.len());
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        for exporter in &exporters {
            let url = format!("http://{}/metrics", exporter.address);
            let answer = client.get(&url).send().await.unwrap();
            assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (307, &"/metrics/".parse().unwrap()));
            let answer = reqwest::get(url).await.unwrap();
            assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
            let text = answer.text().await.unwrap();
            let registered = text.contains("ktrdr_workers_registered_total{worker_type=\"training\"} 2.0");
            assert_eq!(registered, exporter.process == Process::Backend, "{text}");
            assert!(text.contains("\nktrdr_operations_active 0.0\n"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let port_of = |process| if process == Process::TrainingWorker1 { port } else { 0 };
        let error = serve_at("127.0.0.1", port_of, &simulation()).await.unwrap_err();
        assert_eq!((error.process, error.port), (Process::TrainingWorker1, port));
        let text = error.to_string();
        assert!(text.contains(&format!("training-worker-1 on 127.0.0.1:{port}")) && text.contains("in use"), "{text}");
    }
}
