//! The tables of who holds what. (They are on for the whole process: so is this one.)
#![allow(missing_docs)]
#![cfg(not(any(dormouse_loom, dormouse_shuttle)))]
use dormouse_wait::Reason;
use dormouse_wait::frame::{Frame, Waits, note, note_on};
use dormouse_wait::holders::{self, Who};
use std::panic::Location;

thread_local!(static TASK: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) });

fn on() {
    holders::turn_on(|| TASK.get());
}

/// Who holds `object`, as task numbers, with their permits.
fn tasks(object: &u64) -> Vec<(u64, u32)> {
    let holders = holders::of(holders::address(object));
    holders.iter().map(|holder| (id(&holder.who), holder.permits)).collect()
}

fn id(who: &Who) -> u64 {
    match who {
        Who::Task(id) => *id,
        other => panic!("{other:?}"),
    }
}

fn as_task<R>(id: u64, f: impl FnOnce() -> R) -> R {
    TASK.set(Some(id));
    let result = f();
    TASK.set(None);
    result
}

#[test]
fn an_owner_is_alone() {
    on();
    let (object, here) = (0, Location::caller());
    as_task(1, || holders::own(&object, here));
    let holder = holders::of(holders::address(&object)).remove(0);
    assert_eq!((id(&holder.who), holder.site, holder.permits), (1, here, 1));
    // The guard went elsewhere: who gives it back does not matter.
    as_task(2, || holders::disown(&object));
    assert_eq!(tasks(&object), []);
    // What was forgotten gives way to the next owner, whichever way it was held.
    as_task(1, || holders::own(&object, here));
    as_task(2, || holders::own(&object, here));
    assert_eq!(tasks(&object), [(2, 1)]);
    as_task(3, || holders::share(&object, here, 1, || false));
    assert_eq!(tasks(&object), [(3, 1)]);
    as_task(4, || holders::own(&object, here));
    assert_eq!(tasks(&object), [(4, 1)]);
    holders::disown(&object);
    assert_eq!(tasks(&object), []);
}

#[test]
fn each_of_several_gives_its_own_back() {
    on();
    let (object, here) = (0, Location::caller());
    let [a, b, c] = [1, 2, 1].map(|id| as_task(id, || holders::share(&object, here, id as u32, || false)));
    assert_eq!(tasks(&object), [(1, 1), (2, 2), (1, 1)]);
    // By another task, which holds one itself.
    as_task(2, || holders::give_back(&object, a));
    assert_eq!(tasks(&object), [(2, 2), (1, 1)]);
    holders::give_back(&object, c);
    holders::give_back(&object, b);
    assert_eq!(tasks(&object), []);
}

#[test]
fn permits_are_split_and_merged() {
    on();
    let (object, here) = (0, Location::caller());
    let all = as_task(7, || holders::share(&object, here, 5, || false));
    let two = holders::split(&object, all, 2);
    assert_eq!(tasks(&object), [(7, 3), (7, 2)]);
    let other = as_task(8, || holders::share(&object, here, 4, || false));
    assert_eq!(holders::merge(&object, all, other), all);
    assert_eq!(tasks(&object), [(7, 7), (7, 2)]);
    // What was taken before the tables were on has no ticket.
    assert_eq!(holders::split(&object, 0, 1), 0);
    assert_eq!((holders::merge(&object, 0, two), holders::merge(&object, two, 0)), (two, two));
    holders::give_back(&object, all);
    holders::give_back(&object, two);
    holders::give_back(&object, 0);
    assert_eq!(tasks(&object), []);
}

#[test]
fn an_owner_that_shares_is_still_the_one_who_took_it() {
    on();
    let (object, here) = (0, Location::caller());
    as_task(1, || holders::own(&object, here));
    let ticket = as_task(2, || holders::downgrade(&object));
    assert_eq!(tasks(&object), [(1, 1)]);
    as_task(3, || holders::share(&object, here, 1, || false));
    assert_eq!(tasks(&object), [(1, 1), (3, 1)]);
    holders::give_back(&object, ticket);
    assert_eq!(tasks(&object), [(3, 1)]);
    // All others were forgotten.
    let alone = as_task(4, || holders::share(&object, here, 1, || true));
    assert_eq!(tasks(&object), [(4, 1)]);
    holders::give_back(&object, alone);
    assert_eq!(holders::downgrade(&object), 0);
}

#[test]
fn who_is_no_task_is_a_future_or_a_thread() {
    on();
    let (object, here) = (0, Location::caller());
    let waits = Waits::new();
    Frame::new(&waits).enter(|| holders::own(&object, here));
    let who = || holders::of(holders::address(&object)).remove(0).who;
    assert!(matches!(who(), Who::Root(address) if address == holders::address(&waits)));
    let holder = std::thread::Builder::new().name("holder".into());
    std::thread::scope(|scope| {
        holder.spawn_scoped(scope, || holders::own(&object, here)).unwrap();
    });
    assert!(matches!(who(), Who::Thread(thread) if thread.name() == Some("holder")));
    holders::disown(&object);
}

/// The object of the last wait alone counts, and none at all if that has none.
#[test]
fn a_wait_knows_its_object() {
    on();
    let (a, b) = (1, 2);
    let waits = Waits::new();
    assert_eq!(waits.object(), None);
    Frame::new(&waits).enter(|| {
        note_on(Reason::MutexLock, None, &a);
        note_on(Reason::RwLockRead, Some(Location::caller()), &b);
    });
    assert_eq!((waits.object(), waits.get().0), (Some(holders::address(&b)), Reason::RwLockRead));
    Frame::new(&waits).enter(|| {
        note_on(Reason::MutexLock, None, &a);
        note(Reason::Select, None);
    });
    assert_eq!((waits.object(), waits.get().0), (None, Reason::Select));
    // The next poll begins without one.
    Frame::new(&waits).enter(|| note_on(Reason::MutexLock, None, &a));
    assert_eq!(waits.object(), Some(holders::address(&a)));
    Frame::new(&waits).enter(|| ());
    assert_eq!((waits.object(), waits.get().0), (None, Reason::External));
}
