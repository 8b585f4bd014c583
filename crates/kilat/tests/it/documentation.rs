//! What the documentation shows is what happens: its files are written, its commands run, and what they print compared.
//!
//! A fenced block whose opening line names a file (```` ```yaml acme.yaml ````) is that file. A block of `console` holds
//! commands behind `$ ` and what they print on either stream; `…` in it stands for anything, and alone on a line for any
//! lines.

use std::path::Path;

use crate::support::Place;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A fenced block: what its opening line says, its lines, and where it stands.
struct Block<'t> {
    opening: &'t str,
    lines: Vec<&'t str>,
    line: usize,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (number, line) in (1..).zip(text.lines()) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(opening), None) => open = Some(Block { opening, lines: Vec::new(), line: number }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Whether `given` is `wanted`, in which `…` stands for anything.
fn fits(given: &str, wanted: &str) -> bool {
    let mut pieces = wanted.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = given.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// Whether lines are as wanted; a line of `…` alone stands for any number of lines.
fn all_fit(given: &[&str], wanted: &[&str]) -> bool {
    match wanted.split_first() {
        None => given.is_empty(),
        Some((&"…", rest)) => (0..=given.len()).any(|skipped| all_fit(&given[skipped..], rest)),
        Some((line, rest)) => given.split_first().is_some_and(|(first, more)| fits(first, line) && all_fit(more, rest)),
    }
}

/// Writes and runs everything a page shows; how many commands that were.
fn run(page: &str) -> usize {
    let text = std::fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let place = Place::new();
    let mut commands = 0;
    for block in blocks(&text) {
        let mut words = block.opening.split_whitespace();
        let (kind, file) = (words.next().unwrap_or_default(), words.next());
        if let Some(file) = file {
            place.file(file, &format!("{}\n", block.lines.join("\n")));
        }
        if kind != "console" {
            continue;
        }
        let mut lines = block.lines.into_iter().peekable();
        while let Some(line) = lines.next() {
            let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("{page}:{}: no command", block.line));
            let mut wanted = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
                wanted.push(line);
            }
            let given = place.shell(command);
            let lines: Vec<&str> = given.lines().collect();
            assert!(
                all_fit(&lines, &wanted),
                "{page}:{}: `{command}` prints\n{given}\nand the page shows\n{}",
                block.line,
                wanted.join("\n")
            );
            commands += 1;
        }
    }
    commands
}

#[test]
fn the_tour_of_rules_shows_what_happens() {
    assert!(run("docs/rules.md") >= 14);
}

#[test]
fn the_readme_shows_what_happens() {
    assert!(run("README.md") >= 3);
}

#[test]
fn every_command_the_readme_names_exists() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let place = Place::new();
    let mut seen = 0;
    for block in blocks(&text).iter().filter(|block| block.opening == "sh") {
        for command in block.lines.iter().filter_map(|line| line.strip_prefix("kilat ")) {
            let words = command.split_whitespace().take_while(|word| word.bytes().all(|b| b.is_ascii_lowercase()));
            // A group of commands and one of them, or a command and its argument.
            let words: Vec<&str> = words.take(2).collect();
            let words = if words[0] == "rules" { &words[..] } else { &words[..1] };
            place.run(&[words, &["--help"]].concat()).ok();
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} commands");
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    assert!(fits("a b c", "a … c") && fits("abc", "…") && fits("abc", "abc") && fits("a--b--c", "a…b…c"));
    assert!(!fits("abc", "ab") && !fits("abc", "b…") && !fits("abc", "a…b") && !fits("", "a"));
    assert!(all_fit(&["a", "b", "c"], &["…", "c"]) && all_fit(&["a"], &["…", "a", "…"]));
    assert!(!all_fit(&["a", "b"], &["a"]) && !all_fit(&["a"], &["a", "b"]));
}
