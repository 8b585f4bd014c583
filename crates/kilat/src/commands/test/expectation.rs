//! Expected decisions against those that came.
//!
//! Input: expectations and decisions, both in order. Output: every gap between them, a line each; none where all is as
//! expected. An expectation speaks of the keys it gives only.

use serde_json::Value;

/// Every gap between what was expected and what came.
pub(super) fn gaps(expected: &[Value], came: &[Value]) -> Vec<String> {
    let mut gaps = Vec::new();
    let (mut next_expected, mut next_came) = (0, 0);
    // Between two decisions that match, what is left over on both sides is told side by side.
    for (e, c) in pairs(expected, came).into_iter().chain([(expected.len(), came.len())]) {
        tell(&expected[next_expected..e], &came[next_came..c], &mut gaps);
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

fn tell(expected: &[Value], came: &[Value], gaps: &mut Vec<String>) {
    for (e, c) in expected.iter().zip(came) {
        gaps.push(format!("the decision on {} differs:", event_of(c)));
        gaps.extend(differences(e, c).into_iter().map(|difference| format!("  {difference}")));
    }
    for missing in expected.iter().skip(came.len()) {
        gaps.push("expected, and did not come:".to_owned());
        gaps.push(format!("  {missing}"));
    }
    for surplus in came.iter().skip(expected.len()) {
        gaps.push(format!("not expected, on {}:", event_of(surplus)));
        gaps.push(format!("  {surplus}"));
    }
}

fn event_of(decision: &Value) -> String {
    let word = |key: &str| decision[key].as_str().unwrap_or("?").to_owned();
    format!("{} ({})", word("event_id"), word("type"))
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
                let got_items = Value::Array(came.clone());
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
            (json!({"fired": []}), "fired: expected 0 elements, got 1: [{\"rule\":\"a\",\"version\":1}]"),
            (json!({"depth": 1}), "depth: expected 1, got 0"),
        ];
        for (expected, told) in differs {
            assert_eq!(differences(&expected, &came), [told]);
        }
    }

    #[test]
    fn a_gap_in_the_middle_leaves_the_rest_matched() {
        let decision = |id: &str| json!({"event_id": id, "type": "message.created"});
        let all = [decision("e1"), decision("e2"), decision("e3")];
        assert_eq!(gaps(&all, &all), Vec::<String>::new());
        assert_eq!(
            gaps(&[decision("e1"), decision("e3")], &all),
            ["not expected, on e2 (message.created):", "  {\"event_id\":\"e2\",\"type\":\"message.created\"}"]
        );
        assert_eq!(
            gaps(&all, &[decision("e1"), decision("e3")]),
            ["expected, and did not come:", "  {\"event_id\":\"e2\",\"type\":\"message.created\"}"]
        );
        assert_eq!(
            gaps(&[decision("e1"), decision("x"), decision("e3")], &all),
            ["the decision on e2 (message.created) differs:", "  event_id: expected \"x\", got \"e2\""]
        );
    }
}
