//! `pluginv2.Data`: answers queries. The queries of a request run concurrently, and an error or a panic in one does not
//! affect the others.

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, task, time::Duration};

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use tonic::{Request, Response, Status, body::BoxBody, server::NamedService};

use super::{
    BoxFuture, MAX_REQUEST, endpoints,
    messages::{DataResponse, QueryDataRequest, QueryDataResponse},
    timeout, unimplemented,
};
use crate::api::{Backend, Failure, Frames};

/// Path of the call that answers queries.
pub(crate) const DATA_PATH: &str = "/pluginv2.Data/QueryData";

/// The gRPC service for queries.
#[derive(Debug)]
pub(crate) struct DataServer<B> {
    backend: Arc<B>,
}

impl<B> DataServer<B> {
    /// Passes queries to this backend.
    #[must_use]
    pub(crate) fn new(backend: Arc<B>) -> Self {
        Self { backend }
    }
}

impl<B> Clone for DataServer<B> {
    fn clone(&self) -> Self {
        Self { backend: Arc::clone(&self.backend) }
    }
}

impl<B> NamedService for DataServer<B> {
    const NAME: &'static str = "pluginv2.Data";
}

impl<B, Body> tonic::codegen::Service<http::Request<Body>> for DataServer<B>
where
    B: Backend,
    Body: tonic::codegen::Body + Send + 'static,
    Body::Error: Into<tonic::codegen::StdError> + Send + 'static,
{
    type Response = http::Response<BoxBody>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let backend = Arc::clone(&self.backend);
        Box::pin(async move {
            if request.uri().path() != DATA_PATH {
                return Ok(unimplemented());
            }
            let codec = tonic::codec::ProstCodec::default();
            let mut grpc = tonic::server::Grpc::new(codec)
                .max_decoding_message_size(MAX_REQUEST)
                .max_encoding_message_size(usize::MAX);
            Ok(grpc.unary(QueryData(backend), request).await)
        })
    }
}

struct QueryData<B>(Arc<B>);

impl<B: Backend> tonic::server::UnaryService<QueryDataRequest> for QueryData<B> {
    type Response = QueryDataResponse;
    type Future = BoxFuture<Result<Response<QueryDataResponse>, Status>>;

    fn call(&mut self, request: Request<QueryDataRequest>) -> Self::Future {
        let backend = Arc::clone(&self.0);
        let timeout = timeout::of(request.metadata());
        Box::pin(async move { Ok(Response::new(answer(&*backend, request.into_inner(), timeout).await)) })
    }
}

/// Answers all queries. If Grafana cancels the request, this future is dropped and with it the work of all queries.
async fn answer<B: Backend>(backend: &B, request: QueryDataRequest, timeout: Option<Duration>) -> QueryDataResponse {
    let context = request.plugin_context.unwrap_or_default();
    let headers = request.headers.into_iter();
    let settings = context.data_source_instance_settings;
    let caller = Arc::new(endpoints::caller(context.org_id, context.user, settings, headers, timeout));
    let mut running: FuturesUnordered<_> = request
        .queries
        .into_iter()
        .map(|query| {
            let (caller, ref_id) = (Arc::clone(&caller), query.ref_id.clone());
            async move {
                let work = AssertUnwindSafe(backend.query(caller, endpoints::query(query)));
                let panicked = |_| Err(Failure::internal("the plugin failed unexpectedly; see its log"));
                (ref_id, response(work.catch_unwind().await.unwrap_or_else(panicked)))
            }
        })
        .collect();
    let mut answer = QueryDataResponse::default();
    while let Some((ref_id, response)) = running.next().await {
        answer.responses.insert(ref_id, response);
    }
    answer
}

fn response(result: Result<Frames, Failure>) -> DataResponse {
    match result {
        Ok(frames) => DataResponse { frames, status: 200, ..DataResponse::default() },
        Err(failure) => DataResponse {
            frames: Vec::new(),
            status: i32::from(failure.status),
            error_source: failure.error_source.as_str().to_owned(),
            error: failure.message,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::{Caller, HealthResult, LiveStream, RawQuery, ResourceReply, ResourceRequest, Subscription},
        messages::v2,
    };

    /// Answers the query `ok`, fails for `bad` and panics for every other.
    struct TestBackend;

    #[tonic::async_trait]
    impl Backend for TestBackend {
        async fn query(&self, _: Arc<Caller>, query: RawQuery) -> Result<Frames, Failure> {
            match query.ref_id.as_str() {
                "ok" => Ok(vec![bytes::Bytes::from_static(b"frame")]),
                "bad" => Err(Failure::bad_request("no")),
                other => panic!("{other}"),
            }
        }
        async fn health(&self, _: Arc<Caller>) -> HealthResult {
            unreachable!()
        }
        async fn metrics(&self) -> String {
            unreachable!()
        }
        async fn resource(&self, _: Arc<Caller>, _: ResourceRequest) -> ResourceReply {
            unreachable!()
        }
        async fn subscribe(&self, _: Arc<Caller>, _: String) -> Subscription {
            unreachable!()
        }
        fn follow(&self, _: Arc<Caller>, _: String) -> LiveStream {
            unreachable!()
        }
        async fn stop(&self) {
            unreachable!()
        }
    }

    #[tokio::test]
    async fn a_query_that_fails_or_crashes_leaves_the_others_alone() {
        let query = |ref_id: &str| v2::DataQuery { ref_id: ref_id.to_owned(), ..v2::DataQuery::default() };
        let queries = ["ok", "bad", "crash"].map(query).to_vec();
        let request = QueryDataRequest { queries, ..QueryDataRequest::default() };
        let answer = answer(&TestBackend, request, None).await;
        let of = |ref_id: &str| &answer.responses[ref_id];
        assert_eq!((of("ok").status, of("ok").frames.len()), (200, 1));
        assert_eq!((of("bad").status, of("bad").error_source.as_str()), (400, "downstream"));
        assert_eq!((of("crash").status, of("crash").error_source.as_str()), (500, "plugin"));
        assert!(of("crash").error.contains("log"));
    }
}
