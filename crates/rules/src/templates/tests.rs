//! F-23, F-221 and A 4: what ships is clean, installs in both languages, and refuses what is broken.

use std::path::Path;

use super::{ALL, describe, find, install};
use crate::params::Type;
use crate::{Diagnostic, Language, load};

fn told(findings: &[Diagnostic]) -> Vec<String> {
    findings.iter().map(|found| format!("{}: {}. {}", found.code, found.message, found.help)).collect()
}

/// Installs a template that ships with these params set.
fn installed(name: &str, set: &[(&str, &str)]) -> Result<String, Vec<String>> {
    let shipped = find(name).unwrap_or_else(|| panic!("{name} ships"));
    install(name, shipped.text, set, Language::English, None)
        .map(|installed| installed.text)
        .map_err(|findings| told(&findings))
}

/// A value that fits the type and is not the default.
fn other(of: &str, example: Option<&str>) -> String {
    let at = Type::NAMES.iter().position(|name| *name == of).expect("a type");
    if let Some(example) = example {
        return example.to_owned();
    }
    match Type::ALL[at] {
        Type::Text => "something-else",
        Type::Number => "7",
        Type::Flag => "false",
        Type::Keywords => "satu, \"dua, tiga\", empat",
        Type::Status => "negotiation",
        Type::Endpoint => "other",
        Type::Channel => "+62 811-1000-2",
        Type::Duration => "2d",
        Type::Money => "1,5jt",
        Type::Url => "https://other.example/hook",
        Type::Secret => "file:/run/secrets/other",
        Type::Hours => "08:00-12:00,13:00-16:00",
        Type::Dates => "2027-05-01",
    }
    .to_owned()
}

#[test]
fn the_folder_and_the_list_are_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/templates");
    let entries = std::fs::read_dir(folder).expect("the templates");
    let mut files: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    let names: Vec<String> = ALL.iter().map(|shipped| format!("{}.yaml", shipped.name)).collect();
    assert_eq!(names, files);
}

#[test]
fn every_template_is_clean_in_both_languages_and_reads_back_as_it_was() {
    for shipped in ALL {
        let loaded = load(shipped.name, shipped.text);
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        assert_eq!(loaded.documents.len(), 1, "{}", shipped.name);
        let mut hashes = Vec::new();
        for (_, language) in Language::ALL {
            let installed = install(shipped.name, shipped.text, &[], language, None)
                .unwrap_or_else(|findings| panic!("{}: {:#?}", shipped.name, told(&findings)));
            assert!(installed.warnings.is_empty(), "{:#?}", installed.warnings);
            let again = load("installed", &installed.text);
            assert!(again.diagnostics.is_empty(), "{:#?}\n{}", again.diagnostics, installed.text);
            assert!(!installed.text.contains("${"), "{}", installed.text);
            let document = &again.documents[0];
            assert!(document.tests().len() >= 3, "{} has too few cases", shipped.name);
            assert_eq!(document.tests(), strip_lines(&loaded.documents[0], document).as_slice(), "{}", shipped.name);
            hashes.push(document.hash());
        }
        assert_eq!(hashes[0], loaded.documents[0].hash(), "{}: English is what the file itself is", shipped.name);
        assert_ne!(hashes[0], hashes[1], "{} says the same in both languages", shipped.name);
    }
}

/// The cases of a template, with what the language and the place of an installed file change.
fn strip_lines(template: &crate::Document, installed: &crate::Document) -> Vec<crate::Case> {
    let cases = template.tests().iter().zip(installed.tests());
    let mut cases: Vec<crate::Case> = cases
        .map(|(template, installed)| crate::Case {
            line: installed.line,
            events: installed.events.clone(),
            ..template.clone()
        })
        .collect();
    cases.truncate(installed.tests().len());
    cases
}

#[test]
fn every_template_and_param_is_described_in_both_languages() {
    for shipped in ALL {
        let [english, indonesian] = Language::ALL
            .map(|(_, language)| describe(shipped.name, shipped.text, language).expect("a template that reads"));
        assert!(!english.params.is_empty() && !english.description.is_empty(), "{}", shipped.name);
        assert_ne!(english.name, indonesian.name, "{}", shipped.name);
        assert_ne!(english.description, indonesian.description, "{}", shipped.name);
        for (english, indonesian) in english.params.iter().zip(&indonesian.params) {
            let name = format!("{}.{}", shipped.name, english.name);
            assert!(english.description.ends_with('.') && indonesian.description.ends_with('.'), "{name}");
            assert_ne!(english.description, indonesian.description, "{name}");
        }
    }
}

#[test]
fn every_param_can_be_set_to_something_else_and_what_comes_out_is_clean() {
    for shipped in ALL {
        let described = describe(shipped.name, shipped.text, Language::English).expect("a template that reads");
        for param in &described.params {
            let value = other(param.type_name, param.example.as_deref());
            let text = installed(shipped.name, &[(&param.name, &value)])
                .unwrap_or_else(|why| panic!("{}.{}={value}: {why:#?}", shipped.name, param.name));
            let loaded = load("installed", &text);
            assert!(loaded.diagnostics.is_empty(), "{:#?}\n{text}", loaded.diagnostics);
            let default = load("default", shipped.text).documents.remove(0);
            let is_same = loaded.documents[0].hash() == default.hash();
            assert_eq!(is_same, value == param.default, "{}.{} changes nothing", shipped.name, param.name);
        }
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_param_and_a_remedy() {
    for (name, param, value, expected) in [
        (
            "mark-active-lead",
            "messages",
            "two",
            "K0217: the value of the param `messages` is `two`, which is no number. write a number such as 3",
        ),
        (
            "mark-active-lead",
            "messages",
            "-1",
            "K0217: the value of the param `messages` is -1, which is too little. write at least 0",
        ),
        (
            "mark-active-lead",
            "to",
            "respnded",
            "K0217: the value of the param `to` is `respnded`, which is no status. did you mean `responded`?",
        ),
        (
            "identify-hot-lead",
            "keywords",
            " , ",
            "K0217: the value of the param `keywords` is `,`, which is no list of keywords. write words between commas, such \
             as order,\"buy one, get one\",booking; for example --set keywords='order,booking,mau beli'",
        ),
        (
            "lead-captured",
            "crm_secret",
            "hunter2",
            "K0217: the value of the param `crm_secret` is no reference to a secret. write env:NAME or file:PATH, and put \
             the secret there",
        ),
        (
            "lead-captured",
            "crm_url",
            "crm.example",
            "K0217: the value of the param `crm_url` cannot be used: the address is not http(s). write an address such as \
             https://crm.example/hook",
        ),
        ("vip-routing", "pol", "a", "K0218: there is no param `pol`. did you mean `pool`?"),
        ("vip-routing", "pool", "", "K0217: the value of the param `pool` is empty. write a text"),
        (
            "after-hours-reply",
            "timezone",
            "Asia/Jakrata",
            "K0212: the value of the param `timezone` cannot be used: `Asia/Jakrata` is no time zone. write an IANA name such \
             as Asia/Jakarta",
        ),
        (
            "voucher-validation",
            "pattern",
            "VCR-[0-9]+",
            "K0502: the value of the param `pattern` cannot be used: the pattern has no group, so there is nothing to \
             extract. put round brackets around what is meant, or name a group `value`",
        ),
    ] {
        assert_eq!(installed(name, &[(param, value)]), Err(vec![expected.to_owned()]), "{name} {param}={value}");
    }
}

#[test]
fn amounts_are_set_as_people_write_them() {
    let template = "params: {least: {type: money, default: 1000000, min: 1}}\nworkspace: acme\nrules: [{id: r, trigger: \
        new_lead, conditions: [{field: lead.value.estimated, op: gte, value: '${least}'}], actions: [{type: block}]}]\n";
    let least = |value: &str| install("t", template, &[("least", value)], Language::English, None);
    for (value, amount) in
        [("1,5jt", "value: 1500000}"), ("Rp 2.000.000", "value: 2000000}"), ("750rb", "value: 750000}")]
    {
        let text = least(value).expect("fits").text;
        assert!(text.contains(amount), "{value}\n{text}");
    }
    assert_eq!(
        told(&least("12.5").expect_err("two readings")),
        [
            "K0217: the value of the param `least` is `12.5`, which is no amount of money. write an amount such as 1.500.000 \
          or 1,5jt"
        ]
    );
    assert!(
        told(&least("$5").expect_err("another currency"))[0].contains("is in USD, and the workspace counts in IDR")
    );
}

#[test]
fn a_template_whose_corpus_is_broken_is_not_installed_whatever_the_values() {
    let shipped = find("identify-hot-lead").expect("ships").text;
    let broken = shipped.replacen("- booking\n", "- boking\n", 1);
    assert_ne!(broken, shipped);
    let findings = install("t", &broken, &[("keywords", "beli")], Language::English, None).expect_err("refused");
    assert_eq!(
        findings[0].message,
        "the condition breaks its corpus: on \"Bisa BOOKING untuk besok?\" the condition must hold, and does not"
    );
    let line = broken.lines().position(|line| line.contains("Bisa BOOKING untuk")).expect("the text") + 1;
    assert_eq!((findings.len(), findings[0].code, findings[0].line), (1, "K0505", line));
}

#[test]
fn the_workspace_is_put_in_and_the_way_it_was_made_is_told() {
    let shipped = find("refund-routing").expect("ships");
    let set = [("pool", "tim uang"), ("keywords", "refund,\"uang, kembali\"")];
    let installed =
        install("refund-routing", shipped.text, &set, Language::Indonesian, Some("acme")).expect("installs");
    let mut lines = installed.text.lines();
    assert_eq!(
        lines.next(),
        Some("# Rute pengembalian dana: Permintaan pengembalian dana diberi tag dan diteruskan ke tim penagihan.")
    );
    assert_eq!(
        lines.next(),
        Some("# Made by: kilat rules install refund-routing --lang id --workspace acme --set 'pool=tim uang' --set")
    );
    assert_eq!(lines.next(), Some("# 'keywords=refund,\"uang, kembali\"'"));
    assert_eq!(lines.next(), Some("workspace: acme"));
    assert!(installed.text.contains("value: [refund, \"uang, kembali\"]"), "{}", installed.text);
}
