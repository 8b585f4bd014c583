//! A running cluster of 1 or 3 nodes.
//!
//! `start` returns only when every node lists every broker. Dropping an attached cluster kills its nodes and removes
//! their folder: the data was made for one run. A cluster that failed keeps its folder, for its logs, until the next start.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use super::node::{Jvm, Node, Ports, Proxied, StopKind};
use super::{Jars, probe, run_dir};
use crate::stop::Stop;

/// Three JVMs on two busy cores have needed 40 s.
const START_LIMIT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(100);
const TAIL_LINES: usize = 40;
/// A free port can be taken by another process between finding and using it; then the start is tried again.
const START_ATTEMPTS: usize = 3;

#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// 1, or 3 with replication 3 and `min.insync.replicas` 2.
    pub(crate) nodes: usize,
    /// Port of the first broker, the others following; free ports when absent.
    pub(crate) port: Option<u16>,
    pub(crate) jvm: Jvm,
    /// Outlives this process, until `kafka down`.
    pub(crate) detached: bool,
    /// With a second listener on each node, for clients that come through a proxy.
    pub(crate) proxied: bool,
}

pub(crate) struct Cluster {
    jars: Jars,
    folder: PathBuf,
    nodes: Vec<Node>,
    /// Of each node, where it has one.
    proxied: Vec<Proxied>,
    on_drop: OnDrop,
}

#[derive(PartialEq)]
enum OnDrop {
    Remove,
    /// End the nodes but leave the logs.
    Keep,
    /// Somebody else's, or detached.
    LeaveRunning,
}

impl Cluster {
    /// Starts a cluster and waits until all of it answers. Leftovers of killed runs are swept first.
    pub(crate) fn start(jars: &Jars, settings: &Settings, stop: &Stop) -> Result<Cluster> {
        run_dir::sweep()?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut cluster = Cluster::lay_out(jars, settings)?;
            match cluster.boot(settings, stop) {
                Ok(()) => return Ok(cluster),
                Err(_) if stop.asked() => bail!("stopped while Kafka was starting"),
                Err(_) if settings.port.is_none() && attempts < START_ATTEMPTS && cluster.lost_its_port() => {}
                Err(error) => {
                    let tail = cluster.log_tail();
                    cluster.on_drop = OnDrop::Keep;
                    return Err(error.context(tail).context("Apache Kafka did not start"));
                }
            }
        }
    }

    /// The cluster whose first broker listens on `port`, started by any xtask; or the only one there is.
    pub(super) fn find(jars: Jars, port: Option<u16>) -> Result<Cluster> {
        let mut folders = run_dir::all()?;
        match port {
            Some(port) => folders.retain(|folder| folder.ends_with(port.to_string())),
            None => folders.retain(|folder| run_dir::is_running(folder)),
        }
        if folders.len() > 1 {
            bail!("{} clusters are up; name one with --port (see `cargo xtask kafka status`)", folders.len());
        }
        let folder = folders.pop();
        let folder = folder.with_context(|| "no such cluster is up; see `cargo xtask kafka status`")?;
        let nodes = run_dir::nodes(&folder)?;
        Ok(Cluster { jars, folder, nodes, proxied: Vec::new(), on_drop: OnDrop::LeaveRunning })
    }

    fn lay_out(jars: &Jars, settings: &Settings) -> Result<Cluster> {
        let ports = choose_ports(settings)?;
        let folder = run_dir::create(ports[0].broker, settings.detached)?;
        let proxied = ports.iter().filter_map(|ports| ports.proxied).collect();
        let mut cluster = Cluster { jars: jars.clone(), folder, nodes: Vec::new(), proxied, on_drop: OnDrop::Remove };
        for number in 1..=settings.nodes {
            cluster.nodes.push(Node::create(&cluster.folder, number, &ports, settings.jvm)?);
        }
        Ok(cluster)
    }

    fn boot(&mut self, settings: &Settings, stop: &Stop) -> Result<()> {
        thread::scope(|scope| {
            let formats: Vec<_> = self.nodes.iter().map(|node| scope.spawn(|| node.format(&self.jars, stop))).collect();
            formats.into_iter().try_for_each(|format| format.join().map_err(|_| anyhow!("format panicked"))?)
        })?;
        for node in &self.nodes {
            node.start(&self.jars, settings.detached)?;
        }
        self.wait_until_ready(stop)?;
        if settings.detached {
            self.on_drop = OnDrop::LeaveRunning;
        }
        Ok(())
    }

    /// Waits until every node answers and lists every broker.
    fn wait_until_ready(&self, stop: &Stop) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        for node in &self.nodes {
            let port = node.port()?;
            loop {
                let answer = probe::brokers_seen(port);
                if matches!(answer, Ok(seen) if seen == self.nodes.len()) {
                    break;
                }
                stop.check()?;
                if let Some(ended) = self.nodes.iter().find(|node| node.pid().is_none()) {
                    bail!("node {} ended", ended.number);
                }
                if Instant::now() > deadline {
                    let said = answer.map_or_else(|error| error.to_string(), |seen| format!("it sees {seen} brokers"));
                    bail!("node {} is not ready after {} s: {said}", node.number, START_LIMIT.as_secs());
                }
                thread::sleep(POLL);
            }
        }
        Ok(())
    }

    /// Stops one node (cleanly, or as by power loss) and starts it again on its data and port; returns when all answer.
    pub(super) fn bounce(&self, number: usize, hard: bool, down_for: Duration, stop: &Stop) -> Result<()> {
        let node = self.nodes.iter().find(|node| node.number == number);
        let node = node.with_context(|| format!("there is no node {number}, only 1 to {}", self.nodes.len()))?;
        node.stop(if hard { StopKind::Hard } else { StopKind::Clean })?;
        let deadline = Instant::now() + down_for;
        while Instant::now() < deadline && !stop.asked() {
            thread::sleep(POLL.min(down_for));
        }
        // Detached from this caller, whose end it must survive; its run's owner still finds it by the process id file.
        node.start(&self.jars, true)?;
        self.wait_until_ready(stop)
    }

    /// Addresses for clients, comma-separated.
    pub(crate) fn bootstrap(&self) -> String {
        let addresses: Vec<String> =
            self.nodes.iter().filter_map(|node| node.port().ok()).map(|port| format!("127.0.0.1:{port}")).collect();
        addresses.join(",")
    }

    /// Of each node the port its proxy is expected at, that of its second listener and that of its first.
    pub(crate) fn proxied(&self) -> Result<Vec<[u16; 3]>> {
        let ports = self.nodes.iter().zip(&self.proxied);
        ports.map(|(node, proxied)| Ok([proxied.proxy, proxied.listener, node.port()?])).collect()
    }

    /// Marks the run as failed, so that its logs stay, and returns their last lines.
    pub(crate) fn fail(&mut self) -> String {
        self.on_drop = OnDrop::Keep;
        self.log_tail()
    }

    fn log_tail(&self) -> String {
        let tails = self.nodes.iter().map(|node| {
            let log = fs::read_to_string(node.log_file()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
            format!("--- last lines of {}\n{tail}\n", node.log_file().display())
        });
        tails.collect()
    }

    fn lost_its_port(&self) -> bool {
        self.nodes.iter().any(|node| {
            fs::read_to_string(node.log_file())
                .is_ok_and(|log| log.contains("BindException") || log.contains("Address already in use"))
        })
    }

    /// Whether each node runs, by number; `None` once the run's folder was removed from outside (`kafka down`).
    pub(super) fn running(&self) -> Option<Vec<bool>> {
        self.folder.exists().then(|| self.nodes.iter().map(|node| node.pid().is_some()).collect())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.on_drop == OnDrop::LeaveRunning {
            return;
        }
        for node in &self.nodes {
            if let Err(error) = node.stop(StopKind::Hard) {
                eprintln!("kafka: {error:#}");
            }
        }
        if self.on_drop == OnDrop::Remove {
            let _left = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Broker and controller ports for each node, all found free at one moment.
fn choose_ports(settings: &Settings) -> Result<Vec<Ports>> {
    let mut held = Vec::new();
    let mut hold = |port: u16| -> Result<u16> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("port {port} is taken"))?;
        let port = listener.local_addr()?.port();
        held.push(listener); // Until all are chosen: no port is found twice.
        Ok(port)
    };
    (0..settings.nodes)
        .map(|index| {
            let wanted = match settings.port {
                Some(first) => {
                    u16::try_from(index).ok().and_then(|index| first.checked_add(index)).context("no such port")?
                }
                None => 0,
            };
            let (broker, controller) = (hold(wanted)?, hold(0)?);
            let proxied = match settings.proxied {
                true => Some(Proxied { proxy: hold(0)?, listener: hold(0)? }),
                false => None,
            };
            Ok(Ports { broker, controller, proxied })
        })
        .collect()
}
