//! The way back from folded text to the original.
//!
//! Input: what folding did, piece by piece, in order. Output: the original range of any folded range.
//! OM-1: a folded range maps to the smallest original range whose folding covers it; dropped code points inside belong to
//! it, those at its ends do not.
//! Absent: per-byte tables; text that folding only copies needs a single entry.

use std::ops::Range;

/// Maps folded byte offsets to original byte offsets. Reusable: folding clears it first.
#[derive(Clone, Debug, Default)]
pub struct OffsetMap {
    pieces: Vec<Piece>,
    folded_len: usize,
}

/// A run of folded text and where it came from.
#[derive(Clone, Debug)]
struct Piece {
    /// First folded byte; the piece ends where the next begins.
    folded: usize,
    original: Range<usize>,
    /// Byte for byte, rather than as a whole.
    copied: bool,
}

impl OffsetMap {
    /// Returns the original byte range that folded to `folded`. Its ends are code point boundaries of the original if
    /// those of `folded` are code point boundaries of the folded text. An empty range maps to an empty one; what lies
    /// beyond the folded text maps to its end.
    #[must_use]
    pub fn original(&self, folded: Range<usize>) -> Range<usize> {
        let start = self.start(folded.start);
        if folded.is_empty() {
            return start..start;
        }
        start..self.end(folded.end.min(self.folded_len)).max(start)
    }

    /// Where the folded byte comes from: the original byte it was copied from and true, or the start of the text that it
    /// was made of with others and false.
    pub(crate) fn origin(&self, folded: usize) -> (usize, bool) {
        let piece = self.pieces[..self.pieces.partition_point(|piece| piece.folded <= folded)].last();
        (self.start(folded), piece.is_some_and(|piece| piece.copied))
    }

    fn start(&self, folded: usize) -> usize {
        if folded >= self.folded_len {
            return self.pieces.last().map_or(0, |piece| piece.original.end);
        }
        let piece = &self.pieces[self.pieces.partition_point(|piece| piece.folded <= folded) - 1];
        if piece.copied { piece.original.start + (folded - piece.folded) } else { piece.original.start }
    }

    fn end(&self, folded: usize) -> usize {
        let Some(piece) = self.pieces[..self.pieces.partition_point(|piece| piece.folded < folded)].last() else {
            return 0;
        };
        if piece.copied { piece.original.start + (folded - piece.folded) } else { piece.original.end }
    }

    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.folded_len = 0;
    }

    /// Notes the length of the folded text, after its last space was trimmed.
    pub(super) fn finish(&mut self, folded_len: usize) {
        self.folded_len = folded_len;
        self.cut(folded_len);
    }

    /// Forgets what was said about the folded text from `folded` on.
    fn cut(&mut self, folded: usize) {
        while self.pieces.last().is_some_and(|piece| piece.folded >= folded) {
            self.pieces.pop();
        }
        if let Some(last) = self.pieces.last_mut()
            && last.copied
        {
            last.original.end = last.original.end.min(last.original.start + (folded - last.folded));
        }
    }
}

/// Receives what folding does, in order.
pub(super) trait Trace {
    /// `original` was appended at `folded`, byte for byte.
    fn copied(&mut self, folded: usize, original: Range<usize>);
    /// `original` as a whole became what stands from `folded` on, instead of anything said about that before.
    fn replaced(&mut self, folded: usize, original: Range<usize>);
    /// The space that ends at `folded` also stands for the original up to `end`.
    fn widened(&mut self, folded: usize, end: usize);
}

impl Trace for () {
    fn copied(&mut self, _: usize, _: Range<usize>) {}
    fn replaced(&mut self, _: usize, _: Range<usize>) {}
    fn widened(&mut self, _: usize, _: usize) {}
}

impl Trace for OffsetMap {
    fn copied(&mut self, folded: usize, original: Range<usize>) {
        if let Some(last) = self.pieces.last_mut()
            && last.copied
            && last.original.end == original.start
        {
            last.original.end = original.end;
        } else {
            self.pieces.push(Piece { folded, original, copied: true });
        }
    }

    fn replaced(&mut self, folded: usize, original: Range<usize>) {
        self.cut(folded);
        self.pieces.push(Piece { folded, original, copied: false });
    }

    fn widened(&mut self, folded: usize, end: usize) {
        match self.pieces.last_mut() {
            Some(last) if last.copied => {
                let start = last.original.end - 1;
                self.replaced(folded - 1, start..end);
            }
            Some(last) => last.original.end = end,
            None => {}
        }
    }
}
