//! The keys against a plain model, on a clock of the test; and the records of all that was done, done again.
use super::{request, server};
use crate::commands::{self, Call};
use crate::input::Input;
use crate::record;
use crate::server::{Server, Session};
use crate::store::{Store, Time};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Step {
    /// So many milliseconds pass.
    Wait(Time),
    /// The server looks for keys whose time is over.
    Tick,
    Get(u8),
    Exists(u8),
    Ttl(u8),
    Set(u8, i64),
    SetFor(u8, i64, Time),
    SetNew(u8, i64),
    SetThereGet(u8, i64),
    SetKeep(u8, i64),
    Delete(u8),
    Expire(u8, i64),
    ExpireLater(u8, i64),
    Persist(u8),
    Add(u8, i64),
    Append(u8, i64),
    Both(u8, u8, i64),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..4_u8;
    let time = || 1..50_i64;
    prop_oneof![
        2 => (0..40_u64).prop_map(Step::Wait),
        1 => Just(Step::Tick),
        2 => key().prop_map(Step::Get),
        1 => key().prop_map(Step::Exists),
        2 => key().prop_map(Step::Ttl),
        2 => (key(), any::<i8>()).prop_map(|(key, value)| Step::Set(key, value.into())),
        2 => (key(), any::<i8>(), 1..50_u64).prop_map(|(key, value, time)| Step::SetFor(key, value.into(), time)),
        1 => (key(), any::<i8>()).prop_map(|(key, value)| Step::SetNew(key, value.into())),
        1 => (key(), any::<i8>()).prop_map(|(key, value)| Step::SetThereGet(key, value.into())),
        1 => (key(), any::<i8>()).prop_map(|(key, value)| Step::SetKeep(key, value.into())),
        1 => key().prop_map(Step::Delete),
        2 => (key(), -5..50_i64).prop_map(|(key, time)| Step::Expire(key, time)),
        1 => (key(), time()).prop_map(|(key, time)| Step::ExpireLater(key, time)),
        1 => key().prop_map(Step::Persist),
        2 => (key(), any::<i8>()).prop_map(|(key, by)| Step::Add(key, by.into())),
        1 => (key(), 0..100_i64).prop_map(|(key, more)| Step::Append(key, more)),
        1 => (key(), key(), any::<i8>()).prop_map(|(a, b, value)| Step::Both(a, b, value.into())),
        1 => Just(Step::Flush),
    ]
}

/// What there is: value and deadline, by key. What has expired is taken out before each step.
#[derive(Default)]
struct Model {
    keys: BTreeMap<u8, (String, Option<Time>)>,
    now: Time,
}

impl Model {
    /// The request of a step, and its answer.
    fn expect(&mut self, step: &Step) -> (Vec<String>, String) {
        self.keys.retain(|_, (_, deadline)| deadline.is_none_or(|deadline| self.now < deadline));
        let now = self.now;
        let words = |text: String| text.split(' ').map(String::from).collect();
        let bulk = |value: Option<&(String, Option<Time>)>| match value {
            Some((value, _)) => format!("${}\r\n{value}\r\n", value.len()),
            None => "$-1\r\n".into(),
        };
        let (ok, nil) = (String::from("+OK\r\n"), String::from("$-1\r\n"));
        let number = |number: i64| format!(":{number}\r\n");
        match *step {
            Step::Wait(_) | Step::Tick => unreachable!("not a request"),
            Step::Get(key) => (words(format!("GET {key}")), bulk(self.keys.get(&key))),
            Step::Exists(key) => {
                let there = i64::from(self.keys.contains_key(&key));
                (words(format!("EXISTS {key} {key}")), number(2 * there))
            }
            Step::Ttl(key) => {
                let left = match self.keys.get(&key) {
                    None => -2,
                    Some((_, None)) => -1,
                    Some((_, Some(deadline))) => (deadline - now).cast_signed(),
                };
                (words(format!("PTTL {key}")), number(left))
            }
            Step::Set(key, value) => {
                self.keys.insert(key, (value.to_string(), None));
                (words(format!("SET {key} {value}")), ok)
            }
            Step::SetFor(key, value, time) => {
                self.keys.insert(key, (value.to_string(), Some(now + time)));
                (words(format!("SET {key} {value} PX {time}")), ok)
            }
            Step::SetNew(key, value) => {
                let is_new = !self.keys.contains_key(&key);
                if is_new {
                    self.keys.insert(key, (value.to_string(), None));
                }
                (words(format!("SET {key} {value} NX")), if is_new { ok } else { nil })
            }
            Step::SetThereGet(key, value) => {
                let before = bulk(self.keys.get(&key));
                self.keys.entry(key).and_modify(|entry| *entry = (value.to_string(), None));
                (words(format!("SET {key} {value} XX GET")), before)
            }
            Step::SetKeep(key, value) => {
                self.keys.entry(key).or_default().0 = value.to_string();
                (words(format!("SET {key} {value} KEEPTTL")), ok)
            }
            Step::Delete(key) => {
                let there = i64::from(self.keys.remove(&key).is_some());
                (words(format!("DEL {key} {key}")), number(there))
            }
            Step::Expire(key, time) => {
                let there = self.keys.contains_key(&key);
                if time <= 0 {
                    self.keys.remove(&key);
                } else if let Some(entry) = self.keys.get_mut(&key) {
                    entry.1 = Some(now + time.cast_unsigned());
                }
                (words(format!("PEXPIRE {key} {time}")), number(there.into()))
            }
            Step::ExpireLater(key, time) => {
                let deadline = now + time.cast_unsigned();
                let later = match self.keys.get_mut(&key) {
                    Some((_, Some(before))) if deadline > *before => {
                        *before = deadline;
                        1
                    }
                    _ => 0,
                };
                (words(format!("PEXPIREAT {key} {deadline} GT")), number(later))
            }
            Step::Persist(key) => {
                let before = self.keys.get_mut(&key).and_then(|(_, deadline)| deadline.take());
                (words(format!("PERSIST {key}")), number(before.is_some().into()))
            }
            Step::Add(key, by) => {
                let entry = self.keys.entry(key).or_insert(("0".into(), None));
                let answer = match entry.0.parse::<i64>().ok().filter(|value| value.to_string() == entry.0) {
                    Some(value) => {
                        entry.0 = (value + by).to_string();
                        number(value + by)
                    }
                    None => "-ERR value is not an integer or out of range\r\n".into(),
                };
                (words(format!("INCRBY {key} {by}")), answer)
            }
            Step::Append(key, more) => {
                let entry = self.keys.entry(key).or_default();
                // So short that a number stays one.
                let text = if entry.0.len() < 12 { more.to_string() } else { String::new() };
                entry.0.push_str(&text);
                (vec!["APPEND".into(), key.to_string(), text], number(entry.0.len() as i64))
            }
            Step::Both(a, b, value) => {
                self.keys.insert(a, (value.to_string(), None));
                self.keys.insert(b, ("b".into(), None));
                (words(format!("MSET {a} {value} {b} b")), ok)
            }
            Step::Flush => {
                self.keys.clear();
                (words("FLUSHALL".into()), ok)
            }
        }
    }
}

fn execute(server: &Arc<Server>, session: &mut Session, words: &[String], now: Time) -> String {
    let mut input = Input::new(super::LIMITS);
    input.push(&request(words));
    let (mut state, mut out) = (server.state(), Vec::new());
    let args = input.next().expect("a request");
    let client = &mut session.client;
    commands::execute(&mut Call { server, state: &mut state, client, args, out: &mut out, now });
    String::from_utf8(out).expect("text")
}

/// All that is there.
fn content(store: &Store, now: Time) -> BTreeMap<u8, (String, Option<Time>)> {
    let key = |key: &[u8]| str::from_utf8(key).ok()?.parse().ok();
    let alive = store.keys().filter_map(|name| Some((name, store.get(name, now)?)));
    let text = |value: &[u8]| String::from_utf8(value.into()).expect("text");
    alive.map(|(name, entry)| (key(name).expect("a number"), (text(&entry.value), entry.deadline))).collect()
}

proptest! {
    #[test]
    fn keys_are_those_of_the_model_and_the_records_make_them_again(steps in vec(step(), 1..60)) {
        let server = server();
        server.state().store.start_notes();
        let mut session = Session::new(server.clone());
        let mut model = Model { now: 1_000_000, ..Model::default() };
        for step in &steps {
            match step {
                Step::Wait(time) => model.now += time,
                Step::Tick => assert!(!server.state().store.expire(model.now, 100)),
                _ => {
                    let (words, expected) = model.expect(step);
                    let answer = execute(&server, &mut session, &words, model.now);
                    prop_assert_eq!(answer, expected, "{:?}", words);
                }
            }
        }
        // The model takes out what has expired.
        model.expect(&Step::Get(0));
        let mut state = server.state();
        prop_assert_eq!(content(&state.store, model.now), model.keys);

        // Whenever the records are read, they make what was there, expired or not: it is they who say what has expired.
        let mut group = std::mem::take(&mut state.store.notes().expect("they are on").group);
        let mut again = Store::default();
        if !group.is_empty() {
            let mut input = Input::new(super::LIMITS);
            input.push(&group.seal()[record::HEAD..]);
            while let Some(args) = input.next() {
                prop_assert!(record::apply(&mut again, args).is_some());
            }
        }
        prop_assert_eq!(content(&again, 0), content(&state.store, 0));
        prop_assert_eq!(again.expiring(), state.store.expiring());
    }
}
