//! Fibers: product code that blocks, run so that it blocks nobody and that nothing but the seed decides who is next.
//!
//! Input: a body and what to wait for. Output: control comes back wherever the body calls [`suspend`], which only the
//! simulated log and clock do. A fiber that is dropped is unwound where it stands: no further line of its body runs, but
//! the drops of what it owns.
//! Absent: threads. A run and all of its fibers live on one.

use std::cell::Cell;
use std::ptr;
use std::time::Duration;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

/// Bytes of a fiber's stack, as a Rust thread has them.
const STACK_BYTES: usize = 2 << 20;

/// What a fiber waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// This time.
    Until(Duration),
    /// A change of the world after this version, at the latest this time.
    Change(u64, Duration),
    /// Its process freezes for so long.
    Frozen(Duration),
    /// Nothing more: its process crashes here.
    Crash,
    /// Nothing: its process is asked to stop.
    Stop,
}

thread_local! {
    static CURRENT: Cell<*const Yielder<(), Wait>> = const { Cell::new(ptr::null()) };
}

/// A body that can be suspended.
pub(crate) struct Fiber {
    coroutine: Coroutine<(), Wait, (), DefaultStack>,
}

impl Fiber {
    pub(crate) fn new(body: impl FnOnce() + 'static) -> Fiber {
        let stack = DefaultStack::new(STACK_BYTES).expect("memory for a stack");
        let coroutine = Coroutine::with_stack(stack, move |yielder, ()| {
            CURRENT.set(ptr::from_ref(yielder));
            body();
        });
        Fiber { coroutine }
    }

    /// Runs it until it waits; `None` where it has ended.
    pub(crate) fn resume(&mut self) -> Option<Wait> {
        let outcome = self.coroutine.resume(());
        CURRENT.set(ptr::null());
        match outcome {
            CoroutineResult::Yield(wait) => Some(wait),
            CoroutineResult::Return(()) => None,
        }
    }
}

/// Whether the caller runs in a fiber.
pub(crate) fn is_inside() -> bool {
    !CURRENT.get().is_null()
}

/// Gives control back until what is waited for is there. Only in a fiber.
pub(crate) fn suspend(wait: Wait) {
    let yielder = CURRENT.get();
    assert!(!yielder.is_null(), "only a fiber can be suspended");
    // SAFETY: `CURRENT` is set by the body of the fiber that runs on this thread now, to a yielder on its own stack, and is
    // cleared when control leaves it.
    unsafe { (*yielder).suspend(wait) };
    CURRENT.set(yielder);
}
