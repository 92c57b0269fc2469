//! Where Grafana connects: a socket that only this user can reach, or loopback where there are no such sockets.

use std::io;

use tokio::net::TcpListener;

/// A place to listen.
#[derive(Debug)]
pub(super) enum Listener {
    /// Loopback, which every local user can reach.
    Tcp(TcpListener),
    /// A socket in a directory of our own.
    #[cfg(unix)]
    Unix(unix::Socket),
}

impl Listener {
    /// Listens on a socket where there are sockets, else on loopback.
    pub(super) async fn bind() -> io::Result<Self> {
        #[cfg(unix)]
        match unix::Socket::bind() {
            Ok(socket) => return Ok(Self::Unix(socket)),
            Err(error) => tracing::warn!(%error, "no private socket; listening on loopback"),
        }
        Ok(Self::Tcp(TcpListener::bind(("127.0.0.1", 0)).await?))
    }

    /// Network and address in go-plugin's words.
    pub(super) fn address(&self) -> io::Result<(&'static str, String)> {
        match self {
            Self::Tcp(listener) => Ok(("tcp", listener.local_addr()?.to_string())),
            #[cfg(unix)]
            Self::Unix(socket) => Ok(("unix", socket.path().display().to_string())),
        }
    }
}

#[cfg(unix)]
pub(super) mod unix {
    use std::{
        fs::{self, DirBuilder, Permissions},
        io,
        os::unix::fs::{DirBuilderExt, PermissionsExt},
        path::{Path, PathBuf},
        pin::Pin,
        task,
    };

    use futures_util::Stream;
    use tokio::net::{UnixListener, UnixStream};

    /// A socket (0600) in a directory (0700) of its own; both are removed in the end.
    #[derive(Debug)]
    pub(in super::super) struct Socket {
        listener: UnixListener,
        place: Place,
    }

    #[derive(Debug)]
    struct Place {
        directory: PathBuf,
        socket: PathBuf,
    }

    impl Drop for Place {
        fn drop(&mut self) {
            // nothing can be done about what remains
            let _ = fs::remove_file(&self.socket);
            let _ = fs::remove_dir(&self.directory);
        }
    }

    impl Socket {
        pub(in super::super) fn bind() -> io::Result<Self> {
            let base = std::env::var_os("PLUGIN_UNIX_SOCKET_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
            let directory = base.join(format!("ktrdr-{}", uuid::Uuid::new_v4().simple()));
            DirBuilder::new().mode(0o700).create(&directory)?;
            let place = Place { socket: directory.join("plugin.sock"), directory };
            let listener = UnixListener::bind(&place.socket)?;
            fs::set_permissions(&place.socket, Permissions::from_mode(0o600))?;
            Ok(Self { listener, place })
        }

        pub(in super::super) fn path(&self) -> &Path {
            &self.place.socket
        }

        pub(in super::super) fn incoming(self) -> Incoming {
            Incoming(self)
        }
    }

    /// The connections; dropping it removes the socket.
    pub(in super::super) struct Incoming(Socket);

    impl Stream for Incoming {
        type Item = io::Result<UnixStream>;

        fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<Option<Self::Item>> {
            self.0.listener.poll_accept(cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[tokio::test]
        async fn only_the_owner_can_reach_the_socket_and_it_is_removed() {
            let socket = Socket::bind().unwrap();
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            let path = socket.path().to_owned();
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().unwrap()), 0o700);
            drop(socket.incoming());
            assert!(!path.parent().unwrap().exists());
        }
    }
}
