//! The cells, by group. A group's file has the work, generic over hosts and channels, and its table of contenders.
mod broadcast;
mod channel;
mod channel_blocking;
mod channel_go;
mod channel_misc;
mod condvar;
mod context;
mod http;
mod idle;
mod kv;
mod machine;
mod memory;
mod messages;
mod mutex;
mod net;
mod once_cell;
mod scheduler;
mod select;
mod select_go;
mod sim;
mod sockets;
mod spawn;
mod table;
mod timers;
mod tools;
mod wait_group;
mod waits;
mod watch;

use crate::registry::Cell;

pub(crate) fn all() -> Vec<Cell> {
    let groups: &[fn() -> Vec<Cell>] = &[
        spawn::cells,
        scheduler::cells,
        idle::cells,
        messages::cells,
        channel::cells,
        channel_go::cells,
        channel_misc::cells,
        channel_blocking::cells,
        broadcast::cells,
        watch::cells,
        select::cells,
        select_go::cells,
        mutex::cells,
        wait_group::cells,
        context::cells,
        once_cell::cells,
        waits::cells,
        condvar::cells,
        timers::cells,
        net::cells,
        http::cells,
        kv::cells,
        memory::cells,
        sim::cells,
        machine::cells,
    ];
    groups.iter().flat_map(|group| group()).collect()
}
