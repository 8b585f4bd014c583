//! The guards, each against a real connection on loopback or a name that resolves to it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use kilat_partners::HttpRequest;

use super::{BODY_BYTES_MAX, Client, ExchangeError, Response, redacted};
use crate::Config;

fn client(config: Config) -> Client {
    Client::new(&config).unwrap()
}

fn open_client() -> Client {
    client(Config { allow_loopback: true, deadline_ms: 5_000, connect_timeout_ms: 1_000, ..Config::default() })
}

fn post(client: &Client, url: &str) -> Result<Response, ExchangeError> {
    let request =
        HttpRequest { url: url.to_owned(), headers: vec![("webhook-id", "a".to_owned())], body: b"{}".to_vec() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.post(request, None))
}

/// Serves each connection once with `serve`, which is handed the request's head.
fn endpoint(serve: impl Fn(&mut TcpStream, &str) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            serve(&mut stream, &String::from_utf8_lossy(&head));
        }
    });
    port
}

fn refusal(client: &Client, url: &str) -> String {
    match post(client, url) {
        Err(ExchangeError::Refused(why)) => why,
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn every_spelling_of_a_literal_address_is_refused() {
    let client = client(Config::default());
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "10.0.0.1",
        "169.254.169.254",
        "0",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
        "[fd00::1]",
        "192.168.0.1",
        "100.64.0.1",
        "8.8.8.8",
        "１２７.0.0.1",
    ] {
        assert!(refusal(&client, &format!("https://{host}/")).contains("address"), "{host}");
    }
}

#[test]
fn a_name_that_resolves_to_loopback_is_refused_at_connect_time() {
    let port = endpoint(|_, _| panic!("connected"));
    let client = client(Config { ports: vec![port], ..Config::default() });
    let why = refusal(&client, &format!("https://localhost:{port}/"));
    assert!(why.contains("loopback") && why.contains("localhost"), "{why}");
}

#[test]
fn only_https_to_allowed_ports_without_credentials() {
    let client = client(Config::default());
    assert!(refusal(&client, "http://partner.example/").contains("https"));
    assert!(refusal(&client, "ftp://partner.example/").contains("https"));
    assert!(refusal(&client, "https://partner.example:22/").contains("port"));
    assert!(refusal(&client, "https://user:pass@partner.example/").contains("credentials"));
    assert!(refusal(&client, "partner.example").contains("parsed"));
    assert!(refusal(&client, "data:text/plain,x").contains("host"));
}

#[test]
fn the_setting_for_loopback_opens_loopback_only() {
    let port = endpoint(|stream, _| stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap());
    let client = open_client();
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(post(&client, &format!("http://{host}:{port}/hook")).unwrap().status, 204, "{host}");
    }
    for url in ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[fe80::1]/", "http://partner.example/"] {
        refusal(&client, url);
    }
}

#[test]
fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = endpoint(|_, _| panic!("followed"));
    let port = endpoint(move |stream, _| {
        write!(stream, "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{target}/\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
    });
    assert_eq!(post(&open_client(), &format!("http://127.0.0.1:{port}/")).unwrap().status, 302);
}

#[test]
fn the_body_is_capped_while_it_is_read() {
    let port = endpoint(|stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").unwrap();
        // Far more than any buffer between us: whoever waits for the end waits for ever.
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let answer = post(&open_client(), &format!("http://127.0.0.1:{port}/")).unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, BODY_BYTES_MAX));
}

#[test]
fn a_body_that_drips_hits_the_deadline_of_the_whole_exchange() {
    let (finish, finished) = std::sync::mpsc::sync_channel::<()>(0);
    let finished = std::sync::Mutex::new(finished);
    let port = endpoint(move |stream, _| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx").unwrap();
        let _ = finished.lock().unwrap().recv();
    });
    let config = Config { allow_loopback: true, deadline_ms: 200, connect_timeout_ms: 100, ..Config::default() };
    let outcome = post(&client(config), &format!("http://127.0.0.1:{port}/"));
    assert!(
        matches!(outcome, Err(ExchangeError::Deadline(limit)) if limit == Duration::from_millis(200)),
        "{outcome:?}"
    );
    drop(finish);
}

#[test]
fn not_connected_and_broken_off_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let outcome = post(&open_client(), &format!("http://127.0.0.1:{closed}/"));
    assert!(matches!(outcome, Err(ExchangeError::NotSent(_))), "{outcome:?}");

    let port = endpoint(|_, _| {});
    let outcome = post(&open_client(), &format!("http://127.0.0.1:{port}/"));
    assert!(matches!(outcome, Err(ExchangeError::Broken(_))), "{outcome:?}");
}

#[test]
fn errors_and_reports_hold_no_path_and_no_query() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let error = post(&open_client(), &format!("http://127.0.0.1:{closed}/T0K3N?key=K3Y")).unwrap_err().to_string();
    assert!(!error.contains("T0K3N") && !error.contains("K3Y"), "{error}");
    assert_eq!(redacted("https://hooks.example:8443/services/T0K3N?key=K3Y"), "https://hooks.example:8443/…");
}
