//! `SingleFlight`: of those who want the same work at the same time, one does it and all have the result.
//!
//! A call is a [`OnceCell`]: the first one who comes makes its value, the others wait for it; if it fails to, one of them
//! does. The flight is a map from keys to the calls that are under way, each with the number of those who take part.
//!
//! | the map | event | the map after |
//! |---|---|---|
//! | no call for the key | `work` | a new call, one takes part |
//! | a call | `work` | one more takes part |
//! | a call | its work is finished | no call: before anybody has the result, so that none is ever stale |
//! | a call | the last one who takes part is dropped | no call |
//! | a call | `forget` | no call; those who take part go on |
//!
//! Locks: the map's, a leaf. Keys are hashed, compared and dropped, and results cloned and dropped, with no lock held: all
//! of that is user code. So a look into the map takes out the calls with the same hash, compares their keys, and looks
//! again before it changes anything.
//!
//! Rejected: a detached task for the leader's work (needs an executor; spawn the work instead and the call outlives
//! its callers anyhow).
//!
//! Checked by `tests/single_flight.rs`; the waiting is [`OnceCell`]'s.
use crate::OnceCell;
use dormouse_wait::frame::{Reason, Site};
use dormouse_wait::lock::Lock;
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

/// One piece of work, and its result.
struct Call<K, V> {
    key: K,
    result: OnceCell<V>,
    /// More than one has taken part.
    shared: AtomicBool,
}

/// A call that is under way.
struct Entry<K, V> {
    call: Arc<Call<K, V>>,
    /// How many take part.
    parts: usize,
}

/// Calls by the hash of their key; more than one only if two keys have the same hash.
type Calls<K, V> = BTreeMap<u64, Vec<Entry<K, V>>>;

/// Joins those who want the same work at the same time: one does it, and all have the result: Go's
/// `singleflight.Group`. Results are not kept: who comes after the work is finished starts it anew.
///
/// # Who does the work
/// The first one who comes, with its own future. If it is dropped half-way, or its future panics, one of those who wait
/// takes over with the future that it brought itself; a panic reaches only the one whose future panicked. (In Go the work
/// cannot be dropped, and a panic reaches all.) So each caller brings a future that it may never poll. To let the work go
/// on when its callers are gone, spawn it and await its handle in the future.
///
/// # Fairness
/// They take over in the order in which they came.
///
/// ```
/// use dormouse_sync::SingleFlight;
///
/// static FLIGHT: SingleFlight<u32, String> = SingleFlight::new();
///
/// async fn user(id: u32) -> String {
///     FLIGHT.work(id, async move { format!("user {id}, from the database") }).await.value
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// assert_eq!(user(7).await, "user 7, from the database");
/// # });
/// ```
pub struct SingleFlight<K, V> {
    calls: Lock<Calls<K, V>>,
}

/// What [`SingleFlight::work`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flown<V> {
    /// The result.
    pub value: V,
    /// Have others taken part? For the one who came first: has anybody joined it?
    pub shared: bool,
}

impl<K, V> SingleFlight<K, V> {
    const_fn! {
        /// Nothing is under way.
        pub const fn new() -> Self {
            SingleFlight { calls: Lock::new(BTreeMap::new()) }
        }
    }

    /// How many calls are under way. For logs and tests: the answer may be stale at once.
    pub fn len(&self) -> usize {
        self.calls.lock().values().map(Vec::len).sum()
    }

    /// Is nothing under way? For logs and tests: the answer may be stale at once.
    pub fn is_empty(&self) -> bool {
        self.calls.lock().is_empty()
    }

    /// Takes a call off the map, if it is there and `when` says so; what comes back is dropped with no lock held.
    fn take(
        &self,
        hash: u64,
        call: &Arc<Call<K, V>>,
        when: impl FnOnce(&mut Entry<K, V>) -> bool,
    ) -> Option<Entry<K, V>> {
        let mut calls = self.calls.lock();
        let bucket = calls.get_mut(&hash)?;
        let index = bucket.iter().position(|entry| Arc::ptr_eq(&entry.call, call))?;
        if !when(&mut bucket[index]) {
            return None;
        }
        let entry = bucket.swap_remove(index);
        if bucket.is_empty() {
            calls.remove(&hash);
        }
        Some(entry)
    }

    /// The call for a key, if one is under way. Compares keys with no lock held.
    fn find<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> (Option<Arc<Call<K, V>>>, Seen<K, V>)
    where
        K: Borrow<Q>,
    {
        let bucket = self
            .calls
            .lock()
            .get(&hash)
            .map(|bucket| bucket.iter().map(|entry| entry.call.clone()).collect::<Vec<_>>());
        let seen = Seen(bucket.unwrap_or_default());
        let found = seen.0.iter().find(|call| call.key.borrow() == key).cloned();
        (found, seen)
    }
}

/// The calls that were seen with one hash.
struct Seen<K, V>(Vec<Arc<Call<K, V>>>);

impl<K, V> Seen<K, V> {
    /// Are there no others by now?
    fn has_all(&self, bucket: Option<&Vec<Entry<K, V>>>) -> bool {
        let mut now = bucket.into_iter().flatten();
        now.all(|entry| self.0.iter().any(|call| Arc::ptr_eq(call, &entry.call)))
    }
}

fn hash_of<Q: Hash + ?Sized>(key: &Q) -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(key)
}

impl<K: Hash + Eq, V: Clone> SingleFlight<K, V> {
    /// Does the work of `key` with `future`, or waits for whoever does it already; gives the result, and whether others
    /// have it too.
    ///
    /// It takes part from its first poll on.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it has no effect. Dropped while it does the work, it drops `future`, and one of those who
    /// wait does the work with its own.
    ///
    /// # Panics
    /// As `future` does, if this one does the work: those who wait go on. And as `K`'s `Hash` and `Eq` or `V`'s `Clone` do.
    ///
    /// # Fairness
    /// As said [for the type](SingleFlight#fairness).
    #[track_caller]
    pub fn work<'a, F>(&'a self, key: K, future: F) -> impl Future<Output = Flown<V>> + use<'a, K, V, F>
    where
        F: Future<Output = V>,
    {
        let site = Location::caller();
        async move {
            let part = self.take_part(key);
            part.result(future, site).await
        }
    }

    /// Forgets the call of `key` that is under way: who comes from now on starts a new one. Those who take part go on
    /// together. True if there was one.
    pub fn forget<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        let hash = hash_of(key);
        let (found, _seen) = self.find(hash, key);
        found.is_some_and(|call| self.take(hash, &call, |_| true).is_some())
    }

    fn take_part(&self, key: K) -> Part<'_, K, V> {
        let hash = hash_of(&key);
        let mut key = Some(key);
        // Made when it is needed, and moved out of the way of the lock.
        let mut new = None;
        loop {
            let wanted = key.as_ref().or(new.as_ref().map(|call: &Arc<Call<K, V>>| &call.key));
            let (found, seen) = self.find(hash, wanted.expect("it is in one of the two"));
            if let Some(call) = found {
                if self.join(hash, &call) {
                    return Part { flight: self, hash, call };
                }
                continue; // it has just ended
            }
            let new = new.get_or_insert_with(|| {
                let key = key.take().expect("it was not yet moved");
                Arc::new(Call { key, result: OnceCell::new(), shared: AtomicBool::new(false) })
            });
            let mut calls = self.calls.lock();
            if seen.has_all(calls.get(&hash)) {
                calls.entry(hash).or_default().push(Entry { call: new.clone(), parts: 1 });
                drop(calls);
                return Part { flight: self, hash, call: new.clone() };
            }
            // Another one came meanwhile, perhaps with the same key.
            drop(calls);
        }
    }

    /// Takes part in a call, if it is still under way.
    fn join(&self, hash: u64, call: &Arc<Call<K, V>>) -> bool {
        let mut calls = self.calls.lock();
        let bucket = calls.get_mut(&hash).map(Vec::as_mut_slice).unwrap_or_default();
        let Some(entry) = bucket.iter_mut().find(|entry| Arc::ptr_eq(&entry.call, call)) else {
            return false;
        };
        entry.parts += 1;
        call.shared.store(true, Relaxed);
        true
    }
}

/// One who takes part in a call.
struct Part<'a, K, V> {
    flight: &'a SingleFlight<K, V>,
    hash: u64,
    call: Arc<Call<K, V>>,
}

impl<K, V: Clone> Part<'_, K, V> {
    async fn result<F: Future<Output = V>>(&self, future: F, site: Site) -> Flown<V> {
        let work = || async {
            let value = future.await;
            // Nobody joins a call that is finished.
            drop(self.flight.take(self.hash, &self.call, |_| true));
            Ok::<V, Infallible>(value)
        };
        let Ok(value) = self.call.result.make(Reason::SingleFlight, site, work).await;
        Flown { value: value.clone(), shared: self.call.shared.load(Relaxed) }
    }
}

impl<K, V> Drop for Part<'_, K, V> {
    fn drop(&mut self) {
        let last = self.flight.take(self.hash, &self.call, |entry| {
            entry.parts -= 1;
            entry.parts == 0
        });
        drop(last);
    }
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        SingleFlight::new()
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").field("len", &self.len()).finish()
    }
}
