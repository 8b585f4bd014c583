//! Apache Kafka's jars, fetched from Maven Central once and kept under the target folder.
//!
//! Out: a folder that is either complete or absent: Maven copies into a folder of its own, renamed when it ended well, so
//! an interrupted or concurrent fetch leaves nothing half-done in the way.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::run;
use crate::stop::Stop;
use crate::workspace;

const KAFKA_VERSION: &str = "4.3.0";
/// Brokers since 4.0 run on Java 17 and later.
const JAVA_VERSION_MIN: u32 = 17;
const FETCH_LIMIT: Duration = Duration::from_secs(600);

/// A tool of the machine that Kafka needs and that is not there. Callers may skip on it; nothing else may be skipped.
#[derive(Debug)]
pub(crate) struct ToolMissing(String);

impl std::fmt::Display for ToolMissing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ToolMissing {}

/// The folder of jars of one Kafka release.
#[derive(Clone)]
pub(crate) struct Jars {
    folder: PathBuf,
}

impl Jars {
    /// Finds the jars, fetching them first if this target folder has none.
    ///
    /// Errors: `ToolMissing` without a fitting Java, or without Maven when it is needed; anything else is a failed fetch.
    pub(crate) fn ensure(stop: &Stop) -> Result<Jars> {
        check_java()?;
        let home = workspace::target_dir().join("kafka");
        let folder = home.join(format!("jars-{KAFKA_VERSION}"));
        if !folder.is_dir() {
            check_maven()?;
            fetch(&home, &folder, stop)?;
        }
        Ok(Jars { folder })
    }

    /// A `java` command with these jars as its class path.
    pub(crate) fn java(&self) -> Command {
        let mut class_path = OsString::from(&self.folder);
        class_path.push("/*");
        let mut command = Command::new("java");
        command.arg("-cp").arg(class_path).stdin(Stdio::null());
        command
    }
}

fn check_java() -> Result<()> {
    let Ok(output) = Command::new("java").arg("-version").output() else {
        bail!(ToolMissing(format!("no `java` on the PATH (a JDK or JRE {JAVA_VERSION_MIN} or later is needed)")));
    };
    let text = String::from_utf8_lossy(&output.stderr);
    match java_major(&text) {
        Some(major) if major >= JAVA_VERSION_MIN => Ok(()),
        Some(major) => bail!(ToolMissing(format!("Java {major} is too old, {JAVA_VERSION_MIN} or later is needed"))),
        None => bail!(ToolMissing(format!("`java -version` says nothing understandable: {}", text.trim()))),
    }
}

/// Major version in the first quoted text, as in `openjdk version "17.0.15" 2025-04-15`.
fn java_major(text: &str) -> Option<u32> {
    let version = text.split('"').nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn check_maven() -> Result<()> {
    if Command::new("mvn").arg("-version").output().is_err() {
        bail!(ToolMissing(format!("no `mvn` on the PATH (Maven fetches Kafka {KAFKA_VERSION})")));
    }
    Ok(())
}

fn fetch(home: &Path, folder: &Path, stop: &Stop) -> Result<()> {
    eprintln!("kafka: fetching {KAFKA_VERSION} with Maven into {}", folder.display());
    let partial = Partial::new(home.join(format!("fetch-{}", process::id())))?;
    fs::write(partial.0.join("pom.xml"), pom()).context("writing the pom")?;
    let mut maven = Command::new("mvn");
    maven
        .args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"])
        .current_dir(&partial.0)
        .stdin(Stdio::null())
        .stdout(File::create(partial.0.join("maven.log"))?);
    if let Err(error) = run(&mut maven, FETCH_LIMIT, stop) {
        let said = fs::read_to_string(partial.0.join("maven.log")).unwrap_or_default();
        return Err(error.context(said).context("fetching Apache Kafka"));
    }
    match fs::rename(partial.0.join("jars"), folder) {
        Err(_) if folder.is_dir() => Ok(()), // Another run was faster, with the same jars.
        renamed => renamed.with_context(|| format!("moving the jars to {}", folder.display())),
    }
}

fn pom() -> String {
    // slf4j-simple logs to stderr, which goes to each node's log file: a failed start must be able to say why.
    format!(
        r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kilat</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"#
    )
}

/// The folder of a fetch under way, removed whatever happens.
struct Partial(PathBuf);

impl Partial {
    fn new(folder: PathBuf) -> Result<Partial> {
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        Ok(Partial(folder))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests;
