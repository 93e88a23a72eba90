//! The service by clients that we did not write: curl and wrk. Skipped where they are not there.
use crate::server::Server;
use crate::service::{Folder, create, get, metric, start, terminate};
use dormouse_testing::{watch, watch_for};
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

/// Runs a tool; `None`, and a line that says so, if it is not there.
pub(crate) fn tool<'a>(name: &str, arguments: impl IntoIterator<Item = &'a str>) -> Option<Output> {
    match Command::new(name).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: {name} cannot be started: {error}");
            None
        }
    }
}

/// The status and the body of what curl is told.
fn curl(api: &Server, path: &str, options: &[&str]) -> Option<(u16, String)> {
    let url = format!("http://{}{path}", api.addr);
    let status = [
        "--silent",
        "--show-error",
        "--noproxy",
        "*",
        "--max-time",
        "50",
        "--write-out",
        "\n%{http_code}",
        &url,
    ];
    let output = tool("curl", status.into_iter().chain(options.iter().copied()))?;
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    let (body, status) = text.rsplit_once('\n').expect("curl's last line");
    Some((status.parse().expect("a status"), body.into()))
}

/// The value without what differs from run to run.
fn timeless(body: &str) -> Value {
    let mut value: Value = serde_json::from_str(body).unwrap_or_else(|_| body.into());
    if let Some(object) = value.as_object_mut() {
        object.remove("created");
        object.remove("changed");
    }
    value
}

#[test]
fn curl_is_served_on_every_route() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--demo"]);
    let as_json = "content-type: application/json";
    let note =
        |title: &str, version: u32| json!({ "id": 1, "title": title, "text": "b", "version": version });
    let missing = json!({ "error": "not_found", "message": "there is nothing at /notes/1" });
    for (path, options, status, body) in [
        ("/notes", &["--json", r#"{"title":"a","text":"b"}"#][..], 201, note("a", 1)),
        ("/notes/1", &[], 200, note("a", 1)),
        ("/notes/1", &["-X", "PUT", "--json", r#"{"title":"c","text":"b","version":1}"#], 200, note("c", 2)),
        (
            "/notes/1",
            &["-X", "PUT", "-H", as_json, "-d", r#"{"title":"d","version":1}"#],
            409,
            json!({ "error": "conflict", "message": "it has been changed meanwhile: it has version 2" }),
        ),
        ("/notes/1", &["-X", "DELETE"], 204, "".into()),
        ("/notes/1", &["-X", "DELETE"], 404, missing.clone()),
        ("/notes/1", &[], 404, missing),
        ("/notes?limit=1", &[], 200, json!({ "notes": [], "next": null })),
        ("/healthz", &[], 200, json!({ "status": "ok" })),
        ("/demo/query?rows=7", &[], 200, json!(7)),
        ("/demo/block?ms=1", &[], 200, json!(1)),
    ] {
        let Some((got, text)) = curl(&api, path, options) else { return };
        assert_eq!((got, timeless(&text)), (status, body), "{path} {options:?}");
    }
    for (path, options, status, told) in [
        ("/", &[][..], 200, "<title>dormouse: api</title>"),
        ("/metrics", &[], 200, "dormouse_tasks_alive "),
        ("/notes", &["--json", "{"], 400, "EOF while parsing"),
        ("/notes", &["-d", "title=a"], 415, "application/json"),
        ("/notes", &["--json", "{}"], 422, "missing field `title`"),
        ("/notes?limit=0", &[], 422, "a whole number from 1 to 100"),
        ("/notes", &["-X", "PATCH"], 405, "does not take PATCH"),
        // By HTTP/2 as well.
        ("/notes", &["--http2-prior-knowledge"], 200, "[]"),
    ] {
        let Some((got, text)) = curl(&api, path, options) else { return };
        assert!(got == status && text.contains(told), "{path} {options:?}: {got} {text}");
    }
    // A large body that curl announces first.
    let large = folder.file("large");
    fs::write(&large, "x".repeat(1 << 20)).expect("a file");
    let large = format!("@{}", large.display());
    let Some((got, text)) =
        curl(&api, "/notes", &["-H", as_json, "-H", "expect: 100-continue", "-d", &large])
    else {
        return;
    };
    assert!(got == 413 && text.contains("up to 65536 bytes"), "{got} {text}");
}

/// Loads a path for some seconds; whether wrk is there. No answer may be an error.
fn wrk(api: &Server, path: &str, seconds: u32, script: Option<&str>) -> bool {
    let (url, duration) = (format!("http://{}{path}", api.addr), format!("-d{seconds}s"));
    let mut arguments = vec!["-t2", "-c32", "--timeout", "50s", &duration, &url];
    arguments.extend(script.into_iter().flat_map(|script| ["-s", script]));
    let Some(output) = tool("wrk", arguments) else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("Requests/sec"), "{output:?}");
    for error in ["Non-2xx", "Socket errors"] {
        assert!(!text.contains(error), "{path}: {text}");
    }
    true
}

/// The kilobytes that the process has in memory.
fn resident(api: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", api.child.id())).expect("it is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn wrk_has_no_error_and_memory_is_flat() {
    let _watch = watch_for(Duration::from_secs(200));
    let folder = Folder::new();
    let api = start(&folder, ["--time", "1000"]);
    for n in 0..50 {
        create(&api, &format!("note {n}"));
    }
    let script = folder.file("post.lua");
    let post = "wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = '{\"title\": \"wrk\"}'\n";
    fs::write(&script, post).expect("a file");
    let script = script.to_str().expect("text");
    let load = |seconds| {
        wrk(&api, "/notes?limit=20", seconds, None)
            && wrk(&api, "/notes/7", seconds, None)
            && wrk(&api, "/notes", seconds, Some(script))
    };
    if !load(1) {
        return;
    }
    get(&api, "/metrics"); // the first time it is not in its own counts
    let (memory, metrics) = (resident(&api), get(&api, "/metrics").body.len());
    load(2);
    let after = resident(&api);
    assert!(after < memory + memory / 4 + 4096, "{memory} kB, then {after} kB");
    // Nor does what is counted grow.
    assert!(get(&api, "/metrics").body.len() < metrics + 500);
    assert!(
        metric(&api, "notes_commits_total") < metric(&api, "notes_changes_total"),
        "none was committed together"
    );
    assert_eq!(terminate(api).0, Some(0));
}
