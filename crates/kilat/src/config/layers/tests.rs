//! The layers, on the real defaults.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::config::{Config, DEFAULTS, HttpConfig, LogConfig, LogKind, LoggingConfig, parse};

fn none() -> impl Iterator<Item = (String, String)> {
    std::iter::empty()
}

fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>().into_iter()
}

fn problems(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let problems = parse(Some(("k.toml", file)), variables(environment)).expect_err("the settings are refused");
    problems.iter().map(ToString::to_string).collect()
}

/// The names of a structure's fields, as serde knows them.
fn fields_of<T: DeserializeOwned>() -> BTreeSet<String> {
    #[derive(Debug)]
    struct Fields(&'static [&'static str]);
    impl std::fmt::Display for Fields {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{:?}", self.0)
        }
    }
    impl std::error::Error for Fields {}
    impl serde::de::Error for Fields {
        fn custom<M: std::fmt::Display>(message: M) -> Fields {
            panic!("not a structure: {message}")
        }
    }
    struct Asking;
    impl<'de> serde::Deserializer<'de> for Asking {
        type Error = Fields;
        fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
            panic!("not a structure")
        }
        fn deserialize_struct<V: serde::de::Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Fields> {
            Err(Fields(fields))
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }
    let Err(Fields(fields)) = T::deserialize(Asking) else { panic!("a structure has fields") };
    fields.iter().map(|field| (*field).to_owned()).collect()
}

#[test]
fn every_key_stands_in_the_defaults_and_nothing_else_does() {
    let vocabulary = super::vocabulary(DEFAULTS);
    let check = |section: &str, fields: BTreeSet<String>| {
        let mut table = &vocabulary;
        for part in section.split('.').filter(|part| !part.is_empty()) {
            table = table[part].as_table().expect("a section");
        }
        assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), fields, "[{section}]");
    };
    check("", fields_of::<Config>());
    check("log", fields_of::<LogConfig>());
    check("engine", fields_of::<kilat_pipeline::Config>());
    check("engine.checkpoints", fields_of::<kilat_pipeline::CheckpointConfig>());
    check("executor", fields_of::<kilat_executor::Config>());
    check("executor.secrets", fields_of::<kilat_executor::SecretsConfig>());
    check("http", fields_of::<HttpConfig>());
    check("logging", fields_of::<LoggingConfig>());
}

#[test]
fn the_defaults_are_those_of_the_components() {
    let config = parse(None, none()).expect("the defaults alone are a configuration");
    assert_eq!(config.engine, kilat_pipeline::Config::default());
    assert_eq!(config.executor, kilat_executor::Config::default());
}

#[test]
fn a_key_without_a_default_can_be_set() {
    let config = parse(Some(("k.toml", "[executor]\nretry_steps_ms = [5, 10]\n")), none()).expect("fine");
    assert_eq!(config.executor.retry_steps_ms, Some(vec![5, 10]));
}

#[test]
fn every_key_of_the_defaults_has_a_comment_above_it() {
    let mut above = "";
    for line in DEFAULTS.lines() {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(above.starts_with('#'), "no comment above `{line}`");
        }
        above = line;
    }
}

#[test]
fn the_environment_goes_over_the_file_and_the_file_over_the_defaults() {
    let file =
        "[log]\nkind = \"kafka\"\nbrokers = \"a:1\"\n[engine]\nthreads = 3\n[log.properties]\n\"linger.ms\" = \"7\"\n";
    let config = parse(
        Some(("k.toml", file)),
        variables(&[
            ("KILAT__LOG__BROKERS", "b:2,c:3"),
            ("KILAT__ENGINE__TRANSACTION_INTERVAL_MS", "100"),
            ("KILAT__LOG__PROPERTIES__SOCKET_KEEPALIVE_ENABLE", "true"),
            ("PATH", "/bin"),
        ]),
    )
    .expect("all of it is fine");
    assert_eq!(config.log.kind, LogKind::Kafka);
    assert_eq!(config.log.brokers, "b:2,c:3");
    assert_eq!(config.engine.threads, 3);
    assert_eq!(config.engine.transaction_interval_ms, 100);
    assert_eq!(config.log.properties["linger.ms"], "7");
    assert_eq!(config.log.properties["socket.keepalive.enable"], "true");
    assert_eq!(config.engine.group, "kilat-engine");
}

#[test]
fn an_unknown_key_is_placed_and_the_nearest_name_offered() {
    assert_eq!(
        problems("[log]\nkind = \"kafka\"\nbroker = \"a:1\"\n", &[]),
        ["k.toml:3:1: error: unknown key `broker` in [log]. help: did you mean `brokers`?"]
    );
    assert_eq!(
        problems("[lgo]\nkind = \"kafka\"\n", &[]),
        ["k.toml:1:2: error: unknown key `lgo` at the top. help: did you mean `log`?"]
    );
    let far = problems("[http]\nxyzzy = 1\n", &[]);
    assert_eq!(far, ["k.toml:2:1: error: unknown key `xyzzy` in [http]. help: in [http] stand `listen`"]);
    assert_eq!(
        problems("", &[("KILAT__LOG__BROKER", "a:1")]),
        ["KILAT__LOG__BROKER: error: unknown key `broker` in [log]. help: did you mean `brokers`?"]
    );
}

#[test]
fn a_wrong_type_is_named_with_its_remedy() {
    assert_eq!(
        problems("[engine]\nthreads = \"four\"\n", &[]),
        [
            "k.toml:2:11: error: `engine.threads` is a whole number, not a text. help: write it like the default: threads = 2"
        ]
    );
    assert_eq!(
        problems("[log]\nbrokers = 9092\n", &[]),
        ["k.toml:2:11: error: `log.brokers` is a text, not a whole number. help: put it in quotes: brokers = \"9092\""]
    );
    assert_eq!(
        problems("", &[("KILAT__ENGINE__THREADS", "four")]),
        ["KILAT__ENGINE__THREADS: error: `engine.threads` is a whole number, not `four`. help: the default is \
          KILAT__ENGINE__THREADS=2"]
    );
    assert_eq!(
        problems("log = 3\n", &[]),
        ["k.toml:1:7: error: `log` is a section, not a whole number. help: make it a section: [log]"]
    );
    assert_eq!(
        problems("", &[("KILAT__LOG", "kafka")]),
        ["KILAT__LOG: error: `log` is a section. help: name a key of it: KILAT__LOG__KEY"]
    );
}

#[test]
fn a_value_outside_its_range_or_set_is_placed() {
    let found = problems("[engine]\nthreads = -1\n[log]\nkind = \"rabbit\"\n", &[("KILAT__HTTP__LISTEN", "here")]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("k.toml:2:11: error: `engine.threads`: invalid value"), "{}", found[0]);
    assert!(found[1].starts_with("KILAT__HTTP__LISTEN: error: `http.listen`: invalid socket address"), "{}", found[1]);
    assert!(found[2].starts_with("k.toml:4:8: error: `log.kind`: unknown variant `rabbit`"), "{}", found[2]);
    assert!(
        found[2].ends_with("help: see the comment on it in default.toml; the default is \"embedded\""),
        "{}",
        found[2]
    );
}

#[test]
fn broken_toml_is_placed() {
    let found = problems("[log]\nkind = \n", &[]);
    assert!(found[0].starts_with("k.toml:2:") && found[0].contains("not TOML"), "{found:?}");
}

#[test]
fn settings_that_do_not_go_together_are_placed() {
    assert_eq!(
        problems("[executor]\nconcurrency = 3\ndeadline_ms = 4000\n", &[]),
        ["k.toml:2:15: error: [executor] `connect_timeout_ms` is not less than `deadline_ms`. help: lower it"]
    );
}

/// 64 MiB for the process and 56 for each worker at least.
#[test]
fn a_ceiling_of_memory_under_which_nothing_works_is_refused() {
    assert_eq!(
        problems("[engine]\nmemory_mb = 100\n", &[]),
        [
            "k.toml:2:13: error: [engine] `memory_mb` is 100, less than 2 worker threads can work with, before any state. \
          help: raise it to 176 or more, or lower `threads`"
        ]
    );
    assert_eq!(
        problems("[engine]\nthreads = 40\n", &[]),
        [
            "k.toml:2:11: error: [engine] `memory_mb` is 2048, less than 40 worker threads can work with, before any state. \
          help: raise it to 2304 or more, or lower `threads`"
        ]
    );
    assert_eq!(
        problems("", &[("KILAT__ENGINE__THREADS", "1000000000")]),
        ["KILAT__ENGINE__THREADS: error: [engine] `threads` is 1000000000. help: lower it to 1024 or less"]
    );
    parse(Some(("k.toml", "[engine]\nmemory_mb = 120\nthreads = 1\n")), none()).expect("just enough");
}
