//! Corpora of authors: what is refused, and how it is said.

use crate::load;

/// The codes, messages and helps for an action or a condition with a corpus.
fn check(condition: &str, action: &str) -> Vec<String> {
    let text = format!(
        "workspace: acme\nrules: [{{id: r, trigger: message.created, conditions: [{condition}], actions: [{action}]}}]\n"
    );
    load("r", &text).diagnostics.iter().map(|found| format!("{}: {}", found.code, found.message)).collect()
}

const TAG: &str = "{type: add_tag, value: vip}";

#[test]
fn a_pattern_that_fulfils_its_corpus_loads() {
    for action in [
        r#"{type: update_value, pattern: 'lunas ([0-9.,]+)', corpus: {matches: [{text: Lunas 1.500.000 ya, value: 1500000},
            LUNAS 50.000], rejects: [belum lunas, {text: "lunas 12.5", reason: ambiguous}]}}"#,
        r#"{type: update_value, pattern: '\$([0-9.]+)', corpus: {matches: [{text: $15, value: "15 IDR"}]}}"#,
        r#"{type: update_value, target: lead.city, pattern: 'kota (\w+)', corpus: {matches: [{text: di kota Bandung,
            value: Bandung}], rejects: [di desa, {text: kota Bogor atau kota Depok, reason: ambiguous}]}}"#,
        r#"{type: update_value, preset: total, policy: last, corpus: {matches: [{text: "Total: 5, total: 6", value: 6}]}}"#,
    ] {
        assert_eq!(check("", action), Vec::<String>::new(), "{action}");
    }
}

#[test]
fn the_first_text_that_breaks_is_told() {
    for (action, told) in [
        (
            r#"{type: update_value, pattern: 'lunas ([0-9.,]+)', corpus: {matches: [Lunas 50.000, lunas ya]}}"#,
            "K0505: the pattern breaks its corpus: in \"lunas ya\" it must find something, and finds nothing (no_match)",
        ),
        (
            r#"{type: update_value, pattern: 'Rp ?([0-9]+)', corpus: {matches: [{text: Rp 1.500, value: 1500}]}}"#,
            "K0505: the pattern breaks its corpus: in \"Rp 1.500\" it must find 1500, and finds 1 IDR",
        ),
        (
            r#"{type: update_value, pattern: '([0-9]+)', corpus: {rejects: [order 4455]}}"#,
            "K0505: the pattern breaks its corpus: in \"order 4455\" it must find nothing, and finds 4455 IDR",
        ),
        (
            r#"{type: update_value, preset: total, corpus: {rejects: [{text: "Total: 12.5", reason: no_match}]}}"#,
            "K0505: the preset breaks its corpus: in \"Total: 12.5\" it must find nothing (no_match), and finds nothing \
             (ambiguous)",
        ),
    ] {
        assert_eq!(check("", action), [told], "{action}");
    }
}

#[test]
fn a_condition_on_the_message_text_may_have_a_corpus() {
    let with = |condition: &str| check(&format!("{{field: message.text, {condition}}}"), TAG);
    for condition in [
        "op: contains, value: [order, beli], corpus: {matches: [mau ORDER, 'beli dua'], rejects: [halo]}",
        "op: not_contains, value: stop, corpus: {matches: [halo], rejects: [tolong STOP]}",
        "op: contains_word, value: lapor, corpus: {matches: ['saya lapor!'], rejects: [laporan bulan ini]}",
        r"op: matches, value: 'hadir\s+[A-Z]{3}', corpus: {matches: [Hadir ABC], rejects: [tidak hadir]}",
        "op: exact_phrase, value: halo, corpus: {matches: ['Halo!'], rejects: [halo kak]}",
    ] {
        assert_eq!(with(condition), Vec::<String>::new(), "{condition}");
    }
    assert_eq!(
        with("op: contains, value: order, corpus: {matches: [mau pesan]}"),
        ["K0505: the condition breaks its corpus: on \"mau pesan\" the condition must hold, and does not"]
    );
    assert_eq!(
        with("op: contains, value: order, corpus: {rejects: [recorder]}"),
        ["K0505: the condition breaks its corpus: on \"recorder\" the condition must not hold, and does"]
    );
    assert_eq!(
        with("op: contains, value: order, corpus: {matches: [{text: order, value: 1}]}"),
        ["K0205: the corpus of a condition finds no values"]
    );
    assert_eq!(
        check("{field: lead.status, op: equals, value: hot, corpus: {matches: [hot]}}", TAG),
        ["K0205: a corpus cannot prove a condition on `lead.status`"]
    );
}

#[test]
fn a_corpus_changes_neither_hash_nor_meaning() {
    let rules = |corpus: &str| {
        let text = format!(
            "workspace: a\nrules: [{{id: r, trigger: message.created, actions: [{TAG}], conditions: [{{field: message.text, \
             op: contains, value: order{corpus}}}]}}]\n"
        );
        load("r", &text).documents.remove(0).hash()
    };
    assert_eq!(rules(""), rules(", corpus: {matches: [order]}"));
}

#[test]
fn a_malformed_corpus_is_a_finding() {
    for (corpus, code) in [
        ("[order]", "K0103"),
        ("{matches: order}", "K0103"),
        ("{match: [order]}", "K0101"),
        ("{matches: [{value: 1}]}", "K0102"),
        ("{rejects: [{text: a, reason: because}]}", "K0206"),
    ] {
        let found = check("", &format!("{{type: update_value, preset: total, corpus: {corpus}}}"));
        assert!(found.len() == 1 && found[0].starts_with(code), "{corpus}: {found:?}");
    }
}
