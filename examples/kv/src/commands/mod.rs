//! What the commands do, in Redis's words. A command writes its answer, or gives the error.
mod connection;
mod keys;
mod pubsub;
mod server;
mod strings;

use crate::input::Args;
use crate::reply;
use crate::server::{Client, Server, State};
use crate::store::Time;
use std::borrow::Cow;
use std::sync::Arc;

/// A command that is executed.
pub(crate) struct Call<'a> {
    pub(crate) server: &'a Arc<Server>,
    pub(crate) state: &'a mut State,
    pub(crate) client: &'a mut Client,
    pub(crate) args: Args<'a>,
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) now: Time,
}

/// What is said after the `-`.
pub(crate) type Error = Cow<'static, str>;
pub(crate) type Done = Result<(), Error>;

const SYNTAX: Error = Cow::Borrowed("ERR syntax error");
const NOT_AN_INTEGER: Error = Cow::Borrowed("ERR value is not an integer or out of range");

struct Command {
    name: &'static str,
    /// How many arguments, the name included; if negative, at least so many.
    arity: i32,
    flags: &'static [&'static str],
    /// First and last key, and the step from key to key, as `COMMAND` says them.
    keys: (i32, i32, i32),
    run: fn(&mut Call<'_>) -> Done,
}

const WRITE: &[&str] = &["write"];
const READ: &[&str] = &["readonly"];
const FAST: &[&str] = &["fast"];
/// For those who listen, too.
const PUBSUB: &[&str] = &["pubsub"];
const ADMIN: &[&str] = &["admin"];

const NONE: (i32, i32, i32) = (0, 0, 0);
const ONE: (i32, i32, i32) = (1, 1, 1);
const ALL: (i32, i32, i32) = (1, -1, 1);

macro_rules! commands {
    ($($name:literal $arity:literal $flags:ident $keys:expr, $run:path;)*) => {
        /// By name, for the search.
        const COMMANDS: &[Command] =
            &[$(Command { name: $name, arity: $arity, flags: $flags, keys: $keys, run: $run }),*];
    };
}

commands! {
    "append" 3 WRITE ONE, strings::append;
    "bgrewriteaof" 1 ADMIN NONE, server::bgrewriteaof;
    "command" -1 FAST NONE, server::command;
    "config" -2 ADMIN NONE, server::config;
    "dbsize" 1 READ NONE, server::dbsize;
    "decr" 2 WRITE ONE, strings::decr;
    "decrby" 3 WRITE ONE, strings::decrby;
    "del" -2 WRITE ALL, keys::del;
    "echo" 2 FAST NONE, connection::echo;
    "exists" -2 READ ALL, keys::exists;
    "expire" -3 WRITE ONE, keys::expire;
    "expireat" -3 WRITE ONE, keys::expireat;
    "flushall" -1 WRITE NONE, server::flush;
    "flushdb" -1 WRITE NONE, server::flush;
    "get" 2 READ ONE, strings::get;
    "hello" -1 FAST NONE, connection::hello;
    "host:" -1 ADMIN NONE, connection::attack;
    "incr" 2 WRITE ONE, strings::incr;
    "incrby" 3 WRITE ONE, strings::incrby;
    "info" -1 FAST NONE, server::info;
    "mget" -2 READ ALL, strings::mget;
    "mset" -3 WRITE (1, -1, 2), strings::mset;
    "persist" 2 WRITE ONE, keys::persist;
    "pexpire" -3 WRITE ONE, keys::pexpire;
    "pexpireat" -3 WRITE ONE, keys::pexpireat;
    "ping" -1 PUBSUB NONE, connection::ping;
    "post" -1 ADMIN NONE, connection::attack;
    "psubscribe" -2 PUBSUB NONE, pubsub::psubscribe;
    "pttl" 2 READ ONE, keys::pttl;
    "publish" 3 FAST NONE, pubsub::publish;
    "punsubscribe" -1 PUBSUB NONE, pubsub::punsubscribe;
    "quit" -1 PUBSUB NONE, connection::quit;
    "select" 2 FAST NONE, connection::select;
    "set" -3 WRITE ONE, strings::set;
    "strlen" 2 READ ONE, strings::strlen;
    "subscribe" -2 PUBSUB NONE, pubsub::subscribe;
    "ttl" 2 READ ONE, keys::ttl;
    "unsubscribe" -1 PUBSUB NONE, pubsub::unsubscribe;
}

impl Command {
    fn find(name: &[u8]) -> Option<&'static Command> {
        let mut lower = [0; 16];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let at = COMMANDS.binary_search_by(|command| command.name.as_bytes().cmp(lower)).ok()?;
        Some(&COMMANDS[at])
    }

    fn takes(&self, arguments: usize) -> bool {
        let least = self.arity.unsigned_abs() as usize;
        arguments == least || self.arity < 0 && arguments > least
    }

    fn is(&self, flag: &[&str]) -> bool {
        self.flags == flag
    }
}

/// Executes a command: its answer, or its error, is at the end of `out`.
pub(crate) fn execute(call: &mut Call<'_>) {
    let start = call.out.len();
    if let Err(error) = attempt(call) {
        call.out.truncate(start);
        reply::error(call.out, error.as_bytes());
    }
}

fn attempt(call: &mut Call<'_>) -> Done {
    let Some(command) = Command::find(call.args.get(0)) else { return Err(unknown(call.args)) };
    if !command.takes(call.args.len()) {
        return Err(arity(command.name));
    }
    if call.client.listens() > 0 && !command.is(PUBSUB) {
        let name = command.name;
        return Err(format!(
            "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
             context"
        )
        .into());
    }
    if command.is(WRITE)
        && let Some(reason) = &call.state.refusing
    {
        return Err(format!("MISCONF Errors writing to the AOF file: {reason}").into());
    }
    (command.run)(call)
}

fn arity(name: &str) -> Error {
    format!("ERR wrong number of arguments for '{name}' command").into()
}

fn unknown(args: Args<'_>) -> Error {
    let short = |text: &[u8]| String::from_utf8_lossy(&text[..text.len().min(128)]).into_owned();
    let mut error = format!("ERR unknown command '{}', with args beginning with: ", short(args.get(0)));
    for arg in args.iter().skip(1) {
        if error.len() > 256 {
            break;
        }
        error.push_str(&format!("'{}' ", short(arg)));
    }
    error.into()
}

fn unknown_subcommand(command: &str, name: &[u8]) -> Error {
    let name = String::from_utf8_lossy(&name[..name.len().min(128)]).into_owned();
    format!("ERR unknown subcommand '{name}'. Try {command} HELP.").into()
}

impl Call<'_> {
    fn arg(&self, at: usize) -> &[u8] {
        self.args.get(at)
    }

    fn integer_at(&self, at: usize) -> Result<i64, Error> {
        crate::number::parse(self.arg(at)).ok_or(NOT_AN_INTEGER)
    }

    /// Answers with a number.
    fn integer(&mut self, number: usize) -> Done {
        reply::integer(self.out, number as i64);
        Ok(())
    }

    fn ok(&mut self) -> Done {
        reply::ok(self.out);
        Ok(())
    }
}
