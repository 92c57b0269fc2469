use std::io::{Read as _, Write as _};

use super::*;

const PASSWORD: &str = "M4rk3r";

/// The error of opening the store at this URL, as people and logs see it.
async fn refusal(url: &str) -> String {
    let location = match StoreLocation::parse(url) {
        Ok(location) => location,
        Err(error) => return format!("{error} {error:?}"),
    };
    assert!(!format!("{location:?}").contains(PASSWORD));
    let error = location.open().await.expect_err("nothing answers there");
    format!("{error} {error:?}")
}

#[test]
fn a_location_is_memory_a_file_or_a_url() {
    let parse = |text| StoreLocation::parse(text).unwrap();
    assert_eq!(parse("memory"), StoreLocation::Memory { max_bytes: 64 << 20 });
    assert_eq!(parse("sqlite:history.db"), StoreLocation::Sqlite("history.db".into()));
    assert_eq!(parse(" sqlite:/var/lib/history.db "), StoreLocation::Sqlite("/var/lib/history.db".into()));
    assert_eq!(parse("sqlite:///var/lib/history.db"), StoreLocation::Sqlite("/var/lib/history.db".into()));
    for url in ["postgres://u:p@h/d", "postgresql://u@h:5433/d?sslmode=require"] {
        assert_eq!(parse(url), StoreLocation::Postgres(Secret::new(url)));
    }
}

#[test]
fn anything_else_is_refused_with_the_forms_that_are_known() {
    for text in ["", "history.db", "/var/lib/history.db", "mysql://u:M4rk3r@h/d", "postgres:", "Memory"] {
        let error = StoreLocation::parse(text).unwrap_err();
        assert_eq!(error, LocationError::Unknown, "{text}");
        assert!(error.to_string().contains("sqlite:PATH"), "{error}");
    }
    assert_eq!(StoreLocation::parse("sqlite:"), Err(LocationError::NoPath));
}

#[test]
fn the_parts_of_a_url_reach_the_client() {
    let url =
        PostgresUrl::parse("postgres://me:p%40ss%2F+1@one,two:5433/history?options=-c%20x&sslmode=prefer").unwrap();
    assert_eq!(url.config.get_user(), Some("me"));
    assert_eq!(url.config.get_password(), Some(&b"p@ss/+1"[..]));
    assert_eq!(url.config.get_dbname(), Some("history"));
    assert_eq!(url.config.get_ports(), [5432, 5433]);
    assert_eq!(url.config.get_options(), Some("-c x"));
    assert_eq!(url.roots, None);
    let url = PostgresUrl::parse("postgres:///d?host=/run/postgresql&user=me").unwrap();
    assert_eq!(url.config.get_hosts().len(), 1);
    let url = PostgresUrl::parse("postgres://h/d?sslmode=verify-full&sslrootcert=/etc/a%20b.pem").unwrap();
    assert_eq!(url.roots, Some("/etc/a b.pem".into()));
}

#[test]
fn a_url_that_cannot_be_used_is_refused_with_the_reason() {
    for (url, reason) in [
        ("postgres://u:a@M4rk3r@h/d", "%40"),
        ("postgres://u:a/M4rk3r@h/d", "%2F"),
        ("postgres://u:a?M4rk3r=1@h/d", "%3F"),
        ("postgres://u:a#M4rk3r@h/d", "%23"),
        ("postgres://h/d?password=a@M4rk3r", "%40"),
        ("postgres://u:M4rk3r", "invalid value for option `port`"),
        ("postgres://u:M4rk3r@h:no/d", "invalid value for option `port`"),
        ("postgres://u:M4rk3r@h:99999/d", "invalid value for option `port`"),
        ("postgres://u:M4rk3r@/d", "names no host"),
        ("postgres:///d", "names no host"),
        ("postgres://u:M4rk3r@h/d?sslmode=M4rk3r", "verify-full"),
        ("postgres://u:x@h/d?M4rk3r=1", "unknown option"),
        ("postgres://u:x@h/d?sslkey=M4rk3r", "unknown option"),
        ("postgres://u:M4rk3r@h/d?connect_timeout=M4rk3r", "connect_timeout"),
        ("postgres://u:M4rk3r@h/d?sslrootcert=ca.pem", "sslmode=verify-full"),
        ("postgres://u:M4rk3r@h/d?port=1", "more ports than hosts"),
        ("postgres://u:M4rk3r@h/%FF", "not in the form"),
    ] {
        let Err(error) = StoreLocation::parse(url) else { panic!("{url} is accepted") };
        let text = format!("{error} {error:?}");
        assert!(text.contains(reason), "{url}: {text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn a_password_is_in_no_error_on_the_way_to_the_server() {
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().display();
    for (url, place, reason) in [
        (format!("postgres://u:{PASSWORD}@unknown.invalid/d"), "unknown.invalid", "cannot be resolved"),
        (format!("postgres://u:{PASSWORD}@127.0.0.1:{closed}/d"), "127.0.0.1", "refused"),
        (format!("postgres:///d?host={folder}&user=u&password={PASSWORD}"), &*folder.to_string(), "No such file"),
        (
            format!("postgres://u:{PASSWORD}@h/d?sslmode=require&sslrootcert={folder}/ca.pem"),
            "PostgreSQL",
            "file of sslrootcert cannot be used: No such file",
        ),
    ] {
        let text = refusal(&url).await;
        assert!(text.contains(place) && text.contains(reason), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

/// A server that answers the first message of each connection with these bytes.
fn server(answer: Vec<u8>) -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let mut connection = connection;
            let mut first = [0; 512];
            let read = connection.read(&mut first).unwrap_or(0);
            let sent = connection.write_all(&answer);
            assert!(read > 0 && sent.is_ok(), "the client has gone away");
            // It may say more before it reads the answer.
            connection.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
            let _ = connection.read(&mut first);
        }
    });
    port
}

/// An error as the protocol sends it.
fn said(code: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
    let mut bytes = vec![b'E'];
    bytes.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
    bytes.extend(fields.into_bytes());
    bytes
}

#[tokio::test]
async fn a_password_is_in_no_error_of_the_server() {
    let garbage = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    for (answer, options, reason) in [
        (said("28P01", "password authentication failed for user \"u\""), "", "check user, password and rights"),
        (said("3D000", "database \"d\" does not exist"), "", "does not exist"),
        (b"N".to_vec(), "?sslmode=require", "server does not support TLS"),
        (b"SM4rk3r".to_vec(), "?sslmode=require", "cannot be reached"),
        (garbage, "", "PostgreSQL database d"),
        (Vec::new(), "", "PostgreSQL database d"),
    ] {
        let url = format!("postgres://u:{PASSWORD}@127.0.0.1:{}/d{options}", server(answer));
        let text = refusal(&url).await;
        assert!(text.contains(reason), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
}
