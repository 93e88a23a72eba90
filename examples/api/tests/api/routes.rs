//! What each route answers.
use crate::client::{Client, ask};
use crate::server::Server;
use crate::service::{Folder, all, create, draft, get, start};
use dormouse_testing::watch;
use serde_json::{Value, json};

#[test]
fn a_note_is_made_read_changed_and_deleted() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, [""; 0]);
    let mut client = Client::connect(api.addr); // one connection for all

    let made = client.ask("POST", "/notes", Some(&json!({ "title": "Mäuse \u{1f42d}", "text": "a\n\"b\"" })));
    assert_eq!((made.status, made.header("location")), (201, Some("/notes/1")));
    let note = made.json();
    assert_eq!(note["title"], "Mäuse \u{1f42d}");
    assert_eq!((&note["id"], &note["version"]), (&json!(1), &json!(1)));
    assert_eq!(note["created"], note["changed"]);

    let read = client.ask("GET", "/notes/1", None);
    assert_eq!((read.status, read.json()), (200, note.clone()));
    let head = client.ask("HEAD", "/notes/1", None);
    assert_eq!((head.status, head.header("content-length")), (200, read.header("content-length")));

    let edit = json!({ "title": "Mice", "version": 1 });
    let changed = client.ask("PUT", "/notes/1", Some(&edit));
    assert_eq!(changed.status, 200);
    let changed = changed.json();
    assert_eq!((&changed["title"], &changed["text"]), (&json!("Mice"), &json!("")));
    assert_eq!((&changed["version"], &changed["created"]), (&json!(2), &note["created"]));
    // A second client that has seen the first version does not overwrite the second.
    let conflict = client.ask("PUT", "/notes/1", Some(&edit));
    assert_eq!((conflict.status, conflict.json()["error"].clone()), (409, json!("conflict")));
    assert!(conflict.text().contains("version 2"), "{conflict:?}");
    assert_eq!(client.ask("GET", "/notes/1", None).json(), changed);

    let deleted = client.ask("DELETE", "/notes/1", None);
    assert_eq!((deleted.status, deleted.body), (204, Vec::new()));
    for (method, body) in [("GET", None), ("DELETE", None), ("PUT", Some(&edit))] {
        assert_eq!(client.ask(method, "/notes/1", body).status, 404, "{method}");
    }
    // Its id is not used again.
    assert_eq!(create(&api, "another"), 2);
}

#[test]
fn a_list_has_pages() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, [""; 0]);
    assert_eq!(get(&api, "/notes").json(), json!({ "notes": [], "next": null }));
    let made: Vec<(i64, String)> =
        (1..=45).map(|n| (create(&api, &format!("n{n}")), format!("n{n}"))).collect();
    let ids = |page: &Value| -> Vec<i64> {
        page["notes"].as_array().expect("a list").iter().filter_map(|note| note["id"].as_i64()).collect()
    };
    for (query, first, last, next) in [
        ("", 1, 20, Some(20)),
        ("?limit=3", 1, 3, Some(3)),
        ("?limit=3&after=3", 4, 6, Some(6)),
        ("?after=25", 26, 45, None),
        ("?limit=100&after=44", 45, 45, None),
        ("?limit=45", 1, 45, None),
        ("?limit=44", 1, 44, Some(44)),
    ] {
        let page = get(&api, &format!("/notes{query}")).json();
        assert_eq!((ids(&page), page["next"].as_i64()), ((first..=last).collect(), next), "{query}");
    }
    assert_eq!(get(&api, "/notes?after=45").json(), json!({ "notes": [], "next": null }));
    // What is deleted leaves no gap in a page.
    assert_eq!(ask(api.addr, "DELETE", "/notes/2", None).status, 204);
    assert_eq!(ids(&get(&api, "/notes?limit=3").json()), [1, 3, 4]);
    assert_eq!(all(&api), made.into_iter().filter(|(id, _)| *id != 2).collect::<Vec<_>>());
}

/// What the program says of wrong fields: field, problem, what is allowed.
fn fields(answer: &Value) -> Vec<(&str, &str, &str)> {
    let text = |field: &'_ Value, key: &str| field[key].as_str().expect("text").to_owned().leak() as &str;
    let fields = answer["fields"].as_array().expect("a list");
    fields
        .iter()
        .map(|field| (text(field, "field"), text(field, "problem"), text(field, "allowed")))
        .collect()
}

#[test]
fn wrong_fields_are_named_with_what_is_allowed() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, [""; 0]);
    create(&api, "there");
    let title = "1 to 200 characters, not all of them spaces, none of them a control character";
    let (text, long) = ("up to 10000 characters", "ä".repeat(201));
    let number = "a whole number from 1 to 100";
    let after = "a whole number from 0 to 9223372036854775807";
    for (method, path, body, told) in [
        ("POST", "/notes", Some(draft("")), vec![("title", "it is empty", title)]),
        ("POST", "/notes", Some(draft(" \u{3000}")), vec![("title", "it is empty", title)]),
        ("POST", "/notes", Some(draft("a\nb")), vec![("title", "it has a control character", title)]),
        (
            "POST",
            "/notes",
            Some(json!({ "title": long, "text": "x".repeat(10_001) })),
            vec![("title", "it has 201 characters", title), ("text", "it has 10001 characters", text)],
        ),
        (
            "PUT",
            "/notes/1",
            Some(json!({ "title": "", "version": 1 })),
            vec![("title", "it is empty", title)],
        ),
        ("GET", "/notes?limit=0", None, vec![("limit", "it is \"0\"", number)]),
        ("GET", "/notes?limit=101", None, vec![("limit", "it is \"101\"", number)]),
        (
            "GET",
            "/notes?limit=ten&after=-1",
            None,
            vec![("after", "it is \"-1\"", after), ("limit", "it is \"ten\"", number)],
        ),
    ] {
        let answer = ask(api.addr, method, path, body.as_ref());
        assert_eq!(answer.status, 422, "{method} {path} {body:?}");
        let answer = answer.json();
        assert_eq!(
            (&answer["error"], fields(&answer)),
            (&json!("invalid"), told),
            "{method} {path} {body:?}"
        );
    }
    // The longest that are allowed.
    let fits = json!({ "title": "ä".repeat(200), "text": "ä".repeat(10_000) });
    assert_eq!(ask(api.addr, "POST", "/notes", Some(&fits)).status, 201);
    assert_eq!(all(&api).len(), 2, "nothing that is wrong is kept");
}

/// Sends a request as it stands.
fn raw(api: &Server, request: &str) -> (u16, Value) {
    let mut client = Client::connect(api.addr);
    client.send(request.as_bytes());
    let answer = client.answer(true).expect("an answer");
    (answer.status, answer.json())
}

#[test]
fn what_is_no_request_for_a_note_is_refused() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--body", "1000"]);
    let json = "content-type: application/json\r\n";
    let post = |headers: &str, body: &str| {
        format!("POST /notes HTTP/1.1\r\nhost: x\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
    };
    let large = "x".repeat(1001);
    let chunked = "POST /notes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n";
    for (request, status, error, told) in [
        (post(json, "{"), 400, "malformed", "EOF"),
        (post(json, "title"), 400, "malformed", "expected"),
        (post(json, "{}"), 422, "invalid", "missing field `title`"),
        (post(json, "{\"title\": 1}"), 422, "invalid", "expected a string"),
        (post(json, "{\"title\": \"a\", \"colour\": 1}"), 422, "invalid", "expected `title` or `text`"),
        (post("", "{\"title\": \"a\"}"), 415, "media_type", "application/json"),
        (post("content-type: text/plain\r\n", "a"), 415, "media_type", "application/json"),
        (post(json, &large), 413, "large", "up to 1000 bytes"),
        // It does not wait for what it will not take.
        (
            format!("POST /notes HTTP/1.1\r\nhost: x\r\n{json}content-length: 1001\r\n\r\n"),
            413,
            "large",
            "up to 1000 bytes",
        ),
        (format!("{chunked}3e9\r\n{large}\r\n0\r\n\r\n"), 413, "large", "up to 1000 bytes"),
    ] {
        let (got, answer) = raw(&api, &request);
        assert_eq!((got, &answer["error"]), (status, &Value::from(error)), "{request}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|text| text.contains(told)), "{request}: {answer}");
    }
    for path in ["/nothing", "/notes/1", "/notes/0", "/notes/one", "/notes/%ff", "/notes/1/2", "/demo/panic"]
    {
        let answer = get(&api, path);
        assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("not_found")), "{path}");
    }
    for (method, path, allow) in [
        ("DELETE", "/notes", "GET,HEAD,POST"),
        ("POST", "/notes/1", "GET,HEAD,PUT,DELETE"),
        ("POST", "/metrics", "GET,HEAD"),
        ("BREW", "/", "GET,HEAD"),
    ] {
        let answer = ask(api.addr, method, path, None);
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        assert_eq!(answer.json()["error"], "method", "{method} {path}");
    }
    assert_eq!(all(&api), []);
}
