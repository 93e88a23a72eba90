//! `INFO`, `COMMAND`, `CONFIG`, `DBSIZE`, `FLUSHALL`, `BGREWRITEAOF`.
use super::{COMMANDS, Call, Command, Done, SYNTAX, unknown_subcommand};
use crate::log::Fsync;
use crate::{glob, reply, rewrite};
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

/// The version whose words are spoken here.
pub(super) const VERSION: &str = "7.0.0";

pub(super) fn dbsize(call: &mut Call<'_>) -> Done {
    let keys = call.state.store.len();
    call.integer(keys)
}

pub(super) fn flush(call: &mut Call<'_>) -> Done {
    match call.args.len() {
        1 => {}
        2 if call.arg(1).eq_ignore_ascii_case(b"async") || call.arg(1).eq_ignore_ascii_case(b"sync") => {}
        _ => return Err(SYNTAX),
    }
    call.state.flush();
    call.ok()
}

pub(super) fn bgrewriteaof(call: &mut Call<'_>) -> Done {
    let Some(notes) = call.state.store.notes() else {
        return Err("ERR there is no append only file".into());
    };
    if notes.rewrite.is_some() {
        return Err("ERR Background append only file rewriting already in progress".into());
    }
    rewrite::start(call.server, call.state);
    reply::simple(call.out, "Background append only file rewriting started");
    Ok(())
}

/// What a client asks for to help its user, or to find the keys in a request.
pub(super) fn command(call: &mut Call<'_>) -> Done {
    if call.args.len() == 1 || call.args.len() == 2 && call.arg(1).eq_ignore_ascii_case(b"info") {
        reply::array(call.out, COMMANDS.len());
        COMMANDS.iter().for_each(|command| describe(call.out, command));
        return Ok(());
    }
    let sub = call.args.get(1);
    match sub.to_ascii_lowercase().as_slice() {
        b"count" => call.integer(COMMANDS.len()),
        b"docs" => {
            reply::array(call.out, 0);
            Ok(())
        }
        b"info" => {
            reply::array(call.out, call.args.len() - 2);
            for name in call.args.iter().skip(2) {
                match Command::find(name) {
                    Some(command) => describe(call.out, command),
                    None => call.out.extend_from_slice(b"*-1\r\n"),
                }
            }
            Ok(())
        }
        _ => Err(unknown_subcommand("COMMAND", sub)),
    }
}

fn describe(out: &mut Vec<u8>, command: &Command) {
    reply::array(out, 6);
    reply::bulk(out, command.name.as_bytes());
    reply::integer(out, command.arity.into());
    reply::array(out, command.flags.len());
    command.flags.iter().for_each(|flag| reply::simple(out, flag));
    let (first, last, step) = command.keys;
    [first, last, step].iter().for_each(|&number| reply::integer(out, number.into()));
}

/// What is asked for by `redis-benchmark` and others. Nothing can be set while it runs.
pub(super) fn config(call: &mut Call<'_>) -> Done {
    let sub = call.args.get(1);
    if !sub.eq_ignore_ascii_case(b"get") {
        return Err(unknown_subcommand("CONFIG", sub));
    }
    if call.args.len() < 3 {
        return Err("ERR wrong number of arguments for 'config|get' command".into());
    }
    let server = call.server;
    let fsync = match server.log.as_ref().map(|log| log.fsync) {
        Some(Fsync::Always) => "always",
        Some(Fsync::EverySecond) | None => "everysec",
        Some(Fsync::Never) => "no",
    };
    let bulk = server.config.max_bulk.to_string();
    let all = [
        ("appendfsync", fsync),
        ("appendonly", if server.log.is_some() { "yes" } else { "no" }),
        ("databases", "1"),
        ("proto-max-bulk-len", &bulk),
        ("save", ""),
    ];
    let asked = |name: &str| {
        call.args.iter().skip(2).any(|pattern| glob::matches(&pattern.to_ascii_lowercase(), name.as_bytes()))
    };
    let found: Vec<&[u8]> = all
        .iter()
        .filter(|(name, _)| asked(name))
        .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])
        .collect();
    reply::bulks(call.out, &found);
    Ok(())
}

/// The figures, all of them or those of the sections that are asked for.
pub(super) fn info(call: &mut Call<'_>) -> Done {
    let mut text = String::new();
    let wanted: Vec<Vec<u8>> = call.args.iter().skip(1).map(<[u8]>::to_ascii_lowercase).collect();
    let is_all = wanted.iter().all(|name| matches!(name.as_slice(), b"default" | b"all" | b"everything"));
    for (name, lines) in sections(call) {
        if is_all || wanted.iter().any(|wanted| *wanted == name.to_ascii_lowercase().as_bytes()) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            // Writing to a string does not fail.
            let _ = write!(text, "# {name}\r\n{lines}");
        }
    }
    reply::bulk(call.out, text.as_bytes());
    Ok(())
}

fn sections(call: &Call<'_>) -> [(&'static str, String); 5] {
    let (server, state) = (call.server, &*call.state);
    let lines = |fields: &[(&str, String)]| {
        fields.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect::<String>()
    };
    let of_server = lines(&[
        ("redis_version", VERSION.into()),
        ("dormouse_kv_version", env!("CARGO_PKG_VERSION").into()),
        ("redis_mode", "standalone".into()),
        ("process_id", std::process::id().to_string()),
        ("uptime_in_seconds", server.started.elapsed().as_secs().to_string()),
    ]);
    let clients = lines(&[("connected_clients", server.connected().to_string())]);
    let status = |is_good: bool| String::from(if is_good { "ok" } else { "err" });
    let persistence = lines(&[
        ("aof_enabled", u8::from(server.log.is_some()).to_string()),
        ("aof_current_size", server.log.as_ref().map_or(0, |log| log.size()).to_string()),
        ("aof_last_write_status", status(state.refusing.is_none())),
        ("aof_rewrite_in_progress", u8::from(state.store.is_rewriting()).to_string()),
        ("aof_last_bgrewrite_status", status(state.rewritten.is_ok())),
    ]);
    let stats = lines(&[
        ("total_connections_received", server.connections.load(Relaxed).to_string()),
        ("total_commands_processed", state.commands.to_string()),
        ("expired_keys", state.store.expired().to_string()),
        ("pubsub_channels", state.pubsub.channels.len().to_string()),
        ("pubsub_patterns", state.pubsub.patterns.len().to_string()),
    ]);
    let (keys, expires) = (state.store.len(), state.store.expiring());
    let keyspace = match keys {
        0 => String::new(),
        _ => lines(&[("db0", format!("keys={keys},expires={expires},avg_ttl=0"))]),
    };
    [
        ("Server", of_server),
        ("Clients", clients),
        ("Persistence", persistence),
        ("Stats", stats),
        ("Keyspace", keyspace),
    ]
}
