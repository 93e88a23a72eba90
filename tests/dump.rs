//! Who holds what, and who waits for it: in the dump, in the report of a deadlock, in that of a simulated run. Each case that
//! writes to stderr is a process of its own.
use dormouse::prelude::*;
use dormouse::runtime::{Builder, Deadlock, Dump, Reason, Runtime, Who};
use dormouse::sim;
use dormouse::sync::{RwLock, Semaphore};
use dormouse_testing::{child, watch};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;

fn runtime() -> Runtime {
    let builder = Builder::multi_thread().worker_threads(2).deadlock(Deadlock::Warn);
    builder.track_holders(true).build().unwrap()
}

/// One task locks A, then B, the other one B, then A.
async fn crossed() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let both = Arc::new(dormouse::sync::Barrier::new(2));
    let lock_both = |name, first: &Arc<Mutex<()>>, second: &Arc<Mutex<()>>| {
        let (first, second, both) = (first.clone(), second.clone(), both.clone());
        task::Builder::new().name(name).spawn(async move {
            let _first = first.lock().await;
            both.wait().await;
            let _second = second.lock().await;
        })
    };
    let (one, other) = (lock_both("one", &a, &b), lock_both("other", &b, &a));
    one.await.unwrap();
    other.await.unwrap();
}

/// What the process of a case does.
fn case(name: &str) {
    match name {
        "crossed" => runtime().block_on(crossed()),
        // With or without the variable in the environment.
        "not_asked" => {
            let builder = Builder::current_thread().deadlock(Deadlock::Warn).track_holders(false);
            builder.build().unwrap().block_on(crossed());
        }
        // Taken before the first runtime that tracks holders is built.
        "before" => {
            let lock = Mutex::new(());
            let _guard = lock.try_lock().unwrap();
            drop(runtime().block_on(lock.lock()));
        }
        "twice" => runtime().block_on(async {
            let lock = Mutex::new(());
            let _guard = lock.lock().await;
            let _again = lock.lock().await;
        }),
        other => panic!("no case {other:?}"),
    }
}

#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn child_case() {
    case(&std::env::var("DORMOUSE_TEST_CASE").unwrap());
}

/// The report of a case: stderr from its first line on, up to the advice at its end.
fn report(name: &str, track: &str) -> String {
    let mut child = child("child_case")
        .env("DORMOUSE_TEST_CASE", name)
        .env("DORMOUSE_TRACK_HOLDERS", track)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told = lines.skip_while(|line| line != "dormouse: all tasks are asleep - deadlock!");
    let told: Vec<_> = told.take_while(|line| !line.contains("turns this report off")).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    told.join("\n")
}

/// What stands between `before` and `after` in the line that has both.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.split_once(before)?.1.split_once(after).map(|found| found.0))
}

#[test]
fn a_cycle_of_locks_is_named() {
    let _watch = watch();
    for (case, track) in [("crossed", "0"), ("not_asked", "1")] {
        let text = report(case, track);
        let id = |name| between(&text, "  task ", &format!(" \"{name}\" [sync.Mutex.Lock]")).unwrap();
        let (one, other) = (format!("task {} \"one\"", id("one")), format!("task {} \"other\"", id("other")));
        for (waits, holds) in [(&one, &other), (&other, &one)] {
            let line = format!("  {waits} [sync.Mutex.Lock] at tests/dump.rs:");
            let lock =
                between(&text, &line, &format!(" (held by {holds}), spawned at tests/dump.rs:")).unwrap();
            let lock = lock.split_once(" for ").unwrap().1;
            let section = format!("  {lock}: held by {holds} (taken at tests/dump.rs:");
            let waiters = between(&text, &section, ")").unwrap();
            assert!(waiters.starts_with(char::is_numeric), "{text}");
            assert!(text.contains(&format!("); waited for by {waits} (at tests/dump.rs:")), "{text}");
            let step = format!("{waits} waits for {lock}, which {holds} holds");
            let cycle = text.lines().find(|line| line.starts_with("  lock cycle: "));
            assert!(cycle.unwrap().contains(&step), "{text}");
        }
    }
}

#[test]
fn nobody_is_named_unless_that_is_asked_for() {
    let _watch = watch();
    let text = report("not_asked", "0");
    assert!(text.contains("\"one\" [sync.Mutex.Lock] at tests/dump.rs:"), "{text}");
    assert!(!text.contains("held by") && !text.contains("Mutex 0x") && !text.contains("cycle"), "{text}");
}

#[test]
fn who_locks_twice_waits_for_itself() {
    let _watch = watch();
    let text = report("twice", "0");
    let lock = between(&text, "  main [sync.Mutex.Lock] at tests/dump.rs:", " (held by main)").unwrap();
    let lock = lock.split_once(" for ").unwrap().1;
    let cycle = format!("  lock cycle: main waits for {lock}, which main holds");
    assert!(text.lines().any(|line| line == cycle), "{text}");
}

#[test]
fn who_took_it_before_is_not_known() {
    let _watch = watch();
    let text = report("before", "0");
    assert!(text.contains(" (held by nobody that is known)\n"), "{text}");
    assert!(text.contains(": held by nobody that is known; waited for by main (at tests/dump.rs:"), "{text}");
}

#[test]
fn a_simulated_run_names_them_by_number() {
    let _watch = watch();
    let failure = || sim::Builder::new().seed(1).try_run(crossed()).unwrap_err().to_string();
    let text = failure();
    assert_eq!(text, failure());
    let section = text.split_once("\ncontended:\n").unwrap().1.split_once("\n\nlast steps:").unwrap().0;
    let lines: Vec<_> = section.lines().collect();
    assert!(lines[0].starts_with("  Mutex #1: held by task 2 \"other\" (taken at tests/dump.rs:"), "{text}");
    assert!(lines[0].contains("); waited for by task 1 \"one\" (at tests/dump.rs:"), "{text}");
    assert!(lines[1].starts_with("  Mutex #2: held by task 1 \"one\" (taken at tests/dump.rs:"), "{text}");
    assert_eq!(
        lines[2],
        "  lock cycle: task 1 \"one\" waits for Mutex #1, which task 2 \"other\" holds; task 2 \
         \"other\" waits for Mutex #2, which task 1 \"one\" holds"
    );
    assert_eq!(lines.len(), 3);
}

/// Waits until as many tasks wait for this.
async fn dump_with(waiting: usize, reason: Reason) -> Dump {
    loop {
        let dump = runtime_here().dump();
        if dump.tasks.iter().filter(|task| task.reason == Some(reason)).count() == waiting {
            return dump;
        }
        task::yield_now().await;
    }
}

fn runtime_here() -> dormouse::runtime::Handle {
    dormouse::runtime::Handle::current()
}

#[test]
fn a_dump_has_holders_and_waiters() {
    let _watch = watch();
    runtime().block_on(async {
        let lock = Arc::new(RwLock::new(()));
        let (reader, writers) = (lock.clone(), [lock.clone(), lock.clone()]);
        let (read, go_on) = bounded::<()>(0);
        let reader = task::Builder::new().name("reader").spawn(async move {
            let _guard = reader.read().await;
            go_on.recv().await;
        });
        dump_with(1, Reason::ChanReceive).await;
        let mine = lock.read().await;
        let writers = writers.map(|lock| spawn(async move { drop(lock.write().await) }));
        let dump = dump_with(2, Reason::RwLockWrite).await;

        let object = &dump.objects[0];
        assert_eq!((dump.objects.len(), object.kind, dump.cycles.len()), (1, "RwLock", 0));
        let holders: Vec<_> = object.holders.iter().map(|holder| (&holder.who, holder.permits)).collect();
        assert_eq!(holders, [(&Who::Task(reader.id(), Some("reader".into())), 1), (&Who::Main, 1)]);
        assert!(object.holders[0].site.file().ends_with("dump.rs"));
        let holder = &dump.tasks[object.holders[0].task.unwrap()];
        assert_eq!((holder.reason, holder.object), (Some(Reason::ChanReceive), None));
        let mut waiters: Vec<_> = object.waiters.iter().map(|place| &dump.tasks[*place].who).collect();
        let mut spawned: Vec<_> = writers.iter().map(|writer| Who::Task(writer.id(), None)).collect();
        let by_text = |who: &Who| who.to_string();
        waiters.sort_by_key(|who| by_text(who));
        spawned.sort_by_key(by_text);
        assert_eq!(waiters, spawned.iter().collect::<Vec<_>>());
        let text = dump.to_string();
        let line = format!("RwLock {:#x}: held by {} (taken at", object.address, holder.who);
        assert!(text.contains(&line) && text.contains(", main (taken at "), "{text}");

        drop((mine, read));
        reader.await.unwrap();
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(dump_with(0, Reason::RwLockWrite).await.objects.len(), 0);
    });
}

/// Of two who have permits, either may give back enough: that is no cycle. One who waits for its own is one.
#[test]
fn a_semaphore_may_be_part_of_a_cycle() {
    let _watch = watch();
    runtime().block_on(async {
        let semaphore = Arc::new(Semaphore::new(2));
        let one = semaphore.acquire().await.unwrap();
        let wants = semaphore.clone();
        let task = spawn(async move {
            let _one = wants.acquire().await.unwrap();
            let _two = wants.acquire_many(2).await.unwrap();
        });
        let dump = dump_with(1, Reason::SemaphoreAcquire).await;
        assert_eq!((dump.objects[0].holders.len(), dump.cycles.len()), (2, 0));
        one.forget();
        let dump = dump_with(1, Reason::SemaphoreAcquire).await;
        assert_eq!((dump.objects[0].holders.len(), dump.cycles.len()), (1, 1));
        assert!(dump.to_string().contains("(permits: 1, taken at "), "{dump}");
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
