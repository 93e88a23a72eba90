//! What there is to say of live tasks: which, what they wait for, where.
use super::id::Id;
use super::registry::Shard;
use dormouse_wait::Reason;
use dormouse_wait::frame::Site;
use std::fmt;

/// What is waited for, and where: `[chan receive] at src/main.rs:7:20`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitsFor(pub(crate) Reason, pub(crate) Option<Site>);

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(site) => write!(f, "[{}] at {site}", self.0),
            None => write!(f, "[{}]", self.0),
        }
    }
}

/// A line for each live task, by number.
pub(crate) fn lines<'s>(
    shards: impl Iterator<Item = &'s Shard>,
    is_runnable: impl Fn(Id) -> bool,
) -> Vec<String> {
    let mut lines: Vec<(Id, String)> = Vec::new();
    for shard in shards {
        shard.for_each(|entry, meta| {
            let (reason, site) = meta.waits.get();
            let waits = match is_runnable(entry.id) {
                true => "[runnable]".to_string(),
                false => WaitsFor(reason, site).to_string(),
            };
            let (name, spawned) = (entry.origin.quoted_name(), entry.origin.spawned());
            lines.push((entry.id, format!("task {}{name} {waits}, spawned at {spawned}", entry.id)));
        });
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}
