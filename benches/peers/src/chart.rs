//! The chart: what a message costs everybody, by the number of keywords, patterns or rules, both axes logarithmic.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::report::{Report, Row};

/// Panels, each a target whose rows it draws.
const PANELS: [(&str, &str); 4] = [
    ("P1", "keywords (ns a message)"),
    ("P2", "regexes (ns a message)"),
    ("P3", "attribute rules (ns an event)"),
    ("P4", "whole rules (ns an event)"),
];

type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(crate) fn write(report: &Report, path: &Path) -> Result<()> {
    let area = SVGBackend::new(path, (1_000, 760)).into_drawing_area();
    let failed = |error| anyhow!("the chart: {error}");
    area.fill(&WHITE).map_err(|error| failed(error.to_string()))?;
    for ((id, title), panel) in PANELS.iter().zip(area.split_evenly((2, 2))) {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.id == *id && row.workload == "generated").collect();
        if !rows.is_empty() {
            draw(&panel, title, &rows).map_err(failed)?;
        }
    }
    area.present().map_err(|error| failed(error.to_string()))?;
    eprintln!("chart in {}", path.display());
    Ok(())
}

fn draw(panel: &Panel<'_>, title: &str, rows: &[&Row]) -> Result<(), String> {
    let text = |error: DrawingAreaErrorKind<_>| error.to_string();
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for row in rows {
        lines.entry(row.who).or_default().push((row.size as f64, row.ns));
    }
    let smallest = |of: fn(&&Row) -> f64| rows.iter().map(of).fold(f64::MAX, f64::min);
    let largest = |of: fn(&&Row) -> f64| rows.iter().map(of).fold(0.0, f64::max);
    let sizes = smallest(|row| row.size as f64)..largest(|row| row.size as f64) * 1.05;
    let costs = smallest(|row| row.ns) * 0.7..largest(|row| row.ns) * 1.5;
    let mut chart = ChartBuilder::on(panel)
        .caption(title, ("sans-serif", 17))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(sizes.log_scale(), costs.log_scale())
        .map_err(text)?;
    let figure = |figure: &f64| format!("{figure:.0}");
    chart.configure_mesh().x_label_formatter(&figure).y_label_formatter(&figure).draw().map_err(text)?;
    for (at, (who, mut points)) in lines.into_iter().enumerate() {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (color, width) = if who == "kilat" { (RED.to_rgba(), 3) } else { (Palette99::pick(at + 2).to_rgba(), 1) };
        let style = color.stroke_width(width);
        let drawn = chart.draw_series(LineSeries::new(points, style).point_size(2)).map_err(text)?;
        drawn.label(who).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 12))
        .draw()
        .map_err(text)
}
