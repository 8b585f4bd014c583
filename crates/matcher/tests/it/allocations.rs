//! Folding and scanning allocate nothing once their buffers are warm (F-3, KW-3).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use kilat_matcher::{
    Boundary, Case, FiledRegex, HitSet, KeywordSetBuilder, OffsetMap, Regex, RegexScratch, fold_into, fold_with_offsets,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TEXTS: [&str; 6] = [
    "Mau order 2, transfer Rp 1.500.000 ya",
    "  MAU\t ORDER \n ",
    "ＯＲＤＥＲ\u{200b} café e\u{301}\u{323} Straße 👩\u{200d}💻",
    "我想订购 สั่งซื้อ שלום",
    "각가 ᄀ\u{1161} Å K",
    "",
];

#[test]
fn warm_buffers_are_enough() {
    let mut builder = KeywordSetBuilder::new();
    builder.add("order", Boundary::WholeWord).expect("a keyword");
    let regex = Regex::new(r"rp\s*([0-9.]+)", Case::Insensitive).expect("a pattern");
    let filed = FiledRegex::new(&regex, &mut builder).expect("room");
    let keywords = builder.build();
    let (mut folded, mut offsets) = (String::new(), OffsetMap::default());
    let (mut hits, mut scratch) = (HitSet::new(), RegexScratch::new());
    let mut matches = 0;
    let mut pass = || {
        for text in TEXTS {
            fold_into(text, &mut folded);
            fold_with_offsets(text, &mut folded, &mut offsets);
            keywords.fold_and_scan(text, &mut folded, &mut hits);
            matches += usize::from(filed.is_match(text, &mut hits, &mut scratch));
        }
    };
    pass();
    let before = ALLOCATIONS.get();
    pass();
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert_ne!(before, 0);
    assert_eq!(matches, 2);
}
