//! Errors of requests. A message says what failed, where, and what to try.

use std::{fmt, time::Duration};

use super::decode::DecodeError;

/// The kind of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The URL cannot be used.
    Address,
    /// A certificate, key, header or other setting cannot be used.
    Settings,
    /// No connection.
    Connect,
    /// No connection, because one side does not trust the other's certificate.
    Certificate,
    /// No complete answer within the timeout.
    Timeout,
    /// The connection broke during the answer.
    Broken,
    /// Credentials are missing or wrong.
    Unauthorized,
    /// The tenant is missing or unknown.
    Tenant,
    /// A login page, or a redirect to one.
    Login,
    /// A web page in place of the API.
    Html,
    /// No such route: the base path is wrong, or this is not a Jaeger.
    NotFound,
    /// Grafana Tempo, which has no Jaeger API.
    Tempo,
    /// The server requires a service name for this search.
    ServiceRequired,
    /// Jaeger refuses the request.
    BadRequest,
    /// Jaeger's storage failed or refused.
    Storage,
    /// A proxy or Jaeger is not ready.
    Unavailable,
    /// A proxy or Jaeger limits the rate of requests.
    Throttled,
    /// The whole question was not answered within this time.
    DeadlineExceeded(Duration),
    /// JSON without a list of names where one is expected.
    NoNames,
    /// The answer is larger than the limit in bytes.
    TooLarge(usize),
    /// The answer cannot be read.
    Decode(DecodeError),
}

/// Why Jaeger gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    /// Without credentials.
    url: String,
    status: Option<u16>,
    /// The beginning of what the server answered.
    seen: String,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, url: &str, status: Option<u16>, seen: impl Into<String>) -> Self {
        Self { kind, url: url.to_owned(), status, seen: seen.into() }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Whether there was no complete answer in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, ErrorKind::Timeout | ErrorKind::DeadlineExceeded(_))
    }

    /// Whether the answer was larger than the limit. A shorter time range or a smaller limit may help.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self.kind, ErrorKind::TooLarge(_))
    }

    /// The status with which Jaeger or the proxy before it answered.
    #[must_use]
    pub fn upstream_status(&self) -> Option<u16> {
        self.status
    }

    /// The HTTP status to report to Grafana.
    #[must_use]
    pub fn status_code(&self) -> u16 {
        match self.kind {
            ErrorKind::Address | ErrorKind::Settings | ErrorKind::ServiceRequired | ErrorKind::BadRequest => 400,
            ErrorKind::Unauthorized | ErrorKind::Tenant => self.status.unwrap_or(401),
            ErrorKind::Timeout | ErrorKind::DeadlineExceeded(_) => 504,
            ErrorKind::Throttled => 429,
            ErrorKind::TooLarge(_) => 413,
            ErrorKind::Unavailable => self.status.unwrap_or(503),
            _ => 502,
        }
    }

    fn fix(&self) -> &'static str {
        match &self.kind {
            ErrorKind::Address => "give the address of Jaeger's query service, such as http://jaeger:16686",
            ErrorKind::Settings => "check the data source's settings",
            ErrorKind::Connect => "check that Jaeger runs and that its query port (16686) can be reached from here",
            ErrorKind::Certificate => {
                "check the CA certificate, the server name and the client certificate in the settings"
            }
            ErrorKind::Timeout => "ask for a shorter time range, or raise the timeout",
            ErrorKind::Broken => "try again; if it fails again, read the log of Jaeger or of the proxy before it",
            ErrorKind::Unauthorized => "check the credentials",
            ErrorKind::Tenant => "set the tenant header and a tenant that exists",
            ErrorKind::Login => {
                "give credentials that the proxy before Jaeger accepts without a browser, or forward them"
            }
            ErrorKind::Html => "check the base path: Jaeger's API is at <address>/api",
            ErrorKind::NotFound => "check the address and its base path; Jaeger's query port is 16686",
            ErrorKind::Tempo => "use Grafana's Tempo data source for it, or point this one at a Jaeger",
            ErrorKind::ServiceRequired => "name a service",
            ErrorKind::BadRequest => "check the query",
            ErrorKind::Storage => "read Jaeger's log; a shorter time range or a smaller limit may help",
            ErrorKind::Unavailable => "wait until Jaeger is ready, or look at the proxy before it",
            ErrorKind::Throttled => {
                "ask again in a minute, refresh dashboards less often, or raise the limit of the proxy before Jaeger"
            }
            ErrorKind::DeadlineExceeded(_) => {
                "ask for a shorter time range or fewer operations, or find out why Jaeger is slow"
            }
            ErrorKind::TooLarge(_) => "ask for a shorter time range or fewer operations, or raise the largest body",
            ErrorKind::NoNames | ErrorKind::Decode(_) => "check that the address is that of a Jaeger query service",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Address => f.write_str("the address of Jaeger cannot be used")?,
            ErrorKind::Settings => f.write_str("the settings cannot be used")?,
            ErrorKind::Connect => f.write_str("Jaeger cannot be reached")?,
            ErrorKind::Certificate => f.write_str("Jaeger and this client do not trust each other's certificates")?,
            ErrorKind::Timeout => f.write_str("Jaeger did not answer in time")?,
            ErrorKind::Broken => f.write_str("the answer of Jaeger broke off")?,
            ErrorKind::Unauthorized => f.write_str("Jaeger (or the proxy before it) refuses the credentials")?,
            ErrorKind::Tenant => f.write_str("Jaeger requires a tenant")?,
            ErrorKind::Login => f.write_str("a login page answered in place of Jaeger")?,
            ErrorKind::Html => f.write_str("a web page answered in place of Jaeger's API")?,
            ErrorKind::NotFound => f.write_str("there is no Jaeger API at this address")?,
            ErrorKind::Tempo => f.write_str("this is Grafana Tempo, which has no Jaeger query API")?,
            ErrorKind::ServiceRequired => f.write_str("Jaeger requires a service name for this search")?,
            ErrorKind::BadRequest => f.write_str("Jaeger refuses the request")?,
            ErrorKind::Storage => f.write_str("Jaeger's storage failed")?,
            ErrorKind::Unavailable => f.write_str("Jaeger is not available")?,
            ErrorKind::Throttled => f.write_str("Jaeger (or the proxy before it) takes no more requests for now")?,
            ErrorKind::DeadlineExceeded(after) => {
                write!(f, "Jaeger did not give a complete answer within {:.0} s", after.as_secs_f64())?;
            }
            ErrorKind::NoNames => f.write_str("Jaeger did not answer with a list of names")?,
            ErrorKind::TooLarge(limit) => write!(f, "the answer is larger than the limit of {} MiB", limit >> 20)?,
            ErrorKind::Decode(why) => write!(f, "the answer of Jaeger cannot be read: {why}")?,
        }
        if !self.url.is_empty() {
            write!(f, " [{}", self.url)?;
            if let Some(status) = self.status {
                write!(f, ", status {status}")?;
            }
            f.write_str("]")?;
        }
        if !self.seen.is_empty() {
            write!(f, ": {}", self.seen)?;
        }
        write!(f, ". What to try: {}.", self.fix())
    }
}
