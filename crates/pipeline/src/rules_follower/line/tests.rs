//! What settles, in whichever order versions arrive and compiles end, is what one compile after the other comes to.

use super::*;

/// SplitMix64, as tests of this crate draw from nothing else.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// A version is what compiling it comes to: live with this number, or refused.
type Version = Result<i64, String>;

fn refused() -> Version {
    Err("wrong".to_owned())
}

/// What is live once every version below `epoch` was dealt with, one after the other.
fn one_by_one(published: &[(String, Version)], epoch: i64) -> BTreeMap<String, i64> {
    let mut live = BTreeMap::new();
    for (workspace, version) in &published[..epoch as usize] {
        if let Ok(version) = version {
            live.insert(workspace.clone(), *version);
        }
    }
    live
}

fn settled(line: &mut Line<Version, i64>) -> Option<(i64, Vec<(i64, Version)>)> {
    let settled = line.settle()?;
    Some((settled.epoch, settled.outcomes.into_iter().map(|told| (told.offset, told.outcome)).collect()))
}

#[test]
fn every_epoch_that_is_reached_sees_what_compiling_one_by_one_would_have_made_live() {
    let mut passed_over = 0;
    for seed in 0..2_000 {
        let random = &mut Random(seed);
        let versions = 1 + random.below(30) as usize;
        let published: Vec<(String, Version)> = (0..versions as i64)
            .map(|offset| {
                let version = if random.below(3) == 0 { refused() } else { Ok(offset) };
                (format!("workspace-{}", random.below(3)), version)
            })
            .collect();
        let mut line: Line<Version, i64> = Line::new();
        let (mut arrived, mut told) = (0, 0);
        let mut compiling: Vec<Job<Version>> = Vec::new();
        let (mut live, mut epoch) = (BTreeMap::new(), 0);
        while arrived < versions || line.len() > 0 {
            match random.below(3) {
                0 if arrived < versions => {
                    let (workspace, version) = &published[arrived];
                    if random.below(5) == 0 {
                        line.arrive_done(arrived as i64, workspace, "", version.clone());
                    } else {
                        line.arrive(arrived as i64, workspace, "", version.clone());
                    }
                    arrived += 1;
                }
                1 if compiling.len() < 4 => compiling.extend(line.next()),
                _ if !compiling.is_empty() => {
                    let job = compiling.swap_remove(random.below(compiling.len() as u64) as usize);
                    // Who is told to stop may have been done by then.
                    let stopped = job.given_up.load(Ordering::Relaxed) && random.below(4) > 0;
                    line.finish(job.offset, (!stopped).then(|| (*job.version).clone()));
                }
                _ => {}
            }
            let Some(settled) = line.settle() else { continue };
            assert!(settled.epoch > epoch, "seed {seed}");
            epoch = settled.epoch;
            told += settled.outcomes.len();
            for version in settled.outcomes {
                if let Ok(live_version) = version.outcome {
                    live.insert(version.workspace.to_string(), live_version);
                }
            }
            assert_eq!(live, one_by_one(&published, epoch), "seed {seed}, epoch {epoch}");
        }
        assert_eq!(epoch, versions as i64, "seed {seed}: everything settles");
        passed_over += versions - told;
    }
    assert!(passed_over > 1_000, "only {passed_over} versions were passed over, so this shows little");
}

#[test]
fn a_compile_is_given_up_when_a_newer_version_of_its_workspace_arrives() {
    let mut line: Line<Version, i64> = Line::new();
    line.arrive(0, "acme", "", Ok(0));
    line.arrive(1, "other", "", Ok(1));
    let (first, other) = (line.next().expect("waits"), line.next().expect("waits"));
    line.arrive(2, "acme", "", Ok(2));
    assert!(first.given_up.load(Ordering::Relaxed));
    assert!(!other.given_up.load(Ordering::Relaxed), "of another workspace");
    line.finish(0, None);
    line.finish(1, Some(Ok(1)));
    assert!(line.settle().is_none(), "nobody may see an epoch at which acme's first version should be live");
    assert_eq!(line.next().map(|job| job.offset), Some(2));
    line.finish(2, Some(Ok(2)));
    assert_eq!(settled(&mut line), Some((3, vec![(1, Ok(1)), (2, Ok(2))])));
    assert_eq!(line.len(), 0);
}

#[test]
fn a_version_that_was_given_up_for_a_refused_one_is_compiled_after_all() {
    let mut line: Line<Version, i64> = Line::new();
    line.arrive(0, "acme", "", Ok(0));
    let first = line.next().expect("waits");
    line.arrive(1, "acme", "", refused());
    assert!(first.given_up.load(Ordering::Relaxed));
    line.finish(0, None);
    assert_eq!(line.next().map(|job| job.offset), Some(1));
    line.finish(1, Some(refused()));
    assert!(line.settle().is_none());
    assert_eq!(line.next().map(|job| job.offset), Some(0));
    line.finish(0, Some(Ok(0)));
    assert_eq!(settled(&mut line), Some((2, vec![(0, Ok(0)), (1, refused())])));
}

#[test]
fn a_workspace_that_publishes_without_end_still_gets_a_version_live() {
    let mut line: Line<Version, i64> = Line::new();
    line.arrive(0, "acme", "", Ok(0));
    let mut given_up = 0;
    for offset in 1.. {
        let job = line.next().expect("the newest waits");
        line.arrive(offset, "acme", "", Ok(offset));
        if !job.given_up.load(Ordering::Relaxed) {
            line.finish(job.offset, Some(Ok(job.offset)));
            assert_eq!(settled(&mut line), Some((job.offset + 1, vec![(job.offset, Ok(job.offset))])));
            break;
        }
        line.finish(job.offset, None);
        given_up += 1;
    }
    assert_eq!(given_up, GIVEN_UP_MAX);
}
