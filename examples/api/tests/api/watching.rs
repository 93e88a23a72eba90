//! What can be seen of the service: its log, its metrics, its events.
use crate::client::{Client, ask};
use crate::server::Server;
use crate::service::{ENDLESS, Folder, PROGRAM, create, get, metric, start, terminate};
use dormouse_testing::{until, watch};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::net::SocketAddr;
use std::process::Command;

#[test]
fn each_request_has_a_line_in_the_log() {
    let _watch = watch();
    let folder = Folder::new();
    let log = folder.file("log");
    let mut command = Command::new(PROGRAM);
    command.args(["127.0.0.1:0", "--demo", "--database"]).arg(folder.database());
    let api = Server::spawn("api", command.stderr(File::create(&log).expect("a file")));
    let lines = || -> Vec<Value> {
        let log = read_to_string(&log).expect("a file");
        // The last one may not be written to its end yet; a panic's message is no JSON.
        let whole = log.lines().filter(|line| line.starts_with('{') && line.ends_with('}'));
        whole.map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    create(&api, "a note");
    let list = get(&api, "/notes?limit=1").body.len();
    let missing = get(&api, "/nothing\"").body.len();
    get(&api, "/demo/panic");
    let mut gone = Client::connect(api.addr);
    gone.send_request("GET", ENDLESS, None);
    until(|| metric(&api, "notes_readers_idle") == 3.0);
    let addr = gone.0.get_ref().local_addr().expect("a socket");
    drop(gone);
    for (method, path, status, bytes) in [
        ("POST", "/notes", 201, None),
        ("GET", "/notes", 200, Some(list)),
        ("GET", "/nothing\"", 404, Some(missing)),
        ("GET", "/demo/panic", 500, Some(0)),
        ("GET", "/demo/query", 499, Some(0)),
    ] {
        let found = || lines().into_iter().find(|line| line["path"] == path && line["method"] == method);
        until(|| found().is_some());
        let line = found().expect("it is there");
        assert_eq!((&line["message"], &line["level"]), (&json!("request"), &json!("INFO")));
        assert_eq!(line["status"], status, "{line}");
        assert!(bytes.is_none_or(|bytes| line["bytes"] == bytes), "{line}");
        assert!(line["ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{line}");
        assert!(line["timestamp"].is_string(), "{line}");
        let client: SocketAddr = line["client"].as_str().expect("an address").parse().expect("an address");
        assert_eq!(client == addr, status == 499, "{line}");
    }
    // None is missing, and none is there twice.
    terminate(api);
    assert_eq!(lines().iter().filter(|line| line["path"] != "/metrics").count(), 5);
}

/// The samples of a metrics page, by name with labels. Panics at what Prometheus would not take.
fn samples(page: &str) -> BTreeMap<&str, f64> {
    let (mut samples, mut kind) = (BTreeMap::new(), None);
    for line in page.lines() {
        if let Some(text) = line.strip_prefix("# HELP ") {
            let (name, help) = text.split_once(' ').expect("a name and a text");
            assert!(!help.is_empty(), "{line}");
            kind = Some(name);
        } else if let Some(text) = line.strip_prefix("# TYPE ") {
            let (name, of) = text.split_once(' ').expect("a name and a kind");
            assert_eq!(kind, Some(name));
            assert!(["counter", "gauge", "histogram"].contains(&of), "{line}");
            assert_eq!(of == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            assert!(name.starts_with(kind.expect("it comes after its kind")), "{line}");
            let value = value.parse().expect("a number");
            assert_eq!(samples.insert(name, value), None, "{line} comes twice");
        }
    }
    samples
}

#[test]
fn metrics_count_requests_changes_and_the_runtime() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--readers", "3"]);
    for n in 0..5 {
        create(&api, &format!("n{n}"));
    }
    for path in ["/notes/1", "/notes/2", "/notes/77", "/no", "/where"] {
        get(&api, path);
    }
    ask(api.addr, "BREW", "/notes", None);
    let counted = |labels: &str| format!("http_requests_total{{{labels}}}");
    let last = counted("method=\"OTHER\",route=\"/notes\",status=\"405\"");
    until(|| metric(&api, &last) == 1.0);
    let page = get(&api, "/metrics");
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4"));
    let samples = samples(page.text());
    for (labels, count) in [
        ("method=\"POST\",route=\"/notes\",status=\"201\"", 5.0),
        ("method=\"GET\",route=\"/notes/{id}\",status=\"200\"", 2.0),
        ("method=\"GET\",route=\"/notes/{id}\",status=\"404\"", 1.0),
        ("method=\"GET\",route=\"none\",status=\"404\"", 2.0),
    ] {
        assert_eq!(samples.get(counted(labels).as_str()), Some(&count), "{labels}");
    }
    assert_eq!(samples["notes_changes_total"], 5.0);
    assert_eq!(samples["notes_readers_idle"], 3.0);
    // The histogram only grows, up to the count.
    let prefix = "http_request_duration_seconds_bucket{route=\"/notes/{id}\",le=\"";
    let mut buckets: Vec<(f64, f64)> = samples
        .iter()
        .filter_map(|(name, count)| Some((name.strip_prefix(prefix)?.strip_suffix("\"}")?, *count)))
        .map(|(bound, count)| (bound.parse().expect("a number"), count))
        .collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(buckets.len() == 11 && buckets.is_sorted_by(|one, other| one.1 <= other.1), "{buckets:?}");
    assert_eq!(buckets[10], (f64::INFINITY, 3.0));
    assert_eq!(samples["http_request_duration_seconds_count{route=\"/notes/{id}\"}"], 3.0);
    // The names are what a dashboard is built on.
    for name in [
        "http_requests_open",
        "notes_commits_total",
        "notes_changes_queued",
        "notes_queries_interrupted_total",
        "dormouse_workers",
        "dormouse_threads",
        "dormouse_spare_threads",
        "dormouse_seated",
        "dormouse_searching",
        "dormouse_blocking_threads",
        "dormouse_blocking_queued",
        "dormouse_tasks_alive",
        "dormouse_tasks_spawned_total",
        "dormouse_timers",
        "dormouse_injector_queued",
        "dormouse_parks_total",
        "dormouse_wakeups_total",
        "dormouse_long_polls_total",
        "dormouse_slot_polls_total{slot=\"0\"}",
        "dormouse_slot_stolen_total{slot=\"0\"}",
        "dormouse_slot_queued{slot=\"0\"}",
    ] {
        assert!(samples.contains_key(name), "{name} is missing");
    }
}

#[test]
fn events_tell_what_changes_until_the_service_ends() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, [""; 0]);
    let mut events = Client::connect(api.addr);
    events.send_request("GET", "/events", None);
    let head = events.head().expect("an answer");
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    let first = events.event().expect("an event").expect("not the end");
    assert!(first["workers"].as_u64() >= Some(1) && first["tasks"].as_u64() >= Some(1), "{first}");
    create(&api, "a note");
    let mut last = first.clone();
    while last["changes"] != 1 {
        let next = events.event().expect("an event").expect("not the end");
        assert!(next["seconds"].as_f64() > last["seconds"].as_f64(), "{next} after {last}");
        last = next;
    }
    let polls = |event: &Value| -> u64 {
        event["slots"].as_array().expect("a list").iter().filter_map(|slot| slot["polls"].as_u64()).sum()
    };
    assert!(polls(&last) > polls(&first) && last["spawned"].as_u64() > first["spawned"].as_u64());

    api.signal(Signal::TERM);
    while events.event().expect("a clean end").is_some() {}
    let (code, printed) = api.end();
    assert_eq!(code, Some(0));
    assert!(printed.starts_with("no more connections\n"), "{printed}");
}
