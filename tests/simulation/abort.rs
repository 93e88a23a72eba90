//! Aborts: by the joiner, by other tasks, by itself, twice, too early and too late. The future is gone before its handle
//! says so, the handle says cancelled if and only if the task has not ended by itself, and what the task held is free.
use crate::kit::{ALL, Seen, below, one_in, pause, search, turns};
use crate::ledger::{Fate, Got, Line, Place, recv_somehow, send_somehow, some_line};
use dormouse::prelude::*;
use dormouse::sim;
use dormouse::task::AbortHandle;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// What the tasks hold and wait for.
#[derive(Clone)]
struct Things {
    line: Line,
    mutex: Arc<Mutex<u64>>,
    group: WaitGroup,
    handles: Arc<std::sync::Mutex<Vec<AbortHandle>>>,
}

/// Tells that the future is gone.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Holds things over awaits, and waits for others.
async fn work(things: Things, maker: u64) {
    for _ in 0..1 + below(4) {
        match below(7) {
            0 => {
                let mut guard = things.mutex.lock().await;
                *guard += 1;
                pause().await;
            }
            1 => _ = send_somehow(&things.line.sending(), maker).await,
            2 => {
                if let Got::Value(value) = recv_somehow(&things.line.rx).await {
                    value.received();
                }
            }
            3 => {
                let _guard = things.group.guard();
                let value = things.line.ledger.value(maker);
                let number = value.number();
                let mut place = Place(Some(value));
                let limit = Duration::from_micros(2);
                match time::timeout(limit, things.line.tx.send_from(&mut place.0)).await {
                    Ok(Ok(())) => things.line.ledger.sent(number),
                    Ok(Err(error)) => error.into_inner().returned(),
                    Err(_) => assert!(place.0.is_some(), "a send that was given up puts its value back"),
                }
            }
            4 => {
                let victim = things.handles.lock().unwrap().get(below(8) as usize).cloned();
                if let Some(victim) = victim {
                    victim.abort();
                    if one_in(3) {
                        victim.abort();
                    }
                }
            }
            5 => {
                // A task of its own, which goes on if this one is aborted.
                let (line, group) = (things.line.clone(), things.group.clone());
                let child = spawn(group.track(async move {
                    turns(below(3)).await;
                    send_somehow(&line.sending(), maker).await;
                }));
                if one_in(2) {
                    drop(child);
                } else if one_in(2) {
                    child.abort();
                    child.await.ok();
                } else {
                    child.await.ok();
                }
            }
            _ => pause().await,
        }
    }
    if one_in(4) {
        pending::<()>().await;
    }
}

#[test]
fn what_an_aborted_task_held_is_free() {
    search(ALL, async |seen: Seen<3>| {
        let line = some_line();
        let things = Things {
            line: line.clone(),
            mutex: Arc::default(),
            group: WaitGroup::new(),
            handles: Arc::default(),
        };
        let mut tasks = Vec::new();
        for maker in 0..2 + below(4) {
            let (ended, gone) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
            let (guard, end) = (Gone(gone.clone()), ended.clone());
            let task = things.group.track(work(things.clone(), maker));
            let task = spawn(async move {
                let _guard = guard;
                task.await;
                end.store(true, SeqCst);
                maker
            });
            things.handles.lock().unwrap().push(task.abort_handle());
            tasks.push((maker, task, ended, gone));
            if one_in(3) {
                task::yield_now().await;
            }
        }
        sim::wait().await;
        if one_in(2)
            && let Some((_, task, ..)) = sim::rng().pick(&tasks)
        {
            task.abort();
            task.abort_handle().abort();
        }
        turns(below(4)).await;
        // Whoever is left may wait for what nobody will do.
        sim::sleep(Duration::from_millis(1)).await;
        line.tx.close();
        sim::sleep(Duration::from_millis(1)).await;
        for (maker, task, ended, gone) in tasks {
            task.abort();
            let handle = task.abort_handle();
            match task.await {
                Ok(output) => {
                    assert_eq!(output, maker);
                    assert!(ended.load(SeqCst), "it says that it has ended");
                    seen.note(0);
                }
                Err(error) => {
                    assert!(error.is_cancelled() && !ended.load(SeqCst), "{error} of a task that has ended");
                    seen.note(1);
                }
            }
            assert!(gone.load(SeqCst), "the future is still there");
            assert!(handle.is_finished());
            handle.abort(); // too late: nothing
        }
        things.group.wait().await;
        assert!(things.mutex.try_lock().is_some(), "left locked");
        assert_eq!(things.group.count(), 0);
        let ledger = line.ledger.clone();
        assert_eq!(line.rx.len(), ledger.count(Fate::Held));
        if !line.rx.is_empty() {
            seen.note(2);
        }
        drop((line, things));
        ledger.settle();
    });
}
