//! Real texts, with keywords and patterns made of their own words.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::Value;

/// Longest text that is kept, in bytes: as long as the longest generated message but for the occasional review.
const TEXT_BYTES_MAX: usize = 1_000;
/// The commonest words make no keywords: they are "the" and "yang".
const COMMON_WORDS: usize = 300;

/// The texts, or `None` with a note where they are not there.
pub(crate) fn texts(path: &Path) -> Result<Option<Vec<String>>> {
    let Ok(file) = std::fs::File::open(path) else {
        eprintln!("{} is not there: no real texts", path.display());
        return Ok(None);
    };
    let mut texts = Vec::new();
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let row: Value = serde_json::from_str(&line?)?;
        let text = row["text"].as_str().context("a message has a text")?;
        if !text.is_empty() && text.len() <= TEXT_BYTES_MAX {
            texts.push(text.to_owned());
        }
    }
    // The file goes source by source: turns must be alike. A step prime to the number visits every text once.
    let count = texts.len();
    let step = (count / 3..).find(|step| gcd(*step, count) == 1).unwrap_or(1);
    let mut order = (0..count).map(|at| at * step % count).collect::<Vec<_>>();
    order.dedup();
    Ok(Some(order.into_iter().map(|at| std::mem::take(&mut texts[at])).collect()))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Words of the texts, the commonest left out: `count` of them, evenly over what is left in order of frequency.
pub(crate) fn keywords(texts: &[String], count: usize) -> Vec<String> {
    let mut frequency: BTreeMap<String, usize> = BTreeMap::new();
    for text in texts {
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() >= 3) {
            *frequency.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    let mut words: Vec<(String, usize)> = frequency.into_iter().collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let rest = &words[COMMON_WORDS.min(words.len())..];
    let rest = &rest[..rest.len().min(20_000)];
    (0..count).map(|at| rest[at * rest.len() / count].0.clone()).collect()
}

/// Patterns of the generated workload's kinds, of words of the texts.
pub(crate) fn patterns(texts: &[String], count: usize) -> Vec<String> {
    let words = keywords(texts, 2 * count);
    words
        .chunks(2)
        .enumerate()
        .map(|(at, pair)| match at % 3 {
            0 => format!("{}\\s+[0-9]{{1,6}}", pair[0]),
            1 => format!("({}|{})", pair[0], pair[1]),
            _ => format!("{}.{{0,20}}{}", pair[0], pair[1]),
        })
        .collect()
}
