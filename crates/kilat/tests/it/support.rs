//! Runs the built command in a directory of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A directory that a test has to itself.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file; its name is its path from here.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command with these arguments, in this directory, with none of the caller's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kilat"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        without_settings(command)
    }

    /// What a line of a shell prints on both streams, in this directory, where `kilat` is the built command.
    pub(crate) fn shell(&self, line: &str) -> String {
        let built = Path::new(env!("CARGO_BIN_EXE_kilat")).parent().unwrap();
        let path = format!("{}:{}", built.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        // Both streams into one, so that they keep their order.
        command.args(["-c", &format!("{{ {line}\n}} 2>&1")]).env("PATH", path);
        command.current_dir(self.path()).stdin(Stdio::null());
        Ran::of(without_settings(command).output().unwrap()).out
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// The same with a text on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let ran = Ran::of(child.wait_with_output().unwrap());
        // A command that stops reading early has closed the pipe.
        let _ = writer.join().unwrap();
        ran
    }
}

/// The command with none of the caller's settings.
fn without_settings(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KILAT__")) {
        command.env_remove(name);
    }
    command
}

impl Ran {
    fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Its standard output, where it ended well.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:#?}");
        self.out
    }

    /// Its lines, as JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
    }
}
