//! How to reach a Jaeger: address, credentials, TLS, limits.

use std::{fmt, time::Duration};

use reqwest::Url;

use super::error::{Error, ErrorKind};

/// A secret text. It never appears in debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Use it only to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// How the client authenticates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Without credentials.
    #[default]
    None,
    /// User name and password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Bearer(Secret),
}

/// Settings of TLS connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// CA certificates (PEM) to trust in place of the system's.
    pub ca_pem: Option<String>,
    /// The client certificate (PEM) and its key.
    pub client_pem: Option<(String, Secret)>,
    /// The name in the server's certificate, if it differs from the host.
    pub server_name: Option<String>,
    /// Whether to accept any certificate.
    pub skip_verify: bool,
}

/// How to reach a Jaeger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The base URL, such as `http://jaeger:16686/jaeger`. Paths of Jaeger's pages, such as `/search`, are removed.
    pub url: String,
    /// Credentials.
    pub auth: Auth,
    /// More headers for every request.
    pub headers: Vec<(String, Secret)>,
    /// The header that selects a tenant, such as `x-tenant`, and its value.
    pub tenant: Option<(String, String)>,
    /// TLS settings.
    pub tls: Tls,
    /// Timeout of a request, including its whole answer.
    pub timeout: Duration,
    /// Timeout of the connection alone.
    pub connect_timeout: Duration,
    /// Largest accepted body in bytes, decompressed.
    pub max_body: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How many services are searched at most if a search names none and the server requires one.
    pub max_services: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            auth: Auth::None,
            headers: Vec::new(),
            tenant: None,
            tls: Tls::default(),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            max_body: 256 << 20,
            user_agent: concat!("ktrdr-diagnosis/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_services: 100,
        }
    }
}

/// The base URL without credentials, query and the paths of pages, and the credentials that were in it.
pub(super) fn base_url(text: &str) -> Result<(Url, Option<Auth>), Error> {
    let text = text.trim();
    let bad = |why: &str| Error::new(ErrorKind::Address, "", None, why);
    if text.is_empty() {
        return Err(bad("no address is set"));
    }
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let mut url = Url::parse(&text).map_err(|why| bad(&why.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad("the address must start with http:// or https:// and name a host"));
    }
    let auth = (!url.username().is_empty()).then(|| Auth::Basic {
        user: decoded(url.username()),
        password: Secret::new(decoded(url.password().unwrap_or_default())),
    });
    // Both fail only for URLs without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    let mut segments: Vec<String> =
        url.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
    cut_tail(&mut segments);
    url.set_path(&segments.join("/"));
    Ok((url, auth))
}

fn decoded(text: &str) -> String {
    // The decoder of forms would turn a plus sign into a space.
    let pairs = format!("v={}", text.replace('+', "%2B"));
    reqwest::Url::parse(&format!("http://h/?{pairs}"))
        .ok()
        .and_then(|url| url.query_pairs().next().map(|(_, value)| value.into_owned()))
        .unwrap_or_else(|| text.to_owned())
}

/// Removes the paths of Jaeger's pages and of its API.
fn cut_tail(segments: &mut Vec<String>) {
    let api = segments.iter().enumerate().position(|(ix, segment)| {
        let next = segments.get(ix + 1).map(String::as_str);
        segment == "api" && matches!(next, None | Some("traces" | "services" | "operations" | "v3" | "dependencies"))
    });
    if let Some(api) = api {
        segments.truncate(api);
        return;
    }
    match segments.as_slice() {
        [.., page] if matches!(page.as_str(), "search" | "dependencies" | "monitor" | "compare") => {
            segments.pop();
        }
        [.., trace, id] if trace == "trace" && trace::TraceId::parse(id).is_some() => {
            segments.truncate(segments.len() - 2);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_path_stays_and_known_tails_go() {
        for (given, base) in [
            ("http://jaeger:16686", "http://jaeger:16686/"),
            ("jaeger:16686/", "http://jaeger:16686/"),
            ("https://host/jaeger/", "https://host/jaeger"),
            ("http://host/jaeger/search?service=a#x", "http://host/jaeger"),
            ("http://host/api", "http://host/"),
            ("http://host/p/api/traces", "http://host/p"),
            ("http://host/api/v3/services", "http://host/"),
            ("http://host/trace/1f", "http://host/"),
            ("http://host/select/jaeger", "http://host/select/jaeger"),
            ("http://host/api/v1/index/jaeger", "http://host/api/v1/index/jaeger"),
        ] {
            assert_eq!(base_url(given).unwrap().0.as_str(), base, "{given}");
        }
    }

    #[test]
    fn credentials_in_the_address_become_basic_auth() {
        let (url, auth) = base_url("http://me:p%40ss+1@host/").unwrap();
        assert_eq!(url.as_str(), "http://host/");
        assert_eq!(auth, Some(Auth::Basic { user: "me".to_owned(), password: Secret::new("p@ss+1") }));
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_with_the_reason() {
        for bad in ["", "  ", "ftp://host", "http://", "http://host:99999"] {
            assert!(base_url(bad).unwrap_err().to_string().contains("address"), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let config = Config {
            auth: Auth::Bearer(Secret::new("hunter2")),
            headers: vec![("x-key".to_owned(), Secret::new("hunter2"))],
            ..Config::default()
        };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
