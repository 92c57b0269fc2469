//! Requests between services: what client and server spans of either semantic convention say.

use super::{grpc, vocabulary::Vocabulary};
use crate::playbook::{Address, Attr, Service};
use trace::{SpanKind, SpanRef, Value};

/// What a client or server span says of its request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Request<'t> {
    /// The HTTP method; `None` for other protocols.
    pub(crate) method: Option<&'t str>,
    pub(crate) url: Option<&'t str>,
    /// Path without query.
    pub(crate) path: Option<&'t str>,
    /// Where it was sent: of the URL, else as the client span says.
    pub(crate) host: Option<&'t str>,
    pub(crate) port: Option<u16>,
    pub(crate) route: Option<&'t str>,
    /// Name of the service that was called, where a client span says it.
    pub(crate) peer: Option<&'t str>,
    /// Status of the HTTP answer.
    pub(crate) status: Option<i64>,
    /// Status of the gRPC answer.
    pub(crate) grpc: Option<&'static str>,
}

/// The first status code of HTTP; proxies write smaller numbers where no answer came.
const FIRST_STATUS: i64 = 100;
/// The first status code that is an error.
const FIRST_ERROR: i64 = 400;
/// The first status code that is an error of the server.
const FIRST_SERVER_ERROR: i64 = 500;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

impl<'t> Request<'t> {
    /// The request of a span; `None` when the span is not one.
    pub(crate) fn of(span: SpanRef<'t>, vocabulary: &Vocabulary<'_>) -> Option<Self> {
        let (named_method, named_path) = match span.name().split_once(' ') {
            Some((method, path)) if path.starts_with('/') && !path.contains(' ') => (method, Some(path)),
            Some((method, _)) => (method, None),
            None => (span.name(), None),
        };
        let named_method = METHODS.contains(&named_method).then_some(named_method);
        let method = vocabulary.str(span, Attr::HttpMethod).or(named_method);
        let url = vocabulary.str(span, Attr::HttpUrl);
        // On a server span the peer is who called.
        let calls = span.kind() == SpanKind::Client;
        let peer = |attr| if calls { vocabulary.str(span, attr) } else { None };
        let (peer_host, peer_name) = (peer(Attr::PeerHost), peer(Attr::PeerService));
        let grpc = vocabulary.get(span, Attr::GrpcStatus).and_then(grpc::status);
        if method.is_none()
            && grpc.is_none()
            && !(calls && (url.is_some() || peer_host.is_some() || peer_name.is_some()))
        {
            return None;
        }
        let target = vocabulary.str(span, Attr::HttpTarget);
        let parts = url.and_then(split_url);
        let path = parts.map(|parts| parts.path).or_else(|| target.map(without_query)).or(named_path);
        let peer_port = || {
            let port = if calls { vocabulary.get(span, Attr::PeerPort).and_then(Value::as_i64) } else { None };
            port.and_then(|port| u16::try_from(port).ok())
        };
        let status =
            vocabulary.get(span, Attr::HttpStatus).and_then(Value::as_i64).filter(|code| *code >= FIRST_STATUS);
        Some(Self {
            method,
            url,
            path,
            host: parts.map(|parts| parts.host).or(peer_host),
            port: parts.and_then(|parts| parts.port).or_else(peer_port),
            route: vocabulary.str(span, Attr::HttpRoute).or(named_path),
            peer: peer_name,
            status,
            grpc,
        })
    }

    /// `host:port` as the URL or the client span has it; a name alone where nothing else is known.
    pub(crate) fn address(&self) -> Option<String> {
        let host = self.host.or(self.peer)?;
        Some(self.port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }

    /// Class of an answer that is an error: `HTTP 503`, `gRPC UNAVAILABLE`.
    pub(crate) fn error_class(&self) -> Option<String> {
        let http = || self.status.filter(|code| *code >= FIRST_ERROR).map(|code| format!("HTTP {code}"));
        http().or_else(|| self.grpc.filter(|status| *status != grpc::OK).map(|status| format!("gRPC {status}")))
    }

    /// Whether some answer came.
    pub(crate) fn answered(&self) -> bool {
        self.status.is_some() || self.grpc.is_some()
    }

    /// Whether an answer came and was an error.
    pub(crate) fn refused(&self) -> bool {
        self.error_class().is_some()
    }

    /// Whether a span of this kind failed by the answer: a server only where the error is its own.
    pub(crate) fn failed(&self, kind: SpanKind) -> bool {
        let server = kind == SpanKind::Server;
        self.status
            .map_or(!server && self.refused(), |code| code >= if server { FIRST_SERVER_ERROR } else { FIRST_ERROR })
    }

    /// Whether a good answer came.
    pub(crate) fn accepted(&self) -> bool {
        self.status.map_or(self.grpc == Some(grpc::OK), |code| (200..FIRST_ERROR).contains(&code))
    }

    pub(crate) fn service<'p>(&self, vocabulary: &Vocabulary<'p>) -> Option<&'p Service> {
        vocabulary.playbook().service_at(self.target())
    }

    /// Where it was sent.
    pub(crate) fn target(&self) -> Address<'t> {
        Address { path: self.path, host: self.host, port: self.port, peer: self.peer }
    }
}

#[derive(Clone, Copy)]
struct UrlParts<'t> {
    host: &'t str,
    port: Option<u16>,
    path: &'t str,
}

fn split_url(url: &str) -> Option<UrlParts<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let bracket = authority.rfind(']').unwrap_or(0);
    let (host, port) = match authority.rfind(':').filter(|at| *at > bracket) {
        Some(at) => {
            let (host, port) = authority.split_at(at);
            (host, port.get(1..).and_then(|port| port.parse().ok()))
        }
        None => (authority, None),
    };
    let default = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    Some(UrlParts { host, port: port.or(default), path: without_query(path) })
}

/// The host and port of the first URL in a text.
pub(crate) fn address_in(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let ends = |c: char| !(c.is_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '[' | ']' | '@'));
    let authority = rest.split(ends).next()?;
    let address = authority.rsplit_once('@').map_or(authority, |(_, host)| host).trim_end_matches(['.', ':']);
    Some(address).filter(|address| !address.is_empty())
}

fn without_query(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_name_an_address() {
        for (text, address) in [
            ("I/O error on GET request for \"http://127.0.0.1:18031/articles/5\": null", Some("127.0.0.1:18031")),
            ("cannot reach https://u:p@stock.local.", Some("stock.local")),
            ("at grpc://[::1]:50051", Some("[::1]:50051")),
            ("no address", None),
            ("://", None),
        ] {
            assert_eq!(address_in(text), address, "{text}");
        }
    }

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |url| split_url(url).map(|p| (p.host, p.port, p.path));
        assert_eq!(parts("http://localhost:5001/data/validate?x=1"), Some(("localhost", Some(5001), "/data/validate")));
        assert_eq!(parts("https://u:p@jaeger"), Some(("jaeger", Some(443), "/")));
        assert_eq!(parts("http://[::1]:80/a"), Some(("[::1]", Some(80), "/a")));
        assert_eq!(parts("/only/a/path"), None);
    }
}
