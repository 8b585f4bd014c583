//! What the settings promise: loopback only, durable with three nodes, and readable back.

use std::path::Path;

use super::{Jvm, Ports, Proxied, broker_port, settings};

const THREE: [Ports; 3] = [
    Ports { broker: 20001, controller: 20002, proxied: None },
    Ports { broker: 20003, controller: 20004, proxied: None },
    Ports { broker: 20005, controller: 20006, proxied: None },
];

#[test]
fn every_listener_is_on_loopback() {
    let text = settings(2, &THREE, Path::new("data"), Jvm::Small);
    for address in text.split("://").skip(1) {
        assert!(address.starts_with("127.0.0.1:"), "{address}");
    }
}

#[test]
fn three_nodes_replicate_to_all_and_acknowledge_with_two() {
    let text = settings(2, &THREE, Path::new("data"), Jvm::Small);
    for line in [
        "node.id=2",
        "controller.quorum.voters=1@127.0.0.1:20002,2@127.0.0.1:20004,3@127.0.0.1:20006",
        "default.replication.factor=3",
        "min.insync.replicas=2",
        "offsets.topic.replication.factor=3",
        "transaction.state.log.replication.factor=3",
        "transaction.state.log.min.isr=2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn one_node_needs_no_second_replica() {
    let text = settings(1, &THREE[..1], Path::new("data"), Jvm::Small);
    assert!(text.contains("\nmin.insync.replicas=1\n") && text.contains("\ndefault.replication.factor=1\n"), "{text}");
}

#[test]
fn the_port_is_read_back_from_the_settings() {
    assert_eq!(broker_port(&settings(3, &THREE, Path::new("data"), Jvm::Small)), Some(20005));
    assert_eq!(broker_port("listeners=CONTROLLER://127.0.0.1:1"), None);
}

#[test]
fn clients_of_the_second_listener_are_sent_to_the_proxy() {
    let proxied = Some(Proxied { proxy: 20010, listener: 20011 });
    let text = settings(1, &[Ports { proxied, ..THREE[0] }], Path::new("data"), Jvm::Small);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    assert!(line("listeners=").ends_with(",PROXIED://127.0.0.1:20011"), "{text}");
    assert!(line("advertised.listeners=").ends_with(",PROXIED://127.0.0.1:20010"), "{text}");
    assert_eq!(broker_port(&text), Some(20001));
}
