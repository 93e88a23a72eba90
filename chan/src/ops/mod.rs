//! What the halves of a channel can do besides sending and receiving one value: one file per operation, each a thin layer
//! over the [waits](crate::wait) and the [core](crate::core).
mod closed;
mod drain;
mod permit;
mod recv_many;
mod send_many;
mod send_timeout;
mod sink;
mod stream;
mod weak;

pub use closed::ClosedFuture;
pub use drain::Drain;
pub use permit::{Permit, ReserveFuture};
pub use recv_many::RecvManyFuture;
pub use send_many::SendManyFuture;
pub use send_timeout::SendTimeoutFuture;
pub use sink::SendSink;
pub use stream::RecvStream;
pub use weak::{WeakReceiver, WeakSender};
