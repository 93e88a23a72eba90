//! The cells, by group. A group's file has the work, generic over hosts and channels, and its table of contenders.
mod channel;
mod spawn;

use crate::registry::Cell;

pub(crate) fn all() -> Vec<Cell> {
    let groups: [fn() -> Vec<Cell>; 2] = [spawn::cells, channel::cells];
    groups.into_iter().flat_map(|group| group()).collect()
}
