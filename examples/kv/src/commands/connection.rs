//! `PING`, `ECHO`, `SELECT`, `HELLO`, `QUIT`.
use super::{Call, Done, SYNTAX, arity};
use crate::reply;

pub(super) fn ping(call: &mut Call<'_>) -> Done {
    let text = match call.args.len() {
        1 => None,
        2 => Some(call.args.get(1)),
        _ => return Err(arity("ping")),
    };
    match text {
        // One who listens is told this like a message.
        _ if call.client.listens() > 0 => reply::bulks(call.out, &[b"pong", text.unwrap_or_default()]),
        Some(text) => reply::bulk(call.out, text),
        None => reply::simple(call.out, "PONG"),
    }
    Ok(())
}

pub(super) fn echo(call: &mut Call<'_>) -> Done {
    reply::bulk(call.out, call.args.get(1));
    Ok(())
}

/// There is one database.
pub(super) fn select(call: &mut Call<'_>) -> Done {
    match call.integer_at(1)? {
        0 => call.ok(),
        _ => Err("ERR DB index is out of range".into()),
    }
}

/// The version of the protocol, which is 2.
pub(super) fn hello(call: &mut Call<'_>) -> Done {
    match call.args.len() {
        1 => {}
        2 if call.arg(1) == b"2" => {}
        2 => return Err("NOPROTO unsupported protocol version".into()),
        _ => return Err(SYNTAX),
    }
    let out = &mut *call.out;
    reply::array(out, 14);
    for (name, value) in [("server", "redis"), ("version", super::server::VERSION)] {
        reply::bulk(out, name.as_bytes());
        reply::bulk(out, value.as_bytes());
    }
    for (name, number) in [("proto", 2), ("id", call.client.mailbox.number as i64)] {
        reply::bulk(out, name.as_bytes());
        reply::integer(out, number);
    }
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        reply::bulk(out, name.as_bytes());
        reply::bulk(out, value.as_bytes());
    }
    reply::bulk(out, b"modules");
    reply::array(out, 0);
    Ok(())
}

pub(super) fn quit(call: &mut Call<'_>) -> Done {
    call.client.is_ending = true;
    call.ok()
}

/// A web browser that a page has made speak to this port: its request looks like this, and what follows may look like ours.
pub(super) fn attack(call: &mut Call<'_>) -> Done {
    call.client.is_ending = true;
    Ok(())
}
