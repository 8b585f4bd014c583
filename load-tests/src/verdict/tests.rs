//! Each kind of violation is seen, and a run without any is not accused.

use kilat_domain::Timestamp;

use super::*;

fn decision(conversation: &str, event: &str, action: &str) -> String {
    serde_json::json!({
        "event_id": event, "workspace": "p-1", "conversation": conversation, "rule_set": null,
        "fired": [{"rule": "every", "actions": [{"type": "send_webhook", "id": action}]}],
    })
    .to_string()
}

fn seen(lines: &[String]) -> Vec<Seen> {
    (0..).zip(lines).map(|(offset, line)| seen_at(0, offset, offset, line)).collect()
}

fn seen_at(partition: u32, offset: i64, at: i64, line: &str) -> Seen {
    Seen { partition, offset, at: Timestamp(at), line: line.to_owned(), workspace: "p-1".to_owned() }
}

fn seen_actions(ids: &[&str]) -> Vec<SeenAction> {
    ids.iter().map(|id| SeenAction { workspace: "p-1".to_owned(), id: (*id).to_owned() }).collect()
}

fn three() -> [String; 3] {
    [decision("a", "1", "x"), decision("a", "2", "y"), decision("b", "3", "z")]
}

fn judged(expected: &[String], got: &[String], actions: &[&str]) -> Violations {
    let actions = seen_actions(actions);
    judge("p", &expected.join("\n"), &seen(got), &seen(got), &actions)
}

#[test]
fn what_had_to_come_and_came_is_no_violation() {
    let [first, second, third] = three();
    let order_between_conversations_is_free = [third, first, second];
    assert_eq!(judged(&three(), &order_between_conversations_is_free, &["z", "x", "y"]), Violations::default());
}

#[test]
fn lost_doubled_foreign_and_disordered_decisions_are_told_apart() {
    let [first, second, third] = three();
    let lost = judged(&three(), &[first.clone(), third.clone()], &["x", "z"]);
    assert_eq!(lost, Violations { lost: 1, ..Violations::default() });

    let doubled = judged(&three(), &[first.clone(), second.clone(), second.clone(), third.clone()], &["x", "y", "z"]);
    assert_eq!(doubled, Violations { doubled: 1, ..Violations::default() });

    let other = decision("a", "2", "w");
    let foreign = judged(&three(), &[first.clone(), other, third.clone()], &["x", "w", "z"]);
    assert_eq!(foreign, Violations { lost: 1, foreign: 1, ..Violations::default() });

    let disordered = judged(&three(), &[second, first, third], &["x", "y", "z"]);
    assert_eq!(disordered, Violations { disordered: 1, ..Violations::default() });
}

#[test]
fn decisions_of_a_conversation_that_moved_are_ordered_by_the_time_they_were_produced() {
    let [first, second, _] = three();
    let expected = [first.clone(), second.clone()].join("\n");
    let actions = seen_actions(&["x", "y"]);
    let moved = [seen_at(0, 7, 1_001, &second), seen_at(3, 9, 1_000, &first)];
    assert_eq!(judge("p", &expected, &moved, &moved, &actions), Violations::default());

    let overtaken = [seen_at(0, 7, 1_000, &second), seen_at(3, 9, 1_001, &first)];
    assert_eq!(judge("p", &expected, &overtaken, &overtaken, &actions).disordered, 1);

    // Within a partition the offsets decide, whatever the clocks say.
    let disordered = [seen_at(0, 1, 1_001, &second), seen_at(0, 2, 1_000, &first)];
    assert_eq!(judge("p", &expected, &disordered, &disordered, &actions).disordered, 1);
}

#[test]
fn actions_are_counted_against_the_decisions_that_name_them() {
    let astray = judged(&three(), &three(), &["x", "y", "stranger"]);
    assert_eq!(astray, Violations { actions_astray: 2, ..Violations::default() });
    let doubled = judged(&three(), &three(), &["x", "y", "z", "z"]);
    assert_eq!(doubled, Violations { actions_doubled: 1, ..Violations::default() });
}

#[test]
fn a_reader_that_saw_what_the_topic_does_not_hold_is_a_violation() {
    let expected = three().join("\n");
    let held = seen(&three());
    let actions = seen_actions(&["x", "y", "z"]);
    let mut watched = held.clone();
    watched[1].line = decision("a", "2", "aborted");
    assert_eq!(judge("p", &expected, &watched, &held, &actions).unstable, 1);
    watched.truncate(1);
    assert_eq!(judge("p", &expected, &watched, &held, &actions).unstable, 2);
}
