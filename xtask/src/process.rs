//! Child processes that always end: on their own, at a deadline, or when stopping is asked for.
//!
//! A child run here leads its own process group, so that stopping it also stops what it started (cargo's rustc and test
//! binaries). Signals go to ids of processes started here, never to names.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::stop::Stop;

const POLL: Duration = Duration::from_millis(20);
/// Time between asking a process to end and killing it.
const GRACE: Duration = Duration::from_secs(5);

/// Runs `command` to its end with inherited output; anything but exit code 0 within `limit` is an error.
pub(crate) fn run(command: &mut Command, limit: Duration, stop: &Stop) -> Result<()> {
    let name = shown(command);
    let mut group = Group(command.process_group(0).spawn().with_context(|| format!("cannot start `{name}`"))?);
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = group.0.try_wait().with_context(|| format!("waiting for `{name}`"))? {
            return success(&name, status);
        }
        stop.check()?;
        if Instant::now() > deadline {
            bail!("`{name}` did not end within {} s", limit.as_secs());
        }
        thread::sleep(POLL);
    }
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

fn success(name: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{name}` failed: {status}");
    }
    Ok(())
}

/// Ends the whole group of a child that is still running when it goes out of scope.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let Some(leader) = pid(self.0.id()) else { return };
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        for signal in [Signal::TERM, Signal::KILL] {
            let _gone = kill_process_group(leader, signal);
            let deadline = Instant::now() + GRACE;
            while Instant::now() < deadline {
                if matches!(self.0.try_wait(), Ok(Some(_))) {
                    // The leader is gone; stragglers of its group are not waited for, but not left alive either.
                    let _gone = kill_process_group(leader, Signal::KILL);
                    return;
                }
                thread::sleep(POLL);
            }
        }
    }
}

/// Sends `signal` to the process `id`; a process that is gone already is not an error.
pub(crate) fn signal(id: u32, signal: Signal) {
    if let Some(pid) = pid(id) {
        let _gone = kill_process(pid, signal);
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// The command line of the running process `id`; `None` once it ended, reaped or not.
///
/// Ids are reused, so whoever kills by an id read from a file compares this first.
pub(crate) fn command_line(id: u32) -> Option<String> {
    loop {
        let bytes = if has_proc() {
            fs::read(format!("/proc/{id}/cmdline")).ok()?
        } else {
            Command::new("ps").args(["-ww", "-o", "args=", "-p", &id.to_string()]).output().ok()?.stdout
        };
        let line = String::from_utf8_lossy(&bytes).replace('\0', " ").trim().to_owned();
        if !line.is_empty() {
            return Some(line);
        }
        // Empty for a process that ended and waits for its parent, but also, briefly, in the middle of `exec`.
        if !has_proc() || ended(id) {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn has_proc() -> bool {
    fs::exists("/proc/self/stat").unwrap_or(false)
}

/// Whether the process is gone, or a zombie. Source: proc(5), `/proc/<pid>/stat`, the field after the name in brackets.
fn ended(id: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    matches!(state, None | Some('Z' | 'X'))
}
