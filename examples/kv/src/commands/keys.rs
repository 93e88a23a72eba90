//! `DEL`, `EXISTS`, and when keys expire.
use super::{Call, Done, Error};
use crate::reply;

pub(super) fn del(call: &mut Call<'_>) -> Done {
    let mut removed = 0;
    for key in call.args.iter().skip(1) {
        call.state.store.evict(key, call.now);
        removed += usize::from(call.state.store.remove(key));
    }
    call.integer(removed)
}

pub(super) fn exists(call: &mut Call<'_>) -> Done {
    let there = call.args.iter().skip(1).filter(|key| call.state.store.get(key, call.now).is_some()).count();
    call.integer(there)
}

pub(super) fn expire(call: &mut Call<'_>) -> Done {
    expire_at(call, "expire", 1000, true)
}

pub(super) fn pexpire(call: &mut Call<'_>) -> Done {
    expire_at(call, "pexpire", 1, true)
}

pub(super) fn expireat(call: &mut Call<'_>) -> Done {
    expire_at(call, "expireat", 1000, false)
}

pub(super) fn pexpireat(call: &mut Call<'_>) -> Done {
    expire_at(call, "pexpireat", 1, false)
}

/// Under which conditions a deadline is set.
#[derive(Default)]
struct Options {
    new: bool,
    there: bool,
    later: bool,
    earlier: bool,
}

fn options(call: &Call<'_>) -> Result<Options, Error> {
    let mut options = Options::default();
    for arg in call.args.iter().skip(3) {
        match arg.to_ascii_lowercase().as_slice() {
            b"nx" => options.new = true,
            b"xx" => options.there = true,
            b"gt" => options.later = true,
            b"lt" => options.earlier = true,
            _ => return Err(format!("ERR Unsupported option {}", String::from_utf8_lossy(arg)).into()),
        }
    }
    let Options { new, there, later, earlier } = options;
    if new && (there || later || earlier) {
        return Err("ERR NX and XX, GT or LT options at the same time are not compatible".into());
    }
    if later && earlier {
        return Err("ERR GT and LT options at the same time are not compatible".into());
    }
    Ok(options)
}

fn expire_at(call: &mut Call<'_>, name: &str, factor: i64, from_now: bool) -> Done {
    let options = options(call)?;
    let from = if from_now { call.now } else { 0 };
    let time = call.integer_at(2)?.checked_mul(factor).and_then(|time| time.checked_add_unsigned(from));
    let time = time.ok_or_else(|| format!("ERR invalid expire time in '{name}' command"))?;
    let key = call.args.get(1);
    let store = &mut call.state.store;
    store.evict(key, call.now);
    let Some(entry) = store.get(key, call.now) else { return call.integer(0) };
    let before = entry.deadline.map(u64::cast_signed);
    // Who does not expire does so later than all.
    let is_set = !(options.new && before.is_some()
        || options.there && before.is_none()
        || options.later && before.is_none_or(|before| time <= before)
        || options.earlier && before.is_some_and(|before| time >= before));
    if is_set && time <= call.now.cast_signed() {
        store.remove(key);
    } else if is_set {
        store.set_deadline(key, Some(time.cast_unsigned()));
    }
    call.integer(usize::from(is_set))
}

pub(super) fn persist(call: &mut Call<'_>) -> Done {
    let key = call.args.get(1);
    let store = &mut call.state.store;
    let expires = store.get(key, call.now).is_some_and(|entry| entry.deadline.is_some());
    if expires {
        store.set_deadline(key, None);
    }
    call.integer(usize::from(expires))
}

pub(super) fn ttl(call: &mut Call<'_>) -> Done {
    // To the nearest second.
    left(call, |left| (left + 500) / 1000)
}

pub(super) fn pttl(call: &mut Call<'_>) -> Done {
    left(call, |left| left)
}

fn left(call: &mut Call<'_>, unit: fn(u64) -> u64) -> Done {
    let number = match call.state.store.get(call.args.get(1), call.now) {
        None => -2,
        Some(entry) => entry.deadline.map_or(-1, |deadline| unit(deadline - call.now).cast_signed()),
    };
    reply::integer(call.out, number);
    Ok(())
}
