//! A TCP proxy before each broker, on loopback, that knows where one request ends and the next begins.
//!
//! Input: pairs of a port to listen on and the broker's. Output: the same bytes, until a [`Trap`] is set: the next request of
//! that client for that API then meets its fate. One trap at a time; a client can also be cut off altogether.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::frame::{self, Api};

/// The largest request a broker takes by default (`socket.request.max.bytes`).
const REQUEST_BYTES_MAX: usize = 100 * 1024 * 1024;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The client dies before the request reaches the broker.
    KillBefore(Pid),
    /// The client dies as soon as the request is on its way.
    KillAfter(Pid),
    /// The client dies when the answer has been handed to it.
    KillOnAnswer(Pid),
    /// The connection ends before the request reaches the broker.
    CutBefore,
    /// The request reaches the broker, its answer does not reach the client.
    CutAfter,
    /// The request is held back this long.
    Delay(Duration),
}

/// Waits for a request.
pub(crate) struct Trap {
    pub(crate) client: String,
    pub(crate) api: Api,
    pub(crate) fate: Fate,
}

/// The proxies of a cluster.
#[derive(Clone)]
pub(crate) struct Proxies {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    armed: AtomicBool,
    trap: Mutex<Option<(Trap, Sender<()>)>>,
    /// A client whose bytes go nowhere, and until when.
    cut_off: Mutex<Option<(String, Instant)>>,
}

impl Proxies {
    /// Listens; its threads end with the process.
    pub(crate) fn start(pairs: &[(u16, u16)]) -> Result<Proxies> {
        let proxies = Proxies { shared: Arc::default() };
        for &(listen, broker) in pairs {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, listen))
                .with_context(|| format!("the proxy's port {listen} is taken"))?;
            let shared = proxies.shared.clone();
            thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    let shared = shared.clone();
                    // A broker that is down refuses; the client is then refused, too.
                    thread::spawn(move || {
                        let _ = serve(&shared, client, SocketAddr::from((Ipv4Addr::LOCALHOST, broker)));
                    });
                }
            });
        }
        Ok(proxies)
    }

    /// Sets the trap; what is returned hears when it has caught its request.
    pub(crate) fn set(&self, trap: Trap) -> Receiver<()> {
        let (caught, hears) = channel();
        *lock(&self.shared.trap) = Some((trap, caught));
        self.shared.armed.store(true, Ordering::Release);
        hears
    }

    /// Takes back a trap that caught nothing.
    pub(crate) fn unset(&self) {
        self.shared.armed.store(false, Ordering::Release);
        *lock(&self.shared.trap) = None;
    }

    /// Lets nothing of `client` through for a while; its connections stay open.
    pub(crate) fn cut_off(&self, client: &str, time: Duration) {
        *lock(&self.shared.cut_off) = Some((client.to_owned(), Instant::now() + time));
    }
}

impl Shared {
    fn fate(&self, head: &frame::Head<'_>) -> Option<Fate> {
        if !self.armed.load(Ordering::Acquire) {
            return None;
        }
        let mut trap = lock(&self.trap);
        if !trap.as_ref().is_some_and(|(trap, _)| trap.client == head.client && trap.api == head.api) {
            return None;
        }
        self.armed.store(false, Ordering::Release);
        let (trap, caught) = trap.take()?;
        // Who set the trap may have given up on it.
        let _ = caught.send(());
        Some(trap.fate)
    }

    fn wait_while_cut_off(&self, client: &str) {
        let until = match &*lock(&self.cut_off) {
            Some((cut, until)) if cut == client => *until,
            _ => return,
        };
        thread::park_timeout(until.saturating_duration_since(Instant::now()));
    }
}

/// Passes one connection's bytes on in both directions.
fn serve(shared: &Shared, client: TcpStream, broker: SocketAddr) -> io::Result<()> {
    let broker = TcpStream::connect(broker)?;
    client.set_nodelay(true)?;
    broker.set_nodelay(true)?;
    let kill_on_answer = Arc::new(Mutex::new(None));
    let answers = {
        let (mut from, mut to) = (broker.try_clone()?, client.try_clone()?);
        let kill_on_answer = kill_on_answer.clone();
        thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            while let Ok(read @ 1..) = from.read(&mut bytes) {
                if to.write_all(&bytes[..read]).is_err() {
                    break;
                }
                if let Some(client) = lock(&kill_on_answer).take() {
                    kill(client);
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        })
    };
    let ended = requests(shared, &client, &broker, &kill_on_answer);
    let _ = broker.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
    let _ = answers.join();
    ended
}

fn requests(
    shared: &Shared,
    mut client: &TcpStream,
    mut broker: &TcpStream,
    kill_on_answer: &Mutex<Option<Pid>>,
) -> io::Result<()> {
    let mut request = Vec::new();
    loop {
        let mut length = [0; 4];
        client.read_exact(&mut length)?;
        request.clear();
        request.extend_from_slice(&length);
        let length = u32::from_be_bytes(length) as usize;
        if length > REQUEST_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        request.resize(4 + length, 0);
        client.read_exact(&mut request[4..])?;
        let head = frame::head(&request[4..]);
        if let Some(head) = &head {
            shared.wait_while_cut_off(head.client);
        }
        match head.and_then(|head| shared.fate(&head)) {
            None => broker.write_all(&request)?,
            Some(Fate::KillBefore(pid)) => {
                kill(pid);
                return Ok(());
            }
            Some(Fate::KillAfter(pid)) => {
                broker.write_all(&request)?;
                kill(pid);
            }
            Some(Fate::KillOnAnswer(pid)) => {
                *lock(kill_on_answer) = Some(pid);
                broker.write_all(&request)?;
            }
            Some(Fate::CutBefore) => return Ok(()),
            Some(Fate::CutAfter) => {
                client.shutdown(Shutdown::Both)?;
                broker.write_all(&request)?;
                // The broker works on what it was sent also after its client is gone, but not before it has read it.
                thread::park_timeout(Duration::from_millis(50));
                return Ok(());
            }
            Some(Fate::Delay(time)) => {
                thread::park_timeout(time);
                broker.write_all(&request)?;
            }
        }
    }
}

fn kill(process: Pid) {
    // It may have ended already.
    let _ = kill_process(process, Signal::KILL);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
