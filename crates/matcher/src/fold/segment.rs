//! Puts one normalisation segment into NFC when appending to it is not enough.
//!
//! Input: the end of the folded text, from the last code point nothing before can change, and the code points of the
//! original that may still combine with it. Output: that segment decomposed, in canonical order and composed.
//! Absent: anything outside the segment; by the definition of a boundary nothing there can matter.
//! Source: The Unicode Standard 3.11, D108, D109, D117.

use crate::unicode::{self, Folding};

/// Code points of a segment kept without allocating: the bound of Unicode's Stream-Safe Text Format, and the starter.
const INLINE: usize = 32;

/// Rewrites `folded[start..]` together with what follows at `text[read..]` up to the next boundary. Returns where in
/// `text` that boundary is.
pub(super) fn renormalise(text: &str, mut read: usize, folded: &mut String, start: usize) -> usize {
    let mut segment = Segment::new();
    segment.push_decomposed(&folded[start..]);
    for c in text[read..].chars() {
        match unicode::folding(c) {
            Folding::Dropped => {}
            Folding::Mapped(mapped) if !mapped.is_boundary() => segment.push_decomposed(mapped.text()),
            Folding::Same | Folding::Mapped(_) => break,
        }
        read += c.len_utf8();
    }
    folded.truncate(start);
    compose_into(segment.ordered(), folded);
    read
}

/// The decomposed code points of a segment with their combining classes.
struct Segment {
    inline: [(u8, char); INLINE],
    len: usize,
    /// All of them, once there are more than [`INLINE`].
    spilled: Vec<(u8, char)>,
}

impl Segment {
    fn new() -> Self {
        Self { inline: [(0, '\0'); INLINE], len: 0, spilled: Vec::new() }
    }

    fn push_decomposed(&mut self, text: &str) {
        for c in text.chars() {
            unicode::decompose(c, &mut |c| self.push(c));
        }
    }

    fn push(&mut self, c: char) {
        let item = (unicode::combining_class(c), c);
        if self.len < INLINE {
            self.inline[self.len] = item;
        } else {
            if self.len == INLINE {
                self.spilled.extend_from_slice(&self.inline);
            }
            self.spilled.push(item);
        }
        self.len += 1;
    }

    /// The code points in canonical order: runs of marks sorted by class, equal classes as they came.
    fn ordered(&mut self) -> &mut [(u8, char)] {
        let items = if self.len <= INLINE { &mut self.inline[..self.len] } else { &mut self.spilled[..] };
        for marks in items.chunk_by_mut(|a, b| (a.0 == 0) == (b.0 == 0)) {
            if marks[0].0 != 0 {
                marks.sort_by_key(|&(class, _)| class);
            }
        }
        items
    }
}

/// Appends the canonical composition of ordered code points.
fn compose_into(items: &mut [(u8, char)], folded: &mut String) {
    // The first `kept` items are final, but for the last starter among them, which may still compose.
    let mut kept = 0;
    let mut starter: Option<usize> = None;
    let mut last_class = 0;
    for at in 0..items.len() {
        let (class, c) = items[at];
        if let Some(starter) = starter {
            // A code point is blocked from the starter by one in between of no lower class.
            let adjacent = kept == starter + 1;
            if (adjacent || last_class < class)
                && let Some(composite) = unicode::compose(items[starter].1, c)
            {
                items[starter].1 = composite;
                continue;
            }
        }
        if class == 0 {
            starter = Some(kept);
        }
        items[kept] = (class, c);
        kept += 1;
        last_class = class;
    }
    folded.extend(items[..kept].iter().map(|&(_, c)| c));
}
