//! Files and directories.
#![allow(missing_docs)]
#![cfg(unix)]
mod support;

use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::{sim, task};
use dormouse_net::fs::{self, File, OpenOptions};
use dormouse_net::io::{
    AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufWriter, ErrorKind, IoSlice, IoSliceMut, SeekFrom,
};
use dormouse_testing::{Count, Wall, until, watch};
use futures::executor::block_on;
use futures::future::join_all;
use futures::{FutureExt, StreamExt, TryStreamExt};
use static_assertions::assert_impl_all;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::pin::pin;
use std::task::{Context, Poll};
use support::{TempDir, bytes, on_each, once};

assert_impl_all!(File: Send, Sync, Unpin);
assert_impl_all!(fs::ReadDir: Send, Unpin);

/// The next of a row of numbers, below `limit`.
fn random(state: &mut u64, limit: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % limit
}

/// A size from 1 to `most`, as likely small as large.
fn size(state: &mut u64, most: u64) -> usize {
    1 + (random(state, most) >> random(state, 18)) as usize
}

/// A file, and what must be in it.
struct Model {
    file: File,
    bytes: Vec<u8>,
    position: usize,
    dropped: usize,
}

impl Model {
    async fn step(&mut self, seed: &mut u64) {
        match random(seed, 12) {
            0..=3 => self.read(size(seed, 100_000), random(seed, 3) == 0).await,
            4..=6 => self.write(size(seed, 300_000), random(seed, 3) == 0).await,
            7 => self.seek(seed).await,
            8 => self.file.flush().await.unwrap(),
            9 => assert_eq!(self.file.metadata().await.unwrap().len(), self.bytes.len() as u64),
            10 => {
                let len = random(seed, 1 + self.bytes.len() as u64 * 5 / 4);
                if once(pin!(self.file.set_len(len))).await.is_pending() {
                    self.dropped += 1; // It is done, or it is not.
                }
                self.file.set_len(len).await.unwrap();
                self.bytes.resize(len as usize, 0);
            }
            _ => {
                // Until it is taken over from the clone's.
                let clone = self.file.try_clone().await.unwrap();
                self.file = File::from_std(clone.into_std().await.unwrap());
            }
        }
    }

    async fn read(&mut self, len: usize, impatient: bool) {
        let mut buf = vec![0; len];
        let count = if impatient {
            let Poll::Ready(count) = once(pin!(self.file.read(&mut buf))).await else {
                return self.dropped += 1;
            };
            count.unwrap()
        } else {
            self.file.read(&mut buf).await.unwrap()
        };
        let rest = self.bytes.get(self.position..).unwrap_or(&[]);
        assert!(count > 0 || rest.is_empty(), "an end that is none");
        assert!(buf[..count] == rest[..count], "what was read at {}", self.position);
        self.position += count;
    }

    async fn write(&mut self, len: usize, impatient: bool) {
        let sent = bytes(self.position * 7 + len, len);
        let count = if impatient {
            let Poll::Ready(count) = once(pin!(self.file.write(&sent))).await else {
                return self.dropped += 1;
            };
            count.unwrap()
        } else {
            self.file.write(&sent).await.unwrap()
        };
        assert!(count > 0);
        let end = self.position + count;
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[self.position..end].copy_from_slice(&sent[..count]);
        self.position = end;
    }

    async fn seek(&mut self, seed: &mut u64) {
        let mut to = random(seed, 1 + self.bytes.len() as u64);
        let seek = match random(seed, 3) {
            0 => SeekFrom::Start(to),
            1 => SeekFrom::End(to as i64 - self.bytes.len() as i64),
            _ => SeekFrom::Current(to as i64 - self.position as i64),
        };
        let sought = if random(seed, 4) == 0 {
            match once(pin!(self.file.seek(seek))).await {
                Poll::Ready(sought) => sought,
                Poll::Pending => {
                    // It is done, or it is not: so to another place.
                    self.dropped += 1;
                    to /= 2;
                    self.file.seek(SeekFrom::Start(to)).await
                }
            }
        } else {
            self.file.seek(seek).await
        };
        assert_eq!(sought.unwrap(), to);
        self.position = to as usize;
    }
}

#[test]
fn a_file_is_as_a_vector_with_a_position_whatever_is_dropped() {
    let _watch = watch();
    let dir = TempDir::new("model");
    on_each(|| async {
        let mut dropped = 0;
        for seed in 0..20 {
            let path = dir.path("file");
            let _ = std::fs::remove_file(&path);
            let file = File::create_new(&path).await.unwrap();
            let mut model = Model { file, bytes: Vec::new(), position: 0, dropped: 0 };
            let mut state = seed;
            for _ in 0..60 {
                model.step(&mut state).await;
            }
            model.file.flush().await.unwrap();
            assert!(fs::read(&path).await.unwrap() == model.bytes, "seed {seed}");
            dropped += model.dropped;
        }
        assert!(dropped > 0, "no operation was dropped");
    });
}

#[test]
fn small_reads_come_from_what_was_read_ahead() {
    let _watch = watch();
    let dir = TempDir::new("ahead");
    on_each(|| async {
        fs::write(dir.path("file"), bytes(0, 10_000)).await.unwrap();
        let mut file = File::open(dir.path("file")).await.unwrap();
        let mut byte = [0];
        file.read_exact(&mut byte).await.unwrap();
        for place in 1..10_000 {
            if place % 100 == 0 {
                task::yield_now().await; // for the budget
            }
            let read = file.read_exact(&mut byte).now_or_never();
            read.unwrap_or_else(|| panic!("byte {place} has cost a job")).unwrap();
            assert_eq!(byte[0], (place % 251) as u8);
        }
        assert_eq!(file.read(&mut byte).await.unwrap(), 0);
    });
}

/// A runtime whose pool has one thread, which is busy until the wall is opened.
fn busy() -> (Runtime, Wall) {
    let rt = Builder::multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let wall = Wall::default();
    let block = wall.clone();
    drop(rt.spawn_blocking(move || block.block()));
    until(|| wall.blocked() == 1);
    (rt, wall)
}

#[test]
fn what_a_dropped_future_has_begun_is_finished() {
    let _watch = watch();
    let dir = TempDir::new("finished");
    let path = dir.path("file");
    let (rt, wall) = busy();
    std::fs::write(&path, bytes(0, 100)).unwrap();
    rt.block_on(async {
        let std = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let mut file = File::from_std(std);
        let mut buf = [0; 50];
        // None of these waits can end.
        assert!(once(pin!(file.read(&mut buf))).await.is_pending());
        assert!(once(pin!(file.write(b"not written"))).await.is_pending());
        assert!(once(pin!(file.set_len(3))).await.is_pending(), "it has not begun");
        assert!(once(pin!(fs::write(dir.path("whole"), "written"))).await.is_pending());
        wall.open();
        file.read_exact(&mut buf).await.unwrap();
        assert_eq!(buf[..], bytes(0, 50));
        file.write_all(b"written").await.unwrap();
        assert_eq!(file.metadata().await.unwrap().len(), 100);
        assert_eq!(fs::read(&path).await.unwrap()[50..57], *b"written");
        assert_eq!(fs::read(dir.path("whole")).await.unwrap(), b"written");
    });
}

/// The next read might be told of the end that the dropped one has found.
#[test]
fn a_flush_forgets_the_end_that_a_dropped_read_has_found() {
    let _watch = watch();
    let dir = TempDir::new("grown");
    let path = dir.path("file");
    on_each(|| async {
        std::fs::write(&path, "").unwrap();
        let mut file = File::open(&path).await.unwrap();
        let mut text = [0; 4];
        let (told, waker) = Count::new();
        // (It may be told at once.)
        if pin!(file.read(&mut text)).poll(&mut Context::from_waker(&waker)).is_pending() {
            until(|| told.get() > 0);
        }
        std::fs::write(&path, "more").unwrap();
        file.flush().await.unwrap();
        file.read_exact(&mut text).await.unwrap();
        assert_eq!(text, *b"more");
    });
}

#[test]
fn what_was_written_is_there_also_if_the_runtime_ends_before_its_turn() {
    let _watch = watch();
    let dir = TempDir::new("promised");
    let path = dir.path("file");
    let (rt, wall) = busy();
    rt.block_on(async {
        let std = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .unwrap();
        let mut file = File::from_std(std);
        assert_eq!(file.write(&bytes(0, 600_000)).await.unwrap(), 256 * 1024);
        assert!(once(pin!(fs::write(dir.path("whole"), "not written"))).await.is_pending());
    });
    // It ends while the job waits for the thread.
    rt.shutdown_background();
    wall.open();
    until(|| std::fs::metadata(&path).unwrap().len() == 256 * 1024);
    assert!(std::fs::read(&path).unwrap() == bytes(0, 256 * 1024));

    for rt in support::runtimes() {
        rt.block_on(async {
            let mut file = File::create(&path).await.unwrap();
            file.write_all(&bytes(0, 600_000)).await.unwrap();
        });
        drop(rt);
        assert!(std::fs::read(&path).unwrap() == bytes(0, 600_000));
    }
}

#[test]
fn several_buffers_are_one_write_and_one_read() {
    let _watch = watch();
    let dir = TempDir::new("vectored");
    on_each(|| async {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(true).clone();
        let mut file = options.open(dir.path("file")).await.unwrap();
        let bufs = [IoSlice::new(b"head"), IoSlice::new(b""), IoSlice::new(b"body")];
        assert_eq!(file.write_vectored(&bufs).await.unwrap(), 8);
        assert_eq!(file.write(b"").await.unwrap(), 0);
        file.seek(SeekFrom::Start(0)).await.unwrap();
        let (mut first, mut second) = ([0; 5], [0; 9]);
        let bufs = &mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(file.read_vectored(bufs).await.unwrap(), 8);
        assert_eq!((&first, &second[..3]), (b"headb", &b"ody"[..]));
    });
}

#[test]
fn a_full_disk_is_told_of() {
    let _watch = watch();
    on_each(|| async {
        let mut file = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
        file.write_all(b"lost").await.unwrap();
        assert_eq!(file.flush().await.unwrap_err().kind(), ErrorKind::StorageFull);
        // It was told; the next write is told of by what comes next.
        file.flush().await.unwrap();
        file.write_all(b"lost").await.unwrap();
        let next = file.write(b"not taken").await.unwrap_err();
        assert_eq!(next.kind(), ErrorKind::StorageFull);
        file.write_all(b"lost").await.unwrap();
        assert_eq!(file.sync_all().await.unwrap_err().kind(), ErrorKind::StorageFull);
        file.write_all(b"lost").await.unwrap();
        assert_eq!(file.into_std().await.unwrap_err().kind(), ErrorKind::StorageFull);
        // Who has a buffer of his own keeps what is in it.
        let file = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
        let mut file = BufWriter::new(file);
        file.write_all(b"kept").await.unwrap();
        assert_eq!(file.flush().await.unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(fs::write("/dev/full", b"x").await.unwrap_err().kind(), ErrorKind::StorageFull);
    });
}

#[test]
fn what_cannot_be_is_an_error_and_the_file_stays_usable() {
    let _watch = watch();
    let dir = TempDir::new("errors");
    on_each(|| async {
        let path = dir.path("file");
        fs::write(&path, "content").await.unwrap();
        assert_eq!(File::open(dir.path("none")).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(File::create_new(&path).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        let mut text = String::new();
        // Not open to write.
        let mut file = File::open(&path).await.unwrap();
        file.write_all(b"x").await.unwrap();
        assert!(file.flush().await.is_err());
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "content");
        assert!(file.seek(SeekFrom::End(-100)).await.is_err());
        assert_eq!(file.seek(SeekFrom::Start(3)).await.unwrap(), 3);
        // A position that no file has.
        file.read_exact(&mut [0]).await.unwrap();
        let far = file.seek(SeekFrom::Current(i64::MIN)).await.unwrap_err();
        assert_eq!(far.kind(), ErrorKind::InvalidInput);
        text.clear();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "ent");
        // Not open to read.
        let mut file = File::create(&path).await.unwrap();
        assert!(file.read(&mut [0; 4]).await.is_err());
        file.write_all(b"new").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(fs::read(&path).await.unwrap(), b"new");
        fs::write(&path, [0xff]).await.unwrap();
        assert_eq!(fs::read_to_string(&path).await.unwrap_err().kind(), ErrorKind::InvalidData);
    });
}

#[test]
fn from_and_into_std_keep_the_position() {
    let _watch = watch();
    let dir = TempDir::new("std");
    on_each(|| async {
        let path = dir.path("file");
        fs::write(&path, "0123456789").await.unwrap();
        let mut std = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        std::io::Seek::seek(&mut std, SeekFrom::Start(2)).unwrap();
        let mut file = File::from_std(std);
        let mut two = [0; 2];
        file.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"23");
        let mut std = file.into_std().await.unwrap();
        std::io::Read::read_exact(&mut std, &mut two).unwrap();
        assert_eq!(&two, b"45");
        let mut file = File::from(std);
        file.write_all(b"ab").await.unwrap();
        let std = file.into_std().await.unwrap();
        assert_eq!(std::io::Seek::stream_position(&mut &std).unwrap(), 8);
        assert_eq!(fs::read(&path).await.unwrap(), b"012345ab89");
    });
}

#[test]
fn reads_and_writes_at_a_place_leave_the_position() {
    let _watch = watch();
    let dir = TempDir::new("at");
    on_each(|| async {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).clone();
        let mut file = file.open(dir.path("file")).await.unwrap();
        let pieces = (0..50).rev().map(|number| {
            let file = &file;
            async move { file.write_all_at(&bytes(number * 100, 100), number as u64 * 100).await.unwrap() }
        });
        join_all(pieces).await;
        assert_eq!(file.write_at(&bytes(5000, 10), 5000).await.unwrap(), 10);
        let mut buf = [0; 300];
        assert_eq!(file.read_at(&mut buf, 4900).await.unwrap(), 110);
        assert_eq!(&buf[..110], bytes(4900, 110));
        file.read_exact_at(&mut buf, 1234).await.unwrap();
        assert_eq!(buf[..], bytes(1234, 300));
        let short = file.read_exact_at(&mut buf, 5000).await.unwrap_err();
        assert_eq!(short.kind(), ErrorKind::UnexpectedEof);
        let mut all = Vec::new();
        file.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, bytes(0, 5010));
    });
}

#[test]
fn several_tasks_append_whole_lines() {
    let _watch = watch();
    let dir = TempDir::new("append");
    on_each(|| async {
        let path = dir.path("log");
        let _ = fs::remove_file(&path).await;
        let tasks = (0..8).map(|number| {
            let path = path.clone();
            task::spawn(async move {
                let mut log = OpenOptions::new().append(true).create(true).open(path).await.unwrap();
                for line in 0..50 {
                    log.write_all(format!("task {number} line {line}\n").as_bytes()).await.unwrap();
                }
                log.sync_data().await.unwrap();
            })
        });
        join_all(tasks).await.into_iter().for_each(Result::unwrap);
        let lines: BTreeSet<_> = fs::read_to_string(&path).await.unwrap().lines().map(String::from).collect();
        let all = (0..8).flat_map(|number| (0..50).map(move |line| format!("task {number} line {line}")));
        assert_eq!(lines, all.collect());
    });
}

#[test]
fn many_files_and_all_the_entries_of_their_directory() {
    let _watch = watch();
    let dir = TempDir::new("many");
    on_each(|| async {
        let many = dir.path("many");
        fs::create_dir_all(many.join("dir")).await.unwrap();
        let tasks = (0..700).map(|number| {
            let path = many.join(number.to_string());
            task::spawn(async move {
                let mut file = File::create(&path).await.unwrap();
                file.write_all(&bytes(number, number)).await.unwrap();
                file.close().await.unwrap();
                let mut came = Vec::new();
                BufReader::new(File::open(&path).await.unwrap()).read_to_end(&mut came).await.unwrap();
                assert!(came == bytes(number, number));
            })
        });
        join_all(tasks).await.into_iter().for_each(Result::unwrap);
        let mut names: BTreeSet<String> = (0..700).map(|number: u32| number.to_string()).collect();
        names.insert("dir".into());

        // What has to wait is given up, and asked for again.
        let mut entries = fs::read_dir(&many).await.unwrap();
        let mut seen = Vec::new();
        loop {
            match once(pin!(entries.next_entry())).await {
                Poll::Pending => task::yield_now().await,
                Poll::Ready(Ok(Some(entry))) => seen.push(entry),
                Poll::Ready(end) => break assert!(end.unwrap().is_none()),
            }
        }
        assert_eq!(seen.len(), names.len());
        for entry in &seen {
            let name = entry.file_name().into_string().unwrap();
            assert!(names.remove(&name), "{name} is there twice");
            assert_eq!(entry.path(), many.join(&name));
            assert_eq!(entry.file_type().await.unwrap().is_dir(), name == "dir");
            if let Ok(len) = name.parse() {
                assert_eq!(entry.metadata().await.unwrap().len(), len);
            }
        }
        let all: Vec<_> = fs::read_dir(&many).await.unwrap().try_collect().await.unwrap();
        assert_eq!(all.len(), 701);
        assert_eq!(fs::remove_dir(&many).await.unwrap_err().kind(), ErrorKind::DirectoryNotEmpty);
        fs::remove_dir_all(&many).await.unwrap();
        assert_eq!(fs::read_dir(&many).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn names_links_and_permissions() {
    let _watch = watch();
    let dir = TempDir::new("names");
    on_each(|| async {
        let (one, two, link) = (dir.path("one"), dir.path("two"), dir.path("link"));
        fs::write(&one, "text").await.unwrap();
        assert_eq!(fs::copy(&one, &two).await.unwrap(), 4);
        fs::remove_file(&one).await.unwrap();
        assert!(!fs::try_exists(&one).await.unwrap());
        fs::rename(&two, &one).await.unwrap();
        fs::hard_link(&one, &two).await.unwrap();
        fs::symlink(&one, &link).await.unwrap();
        assert_eq!(fs::read_link(&link).await.unwrap(), one);
        let real = fs::canonicalize(&link).await.unwrap();
        assert_eq!(real, fs::canonicalize(&one).await.unwrap());
        assert!(fs::symlink_metadata(&link).await.unwrap().is_symlink());
        assert!(fs::metadata(&link).await.unwrap().is_file());
        let mode = |path| async { fs::metadata(path).await.unwrap().permissions().mode() & 0o777 };
        fs::set_permissions(&one, std::fs::Permissions::from_mode(0o600)).await.unwrap();
        assert_eq!(mode(two.clone()).await, 0o600, "it is the same file");
        let file = File::open(&one).await.unwrap();
        file.set_permissions(std::fs::Permissions::from_mode(0o640)).await.unwrap();
        assert_eq!(mode(two.clone()).await, 0o640);
        let (inner, deep) = (dir.path("dir"), dir.path("dir/deep"));
        fs::create_dir(&inner).await.unwrap();
        assert_eq!(fs::create_dir(&inner).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        fs::create_dir_all(&deep).await.unwrap();
        fs::remove_dir(&deep).await.unwrap();
        fs::remove_dir(&inner).await.unwrap();
        for path in [&one, &two, &link] {
            fs::remove_file(path).await.unwrap();
        }
        let private = OpenOptions::new().write(true).create(true).mode(0o600).open(&one).await.unwrap();
        assert_eq!(private.metadata().await.unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&one).await.unwrap();
    });
}

fn runtime() -> Runtime {
    Builder::multi_thread().worker_threads(1).build().unwrap()
}

#[test]
fn outside_of_a_runtime_and_after_its_end_there_is_an_error() {
    let _watch = watch();
    let dir = TempDir::new("outside");
    let path = dir.path("file");
    std::fs::write(&path, "text").unwrap();
    let outside =
        |error: std::io::Error| assert!(error.to_string().contains("outside of a runtime"), "{error}");
    outside(block_on(fs::read(&path)).unwrap_err());
    outside(block_on(File::open(&path)).unwrap_err());
    outside(block_on(fs::read_dir(".")).unwrap_err());
    let mut file = File::from_std(std::fs::File::open(&path).unwrap());
    outside(block_on(file.read(&mut [0])).unwrap_err());
    outside(block_on(file.write(b"x")).unwrap_err());
    outside(block_on(file.seek(SeekFrom::Start(0))).unwrap_err());
    outside(block_on(file.sync_all()).unwrap_err());

    let rt = runtime();
    let handle = rt.handle().clone();
    drop(rt);
    let _entered = handle.enter();
    let error = block_on(fs::read(&path)).unwrap_err();
    assert!(error.to_string().contains("shut down"), "{error}");
    let error = block_on(file.read(&mut [0])).unwrap_err();
    assert!(error.to_string().contains("shut down"), "{error}");
}

#[test]
fn bytes_that_were_read_ahead_are_there_outside_of_the_runtime() {
    let _watch = watch();
    let dir = TempDir::new("left");
    let path = dir.path("file");
    std::fs::write(&path, "text").unwrap();
    let rt = runtime();
    let mut buf = [0; 2];
    let mut file = rt.block_on(async {
        let mut file = OpenOptions::new().read(true).write(true).open(&path).await.unwrap();
        file.read_exact(&mut buf).await.unwrap();
        file
    });
    // What cannot be done there leaves them alone.
    assert!(block_on(file.write(b"x")).is_err());
    assert!(block_on(file.seek(SeekFrom::Start(0))).is_err());
    assert!(block_on(file.set_len(0)).is_err());
    block_on(file.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"xt");
}

#[test]
fn a_simulated_run_refuses_files_unless_jobs_run_inline() {
    let _watch = watch();
    let dir = TempDir::new("simulated");
    let path = dir.path("file");
    let refused = sim::Builder::new().try_run(async { drop(fs::read("/").await) }).unwrap_err();
    assert!(refused.to_string().contains("`spawn_blocking` was called in a simulated run"), "{refused}");
    sim::Builder::new().inline_blocking().explore(20, async || {
        fs::write(&path, "text").await.unwrap();
        let mut file = File::open(&path).await.unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "text");
        assert!(fs::read_dir(dir.path("")).await.unwrap().next().await.is_some());
    });
}
