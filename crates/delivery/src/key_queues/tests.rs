//! Order within a key, independence between keys.

use super::{KeyQueues, Removed};

#[test]
fn a_key_is_worked_off_in_the_order_of_pushes() {
    let mut queues = KeyQueues::default();
    assert!(queues.push(&"a", 1));
    assert!(!queues.push(&"a", 2));
    assert!(!queues.push(&"a", 3));
    assert_eq!(queues.remove(&"a", 1), Removed::Head(Some(2)));
    assert_eq!(queues.remove(&"a", 2), Removed::Head(Some(3)));
    assert_eq!(queues.remove(&"a", 3), Removed::Head(None));
    assert_eq!(queues.keys(), 0);
}

#[test]
fn keys_do_not_wait_for_each_other() {
    let mut queues = KeyQueues::default();
    assert!(queues.push(&"a", 1));
    assert!(queues.push(&"b", 2));
    assert_eq!(queues.remove(&"b", 2), Removed::Head(None));
}

#[test]
fn removing_one_that_waits_leaves_the_head_where_it_is() {
    let mut queues = KeyQueues::default();
    queues.push(&"a", 1);
    queues.push(&"a", 2);
    assert_eq!(queues.remove(&"a", 2), Removed::Waiting);
    assert_eq!(queues.remove(&"a", 2), Removed::Nothing);
    assert_eq!(queues.remove(&"b", 9), Removed::Nothing);
    assert_eq!(queues.remove(&"a", 1), Removed::Head(None));
}
