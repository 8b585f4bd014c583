//! The recipes of the source systems, event by event (F-6, F-7, F-8, F-177).

use serde_json::json;

use crate::support::{Engine, message};

fn template(name: &str) -> Engine {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/templates");
    let text = std::fs::read_to_string(format!("{path}/{name}.yaml")).expect("the template is shipped");
    Engine::new(&text)
}

/// Proves F-6.
#[test]
fn an_active_lead_is_marked_at_the_third_message_and_not_again() {
    let mut engine = template("mark-active-lead");
    for _ in 0..2 {
        assert!(engine.customer("halo").decisions.is_empty());
    }
    let third = engine.customer("masih ada?");
    assert_eq!(third.decisions[0]["fired"][0]["actions"][0]["to"], json!("responded"));
    assert!(engine.customer("halo?").decisions.is_empty(), "no second flip");
}

/// Proves F-7.
#[test]
fn a_buying_phrase_makes_a_responded_lead_hot_and_leaves_a_new_one_alone() {
    let mut engine = template("identify-hot-lead");
    assert!(engine.customer("mau order").decisions.is_empty(), "status new");
    let mut responded = message("r1", "customer", "mau order dong");
    responded["lead"] = json!({"id": "l1", "status": "responded"});
    let hot = engine.event(responded);
    let action = &hot.decisions[0]["fired"][0]["actions"][0];
    assert_eq!((&action["from"], &action["to"]), (&json!("responded"), &json!("hot")));
}

/// Proves F-8 and F-71.
#[test]
fn a_payment_by_the_team_sets_the_value_and_then_the_status() {
    let mut engine = template("auto-closing-with-value");
    assert!(engine.customer("Payment received Rp 1.500.000").decisions.is_empty(), "a customer can write that too");
    let paid = engine.team("Payment received Rp 1.500.000");
    let actions = paid.decisions[0]["fired"][0]["actions"].as_array().unwrap();
    let types: Vec<_> = actions.iter().map(|action| action["type"].as_str().unwrap()).collect();
    assert_eq!(types[..2], ["update_value", "set_status"]);
    let value = engine.lead("l1").facts.value.unwrap().actual.unwrap();
    assert_eq!((value.minor, &*value.currency), (150_000_000, "IDR"));
    assert_eq!(engine.lead("l1").facts.status.unwrap(), "won");
}
