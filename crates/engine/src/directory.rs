//! A hash table in segments, so that growing it moves a few thousand entries at a time and never all of them.
//!
//! *Shape:* extendible hashing. A segment holds what shares the upper bits of its hash; one that is full grows, and one of full
//! size is split in two by the next bit. The directory names the segment of every prefix.
//!
//! - **DIR-1**: segments stand for ranges of hashes, and a range is only ever divided: whoever walks them by the hash where
//!   the next begins misses nothing that was there before.

/// The segment of every hash.
#[derive(Debug)]
pub(crate) struct Directory<S> {
    /// How many upper bits of a hash the directory looks at.
    depth: u32,
    /// By those bits: the place of the segment.
    places: Vec<u32>,
    segments: Vec<Part<S>>,
}

#[derive(Debug)]
struct Part<S> {
    /// How many upper bits its hashes share.
    depth: u32,
    segment: S,
}

impl<S: Default> Default for Directory<S> {
    fn default() -> Self {
        Directory { depth: 0, places: vec![0], segments: vec![Part { depth: 0, segment: S::default() }] }
    }
}

impl<S> Directory<S> {
    fn prefix(&self, hash: u64) -> usize {
        (hash >> 1 >> (63 - self.depth)) as usize
    }

    /// The segment of `hash`, and how many upper bits its hashes share.
    pub(crate) fn of(&self, hash: u64) -> (&S, u32) {
        let part = &self.segments[self.places[self.prefix(hash)] as usize];
        (&part.segment, part.depth)
    }

    /// The segment of `hash`, and how many upper bits its hashes share.
    pub(crate) fn of_mut(&mut self, hash: u64) -> (&mut S, u32) {
        let at = self.places[self.prefix(hash)] as usize;
        let part = &mut self.segments[at];
        (&mut part.segment, part.depth)
    }

    /// Splits the segment of `hash`: `halves` gets it with the number of bits its hashes share, and tells those whose next bit
    /// is 0 from those where it is 1.
    pub(crate) fn split(&mut self, hash: u64, halves: impl FnOnce(&S, u32) -> [S; 2]) {
        let at = self.prefix(hash);
        let part = &mut self.segments[self.places[at] as usize];
        let [zero, one] = halves(&part.segment, part.depth);
        part.segment = zero;
        part.depth += 1;
        let depth = part.depth;
        if depth > self.depth {
            self.places = self.places.iter().flat_map(|place| [*place, *place]).collect();
            self.depth += 1;
        }
        let made = u32::try_from(self.segments.len()).expect("a directory has fewer than 2^32 segments");
        self.segments.push(Part { depth, segment: one });
        // Of the places that share the segment's bits, those where the next one is 1: they lie together.
        let width = 1_usize << (self.depth - depth);
        let start = ((self.prefix(hash) / width) | 1) * width;
        self.places[start..start + width].fill(made);
    }

    /// The segment whose hashes begin at `from` or below, and where those of the next begin; `None` for the last one.
    pub(crate) fn range(&self, from: u64) -> (&S, Option<u64>) {
        let (segment, depth) = self.of(from);
        let width = if depth == 0 { None } else { Some(1_u64 << (64 - depth)) };
        let next = width.and_then(|width| (from & !(width - 1)).checked_add(width));
        (segment, next)
    }

    /// Every segment once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &S> {
        self.segments.iter().map(|part| &part.segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts hashes into segments of four at most, and says which are found again by walking the ranges.
    #[test]
    fn what_is_put_in_is_found_in_its_segment_and_once_in_the_ranges() {
        let mut directory: Directory<Vec<u64>> = Directory::default();
        let hashes: Vec<u64> = (1..=500_u64).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        for hash in &hashes {
            while directory.of(*hash).0.len() == 4 {
                directory.split(*hash, |known, depth| {
                    let of = |bit| known.iter().copied().filter(|hash| hash << depth >> 63 == bit).collect();
                    [of(0), of(1)]
                });
            }
            directory.of_mut(*hash).0.push(*hash);
        }
        assert!(hashes.iter().all(|hash| directory.of(*hash).0.contains(hash)));
        assert_eq!(directory.iter().map(Vec::len).sum::<usize>(), hashes.len());
        let (mut walked, mut from) = (Vec::new(), Some(0));
        while let Some(at) = from {
            let (segment, next) = directory.range(at);
            walked.extend_from_slice(segment);
            from = next;
        }
        walked.sort_unstable();
        let mut sorted = hashes;
        sorted.sort_unstable();
        assert_eq!(walked, sorted);
    }
}
