//! P8: what a million idle leads take in memory and how long they take to restore, and what blocks cost.
//!
//! `cargo run --release -p kilat-bench --example state -- [LEADS]`. A lead counts with its one conversation: ids, status, tags, name,
//! phone, source, city, channel and counts. Memory is everything the partition has allocated for them, divided by the leads:
//! packed bytes, homes, the tables they are found by with their free slots, all as the system's allocator rounds it up and with eight
//! bytes for each allocation. Keys of events are shown apart: they leave with the window. Time is CPU time of the thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use kilat_bench::clock::thread_cpu;
use kilat_bench::leads::{Nothing, first_message};
use kilat_codec::{Encoder, decode_state_block};
use kilat_domain::Timestamp;
use kilat_engine::{BatchHeader, Partition, ScanCursor};

/// What is allocated now, in bytes.
static ALLOCATED: AtomicIsize = AtomicIsize::new(0);

struct Counting;

fn count(pointer: *mut u8, sign: isize) {
    // SAFETY: the pointer was given by the system's allocator and is not freed yet; null counts as 0.
    let usable = unsafe { libc::malloc_usable_size(pointer.cast()) };
    if usable > 0 {
        ALLOCATED.fetch_add(sign * (usable as isize + 8), Ordering::Relaxed);
    }
}

// SAFETY: every call is handed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        let pointer = unsafe { System.alloc(layout) };
        count(pointer, 1);
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(pointer, -1);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocated() -> isize {
    ALLOCATED.load(Ordering::Relaxed)
}

fn main() {
    let leads: u64 = std::env::args().nth(1).map_or(1_000_000, |leads| leads.parse().expect("a number of leads"));
    let (encoder, before) = (Encoder::new(), allocated());
    let mut partition = Partition::new();
    let (mut block_bytes, mut batches) = (0, 0);
    for number in 0..leads {
        for event in first_message(number) {
            partition.apply(&event, None, event.occurred_at, &mut Nothing);
        }
        if number % 500 == 499 {
            for block in partition.blocks(BatchHeader::default()) {
                let mut bytes = Vec::new();
                encoder.state_block(&block, &mut bytes).expect("encodable");
                block_bytes += bytes.len();
                batches += 1;
            }
            partition.settle();
        }
    }
    partition.settle();
    partition.rest();
    let in_window = allocated() - before;
    println!("{batches} blocks, {} bytes a new lead", block_bytes as u64 / leads);
    println!("{} bytes a lead with the keys of its two events", in_window / leads as isize);

    let (mut slices, mut cursor) = (Vec::new(), ScanCursor::default());
    while let Some(mut slice) = partition.scan(0, &mut cursor, 256 << 10) {
        // The keys have left the window of an idle lead.
        slice.seen.clear();
        let mut bytes = Vec::new();
        encoder.state_block(&slice, &mut bytes).expect("encodable");
        slices.push(bytes);
    }
    drop(partition);
    let (before, mut copy) = (allocated(), Partition::new());
    let cpu = thread_cpu();
    for slice in &slices {
        copy.load(decode_state_block(slice).expect("decodable")).expect("loadable");
    }
    let seconds = (thread_cpu() - cpu) as f64 / 1e9;
    println!("{} bytes an idle lead", (allocated() - before) / leads as isize);
    let bytes: usize = slices.iter().map(Vec::len).sum();
    println!(
        "{} bytes a lead in slices; {:.2} CPU-s to restore, {:.0} leads/s",
        bytes as u64 / leads,
        seconds,
        leads as f64 / seconds
    );

    // A million messages of known leads, in batches of 5,000, without rules: what blocks carry then.
    let (mut bytes, mut cpu, mut cpu_of_all, events) = (0, 0, 0, 200_000_u64);
    let mut block = Vec::new();
    for number in 0..events {
        let mut message = first_message(number.wrapping_mul(7_919) % leads)[0].clone();
        message.id = format!("again-{number}").into();
        if let Some(message) = &mut message.message {
            message.id = Some(format!("wamid.again.{number}").into());
        }
        message.occurred_at = Timestamp(message.occurred_at.0 + 900_000_000);
        let begun = thread_cpu();
        copy.apply(&message, None, message.occurred_at, &mut Nothing);
        cpu_of_all += thread_cpu() - begun;
        if number % 5_000 == 4_999 {
            let begun = thread_cpu();
            for written in copy.blocks(BatchHeader::default()) {
                block.clear();
                encoder.state_block(&written, &mut block).expect("encodable");
                bytes += block.len() as u64;
            }
            copy.settle();
            cpu += thread_cpu() - begun;
        }
    }
    let per = |cpu: u64| cpu as f64 / events as f64;
    println!(
        "{} bytes an event in blocks; {:.0} ns to write and settle, {:.0} ns to apply",
        bytes / events,
        per(cpu),
        per(cpu_of_all)
    );
}
