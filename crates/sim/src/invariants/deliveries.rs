//! What must hold of executors after a run: between the actions in the log, the results in the log, and what reached the
//! endpoints.
//!
//! Input: the log, and the record of every request. A request of a process that has lost its place in the group and does not know
//! yet is held to its key and its body, and not to the order: nothing but the endpoint could tell it from another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kilat_codec::Topic;
use kilat_domain::{Action, OnUnknown, Outcome};

use super::{ACTIONS, Violation, read};
use crate::internet::{Exchange, Internet, Moment, Traffic};
use crate::log::SimLog;
use crate::plan::Plan;

/// An action in the log: the first record of its id.
struct Known {
    partition: u32,
    offset: i64,
    workspace: String,
    destination: String,
    /// What it is in order with; `None` where it needs no order.
    order: Option<String>,
    hold: bool,
}

/// Checks what executors left.
pub(super) fn check(log: &SimLog, plan: &Plan, internet: &Internet) -> Result<(), Violation> {
    let (actions, poison) = actions(log, plan);
    let outcomes = outcomes(log, plan, &actions)?;
    internet.traffic(|traffic| {
        keys(traffic, &actions)?;
        effects(traffic, &actions, &outcomes)?;
        order(traffic, &actions)?;
        bounds(traffic, &actions, plan)
    })?;
    let kept: usize = ACTIONS
        .iter()
        .flat_map(|topic| (0..plan.partitions).map(move |p| (topic, p)))
        .map(|(topic, p)| read(log, topic.dlq_name(), p).len())
        .sum();
    if kept != poison {
        return Err(Violation::new(
            "poison_is_kept",
            format!("{kept} dead letters of {poison} records that are no actions"),
        ));
    }
    Ok(())
}

/// The actions by id, and how many records are none.
fn actions(log: &SimLog, plan: &Plan) -> (BTreeMap<String, Known>, usize) {
    let mut known = BTreeMap::new();
    let mut poison = 0;
    for topic in ACTIONS {
        for partition in 0..plan.partitions {
            for seen in read(log, topic.name(), partition) {
                match kilat_codec::decode_action(&seen.value) {
                    Ok(action) => {
                        known
                            .entry(action.id.to_string())
                            .or_insert_with(|| Known::new(partition, seen.offset, &action));
                    }
                    Err(_) => poison += 1,
                }
            }
        }
    }
    (known, poison)
}

impl Known {
    fn new(partition: u32, offset: i64, action: &Action<'_>) -> Known {
        let to = action.destination.as_ref();
        let account = |to: &kilat_domain::Destination<'_>| to.account.as_ref().map(ToString::to_string);
        let destination = to.map(|to| format!("{} {} {:?}", to.name, to.url, account(to))).unwrap_or_default();
        let workspace = action.workspace.to_string();
        let order =
            (action.parallel != Some(true)).then(|| format!("{workspace}/{}: {destination}", action.conversation));
        Known { partition, offset, workspace, destination, order, hold: action.on_unknown == OnUnknown::Hold }
    }
}

/// One final result an action, in the action's partition.
fn outcomes(
    log: &SimLog,
    plan: &Plan,
    actions: &BTreeMap<String, Known>,
) -> Result<HashMap<String, Outcome>, Violation> {
    let mut outcomes = HashMap::new();
    let broken = |what: String| Err(Violation::new("one_result", what));
    for partition in 0..plan.partitions {
        for seen in read(log, Topic::ActionResults.name(), partition) {
            if seen.value.is_empty() {
                continue; // withdrawn
            }
            let result = kilat_codec::decode_action_result(&seen.value).expect("the executor wrote it");
            let id = result.action_id.to_string();
            let offset = seen.offset;
            match actions.get(&id) {
                None => return broken(format!("result {offset} of partition {partition} is of no action: {id}")),
                Some(known) if known.partition != partition => {
                    return broken(format!(
                        "the result of {id} is in partition {partition}, its action in {}",
                        known.partition
                    ));
                }
                Some(_) => {}
            }
            if result.outcome.is_final()
                && let Some(earlier) = outcomes.insert(id.clone(), result.outcome)
            {
                return broken(format!(
                    "{id} ends twice: {earlier:?}, and {:?} at {offset} of partition {partition}",
                    result.outcome
                ));
            }
        }
    }
    match actions.iter().find(|(id, _)| !outcomes.contains_key(*id)) {
        Some((id, known)) => {
            broken(format!("{id} has no final result: offset {} of partition {}", known.offset, known.partition))
        }
        None => Ok(outcomes),
    }
}

/// Requests for an action carry its key, and are the same.
fn keys(traffic: &Traffic, actions: &BTreeMap<String, Known>) -> Result<(), Violation> {
    let mut first: HashMap<&str, &Exchange> = HashMap::new();
    for exchange in &traffic.exchanges {
        if !actions.contains_key(&exchange.key) {
            let differs = format!("a request at {:?} carries `{}`, which is no action", exchange.at, exchange.key);
            return Err(Violation::new("one_key", differs));
        }
        let first = *first.entry(&exchange.key).or_insert(exchange);
        if (&first.url, &first.body) != (&exchange.url, &exchange.body) {
            let text = |exchange: &Exchange| String::from_utf8_lossy(&exchange.body).into_owned();
            let differs = format!("requests of {} differ: {} and {}", exchange.key, text(first), text(exchange));
            return Err(Violation::new("one_key", differs));
        }
    }
    Ok(())
}

/// What must not be done twice is not, and results say what was done.
fn effects(
    traffic: &Traffic,
    actions: &BTreeMap<String, Known>,
    outcomes: &HashMap<String, Outcome>,
) -> Result<(), Violation> {
    let mut effects: HashMap<&str, Vec<&Exchange>> = HashMap::new();
    for exchange in traffic.exchanges.iter().filter(|exchange| exchange.effect) {
        effects.entry(&exchange.key).or_default().push(exchange);
    }
    for (id, known) in actions {
        let (times, outcome) = (effects.get(id.as_str()).map_or(&[][..], Vec::as_slice), outcomes[id]);
        let at: Vec<_> = times.iter().map(|exchange| (exchange.at, exchange.wire)).collect();
        if known.hold && times.len() > 1 {
            return Err(Violation::new("at_most_once", format!("{id} was done {} times: {at:?}", times.len())));
        }
        let is_true = match outcome {
            Outcome::Delivered => !times.is_empty(),
            // What may be sent again may have been done by a request whose answer nobody heard.
            Outcome::Failed | Outcome::Suppressed => !known.hold || times.is_empty(),
            Outcome::Unknown | Outcome::Sending => known.hold,
        };
        if !is_true {
            return Err(Violation::new("result_is_true", format!("{id} ended as {outcome:?} and was done at {at:?}")));
        }
    }
    Ok(())
}

/// Actions of a conversation are first done at an endpoint in their order.
fn order(traffic: &Traffic, actions: &BTreeMap<String, Known>) -> Result<(), Violation> {
    let mut done = BTreeSet::new();
    let mut last: HashMap<&str, (i64, &str)> = HashMap::new();
    for exchange in traffic.exchanges.iter().filter(|exchange| exchange.effect) {
        let known = &actions[&exchange.key];
        let is_first = done.insert(exchange.key.as_str());
        let Some(order) = known.order.as_deref().filter(|_| is_first && !exchange.stale) else { continue };
        let (before, id) = last.insert(order, (known.offset, &exchange.key)).unwrap_or((-1, ""));
        if before > known.offset {
            let differs =
                format!("{order}: {} was done at {:?}, after {id}, which comes later", exchange.key, exchange.at);
            return Err(Violation::new("delivery_order", differs));
        }
    }
    Ok(())
}

/// A session has no more requests under way than it may.
fn bounds(traffic: &Traffic, actions: &BTreeMap<String, Known>, plan: &Plan) -> Result<(), Violation> {
    let mut under_way: HashMap<(usize, &str, &str), usize> = HashMap::new();
    for moment in &traffic.moments {
        let (Moment::Sent(at) | Moment::Ended(at)) = *moment;
        let exchange = &traffic.exchanges[at];
        let known = &actions[&exchange.key];
        let counted = [
            (("", ""), plan.requests_max),
            ((known.workspace.as_str(), ""), plan.workspace_requests_max()),
            ((known.workspace.as_str(), known.destination.as_str()), plan.destination_requests_max()),
        ];
        for ((workspace, destination), most) in counted {
            let count = under_way.entry((exchange.wire, workspace, destination)).or_default();
            match moment {
                Moment::Sent(_) => *count += 1,
                Moment::Ended(_) => *count -= 1,
            }
            if *count > most {
                let differs = format!(
                    "{count} requests under way to `{workspace}` `{destination}` at {:?}, {most} allowed",
                    exchange.at
                );
                return Err(Violation::new("requests_bounded", differs));
            }
        }
    }
    Ok(())
}
