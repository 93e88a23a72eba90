//! `wrk` as the client, which many measure HTTP servers with. It works for whole seconds, and does not say less than that.
use super::Load;
use std::io;
use std::net::SocketAddr;
use std::process::Command;

pub(crate) const PROGRAM: &str = "wrk";

/// With one thread, for a second.
pub(super) fn run(addr: SocketAddr, connections: u64) -> io::Result<Load> {
    let mut wrk = Command::new(PROGRAM);
    let output =
        wrk.args(["-t1", "-d1s", &format!("-c{connections}"), &format!("http://{addr}/")]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    load(&text).filter(|_| output.status.success()).ok_or_else(|| {
        io::Error::other(format!("{PROGRAM}: {text}{}", String::from_utf8_lossy(&output.stderr)))
    })
}

/// What it prints: `  123456 requests in 1.10s, 15.00MB read`, `Requests/sec: 112233.44`. None if it tells of an error.
fn load(text: &str) -> Option<Load> {
    let lines = || text.lines().map(str::trim);
    if lines().any(|line| line.starts_with("Socket errors:") || line.starts_with("Non-2xx")) {
        return None;
    }
    let answered = lines().find_map(|line| line.split_once(" requests in ")?.0.parse().ok())?;
    let rate = lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse::<f64>().ok())?;
    let nanos = rate.is_normal().then(|| (answered as f64 / rate * 1e9) as u64)?;
    // What the answers were, and how long each took, it does not say.
    Some(Load { answered, nanos, checksum: 0, p99: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 1s test @ http://127.0.0.1:80/\n  1 threads and 64 connections\n  \
                        2200 requests in 1.10s, 1.00MB read\nRequests/sec:   2000.00\nTransfer/sec: 1MB\n";

    #[test]
    fn what_wrk_prints_is_read() {
        let load = load(SAID).expect("all was answered");
        assert_eq!((load.answered, load.nanos), (2200, 1_100_000_000));
    }

    #[test]
    fn errors_are_no_load() {
        for line in
            ["  Socket errors: connect 0, read 1, write 0, timeout 0\n", "  Non-2xx or 3xx responses: 5\n"]
        {
            assert_eq!(load(&SAID.replace("Requests/sec", &format!("{line}Requests/sec"))), None);
        }
        assert_eq!(load(&SAID.replace("2000.00", "0.00")), None);
    }
}
