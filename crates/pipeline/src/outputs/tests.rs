//! State blocks of any size are written in records that fit.

use std::borrow::Cow;

use kilat_domain::{Conversation, ConversationEntry, Lead, LeadEntry, SeenDay};

use super::*;

/// A block of so many leads, conversations and keys, each lead and conversation of so many bytes.
fn block(leads: usize, conversations: usize, keys: usize, bytes: usize) -> StateBlock<'static> {
    let lead = Lead::new(&"s".repeat(bytes));
    let conversation = Conversation { assignee: Some("a".repeat(bytes).into()), ..Conversation::new(Timestamp(0)) };
    let entry = |n: usize| (format!("w{n}").into(), format!("id{n}").into());
    StateBlock {
        partition: 3,
        now: Timestamp(0),
        rule_epoch: 0,
        inputs: Vec::new(),
        leads: (0..leads)
            .map(|n| {
                let (workspace, id) = entry(n);
                LeadEntry { workspace, id, state: Cow::Owned(lead.clone()), marks: Cow::Owned(Vec::new()) }
            })
            .collect(),
        conversations: (0..conversations)
            .map(|n| {
                let (workspace, id) = entry(n);
                ConversationEntry {
                    workspace,
                    id,
                    state: Cow::Owned(conversation.clone()),
                    marks: Cow::Owned(Vec::new()),
                }
            })
            .collect(),
        seen: vec![SeenDay { day: 1, keys: (0..keys).map(|n| n as i64).collect() }],
        disabled: Vec::new(),
    }
}

#[test]
fn a_block_is_written_whole_whatever_its_size() {
    for (leads, conversations, keys, bytes) in [
        (1, 0, 0, 10),
        (1, 1, 1, 600_000),
        (0, 1, 1, 950_000),
        (1, 1, 0, 950_000),
        (3, 2, 5, 950_000),
        (40, 40, 100, 300_000),
    ] {
        let mut transaction = Transaction::default();
        append_block(&mut transaction, &mut Encoder::new(), block(leads, conversations, keys, bytes)).unwrap();
        let (mut found, mut largest) = ([0; 3], 0);
        for record in transaction.records() {
            let value = record.value.unwrap();
            let block = kilat_codec::decode_state_block(value).unwrap();
            let counts = [block.leads.len(), block.conversations.len(), super::keys(&block)];
            found.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            largest = largest.max(value.len());
        }
        assert_eq!(found, [leads, conversations, keys], "{bytes} bytes each");
        assert!(largest <= BLOCK_BYTES_SPLIT.max(bytes + 1_000), "{largest}");
    }
}
