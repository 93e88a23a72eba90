//! A plot of a group: for each cell horizontal bars, each contender's ratio to the best.
//!
//! There is no background, and text has the colour of the text around, so that it reads in light and in dark.
use super::analysis::Group;
use crate::ranking::{OURS, Row};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: i32 = 700;
/// Where bars begin; names stand to the left of it.
const BARS: i32 = 270;
/// Room for the figure behind the longest bar.
const FIGURES: i32 = 90;
const LINE: i32 = 20;
/// A bar ends here at the latest; the figure behind it tells the rest.
const LONGEST: f64 = 8.0;

/// Stands for "the colour of the text around" until the plot is drawn: plotters knows only fixed colours.
const TEXT: RGBColor = RGBColor(1, 2, 3);
const TEXT_IN_SVG: &str = "#010203";

/// A plot for within a page, whose text colour it takes.
pub(crate) fn inline(group: &Group<'_>) -> Result<String, String> {
    let mut svg = String::new();
    draw(group, &mut svg).map_err(|error| format!("the plot of {} cannot be drawn: {error}", group.name))?;
    let svg = svg.replace(TEXT_IN_SVG, "currentColor");
    // What comes before the element is for files only.
    let start = svg.find("<svg").ok_or_else(|| format!("the plot of {} is empty", group.name))?;
    Ok(svg[start..].to_string())
}

/// A plot in a file of its own: it asks for the scheme itself.
pub(crate) fn file(group: &Group<'_>) -> Result<String, String> {
    let style = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>";
    let svg = inline(group)?;
    let (head, rest) = svg.split_once('>').ok_or_else(|| format!("the plot of {} is empty", group.name))?;
    Ok(format!("{head}>\n{style}{rest}"))
}

fn draw(group: &Group<'_>, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let lines: usize = group.cells.iter().map(|cell| cell.ranked.len() + 2).sum();
    let height = LINE * i32::try_from(lines)?;
    let area = SVGBackend::with_string(svg, (WIDTH as u32, height as u32)).into_drawing_area();
    let mut y = LINE / 2;
    for cell in &group.cells {
        let result = cell.result;
        let title = format!("{} ({} per {})", result.name, result.unit, result.operation);
        area.draw(&text(title, (4, y), HPos::Left, 17))?;
        y += LINE;
        for row in &cell.ranked {
            bar(&area, row, y)?;
            y += LINE;
        }
        y += LINE;
    }
    area.present()?;
    drop(area);
    Ok(())
}

fn bar<DB: DrawingBackend>(
    area: &DrawingArea<DB, plotters::coord::Shift>,
    row: &Row<'_>,
    y: i32,
) -> Result<(), DrawingAreaErrorKind<DB::ErrorType>> {
    let per_unit = f64::from(WIDTH - BARS - FIGURES) / LONGEST;
    let length = (row.ratio.min(LONGEST) * per_unit) as i32;
    let corners = [(BARS, y - LINE / 2 + 3), (BARS + length, y + LINE / 2 - 3)];
    area.draw(&text(row.result.name.clone(), (BARS - 8, y), HPos::Right, 16))?;
    area.draw(&Rectangle::new(corners, colour(&row.result.peer).filled()))?;
    // An arrow: the bar is cut.
    let cut = if row.ratio > LONGEST { "\u{2192} " } else { "" };
    let figure = format!("{cut}{}", row.ratio_text());
    area.draw(&text(figure, (BARS + length + 6, y), HPos::Left, 16))
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
