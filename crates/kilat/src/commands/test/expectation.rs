//! Expected decisions against those that came.
//!
//! Input: expectations and decisions, both in order. Output: every gap between them, a line each; none where all is as
//! expected. An expectation speaks of the keys it gives only.

use kilat_rules::RuleSet;
use serde_json::{Map, Value};

use super::{Played, why};

/// Every gap between what was expected and what came, with the reasons where they are known.
pub(super) fn gaps(expected: &[Value], played: &Played, rules: Option<&RuleSet>) -> Vec<String> {
    let came = &*played.decisions;
    let mut gaps = Vec::new();
    let (mut next_expected, mut next_came) = (0, 0);
    // Between two decisions that match, what is left over on both sides is told side by side.
    for (e, c) in pairs(expected, came).into_iter().chain([(expected.len(), came.len())]) {
        tell(&expected[next_expected..e], &came[next_came..c], played, rules, &mut gaps);
        (next_expected, next_came) = (e + 1, c + 1);
    }
    gaps
}

/// The longest run of matching pairs, in order on both sides.
fn pairs(expected: &[Value], came: &[Value]) -> Vec<(usize, usize)> {
    let fits: Vec<Vec<bool>> =
        expected.iter().map(|e| came.iter().map(|c| differences(e, c).is_empty()).collect()).collect();
    let mut longest = vec![vec![0u32; came.len() + 1]; expected.len() + 1];
    for e in (0..expected.len()).rev() {
        for c in (0..came.len()).rev() {
            let skipping = longest[e + 1][c].max(longest[e][c + 1]);
            longest[e][c] = if fits[e][c] { skipping.max(1 + longest[e + 1][c + 1]) } else { skipping };
        }
    }
    let (mut e, mut c) = (0, 0);
    let mut pairs = Vec::new();
    while e < expected.len() && c < came.len() {
        if fits[e][c] && longest[e][c] == 1 + longest[e + 1][c + 1] {
            pairs.push((e, c));
            (e, c) = (e + 1, c + 1);
        } else if longest[e + 1][c] >= longest[e][c + 1] {
            e += 1;
        } else {
            c += 1;
        }
    }
    pairs
}

fn tell(expected: &[Value], came: &[Value], played: &Played, rules: Option<&RuleSet>, gaps: &mut Vec<String>) {
    let mut left: Vec<&Value> = came.iter().collect();
    for e in expected {
        // What is said of an event is compared with what came of it; the rest goes by order.
        let same_event = |c: &&Value| e["event_id"].is_null() || e["event_id"] == c["event_id"];
        let Some(at) = left.iter().position(same_event) else {
            gaps.push(format!("expected, and did not come: {}", shown(e)));
            gaps.extend(why::not_fired(e, None, played, rules).map(|why| format!("  {why}")));
            continue;
        };
        let c = left.remove(at);
        gaps.push(format!("the decision on {} differs:", event_of(c)));
        gaps.extend(differences(e, c).into_iter().map(|difference| format!("  {difference}")));
        gaps.extend(why::not_fired(e, Some(c), played, rules).map(|why| format!("  {why}")));
    }
    for c in left {
        gaps.push(format!("came, and was not expected, on {}: {}", event_of(c), shown(c)));
    }
}

fn event_of(decision: &Value) -> String {
    let word = |key: &str| decision[key].as_str().unwrap_or("?").to_owned();
    format!("{} ({})", word("event_id"), word("type"))
}

/// A decision as a case would expect it: without what a case has no reason to say.
fn shown(decision: &Value) -> Value {
    let keep = |value: &Value, keys: &[&str]| -> Map<String, Value> {
        let entries = value.as_object().into_iter().flatten();
        let kept = entries.filter(|(key, value)| keys.contains(&key.as_str()) && !value.is_null());
        kept.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let mut shown = keep(decision, &["event_id", "fired", "refused", "stopped_by"]);
    if shown.get("refused") == Some(&Value::Array(Vec::new())) {
        shown.remove("refused");
    }
    for fired in shown.get_mut("fired").and_then(Value::as_array_mut).into_iter().flatten() {
        let mut short = keep(fired, &["rule", "actions"]);
        for action in short.get_mut("actions").and_then(Value::as_array_mut).into_iter().flatten() {
            *action = Value::Object(keep(action, &["type", "result", "reason", "from", "to"]));
        }
        *fired = Value::Object(short);
    }
    Value::Object(shown)
}

/// How a decision differs from what is expected of it: `fired[0].rule: expected "a", got "b"`.
fn differences(expected: &Value, came: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, came, &mut String::new(), &mut found);
    found
}

fn compare(expected: &Value, came: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match (expected, came) {
        (Value::Object(expected), Value::Object(came)) => {
            for (key, value) in expected {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(key);
                compare(value, came.get(key).unwrap_or(&Value::Null), path, found);
                path.truncate(length);
            }
        }
        (Value::Array(expected), Value::Array(came)) => {
            if expected.len() != came.len() {
                let (want, got) = (expected.len(), came.len());
                let got_items = Value::Array(came.iter().map(brief).collect());
                found.push(format!("{path}: expected {want} element{}, got {got}: {got_items}", plural(want)));
            }
            for (index, (expected, came)) in expected.iter().zip(came).enumerate() {
                path.push_str(&format!("[{index}]"));
                compare(expected, came, path, found);
                path.truncate(length);
            }
        }
        // 3 and 3.0 are one number.
        (Value::Number(expected), Value::Number(came)) if expected.as_f64() == came.as_f64() => {}
        (expected, came) if expected == came => {}
        (expected, came) => found.push(format!("{path}: expected {expected}, got {came}")),
    }
}

/// A member of a list without what nobody expects.
fn brief(member: &Value) -> Value {
    let mut shown = shown(&serde_json::json!({"fired": [member]}));
    match shown["fired"][0].take() {
        Value::Object(rule) if rule.contains_key("rule") => Value::Object(rule),
        _ => member.clone(),
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expectation_speaks_of_the_keys_it_gives() {
        let came = json!({"event_id": "e1", "fired": [{"rule": "a", "version": 1}], "stopped_by": null, "depth": 0});
        for expected in [
            json!({}),
            json!({"event_id": "e1"}),
            json!({"fired": [{"rule": "a"}]}),
            json!({"depth": 0.0}),
            json!({"stopped_by": null, "not_there": null}),
        ] {
            assert_eq!(differences(&expected, &came), Vec::<String>::new(), "{expected}");
        }
        let differs = [
            (json!({"event_id": "e2"}), "event_id: expected \"e2\", got \"e1\""),
            (json!({"fired": [{"rule": "b"}]}), "fired[0].rule: expected \"b\", got \"a\""),
            (json!({"fired": []}), "fired: expected 0 elements, got 1: [{\"rule\":\"a\"}]"),
            (json!({"depth": 1}), "depth: expected 1, got 0"),
        ];
        for (expected, told) in differs {
            assert_eq!(differences(&expected, &came), [told]);
        }
    }

    #[test]
    fn a_gap_in_the_middle_leaves_the_rest_matched() {
        let decision = |id: &str| json!({"event_id": id, "type": "message.created"});
        let gaps = |expected: &[Value], came: &[Value]| {
            gaps(expected, &Played { decisions: came.to_vec(), looked: Vec::new() }, None)
        };
        let all = [decision("e1"), decision("e2"), decision("e3")];
        assert_eq!(gaps(&all, &all), Vec::<String>::new());
        assert_eq!(
            gaps(&[decision("e1"), decision("e3")], &all),
            ["came, and was not expected, on e2 (message.created): {\"event_id\":\"e2\"}"]
        );
        assert_eq!(
            gaps(&all, &[decision("e1"), decision("e3")]),
            ["expected, and did not come: {\"event_id\":\"e2\"}"]
        );
        let mut other = decision("e2");
        other["type"] = json!("lead.created");
        assert_eq!(
            gaps(&[decision("e1"), other, decision("e3")], &all),
            [
                "the decision on e2 (message.created) differs:",
                "  type: expected \"lead.created\", got \"message.created\""
            ]
        );
    }
}
