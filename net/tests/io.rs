//! Pipes in memory, and copying.
#![allow(missing_docs)]
mod support;

use dormouse_executor::sim::{self, rng};
use dormouse_executor::task;
use dormouse_net::io::{
    self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter, DuplexStream, ErrorKind, IoSlice,
    IoSliceMut, PipeReader, PipeWriter,
};
use dormouse_testing::{Calls, Count, Event, panics, watch};
use dormouse_wait::{Reason, frame};
use futures::executor::block_on;
use futures::{FutureExt, join};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread;
use support::{bytes, on_each, once, waiting_for};

const SEEDS: u64 = 300;

/// Tries `program` with many seeds, with and without wake-ups for nothing.
#[track_caller]
fn search(program: impl AsyncFn()) {
    let _watch = watch();
    for spurious in [0.0, 0.2] {
        let builder = sim::Builder::new().spurious_polls(spurious).max_steps(100_000);
        builder.explore(SEEDS, async || program().await);
    }
}

/// A number from 1 to `most`.
fn any(most: u64) -> usize {
    rng().range(1..most + 1) as usize
}

/// Writes `len` bytes and closes, in pieces of any size, and gives up some of the writes that have to wait.
async fn write_out(mut writer: impl AsyncWrite + Unpin, len: usize, given_up: &Cell<usize>) {
    let mut place = 0;
    while place < len {
        let part = bytes(place, any(20).min(len - place));
        if rng().chance(0.3) {
            match once(pin!(writer.write(&part))).await {
                Poll::Ready(count) => place += count.unwrap(),
                Poll::Pending => {
                    given_up.set(given_up.get() + 1);
                    task::yield_now().await;
                }
            }
        } else if rng().chance(0.2) {
            let (one, other) = part.split_at(part.len() / 2);
            place += writer.write_vectored(&[IoSlice::new(one), IoSlice::new(other)]).await.unwrap();
        } else {
            place += writer.write(&part).await.unwrap();
        }
    }
    if rng().chance(0.5) {
        writer.close().await.unwrap();
    }
}

/// Reads to the end, in pieces of any size, and gives up some of the reads that have to wait: what has come.
async fn read_in(mut reader: impl AsyncRead + Unpin, given_up: &Cell<usize>) -> Vec<u8> {
    let mut came = Vec::new();
    loop {
        let (mut buf, mut second) = (vec![0; any(20)], vec![0; any(20)]);
        let count = if rng().chance(0.3) {
            match once(pin!(reader.read(&mut buf))).await {
                Poll::Ready(count) => count.unwrap(),
                Poll::Pending => {
                    given_up.set(given_up.get() + 1);
                    task::yield_now().await;
                    continue;
                }
            }
        } else if rng().chance(0.2) {
            let bufs = &mut [IoSliceMut::new(&mut buf), IoSliceMut::new(&mut second)];
            let count = reader.read_vectored(bufs).await.unwrap();
            let in_first = count.min(buf.len());
            came.extend(&buf[..in_first]);
            came.extend(&second[..count - in_first]);
            if count == 0 {
                return came;
            }
            continue;
        } else {
            reader.read(&mut buf).await.unwrap()
        };
        if count == 0 {
            return came;
        }
        came.extend(&buf[..count]);
    }
}

#[test]
fn a_pipe_gives_what_was_written() {
    let (writes, reads) = (Cell::new(0), Cell::new(0));
    search(async || {
        let (reader, writer) = io::pipe(any(30));
        let len = any(500);
        let ((), came) = join!(write_out(writer, len, &writes), read_in(reader, &reads));
        assert_eq!(came, bytes(0, len));
    });
    assert!(writes.get() > 100 && reads.get() > 100, "none was given up");
}

#[test]
fn a_pipe_between_threads() {
    let _watch = watch();
    const LEN: usize = 50_000;
    for capacity in [1, 3] {
        let (mut reader, mut writer) = io::pipe(capacity);
        let writes = thread::spawn(move || block_on(writer.write_all(&bytes(0, LEN))).unwrap());
        let mut came = Vec::new();
        block_on(reader.read_to_end(&mut came)).unwrap();
        writes.join().unwrap();
        assert!(came == bytes(0, LEN));
    }
}

#[test]
fn who_waits_for_a_pipe_for_ever_says_so() {
    let _watch = watch();
    let failure = sim::Builder::new().try_run(async {
        let (mut reader, _writer) = io::pipe(1);
        reader.read(&mut [0]).await
    });
    let failure = failure.map(drop).unwrap_err();
    assert_eq!(failure.kind(), sim::FailureKind::Deadlock);
    assert!(failure.to_string().contains("pipe read"), "{failure}");
}

#[test]
fn copying_both_ways_through_a_proxy_gives_what_was_written() {
    search(async || {
        let ((client, mut inside), (mut outside, server)) = (io::duplex(any(40)), io::duplex(any(40)));
        let proxy = task::spawn(async move {
            let counts = io::copy_bidirectional(&mut inside, &mut outside).await.unwrap();
            (counts, inside, outside)
        });
        let (there, back) = (any(300), any(300));
        let ignored = Cell::new(0);
        let end = async |stream: DuplexStream, sent, came| {
            let (reader, writer) = stream.into_split();
            let ((), got) = join!(write_out(writer, sent, &ignored), read_in(reader, &ignored));
            assert_eq!(got, bytes(0, came));
        };
        join!(end(client, there, back), end(server, back, there));
        assert_eq!(proxy.await.unwrap().0, (there as u64, back as u64));
    });
}

#[test]
fn the_end_of_one_direction_goes_through_and_the_other_one_goes_on() {
    let _watch = watch();
    on_each(|| async {
        let ((mut client, mut inside), (mut outside, mut server)) = (io::duplex(8), io::duplex(8));
        let proxy = task::spawn(async move { io::copy_bidirectional(&mut inside, &mut outside).await });
        client.write_all(b"a question").await.unwrap();
        client.close().await.unwrap();
        let mut text = String::new();
        server.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "a question");
        // The proxy has seen the end. Now for the other direction.
        let answer = async {
            server.write_all(b"a long answer, in pieces").await.unwrap();
            server.close().await.unwrap();
        };
        text.clear();
        let ((), read) = join!(answer, client.read_to_string(&mut text));
        assert_eq!((read.unwrap(), &*text), (24, "a long answer, in pieces"));
        assert_eq!(proxy.await.unwrap().unwrap(), (10, 24));
    });
}

#[test]
fn what_is_in_a_pipe_is_read_before_its_end() {
    let _watch = watch();
    on_each(|| async {
        for close in [false, true] {
            let (mut reader, mut writer) = io::pipe(8);
            writer.write_all(b"rest").await.unwrap();
            if close {
                writer.close().await.unwrap();
                let error = writer.write(b"x").await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::BrokenPipe, "closed by itself");
            } else {
                drop(writer);
            }
            let mut text = String::new();
            reader.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "rest");
            assert_eq!(reader.read(&mut [0; 4]).await.unwrap(), 0, "the end stays the end");
        }
    });
}

#[test]
fn who_waits_is_woken_by_the_other_ends_end() {
    let _watch = watch();
    on_each(|| async {
        for close in [false, true] {
            let (mut reader, mut writer) = io::pipe(1);
            let reads = task::spawn(async move { reader.read(&mut [0; 4]).await.unwrap() });
            waiting_for(Reason::PipeRead, 1).await;
            if close {
                writer.close().await.unwrap();
            } else {
                drop(writer);
            }
            assert_eq!(reads.await.unwrap(), 0);
        }
        let (reader, mut writer) = io::pipe(1);
        let writes = task::spawn(async move {
            let error = writer.write_all(b"two").await.unwrap_err();
            (error.kind(), writer.write(b"x").await.unwrap_err().kind())
        });
        waiting_for(Reason::PipeWrite, 1).await;
        drop(reader);
        assert_eq!(writes.await.unwrap(), (ErrorKind::BrokenPipe, ErrorKind::BrokenPipe));
    });
}

#[test]
fn one_end_of_a_duplex_dropped_ends_both_directions() {
    let _watch = watch();
    on_each(|| async {
        let (mut one, mut other) = io::duplex(8);
        other.write_all(b"rest").await.unwrap();
        drop(other);
        assert_eq!(one.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let mut text = String::new();
        one.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "rest");
    });
}

#[test]
fn a_pipe_takes_as_much_as_it_has_room_for_and_waits_for_nothing_if_nothing_is_asked() {
    let _watch = watch();
    let (mut reader, mut writer) = io::pipe(4);
    let mut buf = [0; 8];
    assert_eq!(reader.read(&mut []).now_or_never().unwrap().unwrap(), 0);
    assert!(reader.read(&mut buf).now_or_never().is_none());
    assert_eq!(writer.write(b"abcdef").now_or_never().unwrap().unwrap(), 4);
    assert!(writer.write(b"ef").now_or_never().is_none());
    assert_eq!(writer.write(b"").now_or_never().unwrap().unwrap(), 0);
    assert_eq!(reader.read(&mut buf[..3]).now_or_never().unwrap().unwrap(), 3);
    // Around the end of the queue's memory.
    assert_eq!(writer.write(b"efg").now_or_never().unwrap().unwrap(), 3);
    assert_eq!(reader.read(&mut buf).now_or_never().unwrap().unwrap(), 4);
    assert_eq!(&buf[..4], b"defg");
    writer.flush().now_or_never().unwrap().unwrap();
    assert!(panics(|| io::pipe(0)).contains("capacity 0"));
    assert!(panics(|| io::duplex(0)).contains("capacity 0"));
}

/// Polls a read and gives it up: its waker is that of `count` now.
fn waits(reader: &mut PipeReader, count: &std::task::Waker) {
    assert!(Pin::new(reader).poll_read(&mut Context::from_waker(count), &mut [0]).is_pending());
}

#[test]
fn what_comes_while_a_read_is_about_to_wait_is_seen() {
    let _watch = watch();
    let (mut reader, mut writer) = io::pipe(4);
    let calls = Calls::new(move |event| {
        if event == Event::Clone {
            assert_eq!(writer.write(b"now").now_or_never().unwrap().unwrap(), 3);
        }
    });
    let waker = calls.waker();
    let read = Pin::new(&mut reader).poll_read(&mut Context::from_waker(&waker), &mut [0; 4]);
    assert!(matches!(read, Poll::Ready(Ok(3))), "{read:?}");
    drop(waker);
    assert_eq!((calls.hooked(), calls.alive(), calls.woken()), (3, 0, 0), "a clone and two drops");
}

#[test]
fn the_task_that_polled_last_is_woken_and_once() {
    let _watch = watch();
    let (mut reader, mut writer) = io::pipe(4);
    let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
    waits(&mut reader, &first_waker);
    waits(&mut reader, &second_waker);
    let write = |writer: &mut PipeWriter| writer.write(b"x").now_or_never().unwrap().unwrap();
    assert_eq!(write(&mut writer), 1);
    assert_eq!(write(&mut writer), 1);
    assert_eq!((first.get(), second.get()), (0, 1));
    // A read that takes nothing wakes nobody.
    let (full, full_waker) = Count::new();
    let mut cx = Context::from_waker(&full_waker);
    assert_eq!(writer.write(b"xx").now_or_never().unwrap().unwrap(), 2);
    assert!(Pin::new(&mut writer).poll_write(&mut cx, b"x").is_pending());
    assert_eq!(reader.read(&mut []).now_or_never().unwrap().unwrap(), 0);
    assert_eq!(full.get(), 0);
    assert_eq!(reader.read(&mut [0]).now_or_never().unwrap().unwrap(), 1);
    assert_eq!(full.get(), 1);
    drop((reader, writer));
    assert_eq!((first.get(), second.get(), full.get()), (0, 1, 1));
}

#[test]
fn copy_flushes_what_it_has_written_when_it_has_to_wait_and_at_the_end() {
    let _watch = watch();
    on_each(|| async {
        let ((mut from, mut source), (mut drain, to)) = (io::pipe(64), io::pipe(64));
        let copy = task::spawn(async move {
            // (It holds back what is not flushed.)
            let mut to = BufWriter::with_capacity(64, to);
            io::copy(&mut from, &mut to).await.map(|count| (count, to))
        });
        let mut buf = [0; 5];
        source.write_all(b"first").await.unwrap();
        drain.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"first");
        source.write_all(b"final").await.unwrap();
        drop(source);
        drain.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"final");
        let (count, _still_open) = copy.await.unwrap().unwrap();
        assert_eq!(count, 10);
        assert!(drain.read(&mut buf).now_or_never().is_none());
    });
}

#[test]
fn the_errors_of_a_copy() {
    let _watch = watch();
    on_each(|| async {
        let full = io::copy(&mut &b"too much"[..], &mut io::Cursor::new(Box::from([0_u8; 4]) as Box<[u8]>))
            .await
            .unwrap_err();
        assert_eq!(full.kind(), ErrorKind::WriteZero);
        let (reader, mut writer) = io::pipe(4);
        drop(reader);
        let broken = io::copy(&mut &b"text"[..], &mut writer).await.unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::BrokenPipe);
        // One direction is at its end, the other one fails.
        let ((mut client, mut a), (mut b, server)) = (io::duplex(4), io::duplex(4));
        drop(server);
        client.write_all(b"x").await.unwrap();
        let error = io::copy_bidirectional(&mut a, &mut b).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

/// Reads and writes that never wait, and cost as much of the budget as a socket's.
struct Endless(Rc<Cell<u64>>);

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        frame::poll_spend(cx).map(|()| Ok(buf.len()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        frame::poll_spend(cx).map(|()| {
            self.0.set(self.0.get() + buf.len() as u64);
            Ok(buf.len())
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn neither_direction_starves_the_other_nor_other_tasks() {
    let _watch = watch();
    on_each(|| async {
        let (there, back) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let (mut a, mut b) = (Endless(back.clone()), Endless(there.clone()));
        let mut copy = pin!(io::copy_bidirectional(&mut a, &mut b));
        let mut polls = 0;
        poll_fn(|cx| {
            assert!(copy.as_mut().poll(cx).is_pending());
            polls += 1;
            // (It has woken itself.)
            if polls < 100 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        assert!(there.get() > 0 && there.get() == back.get(), "{} there, {} back", there.get(), back.get());
    });
    // On a foreign executor, where nobody counts.
    let written = Rc::new(Cell::new(0));
    let (mut from, mut to) = (Endless(written.clone()), Endless(written.clone()));
    assert!(io::copy(&mut from, &mut to).now_or_never().is_none());
    assert!(written.get() > 0);
}
