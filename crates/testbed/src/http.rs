//! HTTP calls as KTRDR's automatic instrumentation records them.
//!
//! A call has a client span (`httpx`), a server span (`FastAPI`), and below it a span for each ASGI message that the server
//! receives or sends. The attributes have the names of the older or the newer semantic conventions ([`HttpNames`]).

use super::{
    scenario_builder::{HttpNames, ScenarioBuilder, TraceContext, ms},
    span::Text,
};
use trace::{Micros, SpanKind, Time};

const HTTPX: (&str, &str) = ("opentelemetry.instrumentation.httpx", "0.59b0");
const FASTAPI: (&str, &str) = ("opentelemetry.instrumentation.fastapi", "0.59b0");

/// A process that answers HTTP requests.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its service name.
    pub(crate) service: String,
    /// `http://host:port`, as callers address it.
    pub(crate) url: &'static str,
    /// Number of `http send` spans per answer: three for the API because of its middleware, otherwise two.
    pub(crate) sends: usize,
}

/// The result of a call for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Status(u16),
    /// The connection is refused, with the message of an asynchronous client.
    Refused,
    /// The connection is refused, with the message of a synchronous client, such as the command line.
    RefusedSync,
    ReadTimeout,
}

/// A request: method, route template, and the path with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) route: &'static str,
    pub(crate) path: Text,
}

impl Request {
    pub(crate) fn new(method: &'static str, route: &'static str) -> Self {
        Self { method, route, path: route.into() }
    }

    pub(crate) fn with_path(method: &'static str, route: &'static str, path: impl Into<Text>) -> Self {
        Self { method, route, path: path.into() }
    }
}

impl ScenarioBuilder {
    /// Adds a client span without a server span.
    pub(crate) fn client(
        &mut self,
        parent: TraceContext,
        from: &str,
        to: &Peer,
        request: &Request,
        (start, duration): (Time, Micros),
        reply: Reply,
    ) -> TraceContext {
        let url = format!("{}{}", to.url, request.path);
        let names = self.http_names;
        let span = self
            .span(parent, from.to_owned(), request.method, start, duration)
            .scope(HTTPX.0, HTTPX.1)
            .kind(SpanKind::Client);
        let span = match names {
            HttpNames::Old => span.attr("http.method", request.method).attr("http.url", url),
            HttpNames::New => {
                let (host, port) = host_and_port(to.url);
                let port = port.parse::<i64>().unwrap_or(80);
                span.attr("http.request.method", request.method)
                    .attr("url.full", url)
                    .attr("server.address", host)
                    .attr("server.port", port)
                    .attr("network.protocol.version", "1.1")
            }
        };
        match (reply, names) {
            (Reply::Status(code), HttpNames::Old) => {
                let span = span.attr("http.status_code", i64::from(code));
                if code >= 400 { span.error("") } else { span }
            }
            (Reply::Status(code), HttpNames::New) => {
                let span = span.attr("http.response.status_code", i64::from(code));
                if code >= 400 { span.attr("error.type", code.to_string()).error("") } else { span }
            }
            (Reply::Refused | Reply::RefusedSync, _) => {
                let span = if names == HttpNames::New { span.attr("error.type", "ConnectError") } else { span };
                let message = if reply == Reply::Refused {
                    "All connection attempts failed"
                } else {
                    "[Errno 111] Connection refused"
                };
                span.raised("httpx.ConnectError", message, 1)
            }
            (Reply::ReadTimeout, _) => {
                let span = if names == HttpNames::New { span.attr("error.type", "ReadTimeout") } else { span };
                span.raised("httpx.ReadTimeout", "", 1)
            }
        }
        .add()
    }

    /// Adds a server span with its receive and send spans. Returns the context below it.
    pub(crate) fn server(
        &mut self,
        parent: TraceContext,
        on: &Peer,
        request: &Request,
        (start, duration): (Time, Micros),
        status: u16,
    ) -> TraceContext {
        let name = format!("{} {}", request.method, request.route);
        let url = format!("{}{}", on.url, request.path);
        let target = request.path.split('?').next().unwrap_or_default().to_owned();
        let (host, port) = host_and_port(on.url);
        let (address, port) = (format!("{host}:{port}"), port.parse::<i64>().unwrap_or(80));
        let names = self.http_names;
        let peer_port = self.rng.within(32_768, 60_999);
        let code = i64::from(status);
        let span = self
            .span(parent, on.service.clone(), name.clone(), start, duration)
            .scope(FASTAPI.0, FASTAPI.1)
            .kind(SpanKind::Server);
        let span = match names {
            HttpNames::Old => span
                .attr("http.scheme", "http")
                .attr("http.host", address.clone())
                .attr("net.host.port", port)
                .attr("http.flavor", "1.1")
                .attr("http.target", target)
                .attr("http.url", url)
                .attr("http.method", request.method)
                .attr("http.server_name", address)
                .attr("http.user_agent", "python-httpx/0.28.1")
                .attr("net.peer.ip", "172.18.0.7")
                .attr("net.peer.port", peer_port)
                .attr("http.route", request.route)
                .attr("http.status_code", code),
            HttpNames::New => span
                .attr("url.scheme", "http")
                .attr("server.address", host.to_owned())
                .attr("server.port", port)
                .attr("network.protocol.version", "1.1")
                .attr("url.path", target)
                .attr("http.request.method", request.method)
                .attr("user_agent.original", "python-httpx/0.28.1")
                .attr("client.address", "172.18.0.7")
                .attr("client.port", peer_port)
                .attr("http.route", request.route)
                .attr("http.response.status_code", code),
        };
        let span = match (status >= 500, names) {
            (true, HttpNames::New) => span.attr("error.type", status.to_string()).error(""),
            (true, HttpNames::Old) => span.error(""),
            (false, _) => span,
        };
        let server = span.add();
        self.asgi(server, on, &name, (start, duration), request.method != "GET" && request.method != "DELETE", code);
        server
    }

    fn asgi(
        &mut self,
        parent: TraceContext,
        on: &Peer,
        name: &str,
        (start, duration): (Time, Micros),
        body: bool,
        code: i64,
    ) {
        let key = if self.http_names == HttpNames::Old { "http.status_code" } else { "http.response.status_code" };
        if body {
            let took = self.rng.within(40, 700);
            self.span(parent, on.service.clone(), format!("{name} http receive"), start + Micros(700), Micros(took))
                .scope(FASTAPI.0, FASTAPI.1)
                .attr("asgi.event.type", "http.request")
                .add();
        }
        let mut when = start + Micros((duration.0 - 900).max(duration.0 / 2));
        for nth in 0..on.sends {
            let took = Micros(self.rng.within(8, 50));
            let span = self
                .span(parent, on.service.clone(), format!("{name} http send"), when, took)
                .scope(FASTAPI.0, FASTAPI.1);
            let span = if nth == 0 {
                let span = span.attr("asgi.event.type", "http.response.start").attr(key, code);
                if code >= 500 { span.error("") } else { span }
            } else {
                span.attr("asgi.event.type", "http.response.body")
            };
            span.add();
            when = when + took + Micros(90);
        }
    }

    /// Adds a call that is answered: a client and a server span. Returns the context below the server span.
    pub(crate) fn call(
        &mut self,
        parent: TraceContext,
        from: &str,
        to: &Peer,
        request: &Request,
        (start, duration): (Time, Micros),
        status: u16,
    ) -> TraceContext {
        let client = self.client(parent, from, to, request, (start, duration), Reply::Status(status));
        let lag = Micros((duration.0 / 5).min(ms(2).0));
        self.server(client, to, request, (start + lag, Micros(duration.0 - 2 * lag.0)), status)
    }
}

fn host_and_port(url: &'static str) -> (&'static str, &'static str) {
    let address = url.split_once("://").map_or(url, |(_, rest)| rest);
    address.split_once(':').unwrap_or((address, "80"))
}
