//! One HTML page with everything in it: no script, no other file. It reads on a phone and in the dark.
use super::analysis::{Group, Report, slug};
use super::plot;
use crate::ranking::{Cell, OURS, Row, Standing, percent, ratio};
use crate::results::AGAIN;
use crate::stats::Verdict;
use std::fmt::Write;

/// On a narrow page, a row of the table of all cells is a block, each figure behind its name.
const STYLE: &str = "
:root{color-scheme:light dark;--text:#1f2328;--back:#fff;--card:#f6f8fa;--line:#d0d7de;--faint:#59636e;--ours:#b45309;--good:#1a7f37;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--back:#0d1117;--card:#151b23;--line:#30363d;--faint:#9198a1;--ours:#f59e0b;--good:#3fb950;--bad:#f85149}}
*{box-sizing:border-box}
body{font:16px/1.45 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:72rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.25rem;margin-top:2.5rem;border-bottom:1px solid var(--line)}h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
p{max-width:48rem}a{color:inherit}li{overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem}
th,td{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums}
.facts td{white-space:normal}.facts th{vertical-align:top}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,25rem),1fr));gap:1rem;align-items:start}
.card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.8rem;min-width:0}
.card p{margin:.3rem 0;font-size:.875rem}.card svg{display:block;width:100%;max-width:32rem;height:auto}
summary{cursor:pointer;font-size:.875rem;color:var(--faint)}
.ours{color:var(--ours);font-weight:600}.win{color:var(--good);font-weight:600}.lose{color:var(--bad);font-weight:600}.faint{color:var(--faint)}
.all{font-size:.8125rem}.all th,.all td{padding:.15rem .4rem}
@media(max-width:48rem){.all tr:first-child{display:none}.all,.all tbody,.all tr{display:block}
.all tr{border-bottom:1px solid var(--line);padding:.4rem 0}.all td{display:inline-block;border:0;padding:0 .8rem 0 0;white-space:normal}
.all td:first-child{display:block;font-weight:600;overflow-wrap:anywhere}.all td[data-is]::before{content:attr(data-is)' ';color:var(--faint);font-weight:400}}
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
    summary(&mut page, report);
    for group in &report.groups {
        cards(&mut page, group)?;
    }
    page.push_str("<h2>Where and when</h2>\n<div class=\"wide\"><table class=\"facts\">\n");
    for (name, value) in report.facts() {
        line(&mut page, &format!("<tr><th>{name}</th><td>{}</td></tr>", escape(&value)));
    }
    page.push_str("</table></div>\n</body>\n</html>\n");
    Ok(page)
}

fn summary(page: &mut String, report: &Report<'_>) {
    for sentence in [report.score(), report.short_facts(), report.noise()] {
        line(page, &format!("<p>{}</p>", escape(&sentence)));
    }
    let failures = report.failures();
    if !failures.is_empty() {
        let items: String = failures.iter().map(|each| format!("<li>{}</li>", escape(each))).collect();
        line(page, &format!("<p class=\"lose\">Failed, and so without figures:</p>\n<ul>{items}</ul>"));
    }
    page.push_str("<h2>Who is first</h2>\n");
    line(page, &format!("<p>{}</p>", escape(super::analysis::LEGEND)));
    line(
        page,
        &format!(
            "<div class=\"wide\"><table class=\"all\">\n<tr><th>cell</th><th>{OURS}</th><th>first</th><th>second</th>\
             <th class=\"n\">by</th><th>sure</th><th>first again</th></tr>"
        ),
    );
    for cell in report.cells() {
        let name = &cell.result.name;
        let contender =
            |row: Option<&Row<'_>>| row.map_or_else(|| "-".into(), |row| escape(&row.result.name));
        let by = cell.second().map_or_else(|| "-".into(), |second| ratio(second.ratio));
        let ours = cell.ours();
        let apart = cell.apart().map_or_else(
            || "-".into(),
            |apart| {
                let tie = if apart.verdict == Verdict::Apart { ", <b>no tie</b>" } else { "" };
                format!("{}{tie}", percent(Some(apart.part)))
            },
        );
        let mut row = format!("<tr><td><a href=\"#{}\">{}</a></td>", slug(name), escape(name));
        row.push_str(&format!("<td data-is=\"{OURS}:\" class=\"{}\">{}</td>", class(ours), ours.text()));
        row.push_str(&format!("<td data-is=\"first:\">{}</td>", contender(cell.first())));
        row.push_str(&format!("<td data-is=\"second:\">{}</td>", contender(cell.second())));
        row.push_str(&format!("<td data-is=\"by\" class=\"n\">{by}</td><td>{}</td>", sure(cell)));
        line(page, &format!("{row}<td data-is=\"again\">{apart}</td></tr>"));
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

/// The cells of a group.
fn cards(page: &mut String, group: &Group<'_>) -> Result<(), String> {
    line(page, &format!("<h2>{}</h2>\n<div class=\"cards\">", escape(group.name)));
    for cell in &group.cells {
        let result = cell.result;
        let ours = cell.ours();
        let standing = match ours {
            Standing::Loses(_) => format!("<span class=\"{}\">{OURS} {}.</span> ", class(ours), ours.text()),
            _ => String::new(),
        };
        let (name, unit) =
            (escape(&result.name), escape(&format!("{} per {}", result.unit, result.operation)));
        line(page, &format!("<div class=\"card\"><h3 id=\"{}\">{name}</h3>", slug(&result.name)));
        let sentence = escape(&cell.sentence());
        line(page, &format!("<p class=\"faint\">{unit}, less is better</p>\n<p>{standing}{sentence}.</p>"));
        line(page, &plot::inline(cell)?);
        line(page, "<details><summary>all figures</summary>");
        table(page, cell);
        line(page, "</details></div>");
    }
    line(page, "</div>");
    Ok(())
}

fn table(page: &mut String, cell: &Cell<'_>) {
    let operation = escape(&cell.result.operation);
    line(
        page,
        &format!(
            "<div class=\"wide\"><table>\n<tr><th></th><th class=\"n\">ratio</th><th class=\"n\">median</th>\
             <th class=\"n\">least to most</th><th class=\"n\">noise</th><th class=\"n\">CPU, ns per {operation}</th>\
             <th class=\"n\">peak MiB</th></tr>"
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
