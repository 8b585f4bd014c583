//! The secrets that executors and stand-ins share, kept in files so that rules can refer to them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Partner;
use crate::clock;
use crate::demo::random::Random;
use crate::failure::Failure;

/// Files the secrets are kept in.
const SIGNING: &str = "signing";
const TOKEN: &str = "token";

/// The secrets both sides know.
#[derive(Clone, Debug)]
pub(in crate::demo) struct Secrets {
    /// Where they are kept.
    pub(super) dir: PathBuf,
    /// The signing secret of webhooks, `whsec_…`.
    pub(super) signing: String,
    /// The access token of Meta's APIs.
    pub(super) token: String,
}

impl Secrets {
    /// The secrets kept in `dir`, made up where it has none yet.
    pub(in crate::demo) fn in_dir(dir: &Path) -> Result<Secrets, Failure> {
        let failed = |error| {
            let help = "choose a directory you may write to";
            Failure::because(format!("keeping the partners' secrets in `{}`", dir.display()), error, help)
        };
        fs::create_dir_all(dir).map_err(failed)?;
        let kept = |name: &str, new: &dyn Fn() -> String| -> Result<String, Failure> {
            let path = dir.join(name);
            if !path.exists() {
                let mut file =
                    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
                file.write_all(new().as_bytes()).map_err(failed)?;
            }
            fs::read_to_string(&path).map_err(failed)
        };
        // Both ends of every call are this process on loopback: nothing hangs on these being hard to guess.
        let mut random = Random::new(clock::now().0.unsigned_abs());
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&random.next().to_le_bytes());
        }
        let signing = kept(SIGNING, &|| format!("whsec_{}", STANDARD.encode(bytes)))?;
        let token = kept(TOKEN, &|| format!("EAAdemo{:016x}", u64::from_le_bytes([bytes[0]; 8])))?;
        Ok(Secrets { dir: dir.to_owned(), signing, token })
    }

    /// Where they are kept.
    pub(in crate::demo) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The reference to the secret for an endpoint of this kind, as rule files write it.
    pub(in crate::demo) fn reference(&self, partner: Partner) -> String {
        let name = if partner == Partner::Webhook { SIGNING } else { TOKEN };
        format!("file:{}", self.dir.join(name).display())
    }
}
