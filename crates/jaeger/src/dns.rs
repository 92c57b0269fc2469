//! Resolves host names.
//!
//! A statically linked glibc reads `nsswitch.conf` and loads the modules that it names (mDNS, systemd-resolved …) as
//! shared libraries. They must belong to the same glibc that was linked: on other machines, names are not found or the
//! program crashes. So a static build reads `/etc/hosts` and `/etc/resolv.conf` and asks DNS itself, as programs in Go do.
//! A dynamic build lets the system resolve names, and so do builds for other operating systems.

#[cfg(target_os = "linux")]
use std::sync::Arc;
use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
};

use reqwest::dns;

/// Resolves names for clients of HTTP and of databases.
#[derive(Debug)]
pub struct HostResolver {
    /// A name and the host that it stands for.
    alias: Option<(String, String)>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    #[cfg(target_os = "linux")]
    Own(Arc<own::Resolver>),
}

impl Source {
    async fn lookup(&self, host: &str) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
        let host = host.trim_matches(['[', ']']);
        match self {
            Self::System => Ok(tokio::net::lookup_host((host, 0)).await?.collect()),
            #[cfg(target_os = "linux")]
            Self::Own(resolver) => Ok(resolver.lookup(host).await?.collect()),
        }
    }
}

impl Default for HostResolver {
    fn default() -> Self {
        Self::new()
    }
}

impl HostResolver {
    /// Resolves names as the system does.
    pub fn new() -> Self {
        #[cfg(target_os = "linux")]
        if cfg!(target_feature = "crt-static") {
            return Self { alias: None, source: Source::Own(Arc::default()) };
        }
        Self { alias: None, source: Source::System }
    }

    /// The same, with `name` as another name of the host `real`.
    #[must_use]
    pub fn with_alias(self, name: String, real: String) -> Self {
        Self { alias: Some((name, real)), ..self }
    }

    /// The addresses of a host, in the order in which to try them.
    ///
    /// # Errors
    /// When the name is not known, or no name server answers.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Box<dyn Error + Send + Sync>> {
        let found = self.source.lookup(self.real(host)).await?;
        Ok(found.iter().map(SocketAddr::ip).collect())
    }

    fn real<'a>(&'a self, name: &'a str) -> &'a str {
        match &self.alias {
            Some((alias, real)) if alias == name => real,
            _ => name,
        }
    }
}

impl dns::Resolve for HostResolver {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let (host, source) = (self.real(name.as_str()).to_owned(), self.source.clone());
        Box::pin(async move {
            let found: dns::Addrs = Box::new(source.lookup(&host).await?.into_iter());
            Ok(found)
        })
    }
}

/// Asks DNS without the C library.
#[cfg(target_os = "linux")]
mod own {
    use std::{
        error::Error,
        net::{IpAddr, Ipv4Addr},
    };

    use hickory_resolver::{
        TokioResolver,
        config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts, ServerOrderingStrategy},
        net::{NetError, runtime::TokioRuntimeProvider},
        system_conf::read_system_conf,
    };
    use tokio::sync::Mutex;

    use super::{Arc, SocketAddr};

    /// Reads the system's settings for the first name, and again after a failure, because a laptop changes its network.
    #[derive(Default)]
    pub(super) struct Resolver(Mutex<Option<Arc<TokioResolver>>>);

    impl std::fmt::Debug for Resolver {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Resolver")
        }
    }

    impl Resolver {
        pub(super) async fn lookup(
            &self,
            host: &str,
        ) -> Result<impl Iterator<Item = SocketAddr> + use<>, Box<dyn Error + Send + Sync>> {
            let resolver = self.current().await?;
            match resolver.lookup_ip(host).await {
                Ok(found) => {
                    let found: Vec<_> = found.iter().map(|address| SocketAddr::new(address, 0)).collect();
                    Ok(found.into_iter())
                }
                Err(why) => {
                    self.0.lock().await.take();
                    Err(why.into())
                }
            }
        }

        async fn current(&self) -> Result<Arc<TokioResolver>, NetError> {
            let mut held = self.0.lock().await;
            if let Some(resolver) = &*held {
                return Ok(Arc::clone(resolver));
            }
            // Without settings there is still /etc/hosts, and perhaps a name server on this machine. The C library assumes the same.
            let (config, options) = read_system_conf().unwrap_or_else(|_| {
                let here = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
                (ResolverConfig::from_parts(None, Vec::new(), vec![here]), ResolverOpts::default())
            });
            let resolver = Arc::new(build(config, options)?);
            *held = Some(Arc::clone(&resolver));
            Ok(resolver)
        }
    }

    /// Asks the servers one after the other, as the C library does: the first may know names that the others do not.
    fn build(config: ResolverConfig, mut options: ResolverOpts) -> Result<TokioResolver, NetError> {
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        options.num_concurrent_reqs = 1;
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use reqwest::dns::Resolve as _;

    use super::*;

    async fn resolve(names: &HostResolver, host: &str) -> Vec<String> {
        let found = names.resolve(host.parse().expect("a name")).await.expect("addresses");
        found.map(|address| address.ip().to_string()).collect()
    }

    #[tokio::test]
    async fn an_alias_leads_to_the_host_that_is_meant() {
        let names = HostResolver::new().with_alias("jaeger.internal".into(), "127.0.0.7".into());
        assert_eq!(resolve(&names, "jaeger.internal").await, ["127.0.0.7"]);
        assert_eq!(resolve(&names, "127.0.0.8").await, ["127.0.0.8"]);
        let names = HostResolver::new().with_alias("jaeger.internal".into(), "[::1]".into());
        assert_eq!(resolve(&names, "jaeger.internal").await, ["::1"]);
    }

    // What a static build does. `make test` also tests it against a real name server in an empty root directory.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn without_the_c_library_localhost_and_addresses_are_known() {
        let names = HostResolver { alias: None, source: Source::Own(Arc::default()) };
        assert!(resolve(&names, "localhost").await.contains(&"127.0.0.1".to_owned()));
        assert_eq!(resolve(&names, "127.0.0.9").await, ["127.0.0.9"]);
    }
}
