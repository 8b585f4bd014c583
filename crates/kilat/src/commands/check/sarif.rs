//! Findings as SARIF 2.1.0, which code hosts show beside the lines they are about.
//!
//! In: findings as `--json` prints them. Out: one log with one run; every code of ours is a rule with its page as help.
//! Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, sections 3.13, 3.14, 3.19, 3.27, 3.49.

use kilat_rules::{Severity, codes};
use serde_json::{Value, json};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The log of these findings.
pub(super) fn log(findings: &[Value]) -> Value {
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kilat",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes::ALL.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            // Our columns count characters, not UTF-16 units.
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn rule(code: &codes::Code) -> Value {
    let page = super::super::explain::page(code);
    json!({
        "id": code.code,
        "name": code.name,
        "shortDescription": {"text": code.meaning},
        "help": {"text": page, "markdown": format!("{}\n\n```yaml\n{}```\n", code.meaning, code.example)},
        "defaultConfiguration": {"level": if code.severity == Severity::Error { "error" } else { "warning" }},
    })
}

fn result(finding: &Value) -> Value {
    let text = |key: &str| finding[key].as_str().unwrap_or_default();
    let mut result = json!({
        "ruleId": text("code"),
        "level": if text("severity") == "error" { "error" } else { "warning" },
        "message": {"text": format!("{}. help: {}", text("message"), text("help"))},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(text("file"))},
            "region": {"startLine": finding["line"], "startColumn": finding["column"]},
        }}],
    });
    // Codes of configurations have no page here; their rule is named and not described.
    if let Some(index) = codes::ALL.iter().position(|code| code.code == text("code")) {
        result["ruleIndex"] = index.into();
    }
    result
}

/// A path as a relative URI reference (RFC 3986): everything that may not stand there as it is, as `%` and two digits.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(byte.into()),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
