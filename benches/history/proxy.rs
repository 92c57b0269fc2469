//! A proxy in front of Jaeger that counts requests and bytes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

/// What has passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) requests: usize,
    pub(super) bytes: usize,
}

#[derive(Debug)]
struct Shared {
    client: reqwest::Client,
    to: String,
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

/// A running proxy.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Its address.
    pub(super) url: String,
    shared: Arc<Shared>,
}

impl Proxy {
    pub(super) async fn start(to: &str) -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            client: reqwest::Client::new(),
            to: to.trim_end_matches('/').to_owned(),
            requests: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(pass_on).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, shared })
    }

    pub(super) fn counted(&self) -> Counted {
        Counted { requests: self.shared.requests.load(Relaxed), bytes: self.shared.bytes.load(Relaxed) }
    }
}

async fn pass_on(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    shared.requests.fetch_add(1, Relaxed);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let got = async {
        let answer = shared.client.get(format!("{}{path}", shared.to)).send().await?;
        let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
        let date = answer.headers().get("date").cloned();
        let bytes = answer.bytes().await?;
        Ok::<_, reqwest::Error>((status, kind, date, bytes))
    };
    match got.await {
        Ok((status, kind, date, bytes)) => {
            shared.bytes.fetch_add(bytes.len(), Relaxed);
            let mut answer = Response::new(Body::from(bytes));
            *answer.status_mut() = status;
            for (name, value) in [("content-type", kind), ("date", date)] {
                if let Some(value) = value {
                    answer.headers_mut().insert(name, value);
                }
            }
            answer
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
