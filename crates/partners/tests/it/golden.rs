//! Golden cases: `golden/<partner>/<case>.toml`, one request or one answer each.
//!
//! A render case gives secrets, the time and what of the action differs from [`base_action`], and expects a request or a
//! refusal. A classify case gives an answer and expects its verdict. Expected values are from the partner's documentation.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use kilat_domain::{Action, Timestamp, Verdict, Wait};
use kilat_partners::{ALL, HttpResponse, Partner, Secrets, partner_for};
use serde::Deserialize;
use toml::{Table, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "what", rename_all = "snake_case")]
enum Case {
    Render {
        now: String,
        secret: Option<String>,
        previous_secret: Option<String>,
        action: Table,
        expect: ExpectRequest,
    },
    Classify {
        status: u16,
        #[serde(default)]
        headers: std::collections::BTreeMap<String, String>,
        #[serde(default)]
        body: String,
        expect: ExpectAnswer,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum ExpectRequest {
    Request { url: String, headers: std::collections::BTreeMap<String, String>, body: String },
    Refusal { outcome: String, reason: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectAnswer {
    verdict: String,
    scope: Option<String>,
    /// `schedule`, `powers_of_four`, or seconds.
    wait: Option<String>,
    reason: Option<String>,
    partner_ref: Option<String>,
}

fn base_action() -> Table {
    toml::from_str(
        r#"
        id = "01JACT0000000000000000TEST"
        workspace = "acme"
        conversation = "wa:6281110001:6281200000001"
        event_id = "e1"
        rule = "hot-lead"
        rule_version = 3
        index = 0
        created_at = 1795165200000
        on_unknown = "resend"
        gate = { blocked = false }
        "#,
    )
    .unwrap()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn cases(partner: &dyn Partner) -> Vec<(String, Case)> {
    let folder = folder().join(partner.name());
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("no golden cases of {}: {error}", partner.name()));
    let mut found: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            assert!(path.extension().is_some_and(|e| e == "toml"), "{} is no golden case", path.display());
            let text = fs::read_to_string(&path).unwrap();
            let case = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path.display().to_string(), case)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn every_partner_makes_the_requests_and_reads_the_answers_of_its_cases() {
    for partner in ALL {
        for (name, case) in cases(*partner) {
            match case {
                Case::Render { now, secret, previous_secret, action, expect } => {
                    let secrets = Secrets { current: secret.as_deref(), previous: previous_secret.as_deref() };
                    check_render(&name, *partner, &now, &secrets, action, expect);
                }
                Case::Classify { status, headers, body, expect } => {
                    let headers: Vec<_> = headers.into_iter().collect();
                    let response = HttpResponse { status, headers: &headers, body: body.as_bytes() };
                    check_classify(&name, *partner, &response, &expect);
                }
            }
        }
    }
}

fn check_render(
    name: &str,
    partner: &dyn Partner,
    now: &str,
    secrets: &Secrets<'_>,
    differs: Table,
    expect: ExpectRequest,
) {
    let mut table = base_action();
    table.extend(differs);
    let action: Action<'_> = Value::Table(table).try_into().unwrap_or_else(|error| panic!("{name}: {error}"));
    let now: Timestamp = now.parse().unwrap();
    assert_eq!(partner_for(&action).unwrap().name(), partner.name(), "{name}");
    let rendered = partner.render(&action, secrets, now);
    match expect {
        ExpectRequest::Refusal { outcome, reason } => {
            let refusal = rendered.expect_err(name);
            let found = format!("{:?}", refusal.outcome).to_lowercase();
            assert_eq!((found.as_str(), refusal.reason), (outcome.as_str(), reason.as_str()), "{name}");
        }
        ExpectRequest::Request { url, headers, body } => {
            let request = rendered.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
            assert_eq!(request.url, url, "{name}");
            let found = request.headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
            assert_eq!(headers, found, "{name}");
            let json = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
            assert_eq!(json(body.as_bytes()), json(&request.body), "{name}");
            // P-3.
            let shown = format!("{request:?}{secrets:?}");
            assert!(secrets.current.is_none_or(|secret| !shown.contains(secret)), "{name}: {shown}");
            // P-1.
            let later = partner.render(&action, secrets, now.after(Duration::from_secs(60))).unwrap();
            let carries_id = |r: &kilat_partners::HttpRequest| {
                let id = action.id.as_str();
                r.headers.iter().any(|(_, v)| v == id) || String::from_utf8_lossy(&r.body).contains(id)
            };
            assert!(carries_id(&request) && carries_id(&later), "{name}");
            assert_eq!(request.body, later.body, "{name}: the body changed between tries");
        }
    }
}

fn check_classify(name: &str, partner: &dyn Partner, response: &HttpResponse<'_>, expect: &ExpectAnswer) {
    let answer = partner.classify(response);
    assert_eq!(answer.verdict.name(), expect.verdict, "{name}: {answer:?}");
    let (scope, wait) = match answer.verdict {
        Verdict::Throttled { scope, wait } => {
            let wait = match wait {
                Wait::Schedule => "schedule".to_owned(),
                Wait::PowersOfFour => "powers_of_four".to_owned(),
                Wait::AtLeast(least) => least.as_secs().to_string(),
            };
            (Some(format!("{scope:?}").to_lowercase()), Some(wait))
        }
        _ => (None, None),
    };
    assert_eq!((scope, wait), (expect.scope.clone(), expect.wait.clone()), "{name}");
    assert_eq!(answer.reason, expect.reason.as_deref(), "{name}");
    assert_eq!(answer.partner_ref, expect.partner_ref, "{name}");
    assert!(answer.detail.as_deref().unwrap_or_default().chars().count() <= kilat_partners::DETAIL_CHARS_MAX, "{name}");
}

#[test]
fn every_partner_has_cases_for_what_it_sends_refuses_and_may_hear() {
    for partner in ALL {
        let mut seen = BTreeSet::new();
        for (_, case) in cases(*partner) {
            seen.insert(match case {
                Case::Render { expect: ExpectRequest::Request { .. }, .. } => "a request".to_owned(),
                Case::Render { expect: ExpectRequest::Refusal { .. }, .. } => "a refusal".to_owned(),
                Case::Classify { expect, .. } => expect.verdict,
            });
        }
        for wanted in ["a request", "a refusal", "delivered", "throttled", "transient", "rejected"] {
            assert!(seen.contains(wanted), "golden/{}: no case for {wanted}", partner.name());
        }
    }
}

#[test]
fn every_folder_of_cases_belongs_to_a_partner() {
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(ALL.iter().any(|partner| *partner.name() == *name), "golden/{} is orphaned", name.display());
    }
}

#[test]
fn no_answer_at_all_is_taken_for_success_without_its_proof() {
    // Whatever the status and however broken the body, there is a verdict; and only 2xx may be a success.
    for partner in ALL {
        for status in 100..=599 {
            for body in ["", "{", "null", "[]", "{\"error\":{}}", "{\"error\":{\"code\":\"x\"}}", "\u{0}\u{1}"] {
                let answer = partner.classify(&HttpResponse { status, headers: &[], body: body.as_bytes() });
                let delivered = answer.verdict == Verdict::Delivered;
                assert!(!delivered || (200..300).contains(&status), "{} {status} {body:?}", partner.name());
            }
        }
    }
}
