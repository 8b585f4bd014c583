//! What stands on the screen.

use kilat_domain::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;

fn drawn(scene: &Scene, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal in memory");
    terminal.draw(|frame| draw(frame, scene)).expect("drawn");
    terminal.backend().to_string()
}

fn scene() -> Scene {
    Scene {
        elapsed: Duration::from_secs(75),
        produced: 12_345,
        goal: Some(20_000),
        engine: TotalsSnapshot { evaluated: 12_000, duplicates: 40, dead_lettered: 5, ..Default::default() },
        lag: 300,
        counts: Counts { decisions: 900, actions: 500, delivered: 480, failed: 7, ..Default::default() },
        rates: Rates { events: 4321.4, ..Default::default() },
        history: vec![1, 5, 3],
        rules: vec![("hot-lead".to_owned(), 321), ("refund".to_owned(), 12)],
        reasons: vec![("send_message rejected".to_owned(), 7)],
        latest: vec![Shown {
            at: Timestamp(1_795_143_600_000),
            workspace: "kopi-senja".to_owned(),
            conversation: "wa:6281110001:62812".to_owned(),
            event: "message.created",
            what: "hot-lead → set_status responded→hot".to_owned(),
        }],
        calls: vec![CallReport {
            at: Timestamp(1_795_143_600_000),
            lane: kilat_domain::Lane::Webhook,
            partner: "webhook",
            workspace: "kopi-senja".into(),
            endpoint: "crm".into(),
            url: "http://127.0.0.1".into(),
            action_id: "01".into(),
            attempt: 2,
            verdict: "throttled",
            http_status: Some(429),
            millis: 12,
        }],
        partners: vec![
            ("webhook", Tally { requests: 510, taken: 480, wrong: 1, ..Default::default() }),
            ("whatsapp", Tally::default()),
            ("meta", Tally::default()),
        ],
        rule_file: "rules.yaml".to_owned(),
        rule_sets: RulesShown { live: "sha256:0123456789abcdef".to_owned(), refused: None },
        hint: "metrics at http://127.0.0.1:1".to_owned(),
        problem: None,
        draining: false,
    }
}

#[test]
fn every_figure_is_on_the_screen() {
    let screen = drawn(&scene(), 140, 40);
    for shown in [
        "01:15",
        "rules.yaml",
        "(01234567)",
        "12,345 of 20,000",
        "4,321/s",
        "hot-lead",
        "321",
        "03:00:00",
        "kopi-senja",
        "set_status responded→hot",
        "429",
        "throttled",
        "#2",
        "12 ms",
        "510",
        "delivered 480",
        "under way 13",
        "7 send_message rejected",
        "q quits",
        "metrics at http://127.0.0.1:1",
    ] {
        assert!(screen.contains(shown), "{shown} is missing:\n{screen}");
    }
}

#[test]
fn a_refused_edit_is_told() {
    let mut refused = scene();
    refused.rule_sets.refused = Some("rules.yaml:3:1: error[K0001]: unknown key\nmore".to_owned());
    let screen = drawn(&refused, 140, 40);
    assert!(screen.contains("not live: rules.yaml:3:1: error[K0001]: unknown key"), "{screen}");
}

#[test]
fn any_size_of_terminal_is_survived() {
    for (width, height) in [(1, 1), (20, 5), (80, 24), (300, 100)] {
        drawn(&scene(), width, height);
    }
}
