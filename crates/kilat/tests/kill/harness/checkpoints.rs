//! Harm done to checkpoints while no engine runs: what a disk, a person or a lost write would do.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Random;

/// What was harmed so far.
#[derive(Default)]
pub(crate) struct Harm {
    files: HashSet<PathBuf>,
    count: usize,
}

impl Harm {
    /// Harms the newest checkpoint of every partition that keeps another whole one, each in a way of its own; and leaves
    /// things beside them that are no checkpoints.
    pub(crate) fn newest(&mut self, place: &Path, random: &mut Random) {
        for partition in partitions(place) {
            let mut whole: Vec<PathBuf> = files(&partition)
                .filter(|file| file.extension().is_some_and(|extension| extension == "checkpoint"))
                .collect();
            whole.retain(|file| !self.files.contains(file));
            whole.sort_unstable();
            let Some(newest) = whole.pop().filter(|_| !whole.is_empty()) else { continue };
            self.count += 1;
            let mut bytes = fs::read(&newest).expect("it was just listed");
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(4) {
                0 => fs::remove_file(&newest).expect("removed"),
                1 => fs::write(&newest, &bytes[..at]).expect("torn"),
                2 => {
                    bytes[at] ^= 1 << random.below(8);
                    fs::write(&newest, &bytes).expect("flipped");
                }
                _ => fs::write(&newest, "something else").expect("exchanged"),
            }
            self.files.insert(newest);
            fs::write(partition.join("notes.txt"), "not a checkpoint").expect("written");
            fs::write(partition.join("00000000000000000001.checkpoint#7"), "half an upload").expect("written");
        }
    }

    /// How many checkpoints were harmed.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

/// The folders that hold checkpoints: log, topic, partition.
fn partitions(place: &Path) -> Vec<PathBuf> {
    (0..3).fold(vec![place.to_owned()], |folders, _| {
        folders.iter().flat_map(|folder| files(folder)).filter(|path| path.is_dir()).collect()
    })
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}
