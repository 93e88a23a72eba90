//! `GET`, `SET`, `MGET`, `MSET`, `INCR` and its like, `APPEND`, `STRLEN`.
use super::{Call, Done, Error, NOT_AN_INTEGER, SYNTAX, arity};
use crate::store::Time;
use crate::{number, reply};

pub(super) fn get(call: &mut Call<'_>) -> Done {
    let entry = call.state.store.get(call.args.get(1), call.now);
    reply::bulk_or_nil(call.out, entry.map(|entry| &entry.value[..]));
    Ok(())
}

pub(super) fn strlen(call: &mut Call<'_>) -> Done {
    let entry = call.state.store.get(call.args.get(1), call.now);
    call.integer(entry.map_or(0, |entry| entry.value.len()))
}

pub(super) fn mget(call: &mut Call<'_>) -> Done {
    let most = call.out.len() + call.server.config.max_output;
    reply::array(call.out, call.args.len() - 1);
    for key in call.args.iter().skip(1) {
        let entry = call.state.store.get(key, call.now);
        reply::bulk_or_nil(call.out, entry.map(|entry| &entry.value[..]));
        if call.out.len() > most {
            return Err(
                format!("ERR the answer is longer than {} bytes", call.server.config.max_output).into()
            );
        }
    }
    Ok(())
}

/// When a key is to be there, to be set.
#[derive(Clone, Copy, PartialEq)]
enum If {
    Always,
    New,
    There,
}

/// What comes after the value.
struct Options {
    when: If,
    keep: bool,
    get: bool,
    deadline: Option<Time>,
}

pub(super) fn set(call: &mut Call<'_>) -> Done {
    let options = options(call)?;
    let Call { state, args, out, now, .. } = call;
    let store = &mut state.store;
    let (key, value) = (args.get(1), args.get(2));
    let before = store.get(key, *now);
    let is_set = match options.when {
        If::Always => true,
        If::New => before.is_none(),
        If::There => before.is_some(),
    };
    if options.get {
        reply::bulk_or_nil(out, before.map(|entry| &entry.value[..]));
    } else if is_set {
        reply::ok(out);
    } else {
        reply::nil(out);
    }
    if is_set {
        let kept = before.and_then(|entry| entry.deadline).filter(|_| options.keep);
        let deadline = options.deadline.or(kept);
        if deadline.is_some_and(|deadline| deadline <= *now) {
            store.remove(key);
        } else {
            store.set(key, value.into(), deadline);
        }
    }
    Ok(())
}

fn options(call: &Call<'_>) -> Result<Options, Error> {
    let mut options = Options { when: If::Always, keep: false, get: false, deadline: None };
    let mut at = 3;
    while at < call.args.len() {
        let (name, value) = (call.arg(at), at + 1);
        let is = |option: &str| name.eq_ignore_ascii_case(option.as_bytes());
        let is_free = !options.keep && options.deadline.is_none();
        let deadline = |factor: i64, from: Time| {
            if value == call.args.len() {
                return Err(SYNTAX);
            }
            let invalid = || Error::from("ERR invalid expire time in 'set' command");
            let time = call.integer_at(value)?;
            if time <= 0 {
                return Err(invalid());
            }
            let time = time.checked_mul(factor).and_then(|time| time.checked_add_unsigned(from));
            time.map(|time| time.cast_unsigned()).ok_or_else(invalid).map(Some)
        };
        match () {
            () if is("nx") && options.when != If::There => options.when = If::New,
            () if is("xx") && options.when != If::New => options.when = If::There,
            () if is("get") => options.get = true,
            () if is("keepttl") && options.deadline.is_none() => options.keep = true,
            () if is("ex") && is_free => options.deadline = deadline(1000, call.now)?,
            () if is("px") && is_free => options.deadline = deadline(1, call.now)?,
            () if is("exat") && is_free => options.deadline = deadline(1000, 0)?,
            () if is("pxat") && is_free => options.deadline = deadline(1, 0)?,
            () => return Err(SYNTAX),
        }
        at += 1 + usize::from(
            [&b"ex"[..], b"px", b"exat", b"pxat"].iter().any(|option| name.eq_ignore_ascii_case(option)),
        );
    }
    Ok(options)
}

pub(super) fn mset(call: &mut Call<'_>) -> Done {
    if call.args.len().is_multiple_of(2) {
        return Err(arity("mset"));
    }
    for at in (1..call.args.len()).step_by(2) {
        call.state.store.set(call.args.get(at), call.args.get(at + 1).into(), None);
    }
    call.ok()
}

pub(super) fn incr(call: &mut Call<'_>) -> Done {
    add(call, 1)
}

pub(super) fn decr(call: &mut Call<'_>) -> Done {
    add(call, -1)
}

pub(super) fn incrby(call: &mut Call<'_>) -> Done {
    let by = call.integer_at(2)?;
    add(call, by)
}

pub(super) fn decrby(call: &mut Call<'_>) -> Done {
    let by = call.integer_at(2)?.checked_neg().ok_or("ERR decrement would overflow")?;
    add(call, by)
}

fn add(call: &mut Call<'_>, by: i64) -> Done {
    let store = &mut call.state.store;
    let key = call.args.get(1);
    store.evict(key, call.now);
    let (before, deadline) = match store.get(key, call.now) {
        Some(entry) => (number::parse(&entry.value).ok_or(NOT_AN_INTEGER)?, entry.deadline),
        None => (0, None),
    };
    let number = before.checked_add(by).ok_or("ERR increment or decrement would overflow")?;
    store.set(key, number::text(number), deadline);
    reply::integer(call.out, number);
    Ok(())
}

pub(super) fn append(call: &mut Call<'_>) -> Done {
    let store = &mut call.state.store;
    let (key, more) = (call.args.get(1), call.args.get(2));
    store.evict(key, call.now);
    let before = store.get(key, call.now).map_or(0, |entry| entry.value.len());
    if before + more.len() > call.server.config.max_bulk {
        return Err("ERR string exceeds maximum allowed size (proto-max-bulk-len)".into());
    }
    let length = store.append(key, more);
    call.integer(length)
}
