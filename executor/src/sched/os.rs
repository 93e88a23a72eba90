//! What the monitor asks of the system: a fence in all threads of the process at once, and how long a thread has
//! computed.
//!
//! The fence makes the other side of a protocol free: who runs often needs but [`light`], which keeps the compiler from
//! reordering; the monitor pays for both with [`heavy`], some 10 us. Where the system has no such fence
//! ([`has_heavy`]), as an old kernel or a sandbox that forbids the call, `light` orders nothing, and whoever uses it
//! must have another way.
pub(crate) use system::{CpuClock, has_heavy};

/// Keeps a store before it and a load after it in order, for a thread that issues [`heavy`].
#[inline(always)]
pub(crate) fn light() {
    #[cfg(not(dormouse_loom))]
    std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    // Ordering: SeqCst pairs with the fence that `heavy` is in a model.
    #[cfg(dormouse_loom)]
    loom::sync::atomic::fence(loom::sync::atomic::Ordering::SeqCst);
}

/// A full fence in this thread, and in every thread of the process wherever it is.
pub(crate) fn heavy() {
    // Ordering: SeqCst pairs with `light`.
    dormouse_wait::prim::atomic::fence(dormouse_wait::prim::atomic::Ordering::SeqCst);
    #[cfg(not(dormouse_loom))]
    system::membarrier();
}

#[cfg(target_os = "linux")]
mod system {
    use std::sync::OnceLock;

    fn call(command: libc::c_int) -> libc::c_long {
        // SAFETY: membarrier takes three numbers and touches no memory.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
    }

    /// Does [`heavy`](super::heavy) reach other threads? The first call of the process asks the system.
    pub(crate) fn has_heavy() -> bool {
        static REGISTERED: OnceLock<bool> = OnceLock::new();
        *REGISTERED.get_or_init(|| call(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0)
    }

    #[cfg_attr(dormouse_loom, expect(dead_code))]
    pub(super) fn membarrier() {
        // It cannot fail for a process that has registered.
        let _ = call(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    }

    /// A thread's clock that runs only while the thread does.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct CpuClock(libc::clockid_t);

    impl CpuClock {
        /// No thread's.
        pub(crate) const NONE: CpuClock = CpuClock(libc::clockid_t::MIN);

        /// The calling thread's.
        pub(crate) fn current() -> CpuClock {
            let mut clock = CpuClock::NONE;
            // SAFETY: it only tells who calls.
            let me = unsafe { libc::pthread_self() };
            // SAFETY: the calling thread lives, and `clock` is there to be written.
            let failed = unsafe { libc::pthread_getcpuclockid(me, &raw mut clock.0) };
            if failed == 0 { clock } else { CpuClock::NONE }
        }

        pub(crate) fn to_bits(self) -> i32 {
            self.0
        }

        pub(crate) fn from_bits(bits: i32) -> CpuClock {
            CpuClock(bits)
        }

        /// How many nanoseconds the thread has run; `None` if that cannot be told, as of a thread that is gone.
        pub(crate) fn spent(self) -> Option<u64> {
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: `time` is there to be written; an unknown clock is an error.
            let failed = unsafe { libc::clock_gettime(self.0, &raw mut time) };
            (failed == 0).then(|| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    /// Does [`heavy`](super::heavy) reach other threads?
    pub(crate) fn has_heavy() -> bool {
        false
    }

    #[cfg_attr(dormouse_loom, expect(dead_code))]
    pub(super) fn membarrier() {}

    /// A thread's clock that runs only while the thread does: not known here, so every thread is taken to compute.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct CpuClock(());

    impl CpuClock {
        pub(crate) fn current() -> CpuClock {
            CpuClock(())
        }

        pub(crate) fn to_bits(self) -> i32 {
            0
        }

        pub(crate) fn from_bits(_: i32) -> CpuClock {
            CpuClock(())
        }

        pub(crate) fn spent(self) -> Option<u64> {
            None
        }
    }
}

#[cfg(all(test, target_os = "linux", not(dormouse_loom)))]
mod tests {
    use super::CpuClock;

    #[test]
    fn a_cpu_clock_runs_while_its_thread_does_and_tells_of_its_end() {
        let (clock, ran) = std::thread::spawn(|| {
            let clock = CpuClock::current();
            let before = clock.spent().unwrap();
            while clock.spent().unwrap() == before {}
            (clock, clock.spent().unwrap() > before)
        })
        .join()
        .unwrap();
        assert!(ran);
        // The system may take a moment to forget the thread.
        dormouse_testing::until(|| clock.spent().is_none());
        assert!(CpuClock::NONE.spent().is_none());
    }
}
