//! The packed form of leads and conversations: what is packed is unpacked as it was, and deltas lead where they should.

use kilat_domain::{Conversation, Entries, Lead, Mark, Packed};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::strategies;

fn packed<T: Packed>(value: &T, marks: &[Mark]) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.pack(marks, &mut bytes);
    bytes
}

/// `known` with what `counted` counts.
fn with_counts_of(known: &Conversation, counted: &Conversation) -> Conversation {
    let mut counting = known.clone();
    let counters = counting.counters();
    *counters.customer_messages = counted.customer_messages;
    *counters.team_messages = counted.team_messages;
    *counters.session_messages = counted.session_messages;
    *counters.last_customer_at = counted.last_customer_at;
    counting
}

/// The states of a history, packed, and the delta that leads to each from the one before.
fn history<T: Packed>(states: &[(T, Vec<Mark>)]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let all: Vec<_> = states.iter().map(|(value, marks)| packed(value, marks)).collect();
    let delta = |(number, pair): (usize, &[Vec<u8>])| {
        let mut delta = Vec::new();
        let counts = states[number].0.counts();
        assert_eq!(T::diff(&pair[0], counts, &pair[1], &mut delta).unwrap(), pair[0] != pair[1]);
        delta
    };
    let deltas = all.windows(2).enumerate().map(delta).collect();
    (all, deltas)
}

/// Whatever state one starts from, deltas from that state or one before it on end at the last state.
fn converges<T: Packed>(states: &[(T, Vec<Mark>)]) {
    let (states, deltas) = history(states);
    for start in 0..states.len() {
        for first in 0..=start {
            let mut state = states[start].clone();
            for delta in deltas[first..].iter().filter(|delta| !delta.is_empty()) {
                let mut merged = Vec::new();
                T::merge(&state, delta, &mut merged).unwrap();
                T::unpack(&merged).unwrap();
                state = merged;
            }
            assert_eq!(state, *states.last().unwrap(), "from state {start}, deltas from {first} on");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn leads_are_unpacked_as_they_were(lead in strategies::lead(), marks in strategies::marks()) {
        prop_assert_eq!(Lead::unpack(&packed(&lead, &marks)).unwrap(), (lead, marks));
    }

    #[test]
    fn conversations_are_unpacked_as_they_were(known in strategies::conversation(), marks in strategies::marks()) {
        prop_assert_eq!(Conversation::unpack(&packed(&known, &marks)).unwrap(), (known, marks));
    }

    #[test]
    fn deltas_of_leads_converge(states in vec((strategies::lead(), strategies::marks()), 1..4)) {
        converges(&states);
    }

    #[test]
    fn deltas_of_conversations_converge(states in vec((strategies::conversation(), strategies::marks()), 1..5)) {
        converges(&states);
    }

    #[test]
    fn what_is_counted_is_packed_over_the_rest_as_if_all_of_it_were(
        known in strategies::conversation(), marks in strategies::marks(), counted in strategies::conversation(),
    ) {
        let counting = with_counts_of(&known, &counted);
        let (old, new) = (packed(&known, &marks), packed(&counting, &marks));
        let (mut bytes, mut delta, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        Conversation::recount(&old, counting.counts(), &mut bytes).unwrap();
        prop_assert_eq!(bytes, &*new);
        let changed = Conversation::diff_counts(known.counts(), counting.counts(), &mut delta);
        prop_assert_eq!(changed, Conversation::diff(&old, known.counts(), &new, &mut expected).unwrap());
        prop_assert_eq!(delta, expected);
    }

    /// What was packed may be behind in what is counted.
    #[test]
    fn a_delta_is_the_same_whether_the_older_form_was_recounted_or_not(
        packed_once in strategies::conversation(), counted in strategies::conversation(), marks in strategies::marks(),
        new in strategies::conversation(),
    ) {
        let old = with_counts_of(&packed_once, &counted);
        let (behind, old, new) = (packed(&packed_once, &marks), packed(&old, &marks), packed(&new, &[]));
        let (mut delta, mut expected) = (Vec::new(), Vec::new());
        let changed = Conversation::diff(&behind, counted.counts(), &new, &mut delta).unwrap();
        prop_assert_eq!(changed, Conversation::diff(&old, counted.counts(), &new, &mut expected).unwrap());
        prop_assert_eq!(&delta, &expected);
        let mut merged = Vec::new();
        if changed {
            Conversation::merge(&old, &delta, &mut merged).unwrap();
            prop_assert_eq!(merged, new);
        } else {
            prop_assert_eq!(old, new);
        }
    }

    #[test]
    fn bytes_that_are_no_packed_value_are_an_error(
        known in strategies::conversation(), cut in any::<usize>(), flip in any::<usize>(), noise in vec(any::<u8>(), 0..40),
    ) {
        let whole = packed(&known, &[]);
        let _ = Conversation::unpack(&whole[..cut % whole.len()]);
        let mut flipped = whole.clone();
        flipped[flip / 8 % whole.len()] ^= 1 << (flip % 8);
        for bytes in [&flipped[..], &noise[..]] {
            let _ = (Conversation::unpack(bytes).is_ok(), Lead::unpack(bytes).is_ok());
            let _ = (Conversation::merge(&whole, bytes, &mut Vec::new()), Conversation::merge(bytes, bytes, &mut Vec::new()));
            let _ = Conversation::diff(&whole, known.counts(), bytes, &mut Vec::new());
            let _ = Conversation::diff(bytes, known.counts(), &whole, &mut Vec::new());
            let _ = Conversation::recount(bytes, known.counts(), &mut Vec::new());
            let _ = Entries::from(bytes).iter().count();
        }
        // Every field is there for what follows to be read, so bytes that end early are always noticed.
        for end in 0..whole.len() {
            prop_assert!(Conversation::unpack(&whole[..end]).is_err(), "{end} of {} bytes", whole.len());
        }
    }
}
