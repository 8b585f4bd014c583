//! The live view on a terminal.
//!
//! Input: a [`Scene`], everything to be shown at one moment. Output: the frame. Absent: where the figures come from, the
//! terminal's set-up, keys.

use std::time::Duration;

use kilat_executor::CallReport;
use kilat_pipeline::TotalsSnapshot;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Padding, Paragraph, Row, Sparkline, Table};

use super::observed::{Counts, RulesShown, Shown};
use super::partners::Tally;
use crate::output::grouped;

/// Everything shown at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    /// Since the start.
    pub(super) elapsed: Duration,
    /// Records written to the input topics.
    pub(super) produced: u64,
    /// How many there will be, if that is known.
    pub(super) goal: Option<u64>,
    /// What the engine committed.
    pub(super) engine: TotalsSnapshot,
    /// Records written and not yet answered by a commit.
    pub(super) lag: u64,
    /// What the output topics say.
    pub(super) counts: Counts,
    /// Events, decisions and settled actions a second, lately.
    pub(super) rates: Rates,
    /// Events a second over the last seconds, oldest first.
    pub(super) history: Vec<u64>,
    /// Rules by fires, the most frequent first.
    pub(super) rules: Vec<(String, u64)>,
    /// Why actions were not delivered, the most frequent first.
    pub(super) reasons: Vec<(String, u64)>,
    /// Latest decisions, newest first.
    pub(super) latest: Vec<Shown>,
    /// Latest HTTP calls, newest first.
    pub(super) calls: Vec<CallReport>,
    /// What came to the partners.
    pub(super) partners: Vec<(&'static str, Tally)>,
    /// The file the rules are read from, and what became of the newest version.
    pub(super) rule_file: String,
    pub(super) rule_sets: RulesShown,
    /// What can be done meanwhile.
    pub(super) hint: String,
    /// What is wrong at the moment.
    pub(super) problem: Option<String>,
    /// The traffic has ended and the rest is being worked off.
    pub(super) draining: bool,
}

/// A second's worth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) events: f64,
    pub(super) decisions: f64,
    pub(super) settled: f64,
}

const ACCENT: Color = Color::Cyan;
const GOOD: Color = Color::Green;
const BAD: Color = Color::Red;
const MIND: Color = Color::Yellow;

/// From this width on there is room for the latest calls beside the decisions.
const WIDE: u16 = 120;
/// The width of the latest calls.
const CALLS_WIDTH: u16 = 46;
/// Characters of a conversation's id that are shown: its end tells conversations apart.
const CONVERSATION_SHOWN: usize = 9;

/// Draws the scene.
pub(super) fn draw(frame: &mut Frame<'_>, scene: &Scene) {
    let partners = scene.partners.len() as u16 + 3;
    let [title, top, decisions, bottom, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(12),
        Constraint::Min(4),
        Constraint::Length(partners),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let [flow, rules] = Layout::horizontal([Constraint::Percentage(46), Constraint::Percentage(54)]).areas(top);
    let [calls, outcomes] = Layout::horizontal([Constraint::Percentage(62), Constraint::Percentage(38)]).areas(bottom);
    draw_title(frame, title, scene);
    draw_flow(frame, flow, scene);
    draw_rules(frame, rules, scene);
    let calls_width = if frame.area().width < WIDE { 0 } else { CALLS_WIDTH };
    let [decisions, latest_calls] =
        Layout::horizontal([Constraint::Min(1), Constraint::Length(calls_width)]).areas(decisions);
    draw_decisions(frame, decisions, scene);
    draw_calls(frame, latest_calls, scene);
    draw_partners(frame, calls, scene);
    draw_outcomes(frame, outcomes, scene);
    draw_footer(frame, footer, scene);
}

fn block(title: &str) -> Block<'_> {
    Block::bordered()
        .border_style(Style::new().dark_gray())
        .title(title.bold().fg(ACCENT))
        .padding(Padding::horizontal(1))
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let seconds = scene.elapsed.as_secs();
    let live = scene.rule_sets.live.strip_prefix("sha256:").unwrap_or(&scene.rule_sets.live);
    let mut spans = vec![
        Span::styled(" ⚡ Kilat ", Style::new().fg(Color::Black).bg(ACCENT).add_modifier(Modifier::BOLD)),
        Span::raw(format!("  {:02}:{:02}  rules ", seconds / 60, seconds % 60)),
        Span::styled(scene.rule_file.as_str(), Style::new().bold()),
        Span::raw(format!(" ({})", live.get(..8).unwrap_or(live))),
    ];
    if scene.draining {
        spans.push(Span::styled("  working off the rest", Style::new().fg(MIND)));
    }
    frame.render_widget(Line::from(spans), area);
}

fn draw_flow(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let block = block(" from record to action ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [figures, spark] = Layout::vertical([Constraint::Min(7), Constraint::Length(2)]).areas(inner);
    let goal = scene.goal.map(|goal| format!(" of {}", grouped(goal))).unwrap_or_default();
    let row = |name: &'static str, value: String, rate: String| {
        Row::new([Cell::from(name.dark_gray()), Cell::from(Line::from(value).right_aligned()), Cell::from(rate)])
    };
    let per_second = |rate: f64| format!("{}/s", grouped(rate.round() as u64));
    let rows = [
        row("written", format!("{}{goal}", grouped(scene.produced)), String::new()),
        row("evaluated", grouped(scene.engine.evaluated), per_second(scene.rates.events)),
        row("seen before", grouped(scene.engine.duplicates), "no effect".to_owned()),
        row("unreadable", grouped(scene.engine.dead_lettered), "to the dead letters".to_owned()),
        row("lag", grouped(scene.lag), String::new()),
        row("decisions", grouped(scene.counts.decisions), per_second(scene.rates.decisions)),
        row("actions", grouped(scene.counts.actions), per_second(scene.rates.settled)),
        row("transactions", grouped(scene.engine.transactions), String::new()),
    ];
    let widths = [Constraint::Length(12), Constraint::Min(10), Constraint::Length(20)];
    frame.render_widget(Table::new(rows, widths), figures);
    let width = usize::from(spark.width);
    let history = &scene.history[scene.history.len().saturating_sub(width)..];
    frame.render_widget(Sparkline::default().data(history).style(Style::new().fg(ACCENT)), spark);
}

fn draw_rules(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let most = scene.rules.first().map_or(1, |(_, fires)| *fires).max(1);
    let rows = scene.rules.iter().map(|(rule, fires)| {
        let width = usize::from(area.width.saturating_sub(42));
        let bar = "█".repeat(((*fires as f64 / most as f64) * width as f64).ceil() as usize);
        Row::new([
            Cell::from(rule.as_str()),
            Cell::from(Line::from(grouped(*fires)).right_aligned()),
            Cell::from(bar.fg(ACCENT)),
        ])
    });
    let widths = [Constraint::Length(26), Constraint::Length(8), Constraint::Min(4)];
    frame.render_widget(Table::new(rows, widths).block(block(" rules by fires ")), area);
}

fn draw_decisions(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let rows = scene.latest.iter().map(|shown| {
        let time = shown.at.to_string();
        Row::new([
            Cell::from(time.get(11..19).unwrap_or(&time).to_owned().dark_gray()),
            Cell::from(shown.workspace.as_str()),
            Cell::from(tail(&shown.conversation).dark_gray()),
            Cell::from(shown.event.fg(ACCENT)),
            Cell::from(shown.what.as_str()),
        ])
    });
    let widths = [
        Constraint::Length(8),
        Constraint::Length(13),
        Constraint::Length(CONVERSATION_SHOWN as u16),
        Constraint::Length(15),
        Constraint::Fill(1),
    ];
    frame.render_widget(Table::new(rows, widths).block(block(" latest decisions, and why ")), area);
}

/// The end of an id.
fn tail(id: &str) -> &str {
    id.char_indices().rev().nth(CONVERSATION_SHOWN - 1).map_or(id, |(at, _)| &id[at..])
}

fn draw_calls(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let rows = scene.calls.iter().map(|call| {
        let colour = match call.verdict {
            "delivered" => GOOD,
            "rejected" | "auth_stopped" => BAD,
            _ => MIND,
        };
        let attempt = if call.attempt > 1 { format!("#{}", call.attempt) } else { String::new() };
        let status = call.http_status.map_or_else(|| "–".to_owned(), |status| status.to_string());
        Row::new([
            Cell::from(&*call.endpoint),
            Cell::from(status),
            Cell::from(call.verdict.fg(colour)),
            Cell::from(attempt.dark_gray()),
            Cell::from(Line::from(format!("{} ms", call.millis)).right_aligned()),
        ])
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(3),
        Constraint::Length(11),
        Constraint::Length(2),
        Constraint::Length(7),
    ];
    frame.render_widget(Table::new(rows, widths).block(block(" partner calls ")), area);
}

fn draw_partners(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let head = ["", "requests", "taken", "again", "429", "500", "silent", "refused", "wrong"];
    let header = Row::new(head.map(|name| Line::from(name).right_aligned())).dark_gray();
    let rows = scene.partners.iter().map(|(name, tally)| {
        let count = |n: u64, style: Style| {
            let style = if n == 0 { Style::new().dark_gray() } else { style };
            Cell::from(Line::from(grouped(n)).right_aligned()).style(style)
        };
        Row::new([
            Cell::from(*name),
            count(tally.requests, Style::new()),
            count(tally.taken, Style::new().fg(GOOD)),
            count(tally.repeated, Style::new().fg(MIND)),
            count(tally.throttled, Style::new().fg(MIND)),
            count(tally.broken, Style::new().fg(MIND)),
            count(tally.silent, Style::new().fg(MIND)),
            count(tally.rejected, Style::new().fg(MIND)),
            count(tally.wrong, Style::new().fg(BAD)),
        ])
    });
    let mut widths = vec![Constraint::Length(9)];
    widths.extend([Constraint::Fill(1); 8]);
    frame.render_widget(Table::new(rows, widths).header(header).block(block(" stand-in partners ")), area);
}

fn draw_outcomes(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let counts = &scene.counts;
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("delivered {}  ", grouped(counts.delivered)), Style::new().fg(GOOD)),
        Span::styled(format!("failed {}  ", grouped(counts.failed)), Style::new().fg(BAD)),
        Span::styled(format!("unknown {}  ", grouped(counts.unknown)), Style::new().fg(MIND)),
        Span::raw(format!("suppressed {}", grouped(counts.suppressed))),
    ])];
    lines.push(
        Line::from(format!("under way {}", grouped(counts.actions.saturating_sub(counts.settled())))).dark_gray(),
    );
    lines.extend(scene.reasons.iter().map(|(why, count)| Line::from(format!("{} {why}", grouped(*count))).dark_gray()));
    frame.render_widget(Paragraph::new(lines).block(block(" actions ")), area);
}

fn draw_footer(frame: &mut Frame<'_>, area: Rect, scene: &Scene) {
    let line = match (&scene.problem, &scene.rule_sets.refused) {
        (Some(problem), _) => Line::from(format!(" {problem}")).fg(BAD),
        (None, Some(refused)) => {
            let first = refused.lines().next().unwrap_or_default();
            Line::from(format!(" the edited rules are not live: {first}")).fg(MIND)
        }
        (None, None) => Line::from(format!(" q quits, then totals   {}", scene.hint)).dark_gray(),
    };
    frame.render_widget(line, area);
}

#[cfg(test)]
mod tests;
