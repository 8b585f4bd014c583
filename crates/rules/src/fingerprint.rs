//! What tells documents that decide alike from others.
//!
//! In: a document as it is read. Out: a [`Fingerprint`] over all of it but for whose rules they are, its test cases, and
//! since when its rules are live where none of them asks.
//! FP-1: documents of one fingerprint are compiled to the same. The other way round it is not promised: what is written
//! otherwise has another one, even where it means the same.

use sha2::{Digest, Sha256};

use crate::syntax::{Content, Entry, Node};

/// Names what a document is compiled to. Authors of different workspaces do not trust each other: it is a SHA-256, so that
/// nobody can write rules that pass for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// The fingerprint of a document.
pub(crate) fn of(document: &Node) -> Fingerprint {
    let mut bytes = Vec::new();
    let mut digest = Sha256::new();
    let Content::Map(entries) = &document.content else { return Fingerprint(digest.finalize().into()) };
    for Entry { key, value, .. } in entries.iter().filter(|entry| !matches!(&*entry.key, "workspace" | "tests")) {
        put_text(key, &mut bytes);
        match &value.content {
            Content::List(rules) if &**key == "rules" => {
                bytes.extend_from_slice(&(rules.len() as u64).to_le_bytes());
                for rule in rules {
                    put_rule(rule, &mut bytes);
                    digest.update(&bytes);
                    bytes.clear();
                }
            }
            _ => put(value, &mut bytes),
        }
    }
    digest.update(&bytes);
    Fingerprint(digest.finalize().into())
}

fn put_rule(rule: &Node, bytes: &mut Vec<u8>) {
    let Content::Map(entries) = &rule.content else { return put(rule, bytes) };
    // A rule for new conversations alone asks since when it is live (D-41).
    let is_for_all =
        rule.get("apply_to").is_none_or(|node| matches!(&node.content, Content::Text(to) if &**to == "all"));
    let entries = entries.iter().filter(|entry| !is_for_all || &*entry.key != "live_since");
    put_entries(entries, bytes);
}

/// Every value begins with its type, and what has no fixed length ends with a mark or begins with its length: no two
/// values have the same bytes.
pub(crate) fn put(node: &Node, bytes: &mut Vec<u8>) {
    match &node.content {
        Content::Null => bytes.push(b'0'),
        Content::Bool(flag) => bytes.push(if *flag { b't' } else { b'f' }),
        Content::Number(_, spelling) => {
            bytes.push(b'n');
            put_text(spelling, bytes);
        }
        Content::Text(text) => put_text(text, bytes),
        Content::List(items) => {
            bytes.push(b'[');
            items.iter().for_each(|item| put(item, bytes));
            bytes.push(b']');
        }
        Content::Map(entries) => put_entries(entries.iter(), bytes),
    }
}

fn put_entries<'n>(entries: impl Iterator<Item = &'n Entry>, bytes: &mut Vec<u8>) {
    bytes.push(b'{');
    for entry in entries {
        put_text(&entry.key, bytes);
        put(&entry.value, bytes);
    }
    bytes.push(b'}');
}

fn put_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(b'"');
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use crate::load;

    /// The fingerprint of a document of one rule, with these keys beside its id, trigger and actions.
    fn fingerprint(workspace: &str, settings: &str, rule: &str) -> super::Fingerprint {
        let text = format!(
            "workspace: {workspace}\nsettings: {{{settings}}}\n\
             rules: [{{id: r, trigger: lead.created, actions: [{{type: block}}]{rule}}}]\n"
        );
        let loaded = load("rules.yaml", &text);
        assert_eq!(loaded.documents.len(), 1, "{:#?}", loaded.diagnostics);
        loaded.documents[0].fingerprint().expect("it was read as a whole")
    }

    #[test]
    fn whose_rules_they_are_and_since_when_does_not_count_and_everything_else_does() {
        let since = |at: u32| format!(", live_since: 2026-11-{at}T00:00:00Z");
        let first = fingerprint("acme", "", &since(20));
        assert_eq!(fingerprint("globex", "", &since(20)), first);
        assert_eq!(fingerprint("acme", "", &since(21)), first, "nothing hangs on it");
        for rule in [", version: 2", ", name: Other", ", enabled: false", ", priority: 60"] {
            assert_ne!(fingerprint("acme", "", &(since(20) + rule)), first, "{rule}");
        }
        assert_ne!(fingerprint("acme", "currency: USD", &since(20)), first);
        let new = |at: u32| fingerprint("acme", "", &(since(at) + ", apply_to: new_conversations"));
        assert_eq!(new(20), new(20));
        assert_ne!(new(20), new(21), "which conversations are new hangs on it");
    }

    #[test]
    fn what_is_nested_otherwise_is_another_document() {
        let value = |value: &str| {
            fingerprint("acme", "", &format!(", conditions: [{{field: lead.attrs.a, op: equals, value: {value}}}]"))
        };
        let values = ["a", "[a]", "[a, b]", "[ab]", "1", "'1'", "1.0", "true", "'true'"];
        for (at, one) in values.iter().enumerate() {
            for other in &values[at + 1..] {
                assert_ne!(value(one), value(other), "{one} and {other}");
            }
        }
    }
}
