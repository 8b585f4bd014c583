//! A lead or conversation at rest: one run of bytes.

use crate::prefetch::prefetch;

/// Length of the id, place of the workspace, id and packed form; the place in groups of seven bits, lowest first, all but the
/// last marked.
#[derive(Debug)]
pub(crate) struct Resting(Box<[u8]>);

const MARKED: u8 = 0x80;

impl Resting {
    /// Of what an engine made.
    pub(crate) fn new(workspace: u32, id: &str, value: &[u8]) -> Resting {
        Resting::of(workspace, id, value).expect("an id, sent or derived, has a few kilobytes at most")
    }

    /// `None` where the id is too long for one.
    pub(crate) fn of(workspace: u32, id: &str, value: &[u8]) -> Option<Resting> {
        Resting::of_bytes(workspace, id.as_bytes(), value)
    }

    fn of_bytes(workspace: u32, id: &[u8], value: &[u8]) -> Option<Resting> {
        let length = u16::try_from(id.len()).ok()?;
        let place_bytes = (u32::BITS - workspace.leading_zeros()).div_ceil(7).max(1) as usize;
        // Just as many as there will be, so that they are not moved when they are boxed.
        let mut bytes = Vec::with_capacity(2 + place_bytes + id.len() + value.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        let mut place = workspace;
        while place >= u32::from(MARKED) {
            bytes.push(place as u8 | MARKED);
            place >>= 7;
        }
        bytes.push(place as u8);
        bytes.extend_from_slice(id);
        bytes.extend_from_slice(value);
        Some(Resting(bytes.into()))
    }

    /// Place of the workspace, id, and packed form.
    pub(crate) fn parts(&self) -> (u32, &str, &[u8]) {
        let (workspace, id, value) = self.split();
        (workspace, std::str::from_utf8(id).expect("an id is text"), value)
    }

    /// The packed form.
    pub(crate) fn value(&self) -> &[u8] {
        self.split().2
    }

    /// As [`Self::parts`], but for whether the id is text.
    fn split(&self) -> (u32, &[u8], &[u8]) {
        let length = usize::from(u16::from_le_bytes([self.0[0], self.0[1]]));
        let (mut workspace, mut at) = (0, 2);
        loop {
            workspace |= u32::from(self.0[at] & !MARKED) << (7 * (at - 2));
            at += 1;
            if self.0[at - 1] < MARKED {
                break;
            }
        }
        let (id, value) = self.0[at..].split_at(length);
        (workspace, id, value)
    }

    /// Whether there is no packed form.
    pub(crate) fn is_empty(&self) -> bool {
        let length = usize::from(u16::from_le_bytes([self.0[0], self.0[1]]));
        let place = self.0[2..].iter().take_while(|byte| **byte >= MARKED).count() + 1;
        self.0.len() == 2 + place + length
    }

    /// About what it takes of memory: allocators round up, by an eighth at most.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len() + self.0.len() / 8
    }

    /// The same with another packed form.
    pub(crate) fn set(&mut self, value: &[u8]) {
        let (workspace, id, known) = self.split();
        if known.len() == value.len() {
            let at = self.0.len() - value.len();
            self.0[at..].copy_from_slice(value);
        } else {
            *self = Resting::of_bytes(workspace, id, value).expect("its id was short enough");
        }
    }

    /// Begins to fetch the bytes.
    pub(crate) fn prefetch(&self) {
        const LINE: usize = 64;
        self.0.iter().step_by(LINE).take(4).chain(self.0.last()).for_each(prefetch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_comes_out_for_every_size_of_place() {
        for workspace in [0, 1, 127, 128, 16_383, 16_384, 2_097_152, u32::MAX - 1, u32::MAX] {
            for id in ["", "wa:1", &"é".repeat(2_000)] {
                let mut rest = Resting::new(workspace, id, b"packed");
                assert_eq!(rest.parts(), (workspace, id, &b"packed"[..]));
                assert!(!rest.is_empty() && Resting::new(workspace, id, b"").is_empty());
                rest.set(b"longer than it was");
                assert_eq!(rest.parts(), (workspace, id, &b"longer than it was"[..]));
            }
        }
        assert!(Resting::of(0, &"x".repeat(65_536), b"").is_none());
    }
}
