//! The address that Grafana connects to: a Unix socket that only this user can open, or a port on loopback on systems
//! without Unix sockets.

use std::io;

use tokio::net::TcpListener;

/// An open socket that accepts connections.
#[derive(Debug)]
pub(super) enum Listener {
    /// A port on loopback, which every local user can reach.
    Tcp(TcpListener),
    /// A Unix socket in a private directory.
    #[cfg(unix)]
    Unix(unix::Socket),
}

impl Listener {
    /// Listens on a Unix socket, or on loopback if that is not possible.
    pub(super) async fn bind() -> io::Result<Self> {
        #[cfg(unix)]
        match unix::Socket::bind() {
            Ok(socket) => return Ok(Self::Unix(socket)),
            Err(error) => tracing::warn!(%error, "cannot create a private socket; listening on loopback"),
        }
        Ok(Self::Tcp(TcpListener::bind(("127.0.0.1", 0)).await?))
    }

    /// Network and address as go-plugin names them.
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

    /// A socket (mode 0600) in its own directory (mode 0700). Both are removed when it is dropped.
    #[derive(Debug)]
    pub(in super::super) struct Socket {
        listener: UnixListener,
        files: SocketFiles,
    }

    #[derive(Debug)]
    struct SocketFiles {
        directory: PathBuf,
        socket: PathBuf,
    }

    impl Drop for SocketFiles {
        fn drop(&mut self) {
            // The plugin is about to end, so an error here cannot be handled.
            let _ = fs::remove_file(&self.socket);
            let _ = fs::remove_dir(&self.directory);
        }
    }

    impl Socket {
        pub(in super::super) fn bind() -> io::Result<Self> {
            let base = std::env::var_os("PLUGIN_UNIX_SOCKET_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
            let directory = base.join(format!("ktrdr-{}", uuid::Uuid::new_v4().simple()));
            DirBuilder::new().mode(0o700).create(&directory)?;
            let files = SocketFiles { socket: directory.join("plugin.sock"), directory };
            let listener = UnixListener::bind(&files.socket)?;
            fs::set_permissions(&files.socket, Permissions::from_mode(0o600))?;
            Ok(Self { listener, files })
        }

        pub(in super::super) fn path(&self) -> &Path {
            &self.files.socket
        }

        pub(in super::super) fn incoming(self) -> Incoming {
            Incoming(self)
        }
    }

    /// The incoming connections. Dropping the stream removes the socket.
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
