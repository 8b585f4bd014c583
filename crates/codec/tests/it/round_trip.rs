//! Whatever is written is read back as it was: by us, and by apache-avro; and what apache-avro writes is read by us.

use kilat_codec::*;
use proptest::prelude::*;
use serde_json::Value;

use crate::{oracle, strategies};

/// Our bytes through our decoder and through the oracle, the oracle's bytes through our decoder; `$line` is the plain
/// JSON that both sides must agree on.
macro_rules! holds_for {
    ($($property:ident: $strategy:ident, $schema:ident, $topic:ident, $encode:ident, $decode:ident;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(96))]
            $(#[test]
            fn $property(original in strategies::$strategy()) {
                let mut ours = b"kept".to_vec();
                Encoder::new().$encode(&original, &mut ours).unwrap();
                prop_assert_eq!(&ours[..4], b"kept");
                let ours = &ours[4..];
                prop_assert_eq!(&$decode(ours).unwrap(), &original);

                let line = json::record_to_line(Topic::$topic, ours).unwrap();
                let plain = oracle::without_nulls(serde_json::from_str::<Value>(&line).unwrap());
                prop_assert_eq!(&oracle::without_nulls(oracle::decode(Schema::$schema, ours)), &plain);

                // apache-avro does not keep the order of maps; plain JSON compares them without it.
                let line: Value = serde_json::from_str(&line).unwrap();
                let theirs = oracle::encode(Schema::$schema, &line);
                $decode(&theirs).unwrap();
                let read = json::record_to_line(Topic::$topic, &theirs).unwrap();
                prop_assert_eq!(serde_json::from_str::<Value>(&read).unwrap(), line);
            })*
        }
    };
}

holds_for! {
    events_survive_avro: event, Event, Messages, event, decode_event;
    rule_sets_survive_avro: rule_set, RuleSet, Rules, rule_set, decode_rule_set;
    rule_statuses_survive_avro: rule_status, RuleStatus, RuleStatus, rule_status, decode_rule_status;
    decisions_survive_avro: decision, Decision, Decisions, decision, decode_decision;
    explanations_survive_avro: explanation, Explanation, Explain, explanation, decode_explanation;
    actions_survive_avro: action, Action, ActionsPartner, action, decode_action;
    action_results_survive_avro: action_result, ActionResult, ActionResults, action_result, decode_action_result;
    leads_survive_avro: lead_record, Lead, Leads, lead, decode_lead;
    state_blocks_survive_avro: state_block, StateBlock, State, state_block, decode_state_block;
    spread_steps_survive_avro: spread_step, SpreadStep, Spread, spread_step, decode_spread_step;
}

proptest! {
    #[test]
    fn nothing_is_left_of_the_event_that_stood_in_the_place_before(
        before in strategies::event(),
        original in strategies::event(),
    ) {
        let mut bytes = Vec::new();
        Encoder::new().event(&original, &mut bytes).unwrap();
        let mut place = before;
        decode_event_into(&bytes, &mut place).unwrap();
        prop_assert_eq!(place, original);
    }

    #[test]
    fn events_survive_their_line(original in strategies::event()) {
        // Changes and shop facts have short forms, which are filled in on reading.
        let line = json::event_to_line(&original);
        let read = json::event_from_line(&line).unwrap();
        prop_assert_eq!(&read.conversation, &original.conversation);
        prop_assert_eq!(kilat_domain::Event { change: None, ..read }, kilat_domain::Event { change: None, ..original });
    }

    #[test]
    fn decisions_survive_their_line(original in strategies::decision()) {
        prop_assert_eq!(json::decision_from_line(&json::decision_to_line(&original)).unwrap(), original);
    }

    #[test]
    fn actions_survive_their_line(original in strategies::action()) {
        prop_assert_eq!(json::action_from_line(&json::action_to_line(&original)).unwrap(), original);
    }
}
