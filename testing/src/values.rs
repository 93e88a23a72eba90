//! Values whose fate is counted: each is made once and must be dropped once.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Made and dropped, by number.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<u32, (u32, u32)>>>);

/// A value with a number; it may panic when dropped.
pub struct Value {
    /// Which one it is.
    pub number: u32,
    bomb: bool,
    tally: Tally,
}

impl Tally {
    /// An empty one.
    pub fn new() -> Self {
        Tally::default()
    }

    /// A value whose `Drop` is counted.
    pub fn value(&self, number: u32) -> Value {
        self.make(number, false)
    }

    /// A value whose `Drop` panics.
    pub fn bomb(&self, number: u32) -> Value {
        self.make(number, true)
    }

    fn make(&self, number: u32, bomb: bool) -> Value {
        self.0.lock().unwrap().entry(number).or_default().0 += 1;
        Value { number, bomb, tally: self.clone() }
    }

    /// How often the values with this number were dropped.
    pub fn dropped(&self, number: u32) -> u32 {
        self.0.lock().unwrap().get(&number).map_or(0, |counts| counts.1)
    }

    /// Each value that was made was dropped, once.
    #[track_caller]
    pub fn check(&self) {
        for (number, (made, dropped)) in self.0.lock().unwrap().iter() {
            assert_eq!(made, dropped, "value {number}: made {made} times, dropped {dropped} times");
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.tally.0.lock().unwrap().entry(self.number).or_default().1 += 1;
        if self.bomb {
            panic!("value {} panics in drop", self.number);
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({})", self.number)
    }
}

/// The number of what was received.
pub fn number(value: Option<Value>) -> Option<u32> {
    value.map(|value| value.number)
}
