//! The services that go-plugin itself expects. Without them, Grafana waits two seconds at every stop and then kills the
//! plugin.

use std::{convert::Infallible, pin::Pin, task};

use futures_util::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status, Streaming, body::BoxBody, codec::ProstCodec, server::NamedService};

use super::{
    messages::{ConnInfo, Empty, StdioData},
    stop::StopSignal,
};
use crate::services::{BoxFuture, unimplemented};

/// Path of the call that stops the plugin.
pub(crate) const SHUTDOWN_PATH: &str = "/plugin.GRPCController/Shutdown";
/// Path of the call that reads the plugin's output.
pub(crate) const STDIO_PATH: &str = "/plugin.GRPCStdio/StreamStdio";
/// Path of the call that exchanges offers of more connections.
pub(crate) const BROKER_PATH: &str = "/plugin.GRPCBroker/StartStream";

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Defines a service with one method; each of go-plugin's services has exactly one.
macro_rules! service {
    ($(#[$doc:meta])* $name:ident, $service:literal, $path:ident, $call:ident, $answer:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(super) struct $name {
            stop: StopSignal,
        }

        impl $name {
            pub(super) fn new(stop: StopSignal) -> Self {
                Self { stop }
            }
        }

        impl NamedService for $name {
            const NAME: &'static str = $service;
        }

        impl<B> tonic::codegen::Service<http::Request<B>> for $name
        where
            B: tonic::codegen::Body + Send + 'static,
            B::Error: Into<tonic::codegen::StdError> + Send + 'static,
        {
            type Response = http::Response<BoxBody>;
            type Error = Infallible;
            type Future = BoxFuture<Result<Self::Response, Infallible>>;

            fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
                task::Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<B>) -> Self::Future {
                let stop = self.stop.clone();
                Box::pin(async move {
                    if request.uri().path() != $path {
                        return Ok(unimplemented());
                    }
                    Ok(tonic::server::Grpc::new(ProstCodec::default()).$call($answer(stop), request).await)
                })
            }
        }
    };
}

service!(
    /// Stops the plugin.
    Controller, "plugin.GRPCController", SHUTDOWN_PATH, unary, Shutdown
);
service!(
    /// Forwards the plugin's output. It never sends anything, because Grafana reads standard error itself. The stream stays
    /// open, and its end shows that Grafana has ended.
    Stdio, "plugin.GRPCStdio", STDIO_PATH, server_streaming, Output
);
service!(
    /// Negotiates further connections. Grafana does not use any.
    Broker, "plugin.GRPCBroker", BROKER_PATH, streaming, Connections
);

struct Shutdown(StopSignal);

impl tonic::server::UnaryService<Empty> for Shutdown {
    type Response = Empty;
    type Future = BoxFuture<Result<Response<Empty>, Status>>;

    fn call(&mut self, _: Request<Empty>) -> Self::Future {
        let stop = self.0.clone();
        Box::pin(async move {
            stop.stop();
            Ok(Response::new(Empty {}))
        })
    }
}

struct Output(StopSignal);

/// Stops the plugin when it is dropped. The stream of [`Output`] owns it and is dropped when the connection ends.
struct StopOnDrop(StopSignal);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl tonic::server::ServerStreamingService<Empty> for Output {
    type Response = StdioData;
    type ResponseStream = BoxStream<StdioData>;
    type Future = BoxFuture<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: Request<Empty>) -> Self::Future {
        let (guard, stop) = (StopOnDrop(self.0.clone()), self.0.clone());
        let silence = stream::pending().take_until(stop.stopped()).map(move |item: Result<StdioData, Status>| {
            let _ = &guard;
            item
        });
        Box::pin(async move { Ok(Response::new(Box::pin(silence) as Self::ResponseStream)) })
    }
}

struct Connections(StopSignal);

impl tonic::server::StreamingService<ConnInfo> for Connections {
    type Response = ConnInfo;
    type ResponseStream = BoxStream<ConnInfo>;
    type Future = BoxFuture<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<ConnInfo>>) -> Self::Future {
        let stop = self.0.clone();
        Box::pin(async move {
            let ignored = request.into_inner().filter_map(|offer| async move { offer.err().map(Err) });
            Ok(Response::new(Box::pin(ignored.take_until(stop.stopped())) as Self::ResponseStream))
        })
    }
}
