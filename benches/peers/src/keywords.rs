//! P1: which of many keywords a folded text holds.
//!
//! Everybody scans the same folded text and gives each keyword once. Folding is the same for all and not timed here.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use anyhow::{Result, anyhow};
use daachorse::DoubleArrayAhoCorasick;
use kilat_matcher::{Boundary, HitSet, KeywordSetBuilder};

use crate::found::Seen;
use crate::hyperscan::{self, Library};
use crate::race::{Contestant, Time, race};
use crate::report::{Bound, Report};

/// Keywords up to which aho-corasick can make a DFA in reasonable memory.
const DFA_KEYWORDS_MAX: usize = 10_000;

pub(crate) fn run(
    workload: &'static str,
    texts: &[String],
    keywords: &[String],
    hyperscan: Option<&Library>,
    report: &mut Report,
) -> Result<()> {
    let size = keywords.len();
    let mut builder = KeywordSetBuilder::new();
    for keyword in keywords {
        builder.add(keyword, Boundary::Anywhere)?;
    }
    let set = builder.build();
    let mut hits = HitSet::new();
    let mut contestants = vec![Contestant::new("kilat", |item: usize, found: &mut Vec<u32>| {
        set.scan(&texts[item], &mut hits);
        found.extend(hits.iter().map(|id| id.0));
    })];
    if let Some(library) = hyperscan {
        let mut once = library.literals(keywords, hyperscan::SINGLEMATCH)?;
        contestants.push(Contestant::new("hyperscan, single match", move |item: usize, found: &mut Vec<u32>| {
            once.scan(&texts[item], &mut |id| found.push(id));
        }));
        let (mut every, mut seen) = (library.literals(keywords, 0)?, Seen::new(size));
        contestants.push(Contestant::new("hyperscan", move |item: usize, found: &mut Vec<u32>| {
            every.scan(&texts[item], &mut |id| seen.add(id, found));
            seen.forget(found);
        }));
    }
    let double_array = DoubleArrayAhoCorasick::<u32>::new(keywords).map_err(|error| anyhow!("daachorse: {error}"))?;
    let mut seen = Seen::new(size);
    contestants.push(Contestant::new("daachorse", move |item: usize, found: &mut Vec<u32>| {
        for hit in double_array.find_overlapping_iter(&texts[item]) {
            seen.add(hit.value(), found);
        }
        seen.forget(found);
    }));
    let kind = if size <= DFA_KEYWORDS_MAX { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    let (automaton, mut seen) =
        (AhoCorasick::builder().kind(Some(kind)).prefilter(false).build(keywords)?, Seen::new(size));
    contestants.push(Contestant::new("aho-corasick", move |item: usize, found: &mut Vec<u32>| {
        for hit in automaton.find_overlapping_iter(&texts[item]) {
            seen.add(hit.pattern().as_u32(), found);
        }
        seen.forget(found);
    }));
    // A naive search answers for the first few texts; the others agree with each other on many more.
    for text in texts.iter().take((2_000_000 / size).clamp(20, 2_000)) {
        let mut hits = HitSet::new();
        set.scan(text, &mut hits);
        let naive = keywords.iter().filter(|keyword| text.contains(&***keyword)).count();
        assert_eq!(hits.len(), naive, "kilat and a naive search differ on {text:?}");
    }
    let (held, times) = race(texts.len(), 4_000, &mut contestants);
    let what = "keywords";
    report.times("P1", what, workload, size, held, &times);
    let ours = &times[0];
    let bound = match size {
        100 => Some(1.2),
        1_000 | 10_000 => Some(1.0),
        _ => None,
    };
    if let (Some(bound), Some(peer)) = (bound, fastest(&times, "hyperscan")) {
        report.compare("P1", what, workload, size, ours, peer, Bound::AtMost(bound));
    }
    if let (100_000, Some(peer)) = (size, fastest(&times, "daachorse")) {
        report.compare("P1", what, workload, size, ours, peer, Bound::AtMost(1.1));
    }
    Ok(())
}

/// The faster of the ways one peer was run in.
pub(crate) fn fastest<'t>(times: &'t [Time], peer: &str) -> Option<&'t Time> {
    times.iter().filter(|time| time.name.starts_with(peer)).min_by(|a, b| a.ns().total_cmp(&b.ns()))
}
