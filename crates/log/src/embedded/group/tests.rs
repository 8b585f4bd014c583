//! Groups: ranges, hand-over, and seats that are taken.

use super::*;

/// Polls everyone in turn until nobody has anything to do; checks GR-1 after each step.
fn settle(group: &mut Group, members: &[(&str, Epoch)]) {
    loop {
        let mut still = true;
        for (name, epoch) in members {
            still &= matches!(group.turn(name, *epoch), (Turn::Stay | Turn::Gone, false));
            check_owners(group);
        }
        if still {
            return;
        }
    }
}

fn check_owners(group: &Group) {
    let mut held: Vec<u32> = group.seats.values().flat_map(|seat| seat.held.iter().copied()).collect();
    held.sort_unstable();
    assert!(held.is_sorted_by(|a, b| a < b), "a partition has two owners: {group:?}");
}

fn held(group: &Group, name: &str) -> Vec<u32> {
    group.seats[name].held.clone()
}

#[test]
fn partitions_are_divided_by_range_in_the_order_of_names() {
    // Source: Apache Kafka, RangeAssignor: ten partitions over three consumers are 0-3, 4-6, 7-9.
    let mut group = Group::new(vec![0], 10);
    let members = [("b", 1), ("c", 2), ("a", 3)];
    for (name, epoch) in members {
        group.join(name, epoch);
    }
    settle(&mut group, &members);
    assert_eq!(held(&group, "a"), [0, 1, 2, 3]);
    assert_eq!(held(&group, "b"), [4, 5, 6]);
    assert_eq!(held(&group, "c"), [7, 8, 9]);
}

#[test]
fn members_beyond_the_partitions_hold_none() {
    let mut group = Group::new(vec![0], 2);
    let members = [("a", 1), ("b", 2), ("c", 3)];
    for (name, epoch) in members {
        group.join(name, epoch);
    }
    settle(&mut group, &members);
    assert_eq!((held(&group, "a"), held(&group, "b"), held(&group, "c")), (vec![0], vec![1], vec![]));
}

#[test]
fn a_partition_is_given_only_after_the_poll_that_follows_its_revocation() {
    let mut group = Group::new(vec![0], 2);
    group.join("a", 1);
    assert_eq!(group.turn("a", 1), (Turn::Assigned(vec![0, 1]), false));
    group.join("b", 2);
    assert_eq!(group.turn("b", 2), (Turn::Stay, false), "nobody has been told yet");
    assert_eq!(group.turn("a", 1), (Turn::Revoked(vec![1]), false));
    assert_eq!(group.turn("b", 2), (Turn::Stay, false), "it may be committing still");
    assert!(group.holds("a", 1, 1));
    assert_eq!(group.turn("a", 1), (Turn::Stay, true), "others learn that it is free");
    assert!(!group.holds("a", 1, 1));
    assert_eq!(group.turn("b", 2), (Turn::Assigned(vec![1]), false));
}

#[test]
fn a_member_that_leaves_in_the_middle_of_a_revocation_frees_all_it_held() {
    let mut group = Group::new(vec![0], 4);
    group.join("a", 1);
    group.turn("a", 1);
    group.join("b", 2);
    assert_eq!(group.turn("a", 1), (Turn::Revoked(vec![2, 3]), false));
    group.leave("a", 1);
    assert_eq!(group.turn("b", 2), (Turn::Assigned(vec![0, 1, 2, 3]), false));
    group.leave("b", 2);
    assert!(group.is_empty());
}

#[test]
fn a_revoked_partition_can_come_back_before_anyone_else_took_it() {
    let mut group = Group::new(vec![0], 2);
    group.join("a", 1);
    group.turn("a", 1);
    group.join("b", 2);
    assert_eq!(group.turn("a", 1), (Turn::Revoked(vec![1]), false));
    group.leave("b", 2);
    assert_eq!(group.turn("a", 1), (Turn::Assigned(vec![1]), true), "told as new, because it was told as gone");
}

#[test]
fn a_seat_that_was_taken_is_gone_for_the_earlier_member() {
    let mut group = Group::new(vec![0], 2);
    group.join("a", 1);
    group.turn("a", 1);
    group.join("a", 2);
    assert!(!group.holds("a", 1, 0));
    assert_eq!(group.turn("a", 1), (Turn::Gone, false));
    group.leave("a", 1);
    assert_eq!(group.turn("a", 2), (Turn::Assigned(vec![0, 1]), false), "the earlier one takes nothing with it");
}

#[test]
fn whoever_comes_and_goes_every_partition_ends_with_one_owner() {
    // A fixed walk through joins, leaves, take-overs and polls in any order.
    let names = ["a", "b", "c", "d"];
    let mut group = Group::new(vec![0, 1], 7);
    let mut seated: Vec<(&str, Epoch)> = Vec::new();
    let mut seed: u32 = 7;
    for epoch in 1..2_000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let name = names[(seed >> 8) as usize % names.len()];
        match (seed >> 16) % 6 {
            0 => {
                group.join(name, epoch);
                seated.retain(|(seat, _)| *seat != name);
                seated.push((name, epoch));
            }
            1 => {
                if let Some(index) = seated.iter().position(|(seat, _)| *seat == name) {
                    let (_, epoch) = seated.remove(index);
                    group.leave(name, epoch);
                }
            }
            _ => {
                if let Some((_, epoch)) = seated.iter().find(|(seat, _)| *seat == name) {
                    group.turn(name, *epoch);
                }
            }
        }
        check_owners(&group);
        if epoch % 100 == 0 && !seated.is_empty() {
            settle(&mut group, &seated);
            let held: usize = group.seats.values().map(|seat| seat.held.len()).sum();
            assert_eq!(held, 7, "all are owned: {group:?}");
        }
    }
}
