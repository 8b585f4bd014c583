//! P2: which of many patterns match a text as it was received.
//!
//! Case does not count and classes are Unicode's, for everybody. What Kilat does for a text is timed whole: folding it, the
//! scan for required literals and the confirming.

use anyhow::{Result, anyhow};
use kilat_matcher::{Case, FiledRegex, HitSet, KeywordSetBuilder, Regex, RegexScratch};
use regex::{RegexBuilder, RegexSetBuilder};
use regex_filtered::{Builder, Options};

use crate::found::Seen;
use crate::hyperscan::{CASELESS, Library, SINGLEMATCH, UCP, UTF8};
use crate::race::{Contestant, race};
use crate::report::{Bound, Report};

/// Most bytes a `RegexSet` may take; with the usual 10 MB it refuses 1,000 patterns.
const REGEX_SET_BYTES_MAX: usize = 1 << 30;

pub(crate) fn run(
    workload: &'static str,
    texts: &[String],
    patterns: &[String],
    hyperscan: Option<&Library>,
    report: &mut Report,
) -> Result<()> {
    let size = patterns.len();
    let mut contestants = vec![Contestant::new("kilat", ours(texts, patterns)?)];
    if let Some(library) = hyperscan {
        let mut database = library.patterns(patterns, CASELESS | SINGLEMATCH | UTF8 | UCP)?;
        contestants.push(Contestant::new("hyperscan", move |item: usize, found: &mut Vec<u32>| {
            database.scan(&texts[item], &mut |id| found.push(id));
        }));
    }
    let mut builder = Builder::new();
    for pattern in patterns {
        builder = builder.push_opt(pattern, Options::new().case_insensitive(true))?;
    }
    let filtered = builder.build()?;
    contestants.push(Contestant::new("regex-filtered", move |item: usize, found: &mut Vec<u32>| {
        found.extend(filtered.matching(&texts[item]).map(|(id, _)| id as u32));
    }));
    let set = RegexSetBuilder::new(patterns).case_insensitive(true).size_limit(REGEX_SET_BYTES_MAX).build()?;
    contestants.push(Contestant::new("RegexSet", move |item: usize, found: &mut Vec<u32>| {
        found.extend(set.matches(&texts[item]).iter().map(|id| id as u32));
    }));
    let regexes = patterns.iter().map(|pattern| RegexBuilder::new(pattern).case_insensitive(true).build());
    let regexes = regexes.collect::<Result<Vec<_>, _>>()?;
    contestants.push(Contestant::new("naive loop", move |item: usize, found: &mut Vec<u32>| {
        let matching = regexes.iter().enumerate().filter(|(_, regex)| regex.is_match(&texts[item]));
        found.extend(matching.map(|(id, _)| id as u32));
    }));
    let (held, times) = race(texts.len(), 200_000 / size, &mut contestants);
    let what = "regexes";
    report.times("P2", what, workload, size, held, &times);
    let bounds: &[(&str, Bound)] = match size {
        100 => &[
            ("hyperscan", Bound::AtMost(1.5)),
            ("RegexSet", Bound::AtLeast(15.0)),
            ("regex-filtered", Bound::AtLeast(2.0)),
        ],
        1_000 => &[
            ("hyperscan", Bound::AtMost(2.0)),
            ("RegexSet", Bound::AtLeast(500.0)),
            ("regex-filtered", Bound::AtLeast(2.0)),
        ],
        _ => &[],
    };
    for (name, bound) in bounds {
        if let Some(peer) = times.iter().find(|time| time.name == *name) {
            report.compare("P2", what, workload, size, &times[0], peer, *bound);
        }
    }
    Ok(())
}

/// All required literals in one scan, then the patterns whose literals were found, each where they are.
fn ours<'t>(texts: &'t [String], patterns: &[String]) -> Result<impl FnMut(usize, &mut Vec<u32>) + 't> {
    let mut builder = KeywordSetBuilder::new();
    let (mut filed, mut always, mut postings) = (Vec::new(), Vec::new(), Vec::<Vec<u32>>::new());
    for (id, pattern) in patterns.iter().enumerate() {
        let regex = Regex::new(pattern, Case::Insensitive).map_err(|error| anyhow!("{pattern}: {error}"))?;
        let regex = FiledRegex::new(&regex, &mut builder)?;
        match regex.gate() {
            None => always.push(id as u32),
            Some(keywords) => {
                for keyword in keywords {
                    postings.resize(postings.len().max(keyword.index() + 1), Vec::new());
                    postings[keyword.index()].push(id as u32);
                }
            }
        }
        filed.push(regex);
    }
    let keywords = builder.build();
    postings.resize(keywords.len(), Vec::new());
    let (mut folded, mut hits, mut scratch) = (String::new(), HitSet::new(), RegexScratch::new());
    let mut seen = Seen::new(patterns.len());
    let mut candidates = Vec::new();
    Ok(move |item: usize, found: &mut Vec<u32>| {
        keywords.fold_and_scan(&texts[item], &mut folded, &mut hits);
        candidates.clear();
        candidates.extend_from_slice(&always);
        for hit in hits.iter() {
            for id in &postings[hit.index()] {
                seen.add(*id, &mut candidates);
            }
        }
        seen.forget(&candidates);
        let text = &texts[item];
        found.extend(candidates.iter().filter(|id| filed[**id as usize].is_match(text, &mut hits, &mut scratch)));
    })
}
