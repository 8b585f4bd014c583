//! Rule files that are too large, too deep or full of tricks: each is answered with findings that name a place, and none
//! panics or takes what it was not given.

use kilat_rules::{Loaded, check, compile, load};

/// Loads a text, compiles what loaded, and gives the codes found.
fn codes(text: &str) -> Vec<&'static str> {
    let Loaded { documents, diagnostics } = load("rules.yaml", text);
    for found in &diagnostics {
        assert!(found.line > 0 && found.column > 0 && !found.message.is_empty() && !found.help.is_empty(), "{found}");
    }
    let mut codes: Vec<&str> = diagnostics.iter().map(|found| found.code).collect();
    for document in &documents {
        codes.extend(compile(document).err().into_iter().flatten().map(|found| found.code));
    }
    codes
}

fn rule(id: usize, conditions: &str) -> String {
    format!(
        "  - {{id: r{id}, name: R, trigger: message.created, conditions: [{conditions}], actions: [{{type: block}}]}}\n"
    )
}

fn file(rules: impl Iterator<Item = String>) -> String {
    format!("workspace: acme\nrules:\n{}", rules.collect::<String>())
}

fn keyword(value: &str) -> String {
    format!("{{field: message.text, op: contains, value: {value}}}")
}

#[test]
fn a_file_of_ten_megabytes_is_read_and_one_over_the_limit_is_not() {
    let long = "x".repeat(8_000);
    let ten: String = file((0..1_300).map(|n| rule(n, &keyword("order")).replace("name: R", &format!("name: {long}"))));
    assert!(ten.len() > 10_000_000);
    assert_eq!(codes(&ten), [""; 0]);
    let over = format!("{ten}# {}", "x".repeat((16 << 20) - ten.len()));
    assert_eq!(codes(&over), ["K0003"]);
    assert_eq!(codes(&format!("{{\"a\": \"{}\"}}", "x".repeat(16 << 20))), ["K0003"]);
}

#[test]
fn a_hundred_thousand_keywords_are_taken_in_lists_of_ten_thousand() {
    let list = |from: usize, count: usize| {
        let words: Vec<String> = (from..from + count).map(|n| format!("k{n}")).collect();
        keyword(&format!("[{}]", words.join(", ")))
    };
    assert_eq!(codes(&file((0..10).map(|n| rule(n, &list(n * 10_000, 10_000))))), [""; 0]);
    assert_eq!(codes(&file(std::iter::once(rule(0, &list(0, 10_001))))), ["K0304"]);
}

#[test]
fn patterns_that_would_cost_too_much_are_refused() {
    let pattern = |text: &str| format!("{{field: message.text, op: matches, value: '{text}'}}");
    for hostile in [
        "(((a{100}){100}){100}){100}",
        r"(\pL{50}){50}",
        &"(a|b|c)".repeat(600),
        &"a?".repeat(2_048),
        &"(".repeat(300),
        &format!("{}{}", "(".repeat(250), ")".repeat(250)),
    ] {
        assert_eq!(codes(&file(std::iter::once(rule(0, &pattern(hostile))))), ["K0501"], "{hostile}");
    }
    // What is only bad for engines that try every way is good here.
    for harmless in ["(a+)+$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", ".*.*.*=.*"] {
        assert_eq!(codes(&file(std::iter::once(rule(0, &pattern(harmless))))), [""; 0], "{harmless}");
    }
}

#[test]
fn depth_is_bounded_in_groups_and_in_values() {
    let deep = |levels: usize| {
        let inner = keyword("x");
        (0..levels).fold(inner, |inner, _| format!("{{any: [{inner}]}}"))
    };
    assert_eq!(codes(&file(std::iter::once(rule(0, &deep(5))))), [""; 0]);
    assert_eq!(codes(&file(std::iter::once(rule(0, &deep(6))))), ["K0303"]);
    for open in ["[", "{\"a\":", "- ", "? "] {
        assert!(!codes(&open.repeat(50_000)).is_empty(), "{open}");
    }
    assert!(!codes(&format!("workspace: acme\nrules: {}{}", "[".repeat(10_000), "]".repeat(10_000))).is_empty());
}

#[test]
fn aliases_do_not_grow_a_file_beyond_its_limit() {
    let mut bomb = "x: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let copies = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("x{level}: &a{level} [{copies}]\n"));
    }
    assert_eq!(codes(&bomb), ["K0003"]);
    assert_eq!(codes("a: &a [*a]\n"), ["K0004"]);
    assert_eq!(codes("a: *nowhere\n").len(), 1);
    // An honest use of one.
    let shared = "workspace: acme\nrules:\n  - {id: a, name: A, trigger: lead.created, conditions: &c [{field: lead.city, op: equals, value: x}], actions: [{type: block}]}\n  - {id: b, name: B, trigger: lead.updated, conditions: *c, actions: [{type: block}]}\n";
    assert_eq!(codes(shared), [""; 0]);
}

#[test]
fn a_key_that_stands_twice_is_refused_in_yaml_and_json() {
    assert_eq!(codes("workspace: acme\nworkspace: beta\nrules: []\n"), ["K0002"]);
    assert_eq!(codes("{\"workspace\": \"acme\", \"workspace\": \"beta\", \"rules\": []}"), ["K0002"]);
    let twice = rule(0, "{field: lead.city, op: equals, op: not_equals, value: x}");
    assert_eq!(codes(&file(std::iter::once(twice))), ["K0002"]);
}

#[test]
fn numbers_that_are_none_or_too_large_are_told() {
    let priority = |value: &str| {
        codes(&file(std::iter::once(rule(0, "").replace("name: R", &format!("name: R, priority: {value}")))))
    };
    for value in ["1e400", "-1e400", "99999999999999999999", "1.5", "-1", "1e2.5"] {
        let found = priority(value);
        assert!(matches!(&found[..], ["K0215" | "K0103"]), "{value}: {found:?}");
    }
    for value in [".nan", ".inf", "-.inf", "NaN", "0x20", "0o17", "1_000", "١٢"] {
        assert_eq!(priority(value), ["K0103"], "{value}");
    }
    let score = |value: &str| {
        codes(&file(std::iter::once(rule(0, &format!("{{field: lead.score, op: gte, value: {value}}}")))))
    };
    for value in [".nan", ".inf", "1e400", "'NaN'", "eighty"] {
        assert_eq!(score(value), ["K0205"], "{value}");
    }
    for value in ["-5", "1e300", "9007199254740993", "'80'", "-0.0"] {
        assert_eq!(score(value), [""; 0], "{value}");
    }
}

#[test]
fn text_that_is_not_what_it_looks_like_is_answered() {
    // A byte order mark is passed over, also before JSON; other marks in keys and names are told.
    let plain = file(std::iter::once(rule(0, &keyword("x"))));
    assert_eq!(codes(&format!("\u{feff}{plain}")), [""; 0]);
    assert!(!codes(&plain.replace("trigger", "tri\u{200b}gger")).is_empty());
    assert!(!codes(&plain.replace("message.text", "message\u{202e}.text")).is_empty());
    assert!(!codes(&plain.replace("id: r0", "id: r\u{202e}0")).is_empty());
    assert!(!codes(&plain.replace("id: r0", "id: г0")).is_empty(), "a Cyrillic letter");
    // Nothing but invisible characters can never be found.
    let never = check("rules.yaml", &plain.replace("value: x", "value: \"\\u200b\\u200d\"")).diagnostics;
    assert_eq!(never.iter().map(|found| found.code).collect::<Vec<_>>(), ["K0603"]);
    for text in
        ["", "\u{0}", "\u{feff}", "---\n---\n", "null", "~", "[]", "\"", "{", "%YAML 9.9\n---\na", "\u{85}\u{2028}"]
    {
        let _ = codes(text);
    }
    for lone in [r#"{"workspace": "\ud800"}"#, r#"{"workspace": "\udc00\ud800"}"#, "workspace: \"\\ud800\"\n"] {
        assert!(!codes(lone).is_empty(), "{lone}");
    }
}

#[test]
fn of_very_many_errors_the_first_are_told_and_the_rest_counted() {
    let wrong = file((0..1_000).map(|n| rule(n, "{field: mesage.text, op: contians, value: x}")));
    let found = load("rules.yaml", &wrong).diagnostics;
    // Two to a rule.
    assert_eq!(found.len(), 500);
    let last = found.last().unwrap();
    assert!(last.help.ends_with("; 1500 further findings are not shown"), "{last}");
}
