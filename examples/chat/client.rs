//! One connection: a name; then what it says and what it is told, at the same time.
use crate::lines::{Input, Lines};
use crate::room::{Line, Member, Room};
use dormouse::chan::broadcast::{self, RecvError};
use dormouse::net::TcpStream;
use dormouse::prelude::*;
use futures::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt, BufReader};
use std::future::pending;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The last line when the room is closed.
const END: &str = "* the chat ends";

#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How long a client may read nothing.
    pub(crate) stalled: Duration,
    /// How long it may be without a name.
    pub(crate) name: Duration,
    /// Bytes of a line.
    pub(crate) line: usize,
}

/// Serves a client until it leaves, or is dropped, or the room is closed.
pub(crate) async fn serve(mut stream: TcpStream, room: &Room, limits: Limits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (input, output) = TcpStream::split(&mut stream);
    let mut lines = Lines::new(BufReader::new(input), limits.line);
    let mut output = Output { writer: output, stalled: limits.stalled };
    let end = talk(&mut lines, &mut output, room, limits.name).await;
    let end = match end {
        Ok(()) => goodbye(&mut lines, &mut output.writer).await,
        Err(error) => {
            // Reset, so that the system does not keep for long what nobody reads.
            let _ = stream.reset(); // if that fails, it is gone already
            Err(error)
        }
    };
    match end {
        // To go without a word is a way to leave.
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => Ok(()),
        end => end,
    }
}

/// Ends the connection. A socket that is closed with something unread is reset, and what was written last could be lost
/// by that: so all is read first.
async fn goodbye<R, W>(lines: &mut Lines<R>, writer: &mut W) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    writer.close().await?;
    lines.skip_all().await
}

/// Returns when the client has been told all that it is to be told.
async fn talk<R, W>(
    lines: &mut Lines<R>,
    output: &mut Output<W>,
    room: &Room,
    limit: Duration,
) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (member, told) = match room.open().run(time::timeout(limit, welcome(lines, output, room))).await {
        Err(_) => return output.line(END).await,
        Ok(Err(_)) => return Err(io::Error::new(ErrorKind::TimedOut, "it gave no name")),
        Ok(Ok(joined)) => match joined? {
            Some(joined) => joined,
            None => return Ok(()),
        },
    };
    let (name, left) = (member.name(), AtomicBool::new(false));
    let (reply, replies) = bounded(1);
    let listening = async {
        let heard = listen(lines, &member, &reply).await;
        left.store(true, Relaxed);
        drop(member); // all are told, and it is the last line of this client
        match heard {
            Ok(()) => pending().await,
            Err(error) => error,
        }
    };
    select! {
        error = listening => Err(error),
        end = tell(output, told, &replies, &name, &left) => end,
    }
}

/// Lets the client in under the name that it gives; `None` if it goes.
async fn welcome<'a, R, W>(
    lines: &mut Lines<R>,
    output: &mut Output<W>,
    room: &'a Room,
) -> io::Result<Option<(Member<'a>, broadcast::Receiver<Line>)>>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    output.line("* your name?").await?;
    while let Some(input) = lines.next().await? {
        let problem = match input {
            Input::Line(name) => match room.join(name.trim()) {
                Ok(joined) => return Ok(Some(joined)),
                Err(problem) => problem,
            },
            Input::TooLong => too_long(lines.limit()),
        };
        output.line(&format!("* {problem}; your name?")).await?;
    }
    Ok(None)
}

/// Says what the client says, until it says no more or the room is closed.
async fn listen<R>(lines: &mut Lines<R>, member: &Member<'_>, reply: &Sender<String>) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
{
    while let Some(input) = lines.next().await? {
        match input {
            Input::Line(text) if member.say(&text) => {}
            Input::Line(_) => break,
            Input::TooLong => {
                let text = format!("* not sent: {}", too_long(lines.limit()));
                reply.send(text).await.expect("the other half is in the same task");
            }
        }
    }
    Ok(())
}

fn too_long(limit: usize) -> String {
    format!("a line is at most {limit} bytes")
}

/// Tells the client what is said, until it has left or the room is closed.
async fn tell<W: AsyncWrite + Unpin>(
    output: &mut Output<W>,
    mut told: broadcast::Receiver<Line>,
    replies: &Receiver<String>,
    name: &str,
    left: &AtomicBool,
) -> io::Result<()> {
    loop {
        select! {
            recv(replies) -> reply => output.line(&reply.expect("its sender is in the same task")).await?,
            line = told.recv() => match line {
                Ok(Line { leaver: Some(leaver), .. }) if *leaver == *name => return Ok(()),
                Ok(line) => output.line(&line.text).await?,
                Err(RecvError::Lagged(missed)) => {
                    output.line(&format!("* you read too slowly: {missed} lines missed")).await?;
                    // The line by which it left may be among them.
                    if left.load(Relaxed) {
                        return Ok(());
                    }
                }
                Err(RecvError::Closed) => return output.line(END).await,
            },
        }
    }
}

struct Output<W> {
    writer: W,
    /// How long nothing may be read of it.
    stalled: Duration,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    async fn line(&mut self, text: &str) -> io::Result<()> {
        let line = format!("{text}\n");
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            let Ok(written) = time::timeout(self.stalled, self.writer.write(rest)).await else {
                return Err(io::Error::new(ErrorKind::TimedOut, "it does not read"));
            };
            rest = &rest[written?..];
        }
        Ok(())
    }
}
