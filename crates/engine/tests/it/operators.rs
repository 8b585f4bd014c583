//! The twelve operators of the first source system on values of every type, against a table written from D-12 to D-16.

use serde_json::{Value, json};

use crate::support::{Engine, codes_of};

/// What stands in the attribute, a column each; the last has nobody said.
const VALUES: [&str; 5] = [r#""VIP gold""#, "80", "true", r#"["vip gold", 80]"#, "null"];

/// `operator value: text number bool list null`, where `T` is true. Text is folded, numbers are compared as numbers, a list
/// fulfils a positive operator where one of its members does, values of another type fulfil none, and a negative operator is
/// the opposite of its positive one, also on what is missing.
const TABLE: &str = r#"
equals           "vip GOLD"          T . . T .
equals           80                  . T . T .
equals           true                . . T . .
equals           ["x", 80]           . T . T .
not_equals       "vip gold"          . T T . T
not_equals       80                  T . T . T
not_equals       true                T T . T T
not_equals       ["vip gold", 80]    . . T . T
contains         "gold"              T . . T .
contains         ["silver", "old"]   T . . T .
contains         "silver"            . . . . .
not_contains     "gold"              . T T . T
not_contains     ["silver", "old"]   . T T . T
not_contains     "silver"            T T T T T
in               ["x", "vip gold"]   T . . T .
in               [80, true]          . T T T .
in               ["vip", "gold"]     . . . . .
not_in           ["x", "vip gold"]   . T T . T
not_in           [80, true]          T . . . T
not_in           ["vip", "gold"]     T T T T T
gt               79                  . T . T .
gt               80                  . . . . .
gte              80                  . T . T .
gte              80.5                . . . . .
lt               80.5                . T . T .
lt               80                  . . . . .
lte              80                  . T . T .
lte              79.9                . . . . .
starts_with      "vip"               T . . T .
starts_with      "gold"              . . . . .
ends_with        "GOLD"              T . . T .
ends_with        ["x", "vip"]        . . . . .
"#;

/// Whether the condition holds on an attribute of this value.
fn holds(condition: &Value, value: &str) -> bool {
    let rule = json!({"id": "r", "name": "R", "trigger": "lead.updated", "conditions": [condition],
        "actions": [{"type": "add_tag", "value": "x", "on": "lead"}]});
    let mut engine = Engine::new(&json!({"workspace": "acme", "rules": [rule]}).to_string());
    let value: Value = serde_json::from_str(value).unwrap();
    let event = json!({"type": "lead.updated", "lead": {"id": "l1", "attrs": {"x": value}}});
    engine.event(event).decisions.iter().any(|decision| decision["fired"][0]["rule"] == "r")
}

/// Proves F-57 to F-68, D-12, D-15 and D-16.
#[test]
fn every_operator_on_every_type_of_value() {
    let mut operators = std::collections::BTreeSet::new();
    for row in TABLE.trim().lines() {
        let (operator, rest) = row.split_once(' ').unwrap();
        let (value, answers) = rest.trim().split_at(rest.trim().len() - 9);
        operators.insert(operator);
        let value: Value = serde_json::from_str(value).unwrap();
        let condition = json!({"field": "attrs.x", "op": operator, "value": value});
        for (observed, answer) in VALUES.iter().zip(answers.split(' ')) {
            assert_eq!(holds(&condition, observed), answer == "T", "{condition} on {observed}");
        }
        // What a condition says of a missing value is its author's to decide (D-15).
        for missing in [true, false] {
            let mut condition = condition.clone();
            condition["missing"] = json!(missing);
            assert_eq!(holds(&condition, "null"), missing, "{condition} on null");
            assert_eq!(holds(&condition, VALUES[1]), answers.split(' ').nth(1) == Some("T"), "{condition} on 80");
        }
    }
    assert_eq!(operators.len(), 12);
}

/// Proves D-16.
#[test]
fn an_operator_that_a_type_does_not_know_is_refused_when_saved() {
    const ORDER: [&str; 4] = ["gt", "gte", "lt", "lte"];
    const PARTS: [&str; 4] = ["contains", "not_contains", "starts_with", "ends_with"];
    let refused = [
        ("lead.city", json!("x"), &ORDER[..]),
        ("message.text", json!("x"), &ORDER),
        ("lead.tags", json!("x"), &ORDER),
        ("lead.tags", json!("x"), &PARTS[2..]),
        ("message.type", json!("image"), &ORDER),
        ("message.type", json!("image"), &PARTS),
        ("sender.kind", json!("team"), &ORDER),
        ("lead.score", json!(80), &PARTS),
        ("chat_count", json!(3), &PARTS),
        ("message.has_media", json!(true), &ORDER),
        ("message.has_media", json!(true), &PARTS),
        ("lead.status", json!("new"), &ORDER),
    ];
    let codes = |field: &str, operator: &str, value: &Value| {
        let condition = json!({"field": field, "op": operator, "value": value});
        let rule = json!({"id": "r", "name": "R", "trigger": "message.created", "conditions": [condition],
            "actions": [{"type": "add_tag", "value": "x"}]});
        codes_of(&json!({"workspace": "acme", "rules": [rule]}).to_string())
    };
    for (field, value, operators) in &refused {
        for operator in *operators {
            assert_eq!(codes(field, operator, value), ["K0204"], "{field} {operator}");
        }
        assert_eq!(codes(field, "equals", value), [""; 0], "{field} equals");
    }
    for operator in ORDER {
        assert_eq!(codes("lead.priority", operator, &json!("high")), [""; 0], "priorities have an order");
        assert_eq!(codes("lead.score", operator, &json!("eighty")), ["K0205"], "a number is compared with numbers");
    }
}
