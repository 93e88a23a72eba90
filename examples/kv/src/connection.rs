//! One connection: reads, executes all that is complete, waits for the file, answers with one write.
use crate::server::{Server, Session};
use dormouse::select;
use dormouse::sync::Context;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::Arc;

/// A stream of bytes, both ways. Its futures are dropped while they wait.
pub trait Transport: Send {
    /// Reads what is there; 0 at the end. If `for_ever`, it is no fault of the other side if it sends nothing for long.
    fn read(&mut self, buffer: &mut [u8], for_ever: bool) -> impl Future<Output = io::Result<usize>> + Send;

    /// Reads what is there now, asking the system and no memory of what it said before. `WouldBlock` if nothing is.
    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all. If it is dropped, an unknown part was written: then the connection must end.
    fn write_all(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// Serves a connection until it ends: by the other side, by a request for that, by what is no request, or because the
/// server is `stopping`. Then all is answered that had come until then, and after an `Ok` the other side is to be told
/// the end.
///
/// # Errors
/// What reading and writing say; a subscriber that is too far behind. Then the rest of the answers is lost.
pub async fn serve(
    server: Arc<Server>,
    transport: &mut impl Transport,
    stopping: &Context,
) -> io::Result<()> {
    let mut session = Session::new(server);
    let mut stopping = pin!(stopping.done());
    let mut is_stopping = false;
    loop {
        loop {
            let more = session.execute();
            session.commit().await;
            if !session.out.is_empty() {
                answer(&mut session, transport).await?;
            }
            if session.client.is_ending {
                return Ok(());
            }
            if !more {
                break;
            }
        }
        let listens = session.listens();
        let read = if is_stopping {
            match transport.try_read(session.input.space()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                read => read?,
            }
        } else {
            let mailbox = &session.client.mailbox;
            select! {
                biased;
                read = transport.read(session.input.space(), listens) => read?,
                () = mailbox.notified(), if listens => {
                    ended_if_over(&session)?;
                    continue;
                },
                _ = stopping.as_mut() => {
                    is_stopping = true;
                    continue;
                },
            }
        };
        if read == 0 {
            return Ok(());
        }
        session.input.received(read);
    }
}

/// Sends the answers. A subscriber that does not read them is dropped when it is too far behind.
async fn answer(session: &mut Session, transport: &mut impl Transport) -> io::Result<()> {
    if session.listens() {
        let mailbox = &session.client.mailbox;
        let mut writing = pin!(transport.write_all(&session.out));
        let mut is_told = false;
        loop {
            select! {
                biased;
                written = writing.as_mut() => break written?,
                () = mailbox.notified() => {
                    is_told = true;
                    ended_if_over(session)?;
                },
            }
        }
        if is_told {
            // For when this is written.
            mailbox.notify();
        }
    } else {
        transport.write_all(&session.out).await?;
    }
    session.answered();
    Ok(())
}

fn ended_if_over(session: &Session) -> io::Result<()> {
    if session.client.mailbox.is_over() {
        return Err(io::Error::new(ErrorKind::TimedOut, "a subscriber that does not read"));
    }
    Ok(())
}
