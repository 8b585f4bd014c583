//! Looking ahead changes nothing: events foreseen together decide as events applied one by one.

use kilat_codec::json;
use kilat_engine::{Applied, Partition};
use serde_json::json;

use crate::support::{Answers, block_of, message, rule_set};

const RULES: &str = "
workspace: acme
rules:
  - {id: third, name: Third, trigger: message.created, conditions: [{field: chat_count, op: gte, value: 3}], once_per: lead, actions: [{type: set_status, value: responded}]}
  - {id: order, name: Order, trigger: message.created, conditions: [{field: message.text, op: contains, value: order}], actions: [{type: add_tag, value: asked}]}
  - {id: tagged, name: Tagged, trigger: tag.added, actions: [{type: set_priority, value: high}]}
";

/// Events of a few conversations: new ones, known ones, duplicates by event and by message, and some that name no lead.
fn lines() -> Vec<String> {
    (0..200)
        .map(|number| {
            let (conversation, id) = (number * 7 % 13, if number % 17 == 16 { number - 1 } else { number });
            let text = if number % 5 == 0 { "mau order" } else { "halo" };
            let mut event = message(&format!("e{id}"), "customer", text);
            event["conversation"] = json!({"id": format!("c{conversation}")});
            event["lead"] = json!({"id": format!("l{}", conversation % 11)});
            if number % 3 == 0 {
                event.as_object_mut().unwrap().remove("lead");
            }
            if number % 19 == 18 {
                event["message"]["id"] = json!(format!("wamid.e{}", number - 2));
            }
            event["workspace"] = json!("acme");
            event["type"] = json!("message.created");
            event["occurred_at"] = json!(format!("2026-11-20T03:{:02}:{:02}.000Z", number / 60, number % 60));
            event.to_string()
        })
        .collect()
}

/// What comes of the events when they are applied `window` at a time: fates, decisions, and the state block.
fn run(window: usize) -> (Vec<Applied>, Vec<serde_json::Value>, Vec<u8>) {
    let (rules, lines) = (rule_set(RULES), lines());
    let (mut partition, mut answers, mut fates) = (Partition::new(), Answers::default(), Vec::new());
    for lines in lines.chunks(window) {
        let mut ahead = Vec::new();
        for line in lines {
            let event = json::event_from_line(line).unwrap();
            let foreseen = partition.foresee(&event, Some(&rules));
            ahead.push((event, foreseen));
        }
        ahead.iter_mut().for_each(|(_, foreseen)| partition.approach(foreseen, Some(&rules)));
        ahead.iter().for_each(|(_, foreseen)| partition.reach(foreseen, Some(&rules)));
        for (event, foreseen) in &ahead {
            fates.push(partition.apply_foreseen(event, foreseen, Some(&rules), event.occurred_at, &mut answers));
        }
    }
    let block = block_of(&mut partition);
    (fates, answers.decisions, block)
}

#[test]
fn events_foreseen_together_decide_as_events_applied_one_by_one() {
    let alone = run(1);
    assert!(alone.0.contains(&Applied::Duplicate) && !alone.1.is_empty());
    for window in [2, 8, 200] {
        assert_eq!(run(window), alone, "{window} at a time");
    }
}
