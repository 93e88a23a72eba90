//! One HTML page with everything in it: no script, no other file.
use super::analysis::{Report, slug};
use super::plot;
use crate::ranking::{Cell, OURS, Row, Standing, percent, ratio};
use crate::results::AGAIN;
use crate::stats::Verdict;
use std::fmt::Write;

const STYLE: &str = "
:root{color-scheme:light dark;--text:#1f2328;--back:#fff;--line:#d0d7de;--faint:#59636e;--ours:#b45309;--good:#1a7f37;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--back:#0d1117;--line:#30363d;--faint:#9198a1;--ours:#f59e0b;--good:#3fb950;--bad:#f85149}}
body{font:16px/1.45 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:64rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.25rem;margin-top:2.5rem;border-bottom:1px solid var(--line)}h3{font-size:1rem;margin:1.5rem 0 .3rem}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem}
th,td{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums}
.facts td{white-space:normal}.facts th{vertical-align:top}
.ours{color:var(--ours);font-weight:600}.win{color:var(--good)}.lose{color:var(--bad);font-weight:600}.faint{color:var(--faint)}
a{color:inherit}
";

/// The page.
pub(crate) fn page(report: &Report<'_>) -> Result<String, String> {
    let mut page = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n");
    line(
        &mut page,
        &format!("<title>{OURS} and its peers, measured</title>\n<style>{STYLE}</style>\n</head>"),
    );
    line(&mut page, &format!("<body>\n<h1>{OURS} and its peers, measured</h1>"));
    page.push_str("<div class=\"wide\"><table class=\"facts\">\n");
    for (name, value) in report.facts() {
        line(&mut page, &format!("<tr><th>{name}</th><td>{}</td></tr>", escape(&value)));
    }
    page.push_str("</table></div>\n");
    summary(&mut page, report);
    for group in &report.groups {
        line(&mut page, &format!("<h2>{}</h2>", escape(group.name)));
        line(&mut page, &format!("<div class=\"wide\">{}</div>", plot::inline(group)?));
        for cell in &group.cells {
            table(&mut page, cell);
        }
    }
    page.push_str("</body>\n</html>\n");
    Ok(page)
}

fn summary(page: &mut String, report: &Report<'_>) {
    line(page, &format!("<h2>Who is first</h2>\n<p>{}</p>", escape(&report.score())));
    line(page, &format!("<p>{}</p>", escape(&report.noise())));
    for failure in report.failures() {
        line(page, &format!("<p class=\"lose\">{}</p>", escape(&failure)));
    }
    page.push_str(
        "<p>Less is better everywhere. A ratio is to the best of its cell; <b>=</b> and \"tie\" mark a difference that \
         is no more than the noise. The second is the best of another project than the first.</p>\n\
         <div class=\"wide\"><table>\n<tr><th>cell</th><th>first</th><th>second</th><th>by</th><th>sure</th>",
    );
    line(page, &format!("<th>{OURS}</th><th>self against self</th></tr>"));
    for cell in report.cells() {
        let name = &cell.result.name;
        let mut row = format!("<tr><td><a href=\"#{}\">{}</a></td>", slug(name), escape(name));
        let contender =
            |row: Option<&Row<'_>>| row.map_or_else(|| "-".into(), |row| escape(&row.result.name));
        let second = cell.second();
        let by = second.map_or_else(|| "-".into(), |second| ratio(second.ratio));
        let sure = sure(cell);
        row.push_str(&format!("<td>{}</td><td>{}</td>", contender(cell.first()), contender(second)));
        row.push_str(&format!("<td class=\"n\">{by}</td><td>{sure}</td>"));
        let ours = cell.ours();
        row.push_str(&format!("<td class=\"{}\">{}</td>", class(ours), ours.text()));
        let apart = cell.apart().map_or_else(
            || "-".into(),
            |apart| {
                let tie = if apart.verdict == Verdict::Apart { ", <b>no tie</b>" } else { "" };
                format!("{}{tie}", percent(Some(apart.part)))
            },
        );
        line(page, &format!("{row}<td>{apart}</td></tr>"));
    }
    page.push_str("</table></div>\n");
}

/// How sure the first place is.
fn sure(cell: &Cell<'_>) -> String {
    let Some((first, second)) = cell.first().zip(cell.second()) else { return "-".into() };
    let noise = percent(cell.noise_between(first, second));
    match second.verdict {
        Verdict::Tie => format!("tie (noise {noise})"),
        Verdict::Apart => format!("beyond {noise}"),
        Verdict::Unknown => "noise not known".into(),
    }
}

fn class(ours: Standing) -> &'static str {
    match ours {
        Standing::First => "win",
        Standing::Loses(_) => "lose",
        _ => "faint",
    }
}

fn table(page: &mut String, cell: &Cell<'_>) {
    let result = cell.result;
    let unit = escape(&format!("{} per {}", result.unit, result.operation));
    let ours = cell.ours();
    let lost = if matches!(ours, Standing::Loses(_)) {
        format!(" <span class=\"lose\">{OURS} {}</span>", ours.text())
    } else {
        String::new()
    };
    line(page, &format!("<h3 id=\"{}\">{}{lost}</h3>", slug(&result.name), escape(&result.name)));
    line(
        page,
        &format!(
            "<div class=\"wide\"><table>\n<tr><th></th><th class=\"n\">ratio</th><th class=\"n\">median, {unit}</th>\
             <th class=\"n\">least to most</th><th class=\"n\">noise</th><th class=\"n\">CPU, ns per {}</th>\
             <th class=\"n\">peak MiB</th></tr>",
            escape(&result.operation)
        ),
    );
    for row in cell.rows() {
        let class = match &row.result {
            again if again.name.ends_with(AGAIN) => "faint",
            ours if ours.peer == OURS => "ours",
            _ => "",
        };
        let figures = row.figures().map(|figure| format!("<td class=\"n\">{figure}</td>")).concat();
        let name = escape(&row.result.name);
        line(page, &format!("<tr><td class=\"{class}\">{name}</td>{figures}</tr>"));
    }
    for contender in &cell.absent {
        let (name, why) = (escape(&contender.name), escape(&contender.reason()));
        let class = if contender.failed.is_some() { "lose" } else { "faint" };
        line(page, &format!("<tr class=\"{class}\"><td>{name}</td><td colspan=\"6\">{why}</td></tr>"));
    }
    page.push_str("</table></div>\n");
}

fn line(page: &mut String, text: &str) {
    // A String takes everything.
    let _ = writeln!(page, "{text}");
}

/// Text that cannot become a tag, an entity or the end of an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
