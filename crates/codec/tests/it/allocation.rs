//! What decoding allocates: nothing for a plain text message, and little for bytes that lie about their lengths.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kilat_codec::{DecodeError, Encoder, Schema, decode_event};

use crate::contract_event;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system allocator unchanged; the counters are plain cells of this thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: the caller's contract is that of the system allocator.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many allocations, of how many bytes, `run` makes.
fn counted<T>(run: impl FnOnce() -> T) -> (T, usize, usize) {
    let (count, bytes) = (ALLOCATIONS.get(), BYTES.get());
    let result = run();
    (result, ALLOCATIONS.get() - count, BYTES.get() - bytes)
}

#[test]
fn a_plain_text_message_is_decoded_without_allocating() {
    let mut bytes = Vec::new();
    Encoder::new().event(&contract_event(), &mut bytes).unwrap();
    let (event, allocations, _) = counted(|| decode_event(&bytes).unwrap());
    assert_eq!(event, contract_event());
    assert_eq!(allocations, 0);
}

#[test]
fn a_message_is_encoded_into_a_used_buffer_without_allocating() {
    let (encoder, event) = (Encoder::new(), contract_event());
    let mut bytes = Vec::new();
    encoder.event(&event, &mut bytes).unwrap();
    bytes.clear();
    let (written, allocations, _) = counted(|| encoder.event(&event, &mut bytes));
    written.unwrap();
    assert_eq!(allocations, 0);
}

#[test]
fn the_text_of_an_event_is_that_of_the_record() {
    let mut bytes = Vec::new();
    Encoder::new().event(&contract_event(), &mut bytes).unwrap();
    let event = decode_event(&bytes).unwrap();
    let text = event.message.unwrap().text.unwrap();
    assert!(bytes.as_ptr_range().contains(&text.as_str().as_ptr()));
}

#[test]
fn a_list_that_claims_more_items_than_there_are_bytes_allocates_no_room_for_them() {
    // id "e", workspace "w", type, time 0, then conversation with only `tags`, which claim 2^40 items.
    let mut bytes = vec![0];
    bytes.extend_from_slice(&Schema::Event.id().to_be_bytes());
    bytes.extend_from_slice(&[2, b'e', 2, b'w', 28]);
    bytes.extend_from_slice(b"message.edited");
    bytes.extend_from_slice(&[0, 2, 0, 0, 0, 2]);
    bytes.extend_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x40]);
    let (decoded, _, allocated) = counted(|| decode_event(&bytes).map(drop));
    assert!(matches!(decoded, Err(DecodeError::Truncated)), "{decoded:?}");
    assert!(allocated < 1024, "{allocated} bytes");
}
