//! Requests that take too long, and handlers that misbehave.
use crate::client::{Client, ask};
use crate::server::Server;
use crate::service::{ENDLESS, Folder, command, create, draft, get, metric, start};
use dormouse_testing::{until, watch};
use serde_json::json;

/// Longer than any test.
const BLOCKED: &str = "/demo/block?ms=1000000000";

#[test]
fn a_client_that_does_not_send_its_request_is_told_so() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--time", "0.1"]);
    let mut slow = Client::connect(api.addr);
    slow.send(b"POST /notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{\"ti");
    let answer = slow.answer(true).expect("an answer");
    assert_eq!((answer.status, answer.json()["error"].clone()), (408, json!("slow")));
    assert!(answer.text().contains("100ms"), "{answer:?}");
}

#[test]
fn a_query_that_takes_too_long_is_given_up() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--time", "0.1", "--readers", "1", "--demo"]);
    let answer = get(&api, ENDLESS);
    assert_eq!((answer.status, answer.json()["error"].clone()), (503, json!("timeout")));
    assert_eq!(answer.header("retry-after"), Some("1"));
    // SQLite is told so, too; and its only reader serves the next one.
    until(|| metric(&api, "notes_queries_interrupted_total") == 1.0);
    until(|| metric(&api, "notes_readers_idle") == 1.0);
    // (At 0.1 s a loaded machine may be too slow for one.)
    until(|| get(&api, "/demo/query?rows=10").text() == "10");
}

#[test]
fn a_client_that_goes_takes_its_query_with_it() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--time", "100000", "--readers", "1", "--demo"]);
    let mut client = Client::connect(api.addr);
    client.send_request("GET", ENDLESS, None);
    until(|| metric(&api, "notes_readers_idle") == 0.0);
    drop(client);
    until(|| metric(&api, "notes_queries_interrupted_total") == 1.0);
    assert_eq!(get(&api, "/notes").status, 200);
}

/// One worker, and one request that keeps its thread for good.
fn blocked(folder: &Folder, options: &[&str]) -> (Server, Client) {
    let mut command = command(folder, ["--demo"].iter().chain(options));
    let api = Server::spawn("api", command.env("DORMOUSE_WORKERS", "1"));
    let mut client = Client::connect(api.addr);
    client.send_request("GET", BLOCKED, None);
    until(|| metric(&api, "http_requests_open") == 2.0); // that, and this one
    (api, client)
}

#[test]
fn a_handler_that_blocks_its_thread_does_not_stop_the_others() {
    let _watch = watch();
    let folder = Folder::new();
    let (api, _client) = blocked(&folder, &[]);
    for n in 1..=20 {
        assert_eq!(create(&api, "made"), n);
        assert_eq!(get(&api, &format!("/notes/{n}")).status, 200);
    }
    until(|| metric(&api, "http_requests_open") == 2.0);
}

#[test]
fn over_the_limit_requests_wait_for_a_place() {
    let _watch = watch();
    let folder = Folder::new();
    let (api, _client) = blocked(&folder, &["--running", "1", "--time", "0.1"]);
    let answer = get(&api, "/notes");
    assert_eq!((answer.status, answer.json()["error"].clone()), (503, json!("timeout")));
    // What tells why, answers.
    assert_eq!(get(&api, "/").status, 200);
    until(|| get(&api, "/healthz").status == 200);
}

#[test]
fn a_handler_that_panics_is_answered_for() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--demo"]);
    assert_eq!(get(&api, "/demo/panic").status, 500);
    assert_eq!(ask(api.addr, "POST", "/notes", Some(&draft("made"))).status, 201);
    let panics = "http_requests_total{method=\"GET\",route=\"/demo/panic\",status=\"500\"}";
    assert_eq!(metric(&api, panics), 1.0);
    until(|| metric(&api, "http_requests_open") == 1.0); // this one
}
