//! What a client is told when it does not get what it asked for.
use crate::note::Field;
use crate::store;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An answer that is an error: a status, a word for programs, a sentence for people.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(skip)]
    status: StatusCode,
    error: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Field>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Problem {
        Problem { status, error, message: message.into(), fields: Vec::new() }
    }

    /// Some fields are wrong.
    pub(crate) fn invalid(fields: Vec<Field>) -> Problem {
        let message = "some fields are not as they must be";
        Problem { fields, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let again = (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some([(RETRY_AFTER, "1")]);
        (self.status, again, Json(self)).into_response()
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        let error = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "media_type",
            StatusCode::UNPROCESSABLE_ENTITY => "invalid",
            _ => "malformed",
        };
        Problem::new(rejection.status(), error, rejection.body_text())
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        let (status, word) = match error {
            store::Error::Full => (StatusCode::INSUFFICIENT_STORAGE, "full"),
            store::Error::Locked => (StatusCode::SERVICE_UNAVAILABLE, "locked"),
            store::Error::ReadOnly => (StatusCode::SERVICE_UNAVAILABLE, "read_only"),
            store::Error::Corrupt => (StatusCode::SERVICE_UNAVAILABLE, "corrupt"),
            store::Error::Closed => (StatusCode::SERVICE_UNAVAILABLE, "closed"),
            store::Error::Failed(_) => (StatusCode::SERVICE_UNAVAILABLE, "database"),
        };
        tracing::error!(%error, "database");
        Problem::new(status, word, format!("the database: {error}"))
    }
}
