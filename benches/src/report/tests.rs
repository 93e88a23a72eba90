//! A small run, made by hand: what its pages must have.
use super::analysis::{Report, date};
use super::{html, markdown, plot, relative};
use crate::machine::Machine;
use crate::ranking::Standing;
use crate::results::{CellResult, ContenderResult, Results};
use crate::stats::Verdict;
use std::path::Path;

fn contender(name: &str, peer: &str, values: &[f64], not_available: Option<&str>) -> ContenderResult {
    ContenderResult {
        name: name.into(),
        peer: peer.into(),
        values: values.into(),
        cpu: values.into(),
        peak_rss: vec![f64::from(3 << 20)],
        not_available: not_available.map(Into::into),
        failed: None,
    }
}

fn cell(name: &str, contenders: Vec<ContenderResult>) -> CellResult {
    CellResult { name: name.into(), operation: "me<ss>age".into(), unit: "ns".into(), contenders }
}

/// Ours win `channel/spsc/0`, tie in `channel/spsc/1`, lose in `scheduler/yield`; `scheduler/skynet` is without us.
fn results() -> Results {
    let ours = |values: &[f64]| contender("dormouse", "dormouse", values, None);
    let again = |values: &[f64]| contender("dormouse (again)", "dormouse", values, None);
    let kanal = |values: &[f64]| contender("kanal <&\"on|tokio", "kanal", values, None);
    let cells = vec![
        cell(
            "channel/spsc/0",
            vec![
                ours(&[100.0, 100.0, 101.0]),
                kanal(&[250.0, 250.0, 251.0]),
                contender("tokio mpsc", "tokio", &[], Some("no <rendezvous>")),
                ContenderResult {
                    failed: Some("it <hung>".into()),
                    ..contender("flume", "flume", &[], None)
                },
                again(&[99.0, 99.0, 99.0]),
            ],
        ),
        cell("channel/spsc/1", vec![ours(&[101.0; 3]), kanal(&[100.0; 3]), again(&[110.0; 3])]),
        cell("scheduler/yield", vec![ours(&[30.0; 3]), contender("tokio", "tokio", &[2.0; 3], None)]),
        cell("scheduler/skynet", vec![contender("Go", "go", &[7.0; 3], None)]),
    ];
    Results { machine: Machine::this(), date: 951_782_400, quick: true, rounds: 3, cells }
}

/// Each tag is closed in order; attributes and texts have no loose `<` or `&`.
fn assert_well_formed(text: &str) {
    let mut open = Vec::new();
    let text = text.strip_prefix("<!DOCTYPE html>").unwrap_or(text);
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        let name: String =
            tag.chars().take_while(|c| c.is_ascii_alphanumeric() || "/!-".contains(*c)).collect();
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "{tag}");
        match name.strip_prefix('/') {
            Some("") | None if tag.ends_with('/') => {}
            Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed), "at {tag}"),
            None => open.push(name),
        }
        rest = &rest[end + 1..];
    }
    assert_eq!(open, Vec::<String>::new());
    for (at, _) in text.match_indices('&') {
        let entity = text[at + 1..].split_once(';').map_or("", |(entity, _)| entity);
        assert!(["amp", "lt", "gt", "quot", "#39", "apos"].contains(&entity), "{}", &text[at..]);
    }
}

#[test]
fn who_is_first_by_how_much_and_how_sure() {
    let results = results();
    let report = Report::new(&results);
    let names: Vec<_> = report.groups.iter().map(|group| group.name).collect();
    assert_eq!(names, ["channel/spsc", "scheduler"]);
    let ours: Vec<_> = report.cells().map(|cell| cell.ours()).collect();
    assert_eq!(ours, [Standing::First, Standing::Tie, Standing::Loses(15.0), Standing::Absent]);
    assert!(report.score().contains(
        "Of 3 cells with rivals, dormouse is first beyond the noise in 1, ties for the first place in 1, loses in 1. 1 more"
    ));
    let first = report.cells().next().expect("a cell");
    assert_eq!(first.second().map(|row| row.ratio), Some(2.5));
    let again: Vec<_> = report.cells().map(|cell| cell.apart().map(|apart| apart.verdict)).collect();
    assert_eq!(again, [Some(Verdict::Tie), Some(Verdict::Apart), None, None]);
    assert!(report.noise().contains("in 1 of 2 cells") && report.noise().contains("8.9 % (channel/spsc/1)"));
    assert!(first.sentence().contains("dormouse is first, x2.50 before kanal"), "{}", first.sentence());
    assert_eq!(report.failures(), ["channel/spsc/0: flume failed: it <hung>"]);
}

#[test]
fn ahead_within_the_noise_is_no_victory() {
    let mut results = results();
    results.cells = vec![cell(
        "a",
        vec![
            contender("dormouse", "dormouse", &[100.0; 3], None),
            contender("tokio", "tokio", &[101.0; 3], None),
        ],
    )];
    assert_eq!(Report::new(&results).groups[0].cells[0].ours(), Standing::Tie);
    results.cells[0].contenders.pop();
    assert_eq!(Report::new(&results).groups[0].cells[0].ours(), Standing::Alone);
}

#[test]
fn too_few_rounds_have_no_winner() {
    let mut results = results();
    let [ours, tokio] = ["dormouse", "tokio"].map(|name| contender(name, name, &[100.0; 2], None));
    results.cells = vec![cell("a", vec![ours, ContenderResult { values: vec![200.0; 2], ..tokio }])];
    let report = Report::new(&results);
    let found = &report.groups[0].cells[0];
    assert_eq!(found.ours(), Standing::Unknown(1.0));
    assert!(found.sentence().starts_with("no winner: dormouse is x2.00 before tokio"));
    assert!(
        report.score().contains("first beyond the noise in 0") && report.score().contains("In 1 nobody is")
    );
    let page = markdown::page(&report, None);
    assert!(page.contains("| [a](#a) | dormouse | tokio | ?x2.00 | not known | ?x1.00 |"), "{page}");
    assert!(html::page(&report).is_ok_and(|page| page.contains("noise not known")));
}

#[test]
fn a_limit_of_the_machine_is_no_rival() {
    let mut results = results();
    let limit = contender("no tasks", "machine", &[50.0; 3], None);
    let ours = contender("dormouse", "dormouse", &[100.0; 3], None);
    results.cells = vec![cell("a", vec![limit.clone(), ours]), cell("b", vec![limit])];
    let report = Report::new(&results);
    let cells: Vec<_> = report.cells().collect();
    assert_eq!(cells[0].ours(), Standing::Alone);
    assert_eq!(cells[0].ranked[0].ratio, 0.5);
    assert_eq!(cells[1].first().map(|row| row.ratio), Some(1.0));
}

#[test]
fn the_page_has_every_cell_escapes_marks_ties_and_losses() {
    let results = results();
    let report = Report::new(&results);
    let page = html::page(&report).expect("a page");
    assert_well_formed(&page);
    for cell in &results.cells {
        assert!(page.contains(&format!("<h3 id=\"{}\">{}", cell.name.replace('/', "-"), cell.name)));
    }
    assert_eq!(page.matches("<svg").count(), results.cells.len());
    assert!(
        page.contains("flume failed: it &lt;hung&gt;</li>") && page.contains("<td colspan=\"6\">failed: it")
    );
    assert!(page.contains("n/a: no &lt;rendezvous&gt;") && page.contains("kanal &lt;&amp;&quot;on|tokio"));
    assert!(!page.contains("<rendezvous") && !page.contains("<&") && !page.contains("<ss>"));
    assert!(page.contains("<td class=\"n\">=x1.01</td>") && page.contains("<td>tie (noise"));
    assert!(page.contains("class=\"lose\">loses x15.00</td>"));
    assert!(
        page.contains("<span class=\"lose\">dormouse loses x15.00.</span> tokio is first, x15.00 before")
    );
    assert!(page.contains("<td>beyond ") && page.contains("<b>no tie</b>"));
    assert!(page.contains("2000-02-29") && page.contains("quick") && page.contains("3 rounds"));
    assert!(page.contains("<td data-is=\"by\" class=\"n\">x2.50</td>"));
    assert!(!page.contains("http-equiv") && !page.contains("src=") && !page.contains("url("));
}

#[test]
fn plots_read_on_any_background_and_cut_what_is_too_long() {
    let results = results();
    let report = Report::new(&results);
    for group in &report.groups {
        let svg = plot::file(group).expect("a plot");
        assert_well_formed(&svg);
        assert!(svg.starts_with("<svg") && svg.contains("xmlns=") && svg.contains("prefers-color-scheme"));
        assert!(
            svg.contains("fill=\"currentColor\"") && !svg.contains("#FFFFFF") && !svg.contains("#010203")
        );
    }
    let scheduler = plot::file(&report.groups[1]).expect("a plot");
    assert!(scheduler.contains("\u{2192} x15.00"), "{scheduler}");
    assert!(!plot::file(&report.groups[0]).expect("a plot").contains("(again)"));
    let inline = plot::inline(&report.groups[0].cells[0]).expect("a plot");
    assert_well_formed(&inline);
    assert!(inline.starts_with("<svg viewBox=") && inline.contains("kanal &lt;"), "{inline}");
}

#[test]
fn markdown_has_ratios_before_figures() {
    let results = results();
    let page = markdown::page(&Report::new(&results), Some(Path::new("benchmarks")));
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in {page}"));
    assert!(at("| [channel/spsc/0](#channelspsc0) | dormouse | kanal") < at("## channel/spsc"));
    assert!(at("![channel/spsc](<benchmarks/channel-spsc.svg>)") < at("| dormouse | x1.00 | =x1.01 |"));
    assert!(at("| tokio mpsc | n/a |") < at("## All figures"));
    assert!(at("## All figures") < at("n/a: no &lt;rendezvous>"));
    assert!(page.contains("kanal &lt;&amp;\"on\\|tokio") && page.contains("**loses x15.00**"));
}

#[test]
fn dates() {
    assert_eq!(date(0), "1970-01-01");
    assert_eq!(date(951_782_399), "2000-02-28");
    assert_eq!(date(951_868_800), "2000-03-01");
    assert_eq!(date(1_798_761_599), "2026-12-31");
}

#[test]
fn a_page_names_its_plots_from_where_it_is() {
    let from = |directory: &str, file: &str| relative(Path::new(directory), Path::new(file));
    assert_eq!(from("docs/benchmarks", "docs/benchmarks.md"), Path::new("benchmarks"));
    assert_eq!(from("plots", "benchmarks.md"), Path::new("plots"));
    assert_eq!(from("/a/plots", "docs/b.md"), Path::new("/a/plots"));
}

#[test]
fn errors_say_what_is_wrong_with_which_path() {
    let folder = std::env::temp_dir().join(format!("dormouse-report-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(name);
    std::fs::write(path("text"), "not json").expect("written");
    results().write_json(&path("run.json")).expect("written");
    let make = |file: &str, html: &str| {
        super::make(&super::Options { file: path(file), html: Some(path(html)), svg: None, markdown: None })
    };
    assert!(make("none", "page").is_err_and(|error| error.contains("none cannot be read")));
    assert!(make("text", "page").is_err_and(|error| error.contains("text is not a file that")));
    assert!(make("run.json", "text/page").is_err_and(|error| error.contains("text/page cannot be made")));
    assert_eq!(make("run.json", "page"), Ok(()));
    assert!(std::fs::read_to_string(path("page/index.html")).is_ok_and(|page| page.ends_with("</html>\n")));
    std::fs::remove_dir_all(&folder).expect("removed");
}
