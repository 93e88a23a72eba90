//! Which channels are measured, on which hosts: the rows of the cells that are written over any host and channel.
//!
//! Ours on our host; then every channel on tokio, where most of them are fastest and all are at home; then kanal, the
//! fastest peer, on our host, so that one sees host and channel apart.
use crate::channels::{self, Channel, Shape, for_channels, for_crossfire};
use crate::hosts::{AsyncExecutor, Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use crate::selects::{self, Selects, TokioSelect};

/// The work of a cell over any channel.
pub(crate) trait Through: Copy + 'static {
    /// How it uses the channel.
    fn shape(self) -> Shape;

    /// Can a channel that supports the shape do it? If not, why.
    fn can<C: Channel>(self) -> Result<(), &'static str> {
        Ok(())
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample;
}

/// With every channel, on hosts with all workers. async-channel and crossfire are on async-executor as well: the one is
/// made for it, the other is faster there in some cells.
pub(crate) fn through(cell: Cell, work: impl Through) -> Cell {
    let mut cell = everywhere(cell, work, Dormouse::ALL, Tokio::ALL);
    for_crossfire!(work.shape(), C => cell = one_through::<_, C>(cell, work, AsyncExecutor));
    one_through::<_, channels::AsyncChannel>(cell, work, AsyncExecutor)
}

/// With every channel, on hosts with one thread.
pub(crate) fn through_on_one_thread(cell: Cell, work: impl Through) -> Cell {
    everywhere(cell, work, Dormouse::ONE, Tokio::ONE)
}

fn everywhere(cell: Cell, work: impl Through, ours: Dormouse, tokio: Tokio) -> Cell {
    let mut cell = one_through::<_, channels::Dormouse>(cell, work, ours);
    for_channels!(work.shape(), C => cell = one_through::<_, C>(cell, work, tokio));
    one_through::<_, channels::Kanal>(cell, work, ours)
}

fn one_through<H: Host, C: Channel>(cell: Cell, work: impl Through, host: H) -> Cell {
    let name = channels::on_host::<H, C>(host);
    match C::supports(work.shape()).and_then(|()| work.can::<C>()) {
        Ok(()) => cell.with(name, C::PEER, move |scale| work.run::<H, C>(host, scale)),
        Err(why) => cell.without(name, C::PEER, why),
    }
}

/// What a cell asks of a select that drops what has not won while it waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drops {
    /// Nothing that a value can reach meanwhile.
    Idle,
    /// Receives.
    Receives,
    /// Sends.
    Sends,
    /// Both.
    Both,
}

/// The work of a cell over any way to select.
pub(crate) trait Selecting: Copy + 'static {
    /// How it uses the channels; each must do all of it.
    fn shape(self) -> Shape;

    /// What its selects drop.
    fn drops(self) -> Drops;

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample;
}

/// With every way to select, on hosts with all workers.
pub(crate) fn selecting(cell: Cell, work: impl Selecting) -> Cell {
    let cell = one_selecting::<_, selects::Dormouse>(cell, work, Dormouse::ALL);
    let cell = one_selecting::<_, selects::Dormouse>(cell, work, Tokio::ALL);
    let mut cell = one_selecting::<_, TokioSelect<channels::Kanal>>(cell, work, Tokio::ALL);
    for_crossfire!(work.shape(), C => cell = one_selecting::<_, TokioSelect<C>>(cell, work, Tokio::ALL));
    let cell = one_selecting::<_, TokioSelect<channels::Flume>>(cell, work, Tokio::ALL);
    let cell = one_selecting::<_, TokioSelect<channels::AsyncChannel>>(cell, work, Tokio::ALL);
    let cell = one_selecting::<_, TokioSelect<channels::AsyncChannel>>(cell, work, AsyncExecutor);
    let cell = one_selecting::<_, TokioSelect<channels::Tokio>>(cell, work, Tokio::ALL);
    one_selecting::<_, selects::Futures>(cell, work, Tokio::ALL)
}

fn one_selecting<H: Host, S: Selects>(cell: Cell, work: impl Selecting, host: H) -> Cell {
    let name = channels::on_host::<H, S::Channel>(host);
    let peer = S::Channel::PEER;
    let drops = work.drops();
    let receives = matches!(drops, Drops::Receives | Drops::Both);
    let sends = matches!(drops, Drops::Sends | Drops::Both);
    let can = S::Channel::supports(work.shape())
        .and_then(|()| if receives { S::Channel::keeps_values() } else { Ok(()) })
        .and_then(|()| if sends { S::Channel::takes_back() } else { Ok(()) });
    match can {
        Ok(()) => cell.with(name, peer, move |scale| work.run::<H, S>(host, scale)),
        Err(why) => cell.without(name, peer, why),
    }
}
