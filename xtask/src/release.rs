//! `cargo xtask release`: the programs as they are shipped, compiled with a profile of their own work.
//!
//! In: nothing but the checkout. Out: `kilat`, and the `kilat-bench` it is measured by, in `target/shipped`. In order: programs that
//! count what they execute, a while of work, the same programs laid out for it.
//!
//! The work is what the product does for long: a drain on a real broker, a stream in small transactions, rule sets compiled and
//! swapped, deliveries, a restore, and the demo. Messages and rules of drain and stream come from a seed that no benchmark
//! measures with. Whatever is left out is taken for cold.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::bench;
use crate::stop::Stop;
use crate::{process, workspace};

/// A build, or a while of work.
const LIMIT: Duration = Duration::from_secs(3600);
/// What is shipped.
const PROGRAMS: [&str; 2] = ["kilat", "kilat-bench"];
/// Folder of what the programs executed.
const COUNTS: &str = "counts";
/// Of the messages and rules worked on; the benchmarks' default is another.
const SEED: &str = "7";

pub(crate) fn run(stop: &Stop) -> Result<()> {
    let tools = Tools::find()?;
    let dir = workspace::target_dir().join("profiled");
    let learned = dir.join("learned");
    if learned.exists() {
        fs::remove_dir_all(&learned).with_context(|| format!("removing {}", learned.display()))?;
    }

    println!("\n==> programs that count");
    let counting =
        tools.build(&dir, "-Cprofile-generate", &["--bins", "--example", "state", "--example", "throughput"], stop)?;
    println!("\n==> a while of work");
    work(&counting, &learned, stop)?;
    let profile = tools.merge(&learned, stop)?;
    println!("\n==> programs laid out for it");
    let built = tools.build(&dir, &format!("-Cprofile-use={}", profile.display()), &["--bins"], stop)?;

    let shipped = workspace::target_dir().join("shipped");
    fs::create_dir_all(&shipped).with_context(|| format!("creating {}", shipped.display()))?;
    for program in PROGRAMS {
        let to = shipped.join(program);
        // Beside the one that may be running, not into it.
        let beside = shipped.join(format!("{program}.new"));
        let copied = fs::copy(built.join(program), &beside).and_then(|_| fs::rename(&beside, &to));
        copied.with_context(|| format!("writing {}", to.display()))?;
        println!("{}", to.display());
    }
    Ok(())
}

/// What comes with the compiler.
struct Tools {
    /// The triple that is compiled for.
    host: String,
    llvm_profdata: PathBuf,
}

impl Tools {
    fn find() -> Result<Tools> {
        let output = Command::new("rustc").args(["--print", "target-libdir"]).current_dir(workspace::root()).output();
        let output = output.context("rustc does not start")?;
        Tools::beside(Path::new(String::from_utf8(output.stdout)?.trim()))
    }

    /// `libdir` is `…/rustlib/TRIPLE/lib`.
    fn beside(libdir: &Path) -> Result<Tools> {
        let of_target = libdir.parent().context("rustc names no folder of its libraries")?;
        let host = of_target.file_name().context("rustc names no target")?.to_string_lossy().into_owned();
        let llvm_profdata = of_target.join("bin").join("llvm-profdata");
        if !llvm_profdata.exists() {
            bail!("{} is missing. help: rustup component add llvm-tools", llvm_profdata.display());
        }
        Ok(Tools { host, llvm_profdata })
    }

    /// Builds with one flag more for what runs later, not for build scripts and macros. Gives the folder of the programs.
    fn build(&self, dir: &Path, flag: &str, targets: &[&str], stop: &Stop) -> Result<PathBuf> {
        let mut build = workspace::cargo();
        build.args(["build", "--release", "--target", &self.host]).arg("--target-dir").arg(dir);
        // One set of packages: another would have other features, and functions of other names.
        for package in PROGRAMS.iter().chain(&["kilat-executor"]) {
            build.args(["--package", package]);
        }
        build.env("CARGO_ENCODED_RUSTFLAGS", encoded(std::env::var_os("RUSTFLAGS"), flag));
        process::run(build.args(targets), LIMIT, stop)?;
        Ok(dir.join(&self.host).join("release"))
    }

    /// Named by what it holds: cargo compiles again where flags differ, and does not look into the file.
    fn merge(&self, learned: &Path, stop: &Stop) -> Result<PathBuf> {
        let merged = learned.join("merged.profdata");
        let mut merge = Command::new(&self.llvm_profdata);
        merge.args(["merge", "--sparse", "--output"]).arg(&merged).arg(learned.join(COUNTS));
        process::run(&mut merge, LIMIT, stop)?;
        let mut hasher = DefaultHasher::new();
        hasher.write(&fs::read(&merged).context("the merged profile")?);
        let profile = learned.join(format!("{:016x}.profdata", hasher.finish()));
        fs::rename(&merged, &profile).with_context(|| format!("naming {}", profile.display()))?;
        Ok(profile)
    }
}

/// `flag` beside those of the environment, as cargo takes them whatever characters are in them.
fn encoded(theirs: Option<OsString>, flag: &str) -> String {
    let theirs = theirs.unwrap_or_default().to_string_lossy().into_owned();
    theirs.split_whitespace().chain([flag]).collect::<Vec<_>>().join("\u{1f}")
}

/// Has the programs of `from` do what the product does; each writes what it executed into a folder of `learned`.
fn work(from: &Path, learned: &Path, stop: &Stop) -> Result<()> {
    let (counts, results) = (learned.join(COUNTS), learned.join("results"));
    let program = |name: &str, arguments: &[&str]| {
        let mut program = Command::new(from.join(name));
        program.args(arguments).current_dir(workspace::root());
        // One file a program, which its processes add to.
        program.env("LLVM_PROFILE_FILE", counts.join("%m.profraw"));
        program
    };
    let mut drain = program("kilat-bench", &["kafka", "--seed", SEED, "--events", "1500000", "--warm-ups", "0"]);
    drain.args(["--rounds", "1", "--latency-seconds", "10", "--latency-rate", "10000", "--swap-rules", "10000"]);
    bench::with_broker(1, drain.arg("--results").arg(results), stop)?;
    process::run(&mut program("examples/state", &["300000"]), LIMIT, stop)?;
    process::run(&mut program("examples/throughput", &["20000"]), LIMIT, stop)?;
    process::run(&mut program("kilat", &["demo", "--events", "20000", "--exit-when-done"]), LIMIT, stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_without_llvm_tools_is_told_how_to_get_them() {
        let sysroot = tempfile::tempdir().expect("a folder");
        let libdir = sysroot.path().join("rustlib/x86_64-unknown-linux-gnu/lib");
        let error = Tools::beside(&libdir).err().expect("refused").to_string();
        assert!(error.ends_with("help: rustup component add llvm-tools"), "{error}");

        let bin = sysroot.path().join("rustlib/x86_64-unknown-linux-gnu/bin");
        fs::create_dir_all(&bin).and_then(|()| fs::write(bin.join("llvm-profdata"), "")).expect("written");
        assert_eq!(Tools::beside(&libdir).expect("found").host, "x86_64-unknown-linux-gnu");
    }

    /// Cargo splits `CARGO_ENCODED_RUSTFLAGS` at 0x1f and nowhere else (its book, "build.rustflags").
    #[test]
    fn a_flag_with_spaces_stays_one_beside_those_of_the_environment() {
        assert_eq!(encoded(None, "-Cprofile-use=/my builds/p"), "-Cprofile-use=/my builds/p");
        let theirs = Some("-C target-cpu=native  --cfg x".into());
        assert_eq!(encoded(theirs, "-Cy"), "-C\u{1f}target-cpu=native\u{1f}--cfg\u{1f}x\u{1f}-Cy");
    }
}
