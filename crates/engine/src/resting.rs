//! A lead or conversation at rest: one run of bytes.

use crate::prefetch::prefetch;

/// Workspace, id and packed form, behind the lengths of what comes before the last.
#[derive(Debug)]
pub(crate) struct Resting(Box<[u8]>);

/// Bytes before the id: its length, and the place of the workspace.
const HEADER: usize = 6;

impl Resting {
    /// Of what an engine made.
    pub(crate) fn new(workspace: u32, id: &str, value: &[u8]) -> Resting {
        Resting::of(workspace, id, value).expect("an id, sent or derived, has a few kilobytes at most")
    }

    /// `None` where the id is too long for one.
    pub(crate) fn of(workspace: u32, id: &str, value: &[u8]) -> Option<Resting> {
        let length = u16::try_from(id.len()).ok()?;
        let mut bytes = Vec::with_capacity(HEADER + id.len() + value.len());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&workspace.to_le_bytes());
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(value);
        Some(Resting(bytes.into()))
    }

    /// Place of the workspace, id, and packed form.
    pub(crate) fn parts(&self) -> (u32, &str, &[u8]) {
        let (header, rest) = self.0.split_at(HEADER);
        let length = usize::from(u16::from_le_bytes([header[0], header[1]]));
        let workspace = u32::from_le_bytes([header[2], header[3], header[4], header[5]]);
        let (id, value) = rest.split_at(length);
        (workspace, std::str::from_utf8(id).expect("an id is text"), value)
    }

    /// The same with another packed form.
    pub(crate) fn set(&mut self, value: &[u8]) {
        let (workspace, id, known) = self.parts();
        if known.len() == value.len() {
            let at = self.0.len() - value.len();
            self.0[at..].copy_from_slice(value);
        } else {
            *self = Resting::new(workspace, id, value);
        }
    }

    /// Begins to fetch the bytes.
    pub(crate) fn prefetch(&self) {
        const LINE: usize = 64;
        self.0.iter().step_by(LINE).take(4).for_each(prefetch);
    }
}
