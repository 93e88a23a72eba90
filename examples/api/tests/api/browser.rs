//! The page in headless Chromium, driven by chromedriver. Skipped where they are not there.
use crate::client::{Answer, Client};
use crate::service::{Folder, create, start, terminate};
use dormouse_testing::{until, watch_for};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A browser with one window.
struct Browser {
    driver: Child,
    addr: SocketAddr,
    session: String,
}

impl Browser {
    fn start(folder: &Folder) -> Option<Browser> {
        let mut command = Command::new("chromedriver");
        // With a home of its own, which goes with the folder.
        command.arg("--port=0").env("HOME", folder.file("")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = match command.spawn() {
            Ok(driver) => driver,
            Err(error) => {
                println!("skipped: chromedriver cannot be started: {error}");
                return None;
            }
        };
        let mut out = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
        let port = out.find_map(|line| {
            line.expect("text").split_once(" successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        let addr = SocketAddr::from(([127, 0, 0, 1], port.expect("chromedriver says its port")));
        let mut browser = Browser { driver, addr, session: String::new() };
        let flags = [
            "headless",
            "no-sandbox",
            "disable-gpu",
            "disable-quic",
            "no-first-run",
            "disable-background-networking",
            "disable-component-update",
            "disable-sync",
            "disable-dev-shm-usage",
            &format!("user-data-dir={}", folder.file("chromium").display()),
        ];
        let options =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": flags } } } });
        let made = browser.ask("POST", "", &options);
        browser.session = format!("/{}", made["sessionId"].as_str().expect("a session"));
        Some(browser)
    }

    /// One command of WebDriver: what it gives.
    #[track_caller]
    fn ask(&self, method: &str, command: &str, body: &Value) -> Value {
        let path = format!("/session{}{command}", self.session);
        let answer: Answer = Client::connect(self.addr).ask(method, &path, Some(body));
        let value: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(answer.status, 200, "{command} {body}: {value}");
        value["value"].clone()
    }

    /// The text of an element.
    fn text(&self, id: &str) -> String {
        let script = "return document.getElementById(arguments[0]).textContent";
        let text = self.ask("POST", "/execute/sync", &json!({ "script": script, "args": [id] }));
        text.as_str().expect("text").into()
    }

    fn number(&self, id: &str) -> Option<u64> {
        self.text(id).parse().ok()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium, which would outlive its driver.
        if let Ok(stream) = TcpStream::connect(self.addr) {
            let mut client = Client(BufReader::new(stream));
            client.send_request("DELETE", &format!("/session{}", self.session), None);
            let _ = client.answer(true);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
fn the_figures_on_the_page_are_live() {
    let _watch = watch_for(Duration::from_secs(200));
    let folder = Folder::new();
    let api = start(&folder, [""; 0]);
    let Some(browser) = Browser::start(&folder) else { return };
    browser.ask("POST", "/url", &json!({ "url": format!("http://{}/", api.addr) }));
    until(|| browser.text("state") == "connected");
    until(|| browser.number("tasks").is_some());
    assert_eq!(browser.number("changes"), Some(0));
    let (seconds, polls) = (browser.number("seconds"), browser.text("slots"));
    assert!(!polls.is_empty(), "no worker is shown");
    for n in 0..10 {
        create(&api, &format!("note {n}"));
    }
    until(|| browser.number("changes") == Some(10));
    until(|| browser.number("requests") >= Some(11)); // and the page
    until(|| browser.number("seconds") > seconds);
    until(|| browser.number("requests-rate").is_some());
    assert_ne!(browser.text("slots"), polls);
    // It sees the end, too.
    assert_eq!(terminate(api).0, Some(0));
    until(|| browser.text("state") == "not connected");
}
