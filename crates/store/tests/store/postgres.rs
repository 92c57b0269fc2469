//! A PostgreSQL server for the tests, on a unix socket in a temporary folder.

use std::{
    env, fs,
    io::Read as _,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio_postgres::{Config, NoTls};

/// Debian's `nobody` and `nogroup`: PostgreSQL refuses to run as root.
pub(crate) const NOBODY: u32 = 65_534;

/// A running server. It ends with the test program, whatever happens to that.
pub(crate) struct Server {
    folder: TempDir,
    keeper: Child,
    settings: Vec<String>,
    databases: AtomicU32,
}

impl Server {
    /// The server that tests share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server that no other test uses.
    pub(crate) fn start() -> Self {
        Self::start_with(Vec::new(), |_| {})
    }

    /// A server with these settings, after `prepare` has changed its data folder.
    pub(crate) fn start_with(settings: Vec<String>, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::Builder::new().prefix("store-postgres-").tempdir().unwrap();
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = folder.path().join("data");
        let mut init = command(&program("initdb"));
        init.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        let output = init.arg("--pgdata").arg(&data).output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        prepare(&data);
        let keeper = run(folder.path(), &settings);
        let server = Self { folder, keeper, settings, databases: AtomicU32::new(0) };
        server.wait();
        server
    }

    /// How to reach one of its databases.
    pub(crate) fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(self.folder.path()).user("postgres").dbname(database);
        config
    }

    /// Makes a database that nobody else uses.
    pub(crate) async fn new_database(&self) -> Config {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (client, connection) = self.config("postgres").connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        self.config(&name)
    }

    /// Ends the server at once, as a crash would.
    pub(crate) fn stop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
    }

    /// Starts it again after [`Server::stop`].
    pub(crate) fn restart(&mut self) {
        self.keeper = run(self.folder.path(), &self.settings);
        self.wait();
    }

    fn wait(&self) {
        let started = Instant::now();
        let mut ready = command(&program("pg_isready"));
        ready.arg("--quiet").arg("--host").arg(self.folder.path());
        ready.args(
            self.settings.iter().filter_map(|setting| setting.strip_prefix("port=")).flat_map(|port| ["--port", port]),
        );
        while !ready.status().unwrap().success() {
            let mut log = String::new();
            let _ = fs::File::open(self.folder.path().join("log")).and_then(|mut file| file.read_to_string(&mut log));
            assert!(started.elapsed() < Duration::from_secs(60), "PostgreSQL does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs the server until the standard input of its keeper is closed, which the end of this program does too.
fn run(folder: &Path, settings: &[String]) -> Child {
    let script = r#"
        postgres=$1 folder=$2
        shift 2
        "$postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c max_connections=200 "$@" \
            </dev/null >"$folder/log" 2>&1 &
        server=$!
        cat >/dev/null
        kill -QUIT $server
        wait $server
    "#;
    let mut keeper = command(Path::new("sh"));
    keeper.args(["-c", script, "sh"]).arg(program("postgres")).arg(folder);
    keeper.args(settings.iter().flat_map(|setting| ["-c", setting]));
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A program that runs as a user that PostgreSQL accepts.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Debian keeps the programs of every version in a folder of its own.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("PostgreSQL is not installed: `{name}` is missing. Debian's package is `postgresql` (scripts/tools.sh)")
    })
}
