//! HTTP as KTRDR's automatic instrumentation records it: client span, server span, ASGI's receive and send.

use super::{
    span::Text,
    story::{At, HttpNames, Story, ms},
};
use trace::{Micros, SpanKind, Time};

const HTTPX: (&str, &str) = ("opentelemetry.instrumentation.httpx", "0.59b0");
const FASTAPI: (&str, &str) = ("opentelemetry.instrumentation.fastapi", "0.59b0");

/// A process that answers requests.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its service name.
    pub(crate) service: String,
    /// `http://host:port`, as its callers write it.
    pub(crate) url: &'static str,
    /// `http send` spans per answer: three behind the API's middleware, else two.
    pub(crate) sends: usize,
}

/// How a call ends for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Status(u16),
    /// Nothing listens; what an async client says.
    Refused,
    /// Nothing listens; what a sync client (the command line) says.
    RefusedSync,
    ReadTimeout,
}

/// A request: method, route template and the path with its values.
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

impl Story {
    /// A client span alone.
    pub(crate) fn client(
        &mut self,
        at: At,
        from: &str,
        to: &Peer,
        request: &Request,
        (start, duration): (Time, Micros),
        reply: Reply,
    ) -> At {
        let url = format!("{}{}", to.url, request.path);
        let names = self.http_names;
        let pen = self
            .span(at, from.to_owned(), request.method, start, duration)
            .scope(HTTPX.0, HTTPX.1)
            .kind(SpanKind::Client);
        let pen = match names {
            HttpNames::Old => pen.attr("http.method", request.method).attr("http.url", url),
            HttpNames::New => {
                let (host, port) = host_and_port(to.url);
                let port = port.parse::<i64>().unwrap_or(80);
                pen.attr("http.request.method", request.method)
                    .attr("url.full", url)
                    .attr("server.address", host)
                    .attr("server.port", port)
                    .attr("network.protocol.version", "1.1")
            }
        };
        match (reply, names) {
            (Reply::Status(code), HttpNames::Old) => {
                let pen = pen.attr("http.status_code", i64::from(code));
                if code >= 400 { pen.error("") } else { pen }
            }
            (Reply::Status(code), HttpNames::New) => {
                let pen = pen.attr("http.response.status_code", i64::from(code));
                if code >= 400 { pen.attr("error.type", code.to_string()).error("") } else { pen }
            }
            (Reply::Refused | Reply::RefusedSync, _) => {
                let pen = if names == HttpNames::New { pen.attr("error.type", "ConnectError") } else { pen };
                let message = if reply == Reply::Refused {
                    "All connection attempts failed"
                } else {
                    "[Errno 111] Connection refused"
                };
                pen.raised("httpx.ConnectError", message, 1)
            }
            (Reply::ReadTimeout, _) => {
                let pen = if names == HttpNames::New { pen.attr("error.type", "ReadTimeout") } else { pen };
                pen.raised("httpx.ReadTimeout", "", 1)
            }
        }
        .done()
    }

    /// A server span with its receive and send spans.
    pub(crate) fn server(
        &mut self,
        at: At,
        on: &Peer,
        request: &Request,
        (start, duration): (Time, Micros),
        status: u16,
    ) -> At {
        let name = format!("{} {}", request.method, request.route);
        let url = format!("{}{}", on.url, request.path);
        let target = request.path.split('?').next().unwrap_or_default().to_owned();
        let (host, port) = host_and_port(on.url);
        let (address, port) = (format!("{host}:{port}"), port.parse::<i64>().unwrap_or(80));
        let names = self.http_names;
        let peer_port = self.rng.within(32_768, 60_999);
        let code = i64::from(status);
        let pen = self
            .span(at, on.service.clone(), name.clone(), start, duration)
            .scope(FASTAPI.0, FASTAPI.1)
            .kind(SpanKind::Server);
        let pen = match names {
            HttpNames::Old => pen
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
            HttpNames::New => pen
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
        let pen = match (status >= 500, names) {
            (true, HttpNames::New) => pen.attr("error.type", status.to_string()).error(""),
            (true, HttpNames::Old) => pen.error(""),
            (false, _) => pen,
        };
        let server = pen.done();
        self.asgi(server, on, &name, (start, duration), request.method != "GET" && request.method != "DELETE", code);
        server
    }

    fn asgi(&mut self, at: At, on: &Peer, name: &str, (start, duration): (Time, Micros), body: bool, code: i64) {
        let key = if self.http_names == HttpNames::Old { "http.status_code" } else { "http.response.status_code" };
        if body {
            let took = self.rng.within(40, 700);
            self.span(at, on.service.clone(), format!("{name} http receive"), start + Micros(700), Micros(took))
                .scope(FASTAPI.0, FASTAPI.1)
                .attr("asgi.event.type", "http.request")
                .done();
        }
        let mut when = start + Micros((duration.0 - 900).max(duration.0 / 2));
        for nth in 0..on.sends {
            let took = Micros(self.rng.within(8, 50));
            let pen =
                self.span(at, on.service.clone(), format!("{name} http send"), when, took).scope(FASTAPI.0, FASTAPI.1);
            let pen = if nth == 0 {
                let pen = pen.attr("asgi.event.type", "http.response.start").attr(key, code);
                if code >= 500 { pen.error("") } else { pen }
            } else {
                pen.attr("asgi.event.type", "http.response.body")
            };
            pen.done();
            when = when + took + Micros(90);
        }
    }

    /// A call that is answered: client and server span. The answer is the place below the server span.
    pub(crate) fn call(
        &mut self,
        at: At,
        from: &str,
        to: &Peer,
        request: &Request,
        (start, duration): (Time, Micros),
        status: u16,
    ) -> At {
        let client = self.client(at, from, to, request, (start, duration), Reply::Status(status));
        let lag = Micros((duration.0 / 5).min(ms(2).0));
        self.server(client, to, request, (start + lag, Micros(duration.0 - 2 * lag.0)), status)
    }
}

fn host_and_port(url: &'static str) -> (&'static str, &'static str) {
    let address = url.split_once("://").map_or(url, |(_, rest)| rest);
    address.split_once(':').unwrap_or((address, "80"))
}
