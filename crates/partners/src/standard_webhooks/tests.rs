//! The signature against the official Python library's, computed over a sample body, for both keys of a rotation.

use std::fs;
use std::path::Path;

use super::signature;

#[test]
fn the_signature_is_that_of_the_official_library_for_both_secrets() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/partners/samples");
    let Ok(vectors) = fs::read_to_string(samples.join("signatures/vectors.json")) else {
        eprintln!("SKIPPED: {} is absent", samples.display());
        return;
    };
    let vectors: serde_json::Value = serde_json::from_str(&vectors).unwrap();
    let vector = &vectors["standard_webhooks_v1"];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let body = fs::read(samples.join(text(&vector["file"]))).unwrap();
    let headers = &vector["headers"];
    let (id, seconds) = (text(&headers["webhook-id"]), text(&headers["webhook-timestamp"]));
    let both = ["secret", "rotated_secret"].map(|key| signature(&text(&vector[key]), &id, &seconds, &body).unwrap());
    assert_eq!(both.join(" "), text(&headers["webhook-signature"]));
}

#[test]
fn a_secret_that_is_not_base64_is_refused_without_showing_it() {
    let refusal = signature("not base64!", "id", "1", b"{}").unwrap_err();
    assert_eq!(refusal.reason, "secret_invalid");
    assert!(!refusal.detail.contains("not base64!"));
}
