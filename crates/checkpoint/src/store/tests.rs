//! What stores that fail are said to be in need of.

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;

use super::*;

fn failed(source: object_store::Error) -> String {
    StoreError::Failed { doing: "write", object: "a/b".into(), place: "/data".into(), source: Box::new(source) }
        .to_string()
}

fn of_disk(kind: io::ErrorKind) -> String {
    failed(object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(io::Error::from(kind)) })
}

#[test]
fn a_full_disk_a_read_only_one_and_a_file_in_the_way_each_have_their_remedy() {
    let full = of_disk(io::ErrorKind::StorageFull);
    assert!(full.starts_with("cannot write a/b in /data: ") && full.contains("help: free space"), "{full}");
    assert!(of_disk(io::ErrorKind::ReadOnlyFilesystem).contains("help: let this process write there"));
    assert!(of_disk(io::ErrorKind::NotADirectory).contains("help: name a directory"));
}

#[test]
fn places_that_are_none_are_refused_with_what_to_write_instead() {
    for place in ["ftp://host/path", "s3://", "nonsense://"] {
        let error = open(place, []).err().expect("refused").to_string();
        assert!(error.contains(&format!("`{place}`")) && error.contains("help: name a directory, or a URL"), "{error}");
    }
}

/// A server that answers every request with this.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_bucket_that_refuses_is_named_with_the_credentials_to_check() {
    let endpoint = answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let options = [
        ("aws_endpoint", &*endpoint),
        ("aws_allow_http", "true"),
        ("aws_access_key_id", "key"),
        ("aws_secret_access_key", "a-secret"),
        ("some_other_variable", "x"),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let store = open("s3://bucket/prefix", options).expect("understood");
    let error = store.list(&["log"]).expect_err("refused").to_string();
    assert!(error.contains("cannot list log in s3://bucket/prefix"), "{error}");
    assert!(error.contains("403 Forbidden. help: check the address, the network, and the credentials"), "{error}");
    assert!(!error.contains("a-secret"), "{error}");
}
