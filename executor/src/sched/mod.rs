//! The scheduler: [`shared`] holds what all threads of a runtime share, [`seat`] is a thread at work in a slot,
//! [`work`] what a thread does all day.
pub(crate) mod attention;
mod brisk;
pub(crate) mod context;
mod deadlock;
pub(crate) mod idle;
pub(crate) mod in_place;
pub(crate) mod injector;
pub(crate) mod jobs;
pub(crate) mod measure;
pub(crate) mod monitor;
pub(crate) mod os;
pub(crate) mod place;
pub(crate) mod quiet;
pub(crate) mod ring;
pub(crate) mod schedule;
pub(crate) mod seat;
pub(crate) mod shared;
pub(crate) mod slots;
pub(crate) mod stats;
pub(crate) mod threads;
pub(crate) mod turn;
pub(crate) mod work;
