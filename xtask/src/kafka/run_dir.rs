//! The folders of runs under `target/kafka/runs/`, one per cluster, named by its first port.
//!
//! Each says who owns it: the xtask that must end its nodes, or `detached` for one that `kafka down` ends.
//! `sweep` ends what an owner that was itself killed could not.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context as _, Result, bail};

use super::node::{Node, StopKind};
use crate::process::command_line;
use crate::workspace;

const DETACHED: &str = "detached";

fn runs() -> PathBuf {
    workspace::target_dir().join("kafka").join("runs")
}

/// Creates the folder of the cluster at `port`, owned by this process or by nobody.
///
/// Errors: a cluster at that port exists.
pub(super) fn create(port: u16, detached: bool) -> Result<PathBuf> {
    let folder = runs().join(port.to_string());
    fs::create_dir_all(runs()).with_context(|| format!("creating {}", runs().display()))?;
    match fs::create_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!(
                "there is a cluster at port {port} already; see `cargo xtask kafka status`, end it with `kafka down --port {port}`"
            )
        }
        created => created.with_context(|| format!("creating {}", folder.display()))?,
    }
    let owner = if detached { DETACHED.to_owned() } else { process::id().to_string() };
    fs::write(folder.join("owner"), owner)?;
    Ok(folder)
}

/// All run folders, by port.
pub(super) fn all() -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(runs()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", runs().display()))?,
    };
    let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.sort();
    Ok(folders)
}

/// Its nodes, by number.
pub(super) fn nodes(folder: &Path) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        nodes.extend(Node::open(entry?.path()));
    }
    nodes.sort_by_key(|node| node.number);
    Ok(nodes)
}

/// Whether any of its nodes runs.
pub(super) fn is_running(folder: &Path) -> bool {
    nodes(folder).is_ok_and(|nodes| nodes.iter().any(|node| node.pid().is_some()))
}

/// Whether only `kafka down` ends this run.
pub(super) fn is_detached(folder: &Path) -> bool {
    fs::read_to_string(folder.join("owner")).is_ok_and(|owner| owner == DETACHED)
}

/// Who ends the nodes of this run, in words.
pub(super) fn owner(folder: &Path) -> String {
    match fs::read_to_string(folder.join("owner")) {
        Ok(owner) if owner == DETACHED => DETACHED.to_owned(),
        Ok(owner) => format!("xtask {owner}"),
        Err(_) => "no owner yet".to_owned(),
    }
}

/// Ends the nodes of a run at once and removes its folder.
pub(super) fn remove(folder: &Path) -> Result<()> {
    for node in nodes(folder)? {
        node.stop(StopKind::Hard)?;
    }
    fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
}

/// Removes the runs whose owner is gone, ending their nodes. Detached runs stay.
pub(super) fn sweep() -> Result<()> {
    for folder in all()? {
        let Ok(owner) = fs::read_to_string(folder.join("owner")) else { continue };
        let Ok(id) = owner.parse::<u32>() else { continue };
        let alive = command_line(id).is_some_and(|line| line.contains("xtask"));
        // Two sweepers may meet on one folder: the slower one finds nothing left, which is what it wanted.
        if !alive && remove(&folder).is_err() && folder.exists() {
            eprintln!("kafka: cannot remove {}, left by process {id}", folder.display());
        }
    }
    Ok(())
}
