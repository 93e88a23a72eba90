//! `SUBSCRIBE`, `PSUBSCRIBE` and their opposites, `PUBLISH`.
use super::{Call, Done};
use crate::pubsub::{join, leave};
use crate::reply;

pub(super) fn publish(call: &mut Call<'_>) -> Done {
    let told = call.state.publish(call.args.get(1), call.args.get(2));
    call.integer(told)
}

/// The answer to one name of those in a request; `None` where there was none.
fn confirm(out: &mut Vec<u8>, what: &str, name: Option<&[u8]>, listens: usize) {
    reply::array(out, 3);
    reply::bulk(out, what.as_bytes());
    reply::bulk_or_nil(out, name);
    reply::integer(out, listens as i64);
}

macro_rules! by {
    ($names:ident, $join:ident, $join_name:literal, $leave:ident, $leave_name:literal) => {
        pub(super) fn $join(call: &mut Call<'_>) -> Done {
            for name in call.args.iter().skip(1) {
                if join(&mut call.state.pubsub.$names, name, &call.client.mailbox) {
                    call.client.$names.insert(name.into());
                }
                confirm(call.out, $join_name, Some(name), call.client.listens());
            }
            Ok(())
        }

        pub(super) fn $leave(call: &mut Call<'_>) -> Done {
            let all: Vec<Box<[u8]>> = match call.args.len() {
                1 => call.client.$names.iter().cloned().collect(),
                _ => call.args.iter().skip(1).map(Box::from).collect(),
            };
            for name in &all {
                if leave(&mut call.state.pubsub.$names, name, call.client.mailbox.number) {
                    call.client.$names.remove(name);
                }
                confirm(call.out, $leave_name, Some(name), call.client.listens());
            }
            if all.is_empty() {
                confirm(call.out, $leave_name, None, call.client.listens());
            }
            Ok(())
        }
    };
}

by!(channels, subscribe, "subscribe", unsubscribe, "unsubscribe");
by!(patterns, psubscribe, "psubscribe", punsubscribe, "punsubscribe");
