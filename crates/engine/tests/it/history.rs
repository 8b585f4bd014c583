//! What conversations remember: golden sequences of messages, late ones included (F-228), and the bounds of memory.

use kilat_domain::{Details, PastMessage};
use serde_json::json;

use crate::support::{Engine, block_of, conversation_of, message, restored, rule_set};

/// A rule that tags with its id, with this condition.
fn engine(condition: &str) -> Engine {
    Engine::new(&format!(
        "workspace: acme\nrules:\n  - {{id: r, name: R, trigger: message.created, conditions: [{condition}], actions: [{{type: add_to_list, value: '{{{{message.id}}}}'}}]}}\n"
    ))
}

/// Sends `HH:MM kind text` lines of one day, in this order; gives the times of those on which the rule fired.
fn fired_at(engine: &mut Engine, lines: &[&str]) -> Vec<String> {
    lines
        .iter()
        .enumerate()
        .filter_map(|(n, line)| {
            let (time, rest) = line.split_once(' ').unwrap();
            let (kind, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let (sender, kind) = if kind == "team" { ("team", "text") } else { ("customer", kind) };
            let mut event = message(&format!("m{n}-{time}"), sender, text);
            event["message"]["type"] = json!(kind);
            event["occurred_at"] = json!(format!("2026-11-20T{time}:00Z"));
            let fired = engine.event(event).fired();
            fired.iter().any(|line| line.ends_with(": r")).then(|| time.to_owned())
        })
        .collect()
}

/// The details of the only conversation.
fn details(engine: &mut Engine) -> Option<Details> {
    conversation_of(&block_of(&mut engine.partition)).details.map(|details| *details)
}

fn history(engine: &mut Engine) -> Vec<PastMessage> {
    details(engine).map_or_else(Vec::new, |details| details.history)
}

const PRICE_SILENCE_PHOTO: &str = "{history: {within: 1d, sequence: [{where: [{field: message.text, op: contains, value: harga}]}, {silence: 2h, where: [{field: message.type, op: equals, value: image}]}]}}";

/// Proves F-228.
#[test]
fn asked_for_the_price_then_silent_then_a_photo() {
    let mut engine = engine(PRICE_SILENCE_PHOTO);
    let lines =
        ["01:00 text harga?", "01:30 image", "03:00 text halo", "03:10 team Rp 5", "05:00 image", "05:01 image"];
    assert_eq!(fired_at(&mut engine, &lines), ["05:00"]);
}

#[test]
fn a_late_message_takes_its_place_and_is_judged_by_what_had_been_written_then() {
    // The photo arrives before the question that was asked before it: then nothing was asked yet. The next photo after a
    // silence finds both.
    let lines = ["05:00 image", "01:00 text harga?", "07:00 image"];
    assert_eq!(fired_at(&mut engine(PRICE_SILENCE_PHOTO), &lines), ["07:00"]);
    // A late photo that stands after the question and before what came since completes the sequence where it stands.
    let lines = ["01:00 text harga?", "09:00 text halo", "05:00 image"];
    assert_eq!(fired_at(&mut engine(PRICE_SILENCE_PHOTO), &lines), ["05:00"]);
    // A late message can break a silence.
    let lines = ["01:00 text harga?", "04:00 text eh", "05:00 image"];
    assert!(fired_at(&mut engine(PRICE_SILENCE_PHOTO), &lines).is_empty());
}

#[test]
fn the_order_of_arrival_changes_nothing_in_what_is_remembered() {
    let condition = "{history: {last: 3, where: [{field: message.text, op: contains, value: x}], count: {gte: 2}}}";
    let lines = ["01:00 text x", "02:00 text y", "03:00 text z", "04:00 text x", "05:00 image"];
    let remembered = |order: &[usize]| {
        let mut engine = engine(condition);
        let lines: Vec<&str> = order.iter().map(|at| lines[*at]).collect();
        fired_at(&mut engine, &lines);
        history(&mut engine)
    };
    let in_order = remembered(&[0, 1, 2, 3, 4]);
    assert_eq!(in_order.len(), 5);
    for order in [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [1, 4, 0, 3, 2]] {
        assert_eq!(remembered(&order), in_order, "{order:?}");
    }
}

#[test]
fn counting_looks_back_from_the_events_own_time() {
    let condition =
        "{history: {within: 1h, where: [{field: message.text, op: contains_word, value: refund}], count: {gte: 3}}}";
    let lines = [
        "01:00 text refund",
        "01:20 text Refund dong",
        "02:00 text refund!",
        "02:00 text ok",
        "02:21 text refund",
        "01:59 text late",
    ];
    // At 01:59 the third was not written yet; at 02:21 the second is too long ago.
    assert_eq!(fired_at(&mut engine(condition), &lines), ["02:00", "02:00"]);
}

#[test]
fn a_week_is_counted_to_the_hour_and_by_the_events_own_time() {
    let mut engine = engine("{field: chat_count.window_7d, op: gte, value: 3}");
    let mut at = |id: &str, at: &str| {
        let mut event = message(id, "customer", "x");
        event["occurred_at"] = json!(at);
        !engine.event(event).fired().is_empty()
    };
    assert!(!at("a", "2026-11-13T03:30:00Z"));
    assert!(!at("b", "2026-11-20T02:59:00Z"));
    assert!(at("c", "2026-11-20T02:59:30Z"), "six days, 23 hours and some minutes after the first");
    assert!(!at("d", "2026-11-13T02:00:00Z"), "a late one counts for its own week only");
    assert!(at("e", "2026-11-20T03:31:00Z"), "the first has left, three came since");
    assert!(!at("f", "2026-12-20T03:31:00Z"));
    let week = details(&mut engine).unwrap().week;
    assert_eq!(week.len(), 1, "what no count can reach is dropped: {week:?}");
}

#[test]
fn only_what_rules_ask_for_is_remembered() {
    let remembers = |condition: &str| {
        let mut engine = engine(condition);
        fired_at(&mut engine, &["01:00 text halo", "01:01 image katalog"]);
        details(&mut engine)
    };
    assert_eq!(remembers("{field: chat_count, op: gte, value: 9}"), None);
    let week = remembers("{field: chat_count.window_7d, op: gte, value: 9}").unwrap();
    assert!(week.week.len() == 1 && week.history.is_empty());
    let types = remembers("{history: {last: 2, where: [{field: message.type, op: equals, value: image}]}}").unwrap();
    assert!(types.week.is_empty() && types.history.iter().all(|past| past.text.is_none()));
    assert_eq!(types.history.len(), 2);
    let texts = remembers(
        "{any: [{history: {last: 2}}, {history: {within: 1h, where: [{field: message.text, op: is_present}]}}]}",
    );
    assert_eq!(texts.unwrap().history[1].text.as_deref(), Some("katalog"));
}

#[test]
fn memory_is_bounded_and_given_up_when_no_rule_asks_any_more() {
    let mut engine = engine("{history: {within: 2h, where: [{field: message.text, op: contains, value: never}]}}");
    for n in 0..60 {
        engine.customer(&"é".repeat(n * 10));
    }
    let remembered = history(&mut engine);
    assert_eq!(remembered.len(), 50);
    let longest = remembered.iter().filter_map(|past| past.text.as_deref()).map(str::len).max();
    assert_eq!(longest, Some(512));
    // Reactions and notes are no messages.
    for part in [json!({"type": "reaction"}), json!({"private": true})] {
        let mut event = message("other", "customer", "x");
        event["id"] = json!(part.to_string());
        event["message"] = part;
        engine.event(event);
    }
    assert_eq!(history(&mut engine), remembered);
    // Two hours later only what can still be reached is left.
    let mut late = message("late", "customer", "x");
    late["occurred_at"] = json!("2026-11-20T05:30:00Z");
    engine.event(late);
    assert!(history(&mut engine).len() < 40, "{}", history(&mut engine).len());
    engine.rules = rule_set("workspace: acme\nrules: []\n");
    engine.customer("halo");
    assert!(history(&mut engine).is_empty());
}

#[test]
fn a_restored_conversation_remembers_as_the_one_that_wrote_it() {
    let lines = ["01:00 text harga?", "02:00 team Rp 5", "05:00 image", "05:05 text halo", "09:00 image"];
    let steady = fired_at(&mut engine(PRICE_SILENCE_PHOTO), &lines);
    assert_eq!(steady, ["05:00", "09:00"]);
    let (mut moved, mut blocks, mut fired) = (engine(PRICE_SILENCE_PHOTO), Vec::new(), Vec::new());
    for line in lines {
        fired.extend(fired_at(&mut moved, &[line]));
        blocks.push(block_of(&mut moved.partition));
        moved.partition = restored(&blocks);
    }
    assert_eq!(fired, steady);
}
