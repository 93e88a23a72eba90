//! The counts of the service, of its database and of the runtime, for Prometheus.
use crate::App;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use dormouse::runtime::{Handle, SlotMetrics};
use std::fmt::{Display, Write};
use std::sync::Arc;

pub(crate) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    let mut text = String::new();
    app.traffic.write(&mut text);
    gauge(&mut text, "http_requests_open", "Requests not yet answered to the end.", app.traffic.open());
    database(&mut text, &app);
    runtime(&mut text);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

fn database(text: &mut String, app: &App) {
    let figures = app.store.figures();
    counter(text, "notes_changes_total", "Changes that are committed.", figures.changes);
    counter(text, "notes_commits_total", "Commits: each has one change or more.", figures.commits);
    counter(
        text,
        "notes_queries_interrupted_total",
        "Queries given up as nobody waited.",
        figures.interrupted,
    );
    gauge(text, "notes_changes_queued", "Changes that wait for the writer.", figures.queued);
    gauge(text, "notes_readers_idle", "Connections that could read.", figures.readers_idle);
}

fn runtime(text: &mut String) {
    let m = Handle::current().metrics();
    gauge(text, "dormouse_workers", "Threads that are to work at the same time.", m.workers);
    gauge(text, "dormouse_threads", "Threads for tasks, those that sleep included.", m.threads);
    gauge(text, "dormouse_spare_threads", "Threads beyond one per worker.", m.spare_threads);
    gauge(text, "dormouse_seated", "Threads that run tasks, or look for some.", m.seated);
    gauge(text, "dormouse_searching", "Threads that look for tasks elsewhere.", m.searching);
    gauge(text, "dormouse_blocking_threads", "Threads for blocking jobs.", m.blocking_threads);
    gauge(text, "dormouse_blocking_queued", "Blocking jobs without a thread.", m.blocking_depth);
    gauge(text, "dormouse_tasks_alive", "Tasks that have not ended.", m.tasks_alive);
    counter(text, "dormouse_tasks_spawned_total", "Tasks ever spawned.", m.tasks_spawned);
    gauge(text, "dormouse_timers", "Timers that are set.", m.timers);
    gauge(text, "dormouse_injector_queued", "Runnable tasks in the queue of all.", m.injector_depth);
    counter(text, "dormouse_parks_total", "How often a thread went to sleep.", m.parks);
    counter(text, "dormouse_wakeups_total", "How often one was woken.", m.wakeups);
    counter(text, "dormouse_long_polls_total", "Polls that kept their thread for too long.", m.long_polls);
    let slot = |text: &mut String, name, help, kind, of: fn(&SlotMetrics) -> u64| {
        head(text, name, help, kind);
        for (number, slot) in m.slots.iter().enumerate() {
            let _ = writeln!(text, "{name}{{slot=\"{number}\"}} {}", of(slot));
        }
    };
    slot(text, "dormouse_slot_polls_total", "Polls.", "counter", |slot| slot.polls);
    slot(text, "dormouse_slot_stolen_total", "Tasks taken from other slots.", "counter", |slot| slot.stolen);
    slot(text, "dormouse_slot_queued", "Runnable tasks here.", "gauge", |slot| slot.queue_depth as u64);
}

fn counter(text: &mut String, name: &str, help: &str, value: impl Display) {
    one(text, name, help, "counter", value);
}

fn gauge(text: &mut String, name: &str, help: &str, value: impl Display) {
    one(text, name, help, "gauge", value);
}

fn one(text: &mut String, name: &str, help: &str, kind: &str, value: impl Display) {
    head(text, name, help, kind);
    let _ = writeln!(text, "{name} {value}");
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
