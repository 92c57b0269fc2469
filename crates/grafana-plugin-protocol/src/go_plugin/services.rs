//! The services that go-plugin expects beside the plugin's own: without them every stop takes two seconds and a kill.

use std::{convert::Infallible, pin::Pin, task};

use futures_util::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status, Streaming, body::BoxBody, codec::ProstCodec, server::NamedService};

use super::{
    messages::{ConnInfo, Empty, StdioData},
    stop::Stop,
};
use crate::services::{BoxFuture, unimplemented};

/// Path of the call that stops the plugin.
pub const SHUTDOWN_PATH: &str = "/plugin.GRPCController/Shutdown";
/// Path of the call that reads the plugin's output.
pub const STDIO_PATH: &str = "/plugin.GRPCStdio/StreamStdio";
/// Path of the call that offers more connections.
pub const BROKER_PATH: &str = "/plugin.GRPCBroker/StartStream";

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A service of one method, which is all that each of go-plugin's has.
macro_rules! service {
    ($(#[$doc:meta])* $name:ident, $service:literal, $path:ident, $call:ident, $answer:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(super) struct $name {
            stop: Stop,
        }

        impl $name {
            pub(super) fn new(stop: Stop) -> Self {
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
    /// Ends the plugin.
    Controller, "plugin.GRPCController", SHUTDOWN_PATH, unary, Shutdown
);
service!(
    /// Would forward stdout and stderr; Grafana reads stderr itself. Held open: its end tells that Grafana is gone.
    Stdio, "plugin.GRPCStdio", STDIO_PATH, server_streaming, Output
);
service!(
    /// Would open further connections; Grafana asks for none.
    Broker, "plugin.GRPCBroker", BROKER_PATH, streaming, Connections
);

struct Shutdown(Stop);

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

struct Output(Stop);

/// Stops the plugin when the stream that holds it is dropped, which happens when the connection ends.
struct HostWatch(Stop);

impl Drop for HostWatch {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl tonic::server::ServerStreamingService<Empty> for Output {
    type Response = StdioData;
    type ResponseStream = BoxStream<StdioData>;
    type Future = BoxFuture<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: Request<Empty>) -> Self::Future {
        let (watch, stop) = (HostWatch(self.0.clone()), self.0.clone());
        let silence = stream::pending().take_until(stop.stopped()).map(move |item: Result<StdioData, Status>| {
            let _ = &watch;
            item
        });
        Box::pin(async move { Ok(Response::new(Box::pin(silence) as Self::ResponseStream)) })
    }
}

struct Connections(Stop);

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
