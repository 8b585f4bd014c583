//! What folding, scanning and confirming cost, in thread CPU time, on messages that were not seen before.
//!
//! The workload is made by a seeded generator: words from a vocabulary of 200,000 drawn by Zipf's law (s = 1), message
//! lengths log-normal (mean about 80 bytes, 20 to 290), 19 % of messages with something beyond ASCII, and `Rp` amounts,
//! phone numbers, codes and links. Messages are many and each is used once a round, so that neither caches nor branch
//! predictors learn them. Every benchmark asserts its answer against a naive one before it times.
//! Run: `cargo bench -p kilat-matcher`.

use std::hint::black_box;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkId, Criterion, Throughput};
use kilat_matcher::{
    Boundary, Case, HitSet, KeywordSet, KeywordSetBuilder, OffsetMap, Regex, RegexScratch, fold, fold_into,
    fold_with_offsets, is_word_boundary,
};
use rustix::time::{ClockId, clock_gettime};

const MESSAGES: usize = 1 << 16;
const VOCABULARY: usize = 200_000;

/// splitmix64: small, seeded, good enough for a workload.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Words of one to five syllables, the frequent ones short.
fn vocabulary(random: &mut Random) -> Vec<String> {
    const ONSETS: &[&str] = &[
        "b", "c", "d", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "w", "y", "ng", "ny", "tr", "st", "pr",
        "",
    ];
    const REST: &[&str] = &["a", "i", "u", "e", "o", "an", "ang", "at", "ai", "er", "in", "us", "ah", "ok"];
    let mut seen = std::collections::HashSet::new();
    let mut words = Vec::new();
    while words.len() < VOCABULARY {
        let syllables = 1 + (words.len() as f64 + 1.0).log(30.0) as usize + random.below(2);
        let word: String = (0..syllables).flat_map(|_| [random.pick(ONSETS), random.pick(REST)]).collect();
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

/// Draws ranks by Zipf's law with s = 1: their logarithm is uniform.
fn zipf<'a>(random: &mut Random, words: &'a [String]) -> &'a str {
    &words[((words.len() as f64).powf(random.unit()) as usize - 1).min(words.len() - 1)]
}

fn message(random: &mut Random, words: &[String]) -> String {
    const BEYOND_ASCII: &[&str] = &[
        "🙏",
        "👍🏽",
        "👩\u{200d}💻",
        "❤\u{fe0f}",
        "ＯＲＤＥＲ",
        "５０％",
        "café",
        "naïve",
        "“ok”",
        "…",
        "–",
        "谢谢",
        "Straße",
        "é",
    ];
    let bytes = (4.2 + 0.55 * random.normal()).exp().clamp(20.0, 290.0) as usize;
    let beyond = random.unit() < 0.19;
    let mut text = String::new();
    while text.len() < bytes {
        if !text.is_empty() {
            text.push_str(random.pick(&[" ", " ", " ", " ", " ", " ", ", ", ". ", "\n", "! "]));
        }
        match random.below(60) {
            0 => text.push_str(&format!("Rp {}.{:03}.000", 1 + random.below(9), random.below(1000))),
            1 => text.push_str(&format!("08{:010}", random.below(9_999_999_999))),
            2 => text.push_str(&format!("[K-{:04X}]", random.below(65_536))),
            3 => text.push_str(&format!("https://shop.example/{}", zipf(random, words))),
            4..=7 if beyond => text.push_str(random.pick(BEYOND_ASCII)),
            8..=12 => {
                let word = zipf(random, words);
                text.push_str(&word[..1].to_uppercase());
                text.push_str(&word[1..]);
            }
            _ => text.push_str(zipf(random, words)),
        }
    }
    if beyond && text.is_ascii() {
        text.push_str(random.pick(BEYOND_ASCII));
    }
    text
}

/// Keywords as rules have them: mostly words of middling rarity, one in five a phrase.
fn keywords(random: &mut Random, words: &[String], count: usize) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < count {
        let word = |random: &mut Random| words[50 + random.below(words.len() - 50)].as_str();
        let keyword = match random.below(5) {
            0 => format!("{} {}", word(random), word(random)),
            _ => word(random).to_owned(),
        };
        if keyword.len() >= 3 {
            seen.insert(keyword);
        }
    }
    seen.into_iter().collect()
}

fn keyword_set(keywords: &[String], boundary: Boundary) -> KeywordSet {
    let mut builder = KeywordSetBuilder::new();
    for keyword in keywords {
        builder.add(keyword, boundary).expect("within the bounds");
    }
    builder.build()
}

/// Cycles through messages.
struct Feed<'a> {
    messages: &'a [String],
    at: usize,
}

impl<'a> Feed<'a> {
    fn new(messages: &'a [String]) -> Self {
        Self { messages, at: 0 }
    }

    fn next(&mut self) -> &'a str {
        self.at = (self.at + 1) % self.messages.len();
        &self.messages[self.at]
    }
}

fn folds(criterion: &mut Criterion<ThreadCpu>, messages: &[String]) {
    let (ascii, beyond): (Vec<String>, Vec<String>) = messages.iter().cloned().partition(|text| text.is_ascii());
    let share = beyond.len() as f64 / messages.len() as f64;
    assert!((0.17..0.21).contains(&share), "{share} of the messages are not ASCII");
    assert_eq!(fold("Mau ＯＲＤＥＲ\u{200b}  2 Café"), "mau order 2 café");
    let mut group = criterion.benchmark_group("matcher/fold");
    for (name, messages) in [("ascii", &ascii[..]), ("beyond_ascii", &beyond[..]), ("mixed", messages)] {
        group.throughput(Throughput::Bytes(
            messages.iter().map(String::len).sum::<usize>() as u64 / messages.len() as u64,
        ));
        let (mut feed, mut folded) = (Feed::new(messages), String::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                fold_into(feed.next(), &mut folded);
                black_box(&folded).len()
            });
        });
    }
    let (mut feed, mut folded, mut offsets) = (Feed::new(messages), String::new(), OffsetMap::default());
    group.bench_function("mixed_with_offsets", |bencher| {
        bencher.iter(|| {
            fold_with_offsets(feed.next(), &mut folded, &mut offsets);
            black_box(&folded).len()
        });
    });
}

fn scans(criterion: &mut Criterion<ThreadCpu>, random: &mut Random, words: &[String], messages: &[String]) {
    let folded: Vec<String> = messages.iter().map(|text| fold(text)).collect();
    for (operation, boundary) in [("scan", Boundary::Anywhere), ("scan_words", Boundary::WholeWord)] {
        let mut group = criterion.benchmark_group(format!("matcher/{operation}"));
        for count in [1, 3, 10, 30, 100, 1_000, 10_000, 100_000] {
            if boundary == Boundary::WholeWord && ![100, 10_000].contains(&count) {
                continue;
            }
            let keywords = keywords(random, words, count);
            let set = keyword_set(&keywords, boundary);
            let mut hits = HitSet::new();
            for text in folded.iter().take(3_000_000 / count.max(1_000)) {
                set.scan(text, &mut hits);
                let naive = keywords.iter().filter(|keyword| match boundary {
                    Boundary::Anywhere => text.contains(keyword.as_str()),
                    Boundary::WholeWord => text.match_indices(keyword.as_str()).any(|(start, found)| {
                        is_word_boundary(text, start) && is_word_boundary(text, start + found.len())
                    }),
                });
                assert_eq!(hits.len(), naive.count(), "{text:?}");
            }
            let mut feed = Feed::new(&folded);
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                bencher.iter(|| {
                    set.scan(feed.next(), &mut hits);
                    black_box(&hits).len()
                });
            });
        }
    }
}

fn builds(criterion: &mut Criterion<ThreadCpu>, random: &mut Random, words: &[String]) {
    let mut group = criterion.benchmark_group("matcher/build");
    for count in [100, 1_000, 10_000] {
        let keywords = keywords(random, words, count);
        assert_eq!(keyword_set(&keywords, Boundary::Anywhere).len(), count);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| keyword_set(&keywords, Boundary::Anywhere).len());
        });
    }
}

fn regexes(criterion: &mut Criterion<ThreadCpu>, messages: &[String]) {
    let mut group = criterion.benchmark_group("matcher/regex");
    let amount = r"Rp\.?\s*([0-9][0-9.,]*)";
    group.bench_function("build", |bencher| {
        bencher.iter(|| Regex::new(black_box(amount), Case::Insensitive).expect("valid").has_capture());
    });
    let regex = Regex::new(amount, Case::Insensitive).expect("valid");
    let mut scratch = RegexScratch::new();
    assert_eq!(regex.required_literals(), Some(&["rp".to_owned()][..]));
    for text in messages {
        let naive = text.match_indices("Rp ").next().map(|(at, _)| at);
        assert_eq!(regex.find(text, &mut scratch).map(|found| found.span.start), naive, "{text:?}");
    }
    let mut feed = Feed::new(messages);
    group.bench_function("is_match", |bencher| bencher.iter(|| regex.is_match(feed.next(), &mut scratch)));
    group.bench_function("find", |bencher| bencher.iter(|| regex.find(feed.next(), &mut scratch)));
}

/// CPU time of this thread: the machines are small and shared, and a wall clock counts the neighbours too.
struct ThreadCpu;

impl Measurement for ThreadCpu {
    type Intermediate = u64;
    type Value = u64;

    fn start(&self) -> u64 {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    fn end(&self, start: u64) -> u64 {
        self.start() - start
    }

    fn add(&self, a: &u64, b: &u64) -> u64 {
        a + b
    }

    fn zero(&self) -> u64 {
        0
    }

    fn to_f64(&self, value: &u64) -> f64 {
        *value as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(ThreadCpu)
        .sample_size(30)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2))
        .configure_from_args();
    let mut random = Random(20_261_120);
    let words = vocabulary(&mut random);
    let messages: Vec<String> = (0..MESSAGES).map(|_| message(&mut random, &words)).collect();
    let mean = messages.iter().map(String::len).sum::<usize>() / messages.len();
    assert!((70..=90).contains(&mean), "messages have {mean} bytes on average");
    folds(&mut criterion, &messages);
    scans(&mut criterion, &mut random, &words, &messages);
    builds(&mut criterion, &mut random, &words);
    regexes(&mut criterion, &messages);
    criterion.final_summary();
}
