//! Counts of the requests, by route.
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The histogram's bounds, in seconds.
const BOUNDS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

#[derive(Debug, Default)]
pub(crate) struct Traffic {
    routes: Mutex<BTreeMap<String, Route>>,
    open: AtomicUsize,
}

#[derive(Debug, Default)]
struct Route {
    answers: BTreeMap<(&'static str, u16), u64>,
    /// How many were within each bound, and not within the one before.
    within: [u64; BOUNDS.len()],
    seconds: f64,
}

impl Route {
    fn count(&self) -> u64 {
        self.answers.values().sum()
    }
}

impl Traffic {
    fn routes(&self) -> MutexGuard<'_, BTreeMap<String, Route>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has begun.
    pub(crate) fn begin(&self) {
        self.open.fetch_add(1, Relaxed);
    }

    /// It has ended, with this status, after so long.
    pub(crate) fn end(&self, route: &str, method: &'static str, status: u16, took: Duration) {
        self.open.fetch_sub(1, Relaxed);
        let seconds = took.as_secs_f64();
        let mut routes = self.routes();
        if !routes.contains_key(route) {
            routes.insert(route.into(), Route::default());
        }
        let counts = routes.get_mut(route).expect("it is there");
        *counts.answers.entry((method, status)).or_default() += 1;
        counts.seconds += seconds;
        if let Some(bound) = BOUNDS.iter().position(|&bound| seconds <= bound) {
            counts.within[bound] += 1;
        }
    }

    /// Requests that are not answered yet, or not to the end.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Requests that have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.routes().values().map(Route::count).sum()
    }

    /// All of it for Prometheus.
    pub(crate) fn write(&self, text: &mut String) {
        let routes = self.routes();
        text.push_str(
            "# HELP http_requests_total Requests that have ended.\n# TYPE http_requests_total counter\n",
        );
        for (route, counts) in &*routes {
            for ((method, status), count) in &counts.answers {
                let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
                let _ = writeln!(text, "http_requests_total{{{labels}}} {count}");
            }
        }
        text.push_str(
            "# HELP http_request_duration_seconds From the request's head to the answer's end.\n\
             # TYPE http_request_duration_seconds histogram\n",
        );
        for (route, counts) in &*routes {
            let mut sum = 0;
            for (bound, within) in BOUNDS.iter().zip(counts.within) {
                sum += within;
                let _ = writeln!(
                    text,
                    "http_request_duration_seconds_bucket{{route=\"{route}\",le=\"{bound}\"}} {sum}"
                );
            }
            let all = counts.count();
            let _ =
                writeln!(text, "http_request_duration_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {all}");
            let _ =
                writeln!(text, "http_request_duration_seconds_sum{{route=\"{route}\"}} {}", counts.seconds);
            let _ = writeln!(text, "http_request_duration_seconds_count{{route=\"{route}\"}} {all}");
        }
    }
}
