//! Child processes: their pipes, their ends, and what is left of them.
#![allow(missing_docs)]
#![cfg(target_os = "linux")]
mod support;

use dormouse_executor::runtime::Handle;
use dormouse_executor::task;
use dormouse_net::process::{Child, ChildStdin, Command, Stdio};
use dormouse_testing::{child, until, watch};
use dormouse_wait::Reason;
use futures::FutureExt;
use futures::future::join_all;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Resource, Rlimit, getgid, getpgrp, getpid, getrlimit, getuid, setrlimit};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::process::ExitStatusExt;
use support::{bytes, on_each, runtimes, waiting};

/// More than pipes hold.
const MUCH: usize = 1 << 20;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    command
}

/// A child that runs until its stdin ends, and sends back what it reads.
fn cat() -> (Child, ChildStdin) {
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let stdin = cat.stdin.take().unwrap();
    (cat, stdin)
}

/// The state of the process `pid` if it is a child of this one: `Z` is a zombie.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?);
    (parent == getpid().as_raw_nonzero().to_string()).then(|| state.chars().next().unwrap())
}

#[test]
fn a_megabyte_through_cat_both_ways() {
    let _watch = watch();
    on_each(|| async {
        let (cat, mut stdin) = cat();
        let writer = task::spawn(async move {
            stdin.write_all(&bytes(0, MUCH)).await.unwrap();
            stdin.close().await.unwrap();
            assert_eq!(stdin.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
            stdin.close().await.unwrap();
            stdin
        });
        let output = cat.wait_with_output().await.unwrap();
        assert!(output.status.success());
        assert!(output.stdout == bytes(0, MUCH));
        // The end was told by the close, for it is still there.
        let stdin = writer.await.unwrap();
        assert_eq!(stdin.into_owned_fd().unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_pipeline_of_children() {
    let _watch = watch();
    on_each(|| async {
        let (mut first, mut stdin) = cat();
        let between = Stdio::try_from(first.stdout.take().unwrap()).unwrap();
        // (A `cat` does not understand a descriptor that does not block.)
        let second = Command::new("cat").stdin(between).output();
        let writer = task::spawn(async move { stdin.write_all(&bytes(7, MUCH)).await.unwrap() });
        assert!(second.await.unwrap().stdout == bytes(7, MUCH));
        writer.await.unwrap();
        assert!(first.wait().await.unwrap().success());
    });
}

#[test]
fn codes_and_signals() {
    let _watch = watch();
    on_each(|| async {
        for code in [0, 3, 255] {
            assert_eq!(sh(&format!("exit {code}")).status().await.unwrap().code(), Some(code));
        }
        let status = sh("kill -TERM $$").status().await.unwrap();
        assert_eq!((status.code(), status.signal()), (None, Some(15)));

        let (mut cat, _stdin) = cat();
        assert_eq!(state(cat.id().unwrap()).is_some(), cat.try_wait().unwrap().is_none());
        cat.kill().await.unwrap();
        for _ in 0..2 {
            assert_eq!(cat.try_wait().unwrap().unwrap().signal(), Some(9));
            assert_eq!(cat.wait().await.unwrap().signal(), Some(9));
            assert_eq!(cat.id(), None);
            // There is nothing to be killed any more.
            cat.start_kill().unwrap();
        }

        let (mut cat, stdin) = self::cat();
        assert!(cat.try_wait().unwrap().is_none());
        drop(stdin);
        let status = loop {
            match cat.try_wait().unwrap() {
                Some(status) => break status,
                None => task::yield_now().await,
            }
        };
        assert!(status.success() && cat.id().is_none());
    });
}

#[test]
fn both_outputs_are_read_whatever_comes_first() {
    let _watch = watch();
    on_each(|| async {
        for script in [
            "head -c 300000 /dev/zero; head -c 500000 /dev/zero >&2; exit 7",
            "head -c 500000 /dev/zero >&2; head -c 300000 /dev/zero; exit 7",
        ] {
            let output = sh(script).output().await.unwrap();
            assert_eq!(output.status.code(), Some(7));
            assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 500_000));
        }
        // One ends early, and the other goes on.
        let output = sh("exec >&-; echo late >&2; exit 4").output().await.unwrap();
        assert_eq!(
            (output.status.code(), &*output.stdout, &*output.stderr),
            (Some(4), &b""[..], &b"late\n"[..])
        );
    });
}

#[test]
fn output_sets_only_what_was_not_set_and_only_for_once() {
    let _watch = watch();
    on_each(|| async {
        let mut command = sh("cat; echo out; echo err >&2");
        for _ in 0..2 {
            let output = command.output().await.unwrap();
            assert_eq!((&*output.stdout, &*output.stderr), (&b"out\n"[..], &b"err\n"[..]));
        }
        let mut silent = Command::new("true");
        silent.output().await.unwrap();
        let mut child = silent.spawn().unwrap();
        assert!(child.stdin.is_none() && child.stdout.is_none() && child.stderr.is_none());
        child.wait().await.unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let output = command.output().await.unwrap();
        assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b"err\n"[..]));
        let mut std = std::process::Command::new("echo");
        std.arg("hi").stdout(Stdio::null());
        assert_eq!(Command::from(std).output().await.unwrap().stdout, b"hi\n");
    });
}

#[test]
fn options_reach_the_program() {
    let _watch = watch();
    on_each(|| async {
        let mut command = sh("echo $0 $A $B$C $(pwd) $(id -u) $(id -g)");
        command.arg0("name").env("A", "a").envs([("B", "b"), ("C", "c")]).env_remove("C");
        command.current_dir("/").uid(getuid().as_raw()).gid(getgid().as_raw());
        let said = String::from_utf8(command.output().await.unwrap().stdout).unwrap();
        assert_eq!(said, format!("name a b / {} {}\n", getuid().as_raw(), getgid().as_raw()));
        assert_eq!(command.as_std().get_program(), "sh");

        let output = Command::new("/usr/bin/env").env_clear().env("ONLY", "this").output().await.unwrap();
        assert_eq!(output.stdout, b"ONLY=this\n");

        let group = async |command: &mut Command| {
            let stat = String::from_utf8(command.output().await.unwrap().stdout).unwrap();
            stat.split_whitespace().nth(4).unwrap().parse::<i32>().unwrap()
        };
        let mut cat = Command::new("cat");
        let own = getpgrp().as_raw_nonzero().get();
        assert_eq!(group(cat.arg("/proc/self/stat")).await, own);
        assert_ne!(group(cat.process_group(0)).await, own);

        let mut refused = Command::new("cat");
        // SAFETY: it allocates nothing, and takes no lock.
        unsafe { refused.pre_exec(|| Err(Errno::ACCESS.into())) };
        assert_eq!(refused.spawn().unwrap_err().kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn a_wait_is_dropped_and_repeated() {
    let _watch = watch();
    on_each(|| async {
        let (mut cat, mut stdin) = cat();
        for _ in 0..3 {
            assert!(cat.wait().now_or_never().is_none());
        }
        let mut stdout = cat.stdout.take().unwrap();
        let line = line!() + 1;
        let wait = task::spawn(async move { (cat.wait().await.unwrap(), cat) });
        waiting(1).await;
        let waits = Handle::current().task_waits();
        let site = waits.iter().find(|wait| wait.2 == Reason::IoWait).unwrap().3.unwrap();
        assert_eq!((site.file(), site.line()), (file!(), line));
        // It was not ended by the waits.
        stdin.write_all(b"there?").await.unwrap();
        stdout.read_exact(&mut [0; 6]).await.unwrap();
        drop(stdin);
        let (status, mut cat) = wait.await.unwrap();
        assert!(status.success());
        assert_eq!(cat.wait().await.unwrap(), status);
    });
}

#[test]
fn wait_closes_stdin() {
    let _watch = watch();
    on_each(|| async {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(cat.wait().await.unwrap().success());
        assert!(cat.stdin.is_none());
        assert!(Command::new("cat").stdin(Stdio::piped()).status().await.unwrap().success());
    });
}

#[test]
fn two_hundred_children_at_once_leave_no_zombie() {
    let _watch = watch();
    on_each(|| async {
        let (children, stdins): (Vec<_>, Vec<_>) = (0..200).map(|_| cat()).unzip();
        let pids: Vec<u32> = children.iter().map(|child| child.id().unwrap()).collect();
        assert!(pids.iter().all(|pid| state(*pid).is_some()));
        let mut waited = Vec::new();
        for (number, mut child) in children.into_iter().enumerate() {
            // Half of them have no handle any more.
            if number % 2 == 0 {
                waited.push(task::spawn(async move { child.wait().await.unwrap().success() }));
            }
        }
        drop(stdins);
        assert!(join_all(waited).await.into_iter().all(|success| success.unwrap()));
        assert!(pids.iter().step_by(2).all(|pid| state(*pid).is_none()));
        until(|| pids.iter().all(|pid| state(*pid).is_none()));
    });
}

#[test]
fn a_child_outlives_its_handle_and_its_runtime_and_is_reaped() {
    let _watch = watch();
    for rt in runtimes() {
        let (pids, stdins, late) = rt.block_on(async {
            let (cats, stdins): (Vec<_>, Vec<_>) = (0..3).map(|_| cat()).unzip();
            let pids: Vec<u32> = cats.iter().map(|cat| cat.id().unwrap()).collect();
            let [mut first, second, third] = cats.try_into().unwrap();
            let mut stdout = first.stdout.take().unwrap();
            let mut stdins = stdins.into_iter();
            let mut stdin = stdins.next().unwrap();
            drop(first);
            stdin.write_all(b"there?").await.unwrap();
            stdout.read_exact(&mut [0; 6]).await.unwrap();
            drop(stdin);
            until(|| state(pids[0]).is_none());
            drop(second);
            (pids, stdins.map(|stdin| stdin.into_owned_fd().unwrap()).collect::<Vec<_>>(), third)
        });
        drop(rt);
        let alive = |pid| state(pid).is_some_and(|state| state != 'Z');
        assert!(alive(pids[1]) && alive(pids[2]));
        // Its handle outlives the runtime, too.
        drop(late);
        assert!(alive(pids[2]));
        drop(stdins);
        until(|| state(pids[1]).is_none() && state(pids[2]).is_none());
    }
}

#[test]
fn killed_on_drop_if_that_was_said() {
    let _watch = watch();
    on_each(|| async {
        // It reads for ever, as nobody writes; and whoever drops the command sees its end.
        let (endless, _nobody) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let start = || {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
            let mut command = Command::new("cat");
            command.stdin(endless.try_clone().unwrap()).stdout(write).kill_on_drop(true);
            (File::from(read), command)
        };
        let is_ended = |mut pipe: File| pipe.read(&mut [0]).unwrap() == 0;
        let (pipe, mut command) = start();
        let child = command.spawn().unwrap();
        drop((command, child));
        assert!(is_ended(pipe));

        let (pipe, mut command) = start();
        let status = command.status();
        drop((command, status));
        assert!(is_ended(pipe));

        // Also when it waits.
        let (pipe, mut command) = start();
        let output = task::spawn(command.output());
        drop(command);
        waiting(1).await;
        output.abort();
        assert!(output.await.unwrap_err().is_cancelled());
        assert!(is_ended(pipe));
    });
}

#[test]
fn what_cannot_be_started_is_named() {
    let _watch = watch();
    on_each(|| async {
        let error = Command::new("no-such-program").spawn().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().starts_with("cannot start \"no-such-program\": No such file"), "{error}");
        let system = std::error::Error::source(error.get_ref().unwrap()).unwrap();
        let system: &io::Error = system.downcast_ref().unwrap();
        assert_eq!(system.raw_os_error(), Some(Errno::NOENT.raw_os_error()));
        let error = Command::new("cat").current_dir("/no/such").output().await.unwrap_err();
        assert!(error.to_string().contains("\"cat\" in \"/no/such\": "), "{error}");
        let error = Command::new("/proc/self/status").status().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn outside_of_a_runtime_and_in_a_simulated_one_nothing_is_started() {
    let _watch = watch();
    let simulated = |command: &mut Command| {
        let mut spawn = || command.spawn().unwrap_err().to_string();
        dormouse_executor::sim::Builder::new().seed(1).run(async { spawn() })
    };
    let outside = |command: &mut Command| command.spawn().unwrap_err().to_string();
    let cases: [(&dyn Fn(&mut Command) -> String, _); 2] =
        [(&simulated, "simulated run"), (&outside, "outside of a runtime")];
    for (spawn, says) in cases {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut command = Command::new("echo");
        let error = spawn(command.stdout(write));
        assert!(error.contains(says), "{error}");
        drop(command);
        assert_eq!(File::from(read).read(&mut [0]).unwrap(), 0, "it has written");
    }
    // A child waits in its own runtime.
    let [one, other, _] = runtimes();
    let (mut cat, stdin) = one.block_on(async { cat() });
    let error = other.block_on(cat.wait()).unwrap_err();
    assert!(error.to_string().contains("outside of the runtime"), "{error}");
    drop(stdin);
    assert!(one.block_on(cat.wait()).unwrap().success());
}

#[test]
fn the_descriptor_limit_is_an_error_and_passes() {
    let _watch = watch();
    let out = child("without_descriptors").stderr(Stdio::piped()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// With every number of descriptors that are left.
#[test]
#[ignore = "the child of another test"]
fn without_descriptors() {
    let _watch = watch();
    let has_child = || {
        let mut processes = std::fs::read_dir("/proc").unwrap();
        processes.any(|entry| {
            entry.unwrap().file_name().to_str().unwrap().parse().is_ok_and(|pid| state(pid).is_some())
        })
    };
    on_each(|| async {
        // What is made once is there.
        assert!(Command::new("cat").output().await.unwrap().status.success());
        let (endless, _nobody) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: before.maximum }).unwrap();
        let mut spare = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            spare.push(file);
        }
        // It can be started, and not be looked after: so it is killed. Else it would read for ever.
        let error = Command::new("cat").stdin(endless).spawn().unwrap_err();
        assert!(error.to_string().contains("Too many open files"), "{error}");
        let (mut failed, mut started) = (0, 0);
        for _ in 0..16 {
            for piped in [false, true] {
                let mut command = Command::new("cat");
                if piped {
                    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
                } else {
                    command.arg("/dev/null");
                }
                match command.spawn() {
                    Ok(mut child) => {
                        started += 1;
                        assert!(child.wait().await.unwrap().success());
                    }
                    Err(error) => {
                        failed += 1;
                        assert!(
                            error.to_string().starts_with("cannot start \"cat\": Too many open"),
                            "{error}"
                        );
                    }
                }
            }
            spare.pop();
        }
        assert!(failed > 0 && started > 0, "{failed} failed, {started} started");
        drop(spare);
        setrlimit(Resource::Nofile, before).unwrap();
        until(|| !has_child());
    });
}
