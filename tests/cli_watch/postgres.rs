//! PostgreSQL as the store: over a unix socket, and encrypted over TCP.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
    process::Command,
};

use store::{OperationFilter, Order, PlainConnector, SourceId, open_postgres};
use tokio_postgres::{Config, NoTls, config::Host};

use crate::{
    postgres_server::{NOBODY, Server, is_root},
    process::{HOUR, Watch, jaeger, now, run, trouble},
};

const PASSWORD: &str = "M4rk3r:%40/?";

fn socket_url(config: &Config) -> String {
    let [Host::Unix(folder)] = config.get_hosts() else { panic!("it is on a unix socket") };
    format!("postgres:///{}?host={}&user=postgres", config.get_dbname().unwrap(), folder.display())
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_recorded_over_a_unix_socket_and_answered_from_there() {
    let config = Server::shared().new_database().await;
    let url = socket_url(&config);
    let jaeger = jaeger(trouble()).await;
    let options = ["--history-window", "1h", "--until-caught-up", "--source", "mine"];
    assert_eq!(Watch::start(&jaeger.url, &url, &options).succeeds().len(), 3);
    assert_eq!(Watch::start(&jaeger.url, &url, &options).succeeds(), Vec::<String>::new());

    let store = open_postgres(config, std::sync::Arc::new(PlainConnector)).await.unwrap();
    let all = OperationFilter::all(diagnosis::TimeRange { from: now() - HOUR - HOUR, to: now() }, now());
    let page = store.operations(&SourceId::new("mine"), &all, Order::Newest, 100).await.unwrap();
    assert_eq!(page.total, 4);
    let (status, out, err) = run(&["operations", "--store", &url]);
    assert_eq!((status, out.lines().count()), (Some(0), 5), "{err}");
}

/// A certificate for `localhost` that an authority of its own has signed: files `ca.pem`, `server.pem` and `server.key`.
fn certificates(folder: &Path) {
    let script = r#"
        set -e
        subject=/CN=localhost
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=test authority" -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj $subject -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost' >names
        openssl x509 -req -days 2 -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem
    "#;
    let output = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A server on TCP that takes encrypted connections with a password and no others.
async fn encrypted(folder: &Path) -> (Server, u16) {
    certificates(folder);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = ["listen_addresses=127.0.0.1", "ssl=on", "ssl_cert_file=server.pem", "ssl_key_file=server.key"];
    let settings = settings.iter().map(|&setting| setting.to_owned()).chain([format!("port={port}")]);
    let server = Server::start_with(settings.collect(), |data| {
        for name in ["server.pem", "server.key"] {
            let file = data.join(name);
            fs::copy(folder.join(name), &file).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
    });
    let mut config = server.config("postgres");
    config.port(port);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let role = format!("CREATE ROLE me LOGIN PASSWORD '{PASSWORD}'");
    client.batch_execute(&role).await.unwrap();
    client.batch_execute("CREATE DATABASE history OWNER me").await.unwrap();
    (server, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_connection_is_made_to_the_server_that_is_meant_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, port) = encrypted(folder.path()).await;
    let ca = folder.path().join("ca.pem");
    let jaeger = jaeger(trouble()).await;
    let password = PASSWORD.replace('%', "%25").replace('/', "%2F").replace('?', "%3F");
    let url = |host: &str, options: &str| format!("postgres://me:{password}@{host}:{port}/history?{options}");
    let verified = format!("sslmode=verify-full&sslrootcert={}", ca.display());
    let other = folder.path().join("other.pem");
    fs::write(&other, "no certificate").unwrap();
    for (url, reason) in [
        (url("localhost", "sslmode=disable"), "no encryption"),
        // What stays on this machine is not encrypted unless it must be.
        (url("localhost", "sslmode=prefer"), "no encryption"),
        (url("localhost", "sslmode=require"), "its certificate cannot be verified (UnknownIssuer)"),
        (url("127.0.0.1", &verified), "its certificate cannot be verified"),
        (url("localhost", &verified).replace("me:", "me:x"), "password authentication failed"),
        (url("localhost", &format!("sslmode=require&sslrootcert={}", other.display())), "no certificate in PEM form"),
    ] {
        let (status, _, err) = run(&["watch", "--jaeger", &jaeger.url, "--store", &url]);
        assert_eq!(status, Some(1), "{url}: {err}");
        assert!(err.contains(reason), "{url}: {err}");
        assert!(!err.contains("M4rk3r"), "{err}");
    }
    let options = ["--history-window", "1h", "--until-caught-up"];
    assert_eq!(Watch::start(&jaeger.url, &url("localhost", &verified), &options).succeeds().len(), 3);
    let (status, out, err) = run(&["operations", "--store", &url("localhost", &verified)]);
    assert_eq!((status, out.lines().count()), (Some(0), 5), "{err}");
    assert!(!err.contains("M4rk3r"), "{err}");
}
