//! The connections that read: a channel of those that are idle, and a job on the blocking pool for each query.
use super::error::Error;
use dormouse::prelude::*;
use rusqlite::{Connection, ErrorCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// SQLite looks after so many of its steps whether the query is still wanted.
const STEPS: i32 = 1000;

pub(super) struct Readers {
    idle: Receiver<Connection>,
    back: Sender<Connection>,
    interrupted: Arc<AtomicU64>,
}

/// A connection that goes back to the idle ones, whatever happens.
struct Lent {
    connection: Option<Connection>,
    back: Sender<Connection>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        // There is room for all of them. If the readers are gone, it is closed.
        let _ = self.back.try_send(self.connection.take().expect("only drop takes it"));
    }
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Readers {
        let (back, idle) = bounded(connections.len());
        for connection in connections {
            back.try_send(connection).expect("there is room for all");
        }
        Readers { idle, back, interrupted: Arc::default() }
    }

    /// Runs a query when it is its turn. If this is dropped meanwhile, SQLite is told to give the query up.
    pub(super) async fn run<T, Q>(&self, query: Q) -> Result<T, Error>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let connection = self.idle.recv().await.expect("this has a sender, too");
        let mut lent = Lent { connection: Some(connection), back: self.back.clone() };
        let interrupted = self.interrupted.clone();
        let wanted = Arc::new(());
        let gone = Arc::downgrade(&wanted);
        let job = task::spawn_blocking(move || {
            let connection = lent.connection.as_mut().expect("only drop takes it");
            connection.progress_handler(STEPS, Some(move || gone.strong_count() == 0))?;
            let result = query(connection);
            if let Err(error) = &result
                && error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
            {
                interrupted.fetch_add(1, Relaxed);
            }
            Ok(result?)
        });
        let result = job.await;
        drop(wanted);
        result.map_err(|error| Error::Failed(error.to_string()))?
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }

    pub(super) fn interrupted(&self) -> u64 {
        self.interrupted.load(Relaxed)
    }
}
