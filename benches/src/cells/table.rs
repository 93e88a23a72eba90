//! Which channels are measured, on which hosts: the rows of the cells that are written over any host and channel.
//!
//! Ours on our host; then every channel on tokio, where most of them are fastest and all are at home; then kanal, the
//! fastest peer, on our host, so that one sees host and channel apart.
use crate::channels::{self, Channel, Shape};
use crate::hosts::{self, Host};
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

    fn run<H: Host, C: Channel>(self, scale: Scale) -> Sample;
}

/// With every channel, on hosts with all workers.
pub(crate) fn through(cell: Cell, work: impl Through) -> Cell {
    let cell = one_through::<hosts::Dormouse, channels::Dormouse>(cell, work);
    let cell = all_through::<hosts::Tokio>(cell, work);
    one_through::<hosts::Dormouse, channels::Kanal>(cell, work)
}

/// With every channel, on hosts with one thread.
pub(crate) fn through_on_one_thread(cell: Cell, work: impl Through) -> Cell {
    let cell = one_through::<hosts::DormouseOne, channels::Dormouse>(cell, work);
    let cell = all_through::<hosts::TokioOne>(cell, work);
    one_through::<hosts::DormouseOne, channels::Kanal>(cell, work)
}

/// With every channel on one host.
fn all_through<H: Host>(cell: Cell, work: impl Through) -> Cell {
    let cell = one_through::<H, channels::Dormouse>(cell, work);
    let cell = one_through::<H, channels::Kanal>(cell, work);
    let cell = match work.shape() {
        Shape { senders: 1, receivers: 1, .. } => one_through::<H, channels::CrossfireSpsc>(cell, work),
        Shape { receivers: 1, .. } => one_through::<H, channels::CrossfireMpsc>(cell, work),
        _ => one_through::<H, channels::CrossfireMpmc>(cell, work),
    };
    let cell = one_through::<H, channels::Flume>(cell, work);
    let cell = one_through::<H, channels::AsyncChannel>(cell, work);
    let cell = one_through::<H, channels::Tokio>(cell, work);
    one_through::<H, channels::Futures>(cell, work)
}

fn one_through<H: Host, C: Channel>(cell: Cell, work: impl Through) -> Cell {
    let name = channels::on_host::<H, C>();
    match C::supports(work.shape()).and_then(|()| work.can::<C>()) {
        Ok(()) => cell.with(name, C::PEER, move |scale| work.run::<H, C>(scale)),
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

    fn run<H: Host, S: Selects>(self, scale: Scale) -> Sample;
}

/// With every way to select, on hosts with all workers.
pub(crate) fn selecting(cell: Cell, work: impl Selecting) -> Cell {
    let cell = one_selecting::<hosts::Dormouse, selects::Dormouse>(cell, work);
    let cell = one_selecting::<hosts::Tokio, selects::Dormouse>(cell, work);
    let cell = one_selecting::<hosts::Tokio, TokioSelect<channels::Kanal>>(cell, work);
    let cell = match work.shape() {
        Shape { senders: 1, receivers: 1, .. } => {
            one_selecting::<hosts::Tokio, TokioSelect<channels::CrossfireSpsc>>(cell, work)
        }
        _ => one_selecting::<hosts::Tokio, TokioSelect<channels::CrossfireMpmc>>(cell, work),
    };
    let cell = one_selecting::<hosts::Tokio, TokioSelect<channels::Flume>>(cell, work);
    let cell = one_selecting::<hosts::Tokio, TokioSelect<channels::AsyncChannel>>(cell, work);
    let cell = one_selecting::<hosts::Tokio, TokioSelect<channels::Tokio>>(cell, work);
    one_selecting::<hosts::Tokio, selects::Futures>(cell, work)
}

fn one_selecting<H: Host, S: Selects>(cell: Cell, work: impl Selecting) -> Cell {
    let name = channels::on_host::<H, S::Channel>();
    let peer = S::Channel::PEER;
    let drops = work.drops();
    let receives = matches!(drops, Drops::Receives | Drops::Both);
    let sends = matches!(drops, Drops::Sends | Drops::Both);
    let can = S::Channel::supports(work.shape())
        .and_then(|()| if receives { S::Channel::keeps_values() } else { Ok(()) })
        .and_then(|()| if sends { S::Channel::takes_back() } else { Ok(()) });
    match can {
        Ok(()) => cell.with(name, peer, move |scale| work.run::<H, S>(scale)),
        Err(why) => cell.without(name, peer, why),
    }
}
