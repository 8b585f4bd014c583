//! The report of `kilat test --junit`: JUnit's XML, as build servers read it.
//!
//! Input: verdicts. Output: one suite a file and one case a case. Absent: times, which nothing measures.
//! Source: the schema of the Jenkins xunit plugin, junit-10.xsd, where `time` is optional.

use std::fmt::Write as _;

use super::Verdict;

/// The whole report.
pub(super) fn report(verdicts: &[Verdict]) -> String {
    let failed = |verdicts: &[&Verdict]| verdicts.iter().filter(|verdict| !verdict.passed()).count();
    let all: Vec<&Verdict> = verdicts.iter().collect();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites name=\"kilat test\" tests=\"{}\" failures=\"{}\">", all.len(), failed(&all));
    for suite in all.chunk_by(|a, b| a.file == b.file) {
        let file = escaped(&suite[0].file);
        let (tests, failures) = (suite.len(), failed(suite));
        let _ = writeln!(xml, "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">");
        for verdict in suite {
            let name = escaped(&verdict.name);
            let open =
                format!("    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{}\"", verdict.line);
            match verdict.gaps.first() {
                None => {
                    let _ = writeln!(xml, "{open}/>");
                }
                Some(first) => {
                    let told = escaped(&verdict.gaps.join("\n"));
                    let first = escaped(first);
                    let _ = writeln!(xml, "{open}>");
                    let _ = writeln!(xml, "      <failure message=\"{first}\" type=\"expectation\">{told}</failure>");
                    xml.push_str("    </testcase>\n");
                }
            }
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// A text as XML takes it: what XML 1.0 cannot hold at all becomes a replacement character.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(file: &str, name: &str, gaps: &[&str]) -> Verdict {
        let gaps = gaps.iter().map(|gap| (*gap).to_owned()).collect();
        Verdict { file: file.to_owned(), line: 7, name: name.to_owned(), gaps }
    }

    #[test]
    fn a_report_counts_its_cases_and_escapes_what_xml_does_not_take() {
        let xml = report(&[
            verdict("a.yaml", "fine", &[]),
            verdict("a.yaml", "\"a\" < b & c\u{1}", &["x: expected \"1\", got 2", "  why: <nobody> knows"]),
            verdict("b.yaml", "fine too", &[]),
        ]);
        for line in [
            "<testsuites name=\"kilat test\" tests=\"3\" failures=\"1\">",
            "<testsuite name=\"a.yaml\" tests=\"2\" failures=\"1\" errors=\"0\">",
            "<testsuite name=\"b.yaml\" tests=\"1\" failures=\"0\" errors=\"0\">",
            "<testcase name=\"fine\" classname=\"a.yaml\" file=\"a.yaml\" line=\"7\"/>",
            "<testcase name=\"&quot;a&quot; &lt; b &amp; c\u{fffd}\" classname=\"a.yaml\" file=\"a.yaml\" line=\"7\">",
            "<failure message=\"x: expected &quot;1&quot;, got 2\" type=\"expectation\">x: expected &quot;1&quot;, got 2&#10;  \
             why: &lt;nobody&gt; knows</failure>",
        ] {
            assert!(xml.lines().any(|given| given.trim() == line), "{line}\n{xml}");
        }
        assert_eq!(xml.matches("</testcase>").count(), 1);
    }
}
