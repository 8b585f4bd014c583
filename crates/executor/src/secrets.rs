//! What references to secrets stand for.
//!
//! Input: `env:NAME` or `file:PATH` from an action's destination. Output: the secret. A rule set is written by a customer:
//! it may name only what the settings allow, or any variable of this process and any file could be read through it.
//! S-1: a secret is in no message and no `Debug` form. Absent: other vaults; they hand secrets to files or variables.

use std::collections::HashMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::SecretsConfig;

/// References remembered at once.
const CACHE_MAX: usize = 1_024;
/// The longest secret read from a file.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Resolves references, and remembers what they stood for for a short while.
pub(crate) struct Secrets {
    allow: Vec<String>,
    dirs: Vec<PathBuf>,
    keep: Duration,
    cache: HashMap<String, (Duration, Arc<str>)>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets {{ {} cached }}", self.cache.len())
    }
}

/// Why a reference stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("secret `{0}` is neither `env:NAME` nor `file:PATH`")]
    Form(String),
    #[error("secret `{0}` is not allowed here: see `secrets.allow` and `secrets.dirs` in the executor's settings")]
    NotAllowed(String),
    #[error("secret `{0}` is not set, not readable, or not text")]
    Missing(String),
}

impl Secrets {
    pub(crate) fn new(config: &SecretsConfig) -> Self {
        Secrets {
            allow: config.allow.clone(),
            // Resolved at every look-up, too: a directory may be mounted later.
            dirs: config.dirs.clone(),
            keep: Duration::from_secs(config.cache_s),
            cache: HashMap::new(),
        }
    }

    /// The secret behind a reference.
    pub(crate) fn resolve(&mut self, reference: &str, now: Duration) -> Result<Arc<str>, SecretError> {
        if let Some((until, secret)) = self.cache.get(reference)
            && now < *until
        {
            return Ok(secret.clone());
        }
        let secret: Arc<str> = match reference.split_once(':') {
            Some(("env", name)) => self.read_variable(reference, name)?,
            Some(("file", path)) => self.read_file(reference, Path::new(path))?,
            _ => return Err(SecretError::Form(reference.to_owned())),
        }
        .into();
        if self.cache.len() >= CACHE_MAX {
            self.cache.clear();
        }
        self.cache.insert(reference.to_owned(), (now + self.keep, secret.clone()));
        Ok(secret)
    }

    fn read_variable(&self, reference: &str, name: &str) -> Result<String, SecretError> {
        if !self.allow.iter().any(|pattern| matches_glob(pattern, reference)) {
            return Err(SecretError::NotAllowed(reference.to_owned()));
        }
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.ok_or_else(|| SecretError::Missing(reference.to_owned()))
    }

    fn read_file(&self, reference: &str, path: &Path) -> Result<String, SecretError> {
        // Links and `..` are resolved before the comparison. An absent file outside is "not allowed" as well, so that
        // nobody learns which files exist.
        let real = path
            .canonicalize()
            .ok()
            .filter(|real| self.dirs.iter().filter_map(|dir| dir.canonicalize().ok()).any(|dir| real.starts_with(dir)));
        let inside = self.dirs.iter().any(|dir| path.starts_with(dir));
        let Some(real) = real else {
            let error = if inside { SecretError::Missing } else { SecretError::NotAllowed };
            return Err(error(reference.to_owned()));
        };
        let mut text = String::new();
        let file = std::fs::File::open(real).map_err(|_| SecretError::Missing(reference.to_owned()))?;
        let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
        let secret = text.trim_end_matches(['\r', '\n']);
        if read.is_err() || secret.is_empty() {
            return Err(SecretError::Missing(reference.to_owned()));
        }
        Ok(secret.to_owned())
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
