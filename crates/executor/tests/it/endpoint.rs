//! A stand-in partner: an HTTP/1.1 server on loopback that answers as a script says and remembers what it got.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The longest any wait in these tests takes before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The action's id, wherever this partner carries it.
    pub(crate) fn action_id(&self) -> String {
        if let Some(id) = self.headers.get("webhook-id") {
            return id.clone();
        }
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        let id = [&body["biz_opaque_callback_data"], &body["data"][0]["event_id"]].into_iter().find_map(|v| v.as_str());
        id.unwrap().to_owned()
    }
}

pub(crate) enum Reply {
    /// Status, extra header lines, body.
    Answer(u16, &'static str, &'static str),
    /// Answers 204 once the gate is open.
    WhenOpen(Arc<Gate>),
    /// Closes the connection without an answer.
    Close,
}

pub(crate) const OK: Reply = Reply::Answer(204, "", "");

/// Opens once, for everyone who waits.
#[derive(Default)]
pub(crate) struct Gate(Mutex<bool>, Condvar);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn wait(&self) {
        let opened = self.1.wait_timeout_while(self.0.lock().unwrap(), PATIENCE, |open| !*open).unwrap();
        drop(opened);
    }
}

pub(crate) struct Endpoint {
    port: u16,
    seen: Arc<(Mutex<Vec<Request>>, Condvar)>,
}

impl Endpoint {
    /// Answers with what `script` says of a request and the number of requests with the same action id before it.
    pub(crate) fn new(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<(Mutex<Vec<Request>>, Condvar)> = Arc::default();
        let (script, kept) = (Arc::new(script), seen.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, seen) = (script.clone(), kept.clone());
                std::thread::spawn(move || serve(stream, &*script, &seen));
            }
        });
        Endpoint { port, seen }
    }

    /// Answers the action of this id once the gate is open, every other at once.
    pub(crate) fn that_holds(action_id: &'static str) -> (Endpoint, Arc<Gate>) {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let endpoint = Endpoint::new(move |request, _| match request.action_id() == action_id {
            true => Reply::WhenOpen(held.clone()),
            false => OK,
        });
        (endpoint, gate)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Everything received so far, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.0.lock().unwrap().clone()
    }

    /// The action ids received so far, in order.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.requests().iter().map(Request::action_id).collect()
    }

    /// Waits until this many requests have arrived.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Request> {
        let guard = self.seen.0.lock().unwrap();
        let (seen, timeout) = self.seen.1.wait_timeout_while(guard, PATIENCE, |seen| seen.len() < count).unwrap();
        assert!(!timeout.timed_out(), "{} of {count} requests came", seen.len());
        seen.clone()
    }
}

fn serve(mut stream: TcpStream, script: &dyn Fn(&Request, usize) -> Reply, seen: &(Mutex<Vec<Request>>, Condvar)) {
    let Some(request) = read(&stream) else { return };
    let before = {
        let mut seen_now = seen.0.lock().unwrap();
        let id = request.action_id();
        let before = seen_now.iter().filter(|other| other.action_id() == id).count();
        seen_now.push(request.clone());
        seen.1.notify_all();
        before
    };
    let (status, extra, body) = match script(&request, before) {
        Reply::Answer(status, extra, body) => (status, extra, body),
        Reply::WhenOpen(gate) => {
            gate.wait();
            (204, "", "")
        }
        Reply::Close => return,
    };
    let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    // The client may be gone by now.
    let _ = write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\n{length}{extra}\r\n{body}");
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Request { headers, body })
}
