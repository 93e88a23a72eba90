//! The limit of open descriptors: cells of a thousand connections need more than most shells give.
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes what the system allows, for this program and those that it starts.
pub(crate) fn raise() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Without it, the cells that need more fail, and say why.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}
