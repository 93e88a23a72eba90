//! Plots: for each cell a bar per contender, its ratio to the best, and over the bar's end how far noise may move it.
//!
//! A contender has a line for its name and figures, and its bar below, so that a cell is as narrow as a phone. There is no
//! background, and text has the colour of the text around, so that it reads in light and in dark.
use super::analysis::Group;
use crate::ranking::{Cell, OURS, Row, number};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Of a cell.
const WIDTH: i32 = 400;
/// Between cells that stand side by side.
const GAP: i32 = 40;
/// A cell's title.
const TITLE: i32 = 26;
/// A contender: its text and its bar.
const LINE: i32 = 27;
const BAR: i32 = 6;
/// A bar ends here at the latest; the figure above it tells the rest.
const LONGEST: f64 = 6.0;

/// Stands for "the colour of the text around" until the plot is drawn: plotters knows only fixed colours.
const TEXT: RGBColor = RGBColor(1, 2, 3);
const TEXT_IN_SVG: &str = "#010203";

type Area<'s> = DrawingArea<SVGBackend<'s>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// A cell's plot for within a page, whose text colour and width it takes. The page has its title.
pub(crate) fn inline(cell: &Cell<'_>) -> Result<String, String> {
    let size = (WIDTH, LINE * rows(cell));
    let svg =
        svg(size, &|area| bars(area, cell, (0, 0))).map_err(|error| failed(&cell.result.name, &error))?;
    let sized = format!("width=\"{}\" height=\"{}\" ", size.0, size.1);
    Ok(svg.replacen(&sized, "", 1))
}

/// A group's plot for a file of its own, two cells side by side: it asks for the colour scheme itself.
pub(crate) fn file(group: &Group<'_>) -> Result<String, String> {
    let style = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>";
    let svg = both_columns(group).map_err(|error| failed(group.name, &error))?;
    let (head, rest) = svg.split_once('>').ok_or_else(|| failed(group.name, &"it is empty"))?;
    Ok(format!("{head}>\n{style}{rest}"))
}

fn failed(name: &str, why: &dyn std::fmt::Display) -> String {
    format!("the plot of {name} cannot be drawn: {why}")
}

/// Cells go to the column that ends first.
fn both_columns(group: &Group<'_>) -> Result<String, Box<dyn std::error::Error>> {
    let mut ends = [0; 2];
    let mut places = Vec::new();
    for cell in &group.cells {
        let column = usize::from(ends[1] < ends[0]);
        places.push((cell, (column as i32 * (WIDTH + GAP), ends[column])));
        ends[column] += TITLE + LINE * rows(cell) + GAP / 2;
    }
    let columns = if group.cells.len() > 1 { 2 } else { 1 };
    let size = (columns * (WIDTH + GAP) - GAP, ends[0].max(ends[1]) - GAP / 2);
    svg(size, &|area| {
        for (cell, (x, y)) in &places {
            let result = cell.result;
            let title = format!("{}, {} per {}", result.name, result.unit, result.operation);
            area.draw(&text(title, (*x, y + TITLE / 2), HPos::Left, 16))?;
            bars(area, cell, (*x, y + TITLE))?;
        }
        Ok(())
    })
}

/// How many bars a cell has; its height is that of one, at least.
fn rows(cell: &Cell<'_>) -> i32 {
    i32::try_from(cell.ranked.len()).unwrap_or(i32::MAX).max(1)
}

/// What is drawn, from the element on: what comes before it is for files only.
fn svg(size: (i32, i32), draw: &dyn Fn(&Area<'_>) -> Drawn) -> Result<String, Box<dyn std::error::Error>> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (u32::try_from(size.0)?, u32::try_from(size.1)?))
        .into_drawing_area();
    draw(&area)?;
    area.present()?;
    drop(area);
    let svg = svg.replace(TEXT_IN_SVG, "currentColor");
    let start = svg.find("<svg").ok_or("it is empty")?;
    Ok(svg[start..].to_string())
}

fn bars(area: &Area<'_>, cell: &Cell<'_>, (x, mut y): (i32, i32)) -> Drawn {
    for row in &cell.ranked {
        bar(area, row, x, y)?;
        y += LINE;
    }
    Ok(())
}

fn bar(area: &Area<'_>, row: &Row<'_>, x: i32, y: i32) -> Drawn {
    let at = |ratio: f64| x + (ratio.min(LONGEST) / LONGEST * f64::from(WIDTH - 1)) as i32;
    let middle = y + 9;
    area.draw(&text(row.result.name.clone(), (x, middle), HPos::Left, 14))?;
    // An arrow: the bar is cut.
    let cut = if row.ratio > LONGEST { "\u{2192} " } else { "" };
    let figures = format!("{cut}{} \u{b7} {}", row.ratio_text(), number(row.measured.median));
    area.draw(&text(figures, (x + WIDTH, middle), HPos::Right, 14))?;
    let top = y + 18;
    area.draw(&Rectangle::new([(x, top), (at(row.ratio), top + BAR)], colour(&row.result.peer).filled()))?;
    if let Some(noise) = row.measured.noise {
        let (least, most) = (at(row.ratio * (1.0 - noise.min(1.0))), at(row.ratio * (1.0 + noise)));
        let line = top + BAR / 2;
        area.draw(&PathElement::new([(least, line), (most, line)], TEXT))?;
    }
    Ok(())
}

fn text(text: String, at: (i32, i32), side: HPos, size: i32) -> Text<'static, (i32, i32), String> {
    let style = ("sans-serif", size).into_font().color(&TEXT).pos(Pos::new(side, VPos::Center));
    Text::new(text, at, style)
}

/// Ours, the two runtimes that everyone knows, and the rest; each reads on white and on black.
fn colour(peer: &str) -> RGBColor {
    match peer {
        OURS => RGBColor(217, 119, 6),
        "go" => RGBColor(8, 145, 178),
        "tokio" => RGBColor(124, 108, 240),
        _ => RGBColor(124, 134, 150),
    }
}
