//! Wait groups over several rounds without a pause: no wait ends before its round, and none outlives it.
use crate::kit::{ALL, Seen, after_turns, below, give_up, join_all, one_in, pause, search, turns};
use dormouse::prelude::*;
use dormouse::sim;
use dormouse::sync::WaitGroupGuard;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

/// What the group should know.
#[derive(Default)]
struct Model {
    count: usize,
    /// How often the count has reached zero.
    rounds: u64,
    /// Who waits, and since which round.
    waiting: BTreeMap<u64, u64>,
    waited: u64,
}

#[derive(Clone, Default)]
struct Books(Arc<std::sync::Mutex<Model>>);

impl Books {
    fn with<R>(&self, f: impl FnOnce(&mut Model) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}

/// One that is counted, here and by the group.
struct Counted {
    books: Books,
    counted: Option<WaitGroupGuard>,
    group: WaitGroup,
}

impl Counted {
    fn new(books: &Books, group: &WaitGroup) -> Counted {
        books.with(|model| model.count += 1);
        let counted = if one_in(2) {
            Some(group.guard())
        } else {
            group.add(1);
            None
        };
        Counted { books: books.clone(), counted, group: group.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.books.with(|model| {
            model.count -= 1;
            model.rounds += u64::from(model.count == 0);
        });
        match self.counted.take() {
            Some(guard) => drop(guard),
            None => self.group.done(),
        }
    }
}

/// A wait that may be dropped, and is in the books meanwhile.
struct Waiting(Books, u64);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.with(|model| model.waiting.remove(&self.1));
    }
}

/// Waits; checks that its round is over.
async fn wait(books: Books, group: WaitGroup) {
    let mut entry = None;
    let mut wait = pin!(group.wait());
    poll_fn(|cx| {
        let (count, since) = books.with(|model| (model.count, model.rounds));
        let ready = wait.as_mut().poll(cx).is_ready();
        match (&entry, ready) {
            (None, true) => assert_eq!(count, 0, "ready at once, but not at zero"),
            (None, false) => {
                assert!(count > 0, "it waits at zero");
                let number = books.with(|model| {
                    model.waited += 1;
                    model.waiting.insert(model.waited, since);
                    model.waited
                });
                entry = Some((Waiting(books.clone(), number), since));
            }
            (Some((_, began)), true) => assert!(since > *began, "released before its round was over"),
            (Some(_), false) => {} // it may have been woken for nothing
        }
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await
}

#[test]
fn rounds() {
    search(ALL, async |seen: Seen<3>| {
        let (books, group) = (Books::default(), WaitGroup::new());
        let mut tasks = Vec::new();
        for _ in 0..3 {
            for _ in 0..1 + below(6) {
                let (books, group, seen) = (books.clone(), group.clone(), seen.clone());
                match below(5) {
                    0 => {
                        let counted = Counted::new(&books, &group);
                        tasks.push(spawn(async move {
                            let _counted = counted;
                            pause().await;
                        }));
                    }
                    1 => tasks.push(spawn({
                        let counted = Counted::new(&books, &group);
                        group.track(async move {
                            turns(below(5)).await;
                            drop(counted);
                        })
                    })),
                    2 => tasks.push(spawn(wait(books, group))),
                    3 => tasks.push(spawn(async move {
                        if give_up(wait(books, group)).await.is_none() {
                            seen.note(0);
                        }
                    })),
                    _ => turns(below(4)).await,
                }
            }
            match below(3) {
                0 => wait(books.clone(), group.clone()).await,
                1 => _ = after_turns(below(10), wait(books.clone(), group.clone())).await,
                _ => sim::wait().await,
            }
            if one_in(2) {
                sim::wait().await;
                books.with(|model| {
                    for since in model.waiting.values() {
                        assert_eq!(*since, model.rounds, "a wait outlives its round");
                    }
                    if !model.waiting.is_empty() {
                        seen.note(1);
                    }
                    // (What was spawned by `track` counts a little longer.)
                    assert!(model.waiting.is_empty() || group.count() > 0);
                });
            }
        }
        join_all(tasks).await;
        assert_eq!(group.count(), 0);
        books.with(|model| {
            assert!(model.waiting.is_empty());
            if model.rounds > 2 {
                seen.note(2);
            }
        });
    });
}
