//! What the monitor asks of the system: a fence in all threads of the process at once, how long a thread has computed,
//! and whether it would if it had a CPU.
//!
//! The fence makes the other side of a protocol free: who runs often needs but [`light`], which keeps the compiler from
//! reordering; the monitor pays for both with [`heavy`], some 10 us. Where the system has no such fence
//! ([`has_heavy`]), as an old kernel or a sandbox that forbids the call, `light` orders nothing, and whoever uses it
//! must have another way.
pub(crate) use system::{Thread, has_heavy};

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
    use std::cell::Cell;
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

    /// A thread, as the system knows it. Its number may be another one's after its end.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Thread(libc::pid_t);

    thread_local!(static ME: Cell<libc::pid_t> = const { Cell::new(0) });

    impl Thread {
        /// The calling thread.
        pub(crate) fn current() -> Thread {
            if ME.get() == 0 {
                // SAFETY: it takes nothing, and touches no memory.
                ME.set(unsafe { libc::syscall(libc::SYS_gettid) } as libc::pid_t);
            }
            Thread(ME.get())
        }

        pub(crate) fn to_bits(self) -> i32 {
            self.0
        }

        pub(crate) fn from_bits(bits: i32) -> Thread {
            Thread(bits)
        }

        /// How many nanoseconds it has run; `None` if that cannot be told, as of a thread that is gone.
        pub(crate) fn spent(self) -> Option<u64> {
            // The clock of a thread by its number, as the kernel writes it: what `pthread_getcpuclockid` gives.
            const PER_THREAD_SCHEDULED: libc::clockid_t = 4 | 2;
            let clock = (!self.0 << 3) | PER_THREAD_SCHEDULED;
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: `time` is there to be written; an unknown clock is an error.
            let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
            (failed == 0).then(|| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
        }

        /// Does it run, or only wait for a CPU? If that cannot be told, it does not.
        pub(crate) fn is_runnable(self) -> bool {
            let stat =
                std::fs::read_to_string(format!("/proc/self/task/{}/stat", self.0)).unwrap_or_default();
            // "number (name) state ...", and a name may have brackets.
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
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

    /// A thread: of which nothing is known here, so that it is taken to compute.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Thread(());

    impl Thread {
        pub(crate) fn current() -> Thread {
            Thread(())
        }

        pub(crate) fn to_bits(self) -> i32 {
            0
        }

        pub(crate) fn from_bits(_: i32) -> Thread {
            Thread(())
        }

        pub(crate) fn spent(self) -> Option<u64> {
            None
        }

        pub(crate) fn is_runnable(self) -> bool {
            true
        }
    }
}

#[cfg(all(test, target_os = "linux", not(dormouse_loom)))]
mod tests {
    use super::Thread;
    use std::sync::mpsc;

    #[test]
    fn a_clock_runs_while_its_thread_does_and_tells_of_its_end() {
        let (thread, ran) = std::thread::spawn(|| {
            let thread = Thread::current();
            let before = thread.spent().unwrap();
            while thread.spent().unwrap() == before {}
            (thread, thread.spent().unwrap() > before)
        })
        .join()
        .unwrap();
        assert!(ran);
        // The system may take a moment to forget the thread.
        dormouse_testing::until(|| thread.spent().is_none());
        assert!(!thread.is_runnable());
    }

    #[test]
    fn a_thread_that_sleeps_is_told_from_one_that_runs() {
        assert!(Thread::current().is_runnable());
        let (tell, told) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let sleeper = std::thread::Builder::new().name("with ) R (".into()).spawn(move || {
            tell.send(Thread::current()).unwrap();
            ends.recv().unwrap_err();
        });
        let thread = told.recv().unwrap();
        dormouse_testing::until(|| !thread.is_runnable());
        drop(end);
        sleeper.unwrap().join().unwrap();
    }
}
