//! A webhook receiver that remembers every key it was sent.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What was received under one `webhook-id`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// Requests.
    pub(crate) times: usize,
    /// Distinct bodies; one, if the sender is right.
    pub(crate) bodies: Vec<Vec<u8>>,
}

/// A receiver on a loopback port; it answers 200 to everything.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<HashMap<String, Received>>>,
}

impl Sink {
    /// Starts receiving; the thread ends with the process.
    pub(crate) fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let sink = Sink { address, received: Arc::default() };
        let shared = sink.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = shared.clone();
                std::thread::spawn(move || sink.serve(stream));
            }
        });
        sink
    }

    /// What was received so far, by key.
    pub(crate) fn received(&self) -> HashMap<String, Received> {
        self.received.lock().expect("nobody panics while receiving").clone()
    }

    /// Distinct keys received so far.
    pub(crate) fn keys(&self) -> usize {
        self.received.lock().expect("nobody panics while receiving").len()
    }

    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((id, body)) = request(&mut reader) {
            {
                let mut received = self.received.lock().expect("nobody panics while receiving");
                let entry = received.entry(id).or_default();
                entry.times += 1;
                if !entry.bodies.contains(&body) {
                    entry.bodies.push(body);
                }
            }
            if reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
        }
    }
}

/// The next request's `webhook-id` and body; `None` at the end of the connection.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "webhook-id" => id = value.trim().to_owned(),
                "content-length" => length = value.trim().parse().ok()?,
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((id, body))
}
