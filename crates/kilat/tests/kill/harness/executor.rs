//! The executor killed while it delivers: every action arrives, each under one key and with one body.

use std::collections::HashSet;
use std::fmt::Write as _;

use kilat_domain::Outcome;

use super::sink::Sink;
use super::{Log, Random, Scale, Scene, seed};

pub(crate) fn kill_and_compare(log: &Log) {
    let scale = Scale::or(3, 1_500);
    let sink = Sink::start();
    let scene = Scene::new(log, "[engine]\nthreads = 1\n[executor]\nallow_loopback = true\n");
    let rules = format!(
        "workspace: \"*\"\nendpoints:\n  hook: {{url: \"http://{}/hook\", secret: \"env:HOOK_SECRET\"}}\nrules:\n  \
         - {{id: hook, name: Hook, trigger: message.created, actions: [{{type: send_webhook, to: hook}}]}}\n",
        sink.address
    );
    let rules = scene.write("rules.yaml", &rules);
    let events = scene.write("events.jsonl", &events(scale.events));
    scene.run(&["produce", "--create-topics", "--events", events.to_str().expect("UTF-8")]);
    scene.run(&["rules", "publish", rules.to_str().expect("UTF-8")]);
    let mut engine = scene.start("engine");
    engine.wait_until_idle();
    engine.terminate();

    let mut random = Random(seed());
    let total = usize::try_from(scale.events).expect("a count");
    for kill in 1..=scale.kills {
        let mut executor = scene.start("executor");
        let share = scale.events * kill / (scale.kills + 1);
        let until = usize::try_from(share + random.below(20)).expect("a count").min(total);
        executor.wait_for("kilat_actions_received_total", |_| sink.keys() >= until);
        executor.kill();
    }
    let mut executor = scene.start("executor");
    executor.wait_for("kilat_actions_received_total", |_| sink.keys() >= total);
    executor.wait_for("kilat_offsets_unfinished", |unfinished| unfinished == 0.0);
    executor.terminate();

    let mut actions = HashSet::new();
    scene.records("kilat.actions.webhook.v1", &mut |value| {
        let action = kilat_codec::decode_action(value).expect("our own records");
        assert!(actions.insert(action.id.to_string()), "action id {} is used twice", action.id);
    });
    let mut delivered = HashSet::new();
    scene.records("kilat.action-results.v1", &mut |value| {
        let result = kilat_codec::decode_action_result(value).expect("our own records");
        if result.action == "send_webhook" && result.outcome.is_final() {
            assert_eq!(result.outcome, Outcome::Delivered, "{result:?}");
            assert!(delivered.insert(result.action_id.to_string()), "two results for {}", result.action_id);
        }
    });
    let received = sink.received();
    let resent = received.values().map(|received| received.times - 1).sum::<usize>();
    eprintln!(
        "{} kills, {} actions, {} keys received, {resent} sent again",
        scale.kills,
        actions.len(),
        received.len()
    );
    assert_eq!(actions.len(), total);
    assert_eq!(delivered, actions, "a result for every action");
    assert_eq!(
        received.keys().cloned().collect::<HashSet<_>>(),
        actions,
        "every action, and nothing else, was received"
    );
    for (key, received) in &received {
        assert_eq!(received.bodies.len(), 1, "{key} came with different bodies");
    }
}

/// Event lines of 100 conversations in 8 workspaces.
fn events(count: u64) -> String {
    let mut lines = String::new();
    for number in 0..count {
        let conversation = number % 100;
        let _ = writeln!(
            lines,
            "{}",
            serde_json::json!({
                "id": format!("hook-{number}"), "workspace": format!("hooks-{}", conversation % 8), "type": "message.created",
                "occurred_at": "2026-11-20T03:00:00.000Z",
                "conversation": {"id": format!("c{conversation}")}, "lead": {"id": format!("l{conversation}")},
                "channel": {"kind": "whatsapp", "account": "6281110001", "source": "wa_api"},
                "sender": {"kind": "customer", "id": format!("62812{conversation:08}")},
                "message": {"id": format!("wamid.hook.{number}"), "text": "halo"},
            })
        );
    }
    lines
}
