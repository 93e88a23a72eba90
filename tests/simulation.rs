//! The simulator's stress tests: programs that each seed makes anew (how many tasks, which channels, what they do, what
//! they give up, who is aborted), run in an order that the seed chooses, in virtual time.
//!
//! Each test has a rule book that must hold in every run, in three weathers ([`kit::Weather`]): calm, with spurious
//! polls, and with random aborts. What is checked:
//!
//! | of | safety | liveness |
//! |---|---|---|
//! | `chan` | each value is received, returned or dropped once, and none is lost while a receiver exists; first come, first served | at a quiet moment nobody waits who could be served |
//! | `select!` | one arm happens; a loser has its value back; no select meets itself | at a quiet moment at most one of those who could meet each other waits |
//! | `oneshot` | each answer is received, returned or dropped with its receiver, once | nobody waits for one who is gone |
//! | `broadcast` | all see one order, and nobody misses a value but as told | every run ends |
//! | `watch` | values never go back; the last one is seen by all | who waits for a change has it at the instant it is sent |
//! | `Mutex` | one owner | at a quiet moment a lock that is waited for is held; whoever has waited for 1 ms is next but one |
//! | `Mutex`, `RwLock`, `Semaphore`, of which waits are begun and not polled | nothing is lost | nobody else is held up for longer than some ms |
//! | `WaitGroup` | no wait ends before its round | at a quiet moment nobody waits whose round has ended |
//! | `Context` | a cancel reaches all below at once; a deadline is exactly on time | whoever waits for one that is done is told |
//! | `RateLimiter` | never more than the bucket gives | what is given up comes back |
//! | timers | never early | exactly on time |
//! | abort | the future is gone before the handle says cancelled | what it held is free |
//!
//! And every run must end: the simulator fails it if tasks are left that nothing wakes. `DORMOUSE_SEED=n` repeats a
//! failure; `DORMOUSE_SEEDS=n` widens the search.
#![allow(missing_docs)]
#[path = "simulation/abort.rs"]
mod abort;
#[path = "simulation/broadcast.rs"]
mod broadcast;
#[path = "simulation/chan.rs"]
mod chan;
#[path = "simulation/context.rs"]
mod context;
#[path = "simulation/futurelock.rs"]
mod futurelock;
#[path = "simulation/kit.rs"]
mod kit;
#[path = "simulation/ledger.rs"]
mod ledger;
#[path = "simulation/mutex.rs"]
mod mutex;
#[path = "simulation/oneshot.rs"]
mod oneshot;
#[path = "simulation/permits.rs"]
mod permits;
#[path = "simulation/quiet.rs"]
mod quiet;
#[path = "simulation/races.rs"]
mod races;
#[path = "simulation/rate.rs"]
mod rate;
#[path = "simulation/select.rs"]
mod select;
#[path = "simulation/time.rs"]
mod time;
#[path = "simulation/wait_group.rs"]
mod wait_group;
#[path = "simulation/watch.rs"]
mod watch;
