//! `cargo xtask kafka …`: clusters for work by hand, and for tests that bounce brokers.
//!
//! Out: on standard output one `bootstrap: host:port[,…]` line from `up`; everything else is for reading.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::{Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};

use super::{Cluster, Jars, Jvm, Settings, run_dir};
use crate::process::run as run_command;
use crate::stop::Stop;

const WATCH: Duration = Duration::from_millis(250);
const TOOL_LIMIT: Duration = Duration::from_secs(3600);

#[derive(Subcommand)]
pub(crate) enum Task {
    /// Start a cluster; it runs until Ctrl-C
    Up {
        /// 3 nodes have replication 3 and min.insync.replicas 2
        #[arg(long, default_value_t = 1, value_parser = node_count())]
        nodes: usize,
        /// Port of the first broker, the others follow [default: free ports]
        #[arg(long)]
        port: Option<u16>,
        /// 1 GB heap and G1, as in the recorded figures, instead of 384 MB
        #[arg(long)]
        bench: bool,
        /// Return once it answers; `kafka down` ends it
        #[arg(long)]
        detach: bool,
    },
    /// List clusters and their nodes
    Status,
    /// Stop one node and start it again on its data and port
    Bounce {
        /// Which node, from 1
        #[arg(long)]
        node: usize,
        /// Kill it instead of a clean stop
        #[arg(long)]
        hard: bool,
        /// Time between stop and start
        #[arg(long, default_value_t = 0)]
        down_ms: u64,
        /// First port of the cluster, when several are up
        #[arg(long)]
        port: Option<u16>,
    },
    /// End clusters and remove their data
    Down {
        /// First port of the cluster, when several are up
        #[arg(long)]
        port: Option<u16>,
        /// Every detached cluster of this checkout
        #[arg(long, conflicts_with = "port")]
        all: bool,
    },
    /// Run one of Kafka's own tools: `kafka tool org.apache.kafka.tools.TopicCommand --list --bootstrap-server …`
    Tool {
        /// Java class
        class: String,
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// `--nodes`: 1 or 3. Two would neither survive a failure nor be simpler than one.
pub(crate) fn node_count() -> impl clap::builder::TypedValueParser<Value = usize> {
    PossibleValuesParser::new(["1", "3"]).map(|text| if text == "3" { 3 } else { 1 })
}

pub(crate) fn run(task: Task, stop: &Stop) -> Result<()> {
    let jars = || Jars::ensure(stop);
    match task {
        Task::Up { nodes, port, bench, detach } => {
            let jvm = if bench { Jvm::Bench } else { Jvm::Small };
            let cluster =
                Cluster::start(&jars()?, &Settings { nodes, port, jvm, detached: detach, proxied: false }, stop)?;
            println!("bootstrap: {}", cluster.bootstrap());
            if !detach {
                watch(&cluster, stop);
            }
            Ok(())
        }
        Task::Status => status(),
        Task::Bounce { node, hard, down_ms, port } => {
            Cluster::find(jars()?, port)?.bounce(node, hard, Duration::from_millis(down_ms), stop)
        }
        Task::Down { port, all } => down(port, all),
        Task::Tool { class, arguments } => {
            let mut java = jars()?.java();
            java.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn").arg(class).args(arguments);
            run_command(&mut java, TOOL_LIMIT, stop)
        }
    }
}

/// Waits for Ctrl-C or `kafka down`, saying when a node ends or comes back.
fn watch(cluster: &Cluster, stop: &Stop) {
    eprintln!("kafka: running until Ctrl-C");
    let mut before = cluster.running().unwrap_or_default();
    while !stop.asked() {
        let Some(now) = cluster.running() else {
            eprintln!("kafka: taken down from outside");
            return;
        };
        for (number, (was, is)) in (1..).zip(before.iter().zip(&now)) {
            match (was, is) {
                (true, false) => eprintln!("kafka: node {number} ended"),
                (false, true) => eprintln!("kafka: node {number} is back"),
                _ => {}
            }
        }
        before = now;
        thread::sleep(WATCH);
    }
}

fn status() -> Result<()> {
    let folders = run_dir::all()?;
    if folders.is_empty() {
        println!("no cluster is up");
    }
    for folder in folders {
        println!("{} ({})", folder.display(), run_dir::owner(&folder));
        for node in run_dir::nodes(&folder)? {
            let process = node.pid().map_or_else(|| "not running".to_owned(), |id| format!("process {id}"));
            println!("  node {}: 127.0.0.1:{}, {process}", node.number, node.port()?);
        }
    }
    Ok(())
}

fn down(port: Option<u16>, all: bool) -> Result<()> {
    let mut folders = run_dir::all()?;
    match port {
        Some(port) => folders.retain(|folder| folder.ends_with(port.to_string())),
        None => folders.retain(|folder| run_dir::is_detached(folder)),
    }
    if !all && folders.len() > 1 {
        anyhow::bail!("{} detached clusters are up; name one with --port, or --all", folders.len());
    }
    if folders.is_empty() {
        anyhow::bail!("no such cluster is up; see `cargo xtask kafka status`");
    }
    for folder in folders {
        run_dir::remove(&folder)?;
        println!("ended {}", folder.display());
    }
    Ok(())
}
