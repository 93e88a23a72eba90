//! A page, and the events that keep its figures new.
use crate::App;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{Html, IntoResponse};
use dormouse::prelude::*;
use dormouse::runtime::Handle;
use futures::StreamExt;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;

/// The time between two events.
const PERIOD: Duration = Duration::from_millis(500);

pub(crate) async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

/// An event now, and every half second, until the client goes or the service ends.
pub(crate) async fn events(State(app): State<Arc<App>>) -> impl IntoResponse {
    let stop = app.stop.clone();
    let events = time::interval(PERIOD)
        .map(move |_| Ok::<_, Infallible>(Event::default().data(figures(&app).to_string())))
        .take_until(async move { stop.done().await });
    Sse::new(events)
}

fn figures(app: &App) -> Value {
    let m = Handle::current().metrics();
    let slots: Vec<Value> = m
        .slots
        .iter()
        .map(|slot| json!({ "polls": slot.polls, "stolen": slot.stolen, "queued": slot.queue_depth }))
        .collect();
    json!({
        "seconds": app.since.elapsed().as_secs_f64(),
        "requests": app.traffic.ended(),
        "open": app.traffic.open(),
        "changes": app.store.figures().changes,
        "tasks": m.tasks_alive,
        "spawned": m.tasks_spawned,
        "timers": m.timers,
        "workers": m.workers,
        "seated": m.seated,
        "threads": m.threads,
        "spare": m.spare_threads,
        "blocking": m.blocking_threads,
        "parks": m.parks,
        "slots": slots,
    })
}
