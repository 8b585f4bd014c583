//! Distinct ids, for peers that report every occurrence.

/// Which ids were seen in the present item.
pub(crate) struct Seen {
    bits: Vec<u64>,
}

impl Seen {
    pub(crate) fn new(ids: usize) -> Seen {
        Seen { bits: vec![0; ids.div_ceil(64)] }
    }

    /// Adds `id` to `found` unless it is there.
    #[inline]
    pub(crate) fn add(&mut self, id: u32, found: &mut Vec<u32>) {
        let (word, bit) = (&mut self.bits[id as usize / 64], 1 << (id % 64));
        if *word & bit == 0 {
            *word |= bit;
            found.push(id);
        }
    }

    /// Forgets the ids that were found.
    #[inline]
    pub(crate) fn forget(&mut self, found: &[u32]) {
        for id in found {
            self.bits[*id as usize / 64] = 0;
        }
    }
}
