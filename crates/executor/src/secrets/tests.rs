//! What may be read through a reference, and what not.

use std::fs;
use std::time::Duration;

use super::{SecretError, Secrets, matches_glob};
use crate::SecretsConfig;

const NOW: Duration = Duration::ZERO;

#[test]
fn a_star_stands_for_any_run() {
    for (pattern, text, fits) in [
        ("env:*_SECRET", "env:CRM_SECRET", true),
        ("env:*_SECRET", "env:SECRET", false),
        ("env:*_SECRET", "env:CRM_SECRET_2", false),
        ("env:A", "env:A", true),
        ("env:A", "env:AB", false),
        ("env:A*B*C", "env:AxxByyC", true),
        ("env:A*B*C", "env:AxxC", false),
        ("env:*", "env:", true),
    ] {
        assert_eq!(matches_glob(pattern, text), fits, "{pattern} {text}");
    }
}

#[test]
fn variables_outside_the_allow_list_are_not_read() {
    let mut secrets = Secrets::new(&SecretsConfig::default());
    assert_eq!(secrets.resolve("env:PATH", NOW), Err(SecretError::NotAllowed("env:PATH".to_owned())));
    let absent = "env:KILAT_TEST_ABSENT_SECRET";
    assert_eq!(secrets.resolve(absent, NOW), Err(SecretError::Missing(absent.to_owned())));
    assert_eq!(secrets.resolve("PATH", NOW), Err(SecretError::Form("PATH".to_owned())));

    let path = SecretsConfig { allow: vec!["env:PATH".to_owned()], ..SecretsConfig::default() };
    assert_eq!(&*Secrets::new(&path).resolve("env:PATH", NOW).unwrap(), std::env::var("PATH").unwrap());
}

#[test]
fn files_are_read_under_the_allowed_directories_only() {
    let root = tempfile::tempdir().unwrap();
    let (allowed, outside) = (root.path().join("allowed"), root.path().join("outside"));
    fs::create_dir(&allowed).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(allowed.join("token"), "s3cret\n").unwrap();
    fs::write(outside.join("token"), "other").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.join("token"), allowed.join("link")).unwrap();
    let config = SecretsConfig { dirs: vec![allowed.clone()], ..SecretsConfig::default() };
    let mut secrets = Secrets::new(&config);
    let mut resolve = |path: std::path::PathBuf| secrets.resolve(&format!("file:{}", path.display()), NOW);

    assert_eq!(&*resolve(allowed.join("token")).unwrap(), "s3cret");
    assert!(matches!(resolve(outside.join("token")), Err(SecretError::NotAllowed(_))));
    assert!(resolve(allowed.join("../outside/token")).is_err());
    assert!(resolve(allowed.join("link")).is_err());
    assert!(matches!(resolve(allowed.join("absent")), Err(SecretError::Missing(_))));
}

#[test]
fn a_secret_is_read_again_after_a_while_and_never_shown() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("token");
    fs::write(&file, "first").unwrap();
    let config = SecretsConfig { dirs: vec![root.path().to_owned()], cache_s: 30, ..SecretsConfig::default() };
    let mut secrets = Secrets::new(&config);
    let reference = format!("file:{}", file.display());
    assert_eq!(&*secrets.resolve(&reference, NOW).unwrap(), "first");
    fs::write(&file, "second").unwrap();
    assert_eq!(&*secrets.resolve(&reference, Duration::from_secs(29)).unwrap(), "first");
    assert_eq!(&*secrets.resolve(&reference, Duration::from_secs(30)).unwrap(), "second");
    assert!(!format!("{secrets:?}").contains("second"));
}
