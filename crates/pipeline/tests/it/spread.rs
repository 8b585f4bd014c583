//! A workspace spread over partitions: its conversations in order, nothing lost or doubled, and the state that it would have without.

use std::collections::{BTreeMap, BTreeSet};

use kilat_codec::Topic;
use kilat_domain::Fate;
use kilat_pipeline::audit::{Audit, Law};
use kilat_pipeline::{Config, Service, StandbyCopies};
use serde_json::{Value, json};

use crate::hiding::hiding;
use crate::house::{House, PARTITIONS, wait};
use crate::replay::replayed;

/// Rules whose answers hang on everything before: counts, marks, tags, a status, and a chain of caused events.
fn rules(spread: u32) -> String {
    format!(
        "workspace: acme
settings: {{spread: {spread}}}
endpoints:
  crm: {{url: https://crm.example/hook, secret: env:SECRET}}
rules:
  - {{id: third, name: Third, trigger: message.created, conditions: [{{field: chat_count, op: gte, value: 3}}], once_per: lead, actions: [{{type: set_status, value: responded}}, {{type: add_tag, value: warm}}]}}
  - {{id: tagged, name: Tagged, trigger: tag.added, actions: [{{type: send_webhook, to: crm, event: warm}}]}}
  - {{id: buy, name: Buy, trigger: message.created, conditions: [{{field: lead.status, op: equals, value: responded}}], actions: [{{type: send_webhook, to: crm, event: buy}}]}}
"
    )
}

/// Messages of customers and team in `chats` conversations, two of a lead; some of the team's name the conversation alone.
fn feed(house: &mut House, ids: std::ops::Range<usize>, chats: usize) {
    for id in ids {
        let chat = id * 7 % chats;
        let team = id % 4 == 3;
        let mut line = json!({"id": format!("e{id}"), "workspace": "acme", "type": "message.created",
            "occurred_at": "2026-11-20T03:00:00.000Z", "conversation": {"id": format!("c{chat}")},
            "channel": {"kind": "whatsapp", "account": "1"},
            "sender": {"kind": if team { "team" } else { "customer" }, "id": format!("6281200000{chat:03}")},
            "message": {"id": format!("m{id}"), "text": format!("halo {id}")}});
        if !team || id % 8 == 3 {
            line["lead"] = json!({"id": format!("l{}", chat / 2)});
        }
        house.event(&line);
    }
}

/// What the rules decided, by conversation and in order: events and what fired.
fn decided(house: &House) -> BTreeMap<String, Vec<String>> {
    let mut decided: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for decision in house.decisions() {
        let fired: Vec<&str> =
            decision["fired"].as_array().into_iter().flatten().filter_map(|fired| fired["rule"].as_str()).collect();
        let text = format!("{} {}", decision["event_id"].as_str().unwrap_or_default(), fired.join("+"));
        decided.entry(decision["conversation"].as_str().unwrap_or_default().to_owned()).or_default().push(text);
    }
    decided
}

/// Actions by conversation, in order: what they are about, without what hangs on the rules' version.
fn actions(house: &House) -> BTreeMap<String, Vec<String>> {
    let mut actions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    house.read(Topic::ActionsWebhook.name(), &mut |record| {
        let action = kilat_codec::decode_action(record.value.expect("a value")).expect("decodes");
        actions.entry(action.conversation.to_string()).or_default().push(format!("{} {}", action.event_id, action.id));
    });
    actions
}

/// The newest record of every lead, as a line.
fn leads(house: &House) -> BTreeMap<String, Value> {
    let mut leads = BTreeMap::new();
    house.read(Topic::Leads.name(), &mut |record| {
        let line = kilat_codec::json::record_to_line(Topic::Leads, record.value.expect("a value")).expect("decodes");
        let key = String::from_utf8_lossy(record.key.unwrap_or_default()).into_owned();
        leads.insert(key, serde_json::from_str(&line).expect("JSON"));
    });
    leads
}

/// How many events each partition evaluated.
fn evaluated(house: &House) -> BTreeMap<u32, u64> {
    let mut evaluated = BTreeMap::new();
    house.read(Topic::State.name(), &mut |record| {
        let block = kilat_codec::decode_state_block(record.value.expect("a value")).expect("decodes");
        let here = Fate::of_runs(&block.fates).filter(|fate| matches!(fate, Fate::Quiet | Fate::Decided)).count();
        *evaluated.entry(record.partition).or_default() += here as u64;
    });
    evaluated
}

/// The conversations and leads that a partition's blocks say it has, at the end.
fn homes(house: &House) -> BTreeMap<String, BTreeSet<u32>> {
    let mut homes: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let (mut state, mut cursor) = (kilat_engine::Partition::new(), kilat_engine::ScanCursor::default());
        house.read(Topic::State.name(), &mut |record| {
            if record.partition == partition {
                let block = kilat_codec::decode_state_block(record.value.expect("a value")).expect("decodes");
                state.restore(block).expect("follows");
            }
        });
        while let Some(slice) = state.scan(partition, &mut cursor, usize::MAX) {
            let all = slice
                .lead_entries
                .iter()
                .map(|e| ("lead", e))
                .chain(slice.conversation_entries.iter().map(|e| ("conversation", e)));
            for (kind, entry) in all {
                let kilat_domain::Entry::Whole { id, value, .. } = entry.expect("an entry") else { continue };
                if !value.is_empty() {
                    homes.entry(format!("{kind} {id}")).or_default().insert(partition);
                }
            }
        }
    }
    homes
}

/// Runs until everything fed is evaluated, wherever.
fn run(service: &Service, events: u64) {
    wait(|| service.totals().evaluated == events, "evaluated");
}

fn end(service: Service) {
    service.stop();
    service.join();
}

fn live(service: &Service, version: &str) {
    wait(
        || service.registry().live("acme").is_some_and(|live| live.settings().spread().to_string() == version),
        "live",
    );
}

/// What is committed adds up, and every partition's blocks are what a replay writes.
fn adds_up(house: &House, events: u64) -> Audit {
    let mut audit = Audit::open(&house.log).expect("opens");
    audit.to_the_end().expect("reads");
    assert_eq!(audit.first(), None);
    assert_eq!(audit.totals().events, events);
    assert_eq!((audit.totals().evaluated, audit.totals().unjudged), (events, 0));
    for partition in 0..PARTITIONS {
        for block in replayed(&house.log, partition, 1).0 {
            assert_eq!(block.divergence, None, "partition {partition}");
        }
    }
    audit
}

const CHATS: usize = 40;

/// The same events without a spread.
fn plain(ids: usize) -> (tempfile::TempDir, House) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = House::open(dir.path());
    house.publish("acme", &rules(1));
    let service = house.start();
    live(&service, "1");
    feed(&mut house, 0..ids, CHATS);
    run(&service, ids as u64);
    end(service);
    (dir, house)
}

#[test]
fn a_spread_that_grows_and_shrinks_while_events_flow_changes_nothing_but_where_they_are_decided() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = House::open(dir.path());
    let service = house.start();
    // More than there are partitions is as many as there are.
    for (round, spread) in [1, 4, 2, 3, 1, 64, 2].into_iter().enumerate() {
        house.publish("acme", &rules(spread));
        live(&service, &spread.to_string());
        feed(&mut house, round * 100..round * 100 + 100, CHATS);
    }
    run(&service, 700);
    end(service);

    let (_dir, plain) = plain(700);
    assert_eq!(decided(&house), decided(&plain), "decisions of a conversation, in order");
    assert_eq!(actions(&house), actions(&plain), "actions of a conversation, in order");
    assert_eq!(leads(&house), leads(&plain), "leads");
    let (spread, not) = (homes(&house), homes(&plain));
    assert_eq!(spread.keys().collect::<Vec<_>>(), not.keys().collect::<Vec<_>>());
    assert!(spread.values().all(|partitions| partitions.len() == 1), "{spread:?}");
    assert_eq!(spread.values().flatten().collect::<BTreeSet<_>>().len(), 2, "the last spread is over two");
    assert_eq!(evaluated(&plain).values().filter(|events| **events > 0).count(), 1);
    assert_eq!(evaluated(&house).values().filter(|events| **events > 20).count(), 4, "{:?}", evaluated(&house));
    let audit = adds_up(&house, 700);
    assert!(audit.totals().passed_on > 200, "{:?}", audit.totals());
    adds_up(&plain, 700);
}

#[test]
fn an_engine_that_is_stopped_in_the_midst_of_a_move_loses_and_doubles_nothing() {
    let (_plain_dir, plain) = plain(600);
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = House::open(dir.path());
    house.publish("acme", &rules(1));
    let mut fed = 0;
    for spread in [4, 1, 3, 2, 4, 1] {
        feed(&mut house, fed..fed + 100, CHATS);
        fed += 100;
        house.publish("acme", &rules(spread));
        let service = house.start();
        // It ends wherever it is: before, within or after the move.
        wait(|| service.totals().transactions >= u64::from(spread), "some transactions");
        end(service);
    }
    let service = house.start();
    let events = |house: &House| evaluated(house).values().sum::<u64>();
    wait(|| events(&house) == 600, "evaluated");
    end(service);
    assert_eq!(decided(&house), decided(&plain));
    assert_eq!(actions(&house), actions(&plain));
    assert_eq!(leads(&house), leads(&plain));
    assert!(homes(&house).values().all(|partitions| partitions.len() == 1));
    adds_up(&house, 600);
}

#[test]
fn other_workspaces_of_the_partition_wait_for_a_move_and_lose_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = House::open(dir.path());
    house.publish("acme", &rules(3));
    house.publish("other", &rules(1).replace("workspace: acme", "workspace: other"));
    let service = house.start();
    live(&service, "3");
    feed(&mut house, 0..100, CHATS);
    for id in 0..20 {
        let line = json!({"id": format!("o{id}"), "workspace": "other", "type": "message.created",
            "occurred_at": "2026-11-20T03:00:00.000Z", "conversation": {"id": "c1"}, "lead": {"id": "l1"},
            "sender": {"kind": "customer", "id": "628"}, "message": {"id": format!("o{id}"), "text": "halo"}});
        // By the key of the other, so that both are on one partition.
        house.event(&line);
    }
    run(&service, 120);
    end(service);
    // What stands on another partition than its key says is not spread, and is decided where it stands.
    assert!(house.decisions().iter().any(|decision| decision["workspace"] == "other"));
    let mut audit = Audit::open(&house.log).expect("opens");
    audit.to_the_end().expect("reads");
    assert_eq!(audit.first(), None);
}

#[test]
fn two_processes_with_standby_copies_and_one_that_comes_and_goes_keep_order() {
    let (_plain_dir, plain) = plain(600);
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = House::open(dir.path());
    let config = |instance: &str| Config {
        instance: instance.to_owned(),
        threads: 1,
        transaction_interval_ms: 2,
        standby: StandbyCopies::All,
        ..Config::default()
    };
    house.publish("acme", &rules(1));
    let first = house.start_with(&config("a"));
    for (round, spread) in [2, 4, 3, 1, 4, 2].into_iter().enumerate() {
        let second = Service::start(house.log.clone(), &config("b"));
        house.publish("acme", &rules(spread));
        live(&first, &spread.to_string());
        feed(&mut house, round * 100..round * 100 + 100, CHATS);
        let until = (round as u64 + 1) * 100;
        wait(|| evaluated(&house).values().sum::<u64>() >= until - 50, "evaluated");
        end(second);
    }
    wait(|| evaluated(&house).values().sum::<u64>() == 600, "evaluated");
    end(first);
    assert_eq!(decided(&house), decided(&plain));
    assert_eq!(leads(&house), leads(&plain));
    adds_up(&house, 600);
}

#[test]
fn an_event_that_is_lost_on_its_way_is_told_by_the_audit() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = House::open(dir.path());
    house.publish("acme", &rules(4));
    let service = house.start();
    live(&service, "4");
    feed(&mut house, 0..100, CHATS);
    run(&service, 100);
    end(service);
    let mut passed_on = None;
    house.read(Topic::Spread.name(), &mut |record| {
        if record.header("kilat-passed-on").is_some() {
            passed_on.get_or_insert((record.partition, record.offset));
        }
    });
    let place = passed_on.expect("an event that was passed on");
    let log = hiding(&house.log, move |topic, record| {
        topic == Topic::Spread.name() && (record.partition, record.offset) == place
    });
    let mut audit = Audit::open(&log).expect("opens");
    audit.to_the_end().expect("reads");
    assert!(audit.first().is_some());
    assert!(audit.broken(Law::Coverage) > 0 || audit.broken(Law::PassedOn) > 0);
}

#[test]
fn what_blocks_that_were_trimmed_had_told_is_not_missed() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut house = House::open(dir.path());
    let service = house.start();
    for round in 0..4 {
        house.publish("acme", &rules(4 - round % 2));
        live(&service, &(4 - round % 2).to_string());
        feed(&mut house, round as usize * 100..round as usize * 100 + 100, CHATS);
        run(&service, u64::from(round + 1) * 100);
    }
    end(service);
    for partition in 0..PARTITIONS {
        for trimmed in [1, 5, 9] {
            let log = hiding(&house.log, move |topic, record| {
                let further = (partition + 1) % PARTITIONS;
                let gone = if record.partition == further { 3 * trimmed } else { trimmed };
                topic == Topic::State.name() && [partition, further].contains(&record.partition) && record.offset < gone
            });
            let mut audit = Audit::open(&log).expect("opens");
            audit.to_the_end().expect("reads");
            assert_eq!(audit.first(), None, "{trimmed} blocks of partition {partition}");
        }
    }
}
