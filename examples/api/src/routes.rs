//! What there is under which path.
use crate::note::{Asked, Draft, Edit};
use crate::problem::Problem;
use crate::store::Done;
use crate::{App, access, limits, live, metrics};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::LOCATION;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use dormouse::prelude::*;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

pub(crate) fn router(app: &Arc<App>, demo: bool) -> Router {
    let mut limited = Router::new()
        .route("/notes", get(list).post(create))
        .route("/notes/{id}", get(read).put(replace).delete(delete));
    if demo {
        limited = limited
            .route("/demo/block", get(block))
            .route("/demo/query", get(count))
            .route("/demo/panic", get(panic));
    }
    limited
        .layer(from_fn_with_state(app.clone(), limits::limit))
        // These answer also when there are too many requests: they say why.
        .route("/", get(live::page))
        .route("/events", get(live::events))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(health))
        .fallback(nothing)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(app.clone(), access::log))
        .with_state(app.clone())
}

type Answer = Result<Response, Problem>;
type Id = Result<Path<i64>, PathRejection>;
type Body<T> = Result<Json<T>, JsonRejection>;

async fn list(State(app): State<Arc<App>>, asked: Result<Query<Asked>, QueryRejection>) -> Answer {
    let Query(asked) = asked
        .map_err(|rejection| Problem::new(StatusCode::BAD_REQUEST, "malformed", rejection.body_text()))?;
    let page = asked.page().map_err(Problem::invalid)?;
    Ok(Json(app.store.list(page).await?).into_response())
}

async fn create(State(app): State<Arc<App>>, draft: Body<Draft>) -> Answer {
    let Json(draft) = draft?;
    draft.check().map_err(Problem::invalid)?;
    match app.store.create(draft).await? {
        Done::Kept(note) => {
            let location = [(LOCATION, format!("/notes/{}", note.id))];
            Ok((StatusCode::CREATED, location, Json(note)).into_response())
        }
        done => unreachable!("{done:?}"),
    }
}

async fn read(State(app): State<Arc<App>>, id: Id, uri: Uri) -> Answer {
    let note = app.store.get(known(id, &uri)?).await?;
    Ok(Json(note.ok_or_else(|| missing(&uri))?).into_response())
}

async fn replace(State(app): State<Arc<App>>, id: Id, uri: Uri, edit: Body<Edit>) -> Answer {
    let (id, Json(edit)) = (known(id, &uri)?, edit?);
    edit.check().map_err(Problem::invalid)?;
    changed(app.store.replace(id, edit).await?, &uri)
}

async fn delete(State(app): State<Arc<App>>, id: Id, uri: Uri) -> Answer {
    changed(app.store.delete(known(id, &uri)?).await?, &uri)
}

fn changed(done: Done, uri: &Uri) -> Answer {
    match done {
        Done::Kept(note) => Ok(Json(note).into_response()),
        Done::Deleted => Ok(StatusCode::NO_CONTENT.into_response()),
        Done::Missing => Err(missing(uri)),
        Done::Conflict(version) => {
            let message = format!("it has been changed meanwhile: it has version {version}");
            Err(Problem::new(StatusCode::CONFLICT, "conflict", message))
        }
    }
}

/// What is no number is no note's id.
fn known(id: Id, uri: &Uri) -> Result<i64, Problem> {
    id.map(|Path(id)| id).map_err(|_| missing(uri))
}

fn missing(uri: &Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", format!("there is nothing at {}", uri.path()))
}

async fn nothing(uri: Uri) -> Problem {
    missing(&uri)
}

/// (The router adds the header `Allow`.)
async fn not_allowed(method: Method, uri: Uri) -> Problem {
    let message = format!("{} does not take {method}; the header `Allow` says what it takes", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", message)
}

/// Is the service able to do its work?
async fn health(State(app): State<Arc<App>>) -> Answer {
    match time::timeout(app.limits.time, app.store.check()).await {
        Ok(checked) => checked?,
        Err(_) => {
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "the database is slow"));
        }
    }
    Ok(Json(json!({ "status": "ok" })).into_response())
}

#[derive(Deserialize)]
struct Block {
    ms: u64,
}

/// What a handler must not do: it keeps its thread. The others do not suffer from it here.
async fn block(Query(Block { ms }): Query<Block>) -> Json<u64> {
    std::thread::sleep(Duration::from_millis(ms));
    Json(ms)
}

#[derive(Deserialize)]
struct Count {
    rows: i64,
}

/// A query that takes long.
async fn count(State(app): State<Arc<App>>, Query(Count { rows }): Query<Count>) -> Answer {
    Ok(Json(app.store.count_to(rows).await?).into_response())
}

/// The others do not suffer from this either.
async fn panic() {
    panic!("as asked for")
}
