//! What a configuration file may say.

use super::Config;

#[test]
fn the_defaults_can_work() {
    assert_eq!(Config::default().check(), Vec::<String>::new());
}

#[test]
fn an_unknown_key_is_an_error() {
    let error = toml::from_str::<Config>("concurency = 3").unwrap_err();
    assert!(error.to_string().contains("concurency"), "{error}");
}

#[test]
fn every_setting_that_cannot_work_is_named_at_once() {
    let config: Config =
        toml::from_str("concurrency = 0\nledger_entries_max = 3\n[secrets]\nallow = [\"file:*\"]").unwrap();
    let problems = config.check();
    for key in ["concurrency", "ledger_entries_max", "secrets.allow"] {
        assert!(problems.iter().any(|problem| problem.contains(key)), "{key}: {problems:?}");
    }
}
