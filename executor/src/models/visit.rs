//! The end of a runtime against a thread that publishes a task without a seat.
use super::runtime::Rt;
use super::{model, task};
use loom::sync::Arc;
use loom::thread;

/// A runtime whose memory goes with its last strong reference; the flag outside of it says so.
struct Mortal {
    rt: Arc<Rt>,
    gone: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Mortal {
    fn touch(&self) -> &Rt {
        assert!(!self.gone.load(std::sync::atomic::Ordering::SeqCst), "used after it was freed");
        &self.rt
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        assert!(!self.gone.swap(true, std::sync::atomic::Ordering::SeqCst), "freed twice");
    }
}

/// The end of a runtime against a foreign waker (S3, S4, async-executor#163). The stand-in for a task is a number that
/// the waker holds, and a raw pointer to the runtime; its run is its end, and gives up the runtime's own reference.
#[test]
fn visit_outlives_the_task_that_it_publishes() {
    model(3, || {
        let gone = std::sync::Arc::default();
        let shared = Arc::new(Mortal { rt: Rt::new(1, 1), gone: std::sync::Arc::clone(&gone) });
        let own = Arc::into_raw(Arc::clone(&shared)).expose_provenance();
        let waker = thread::spawn(move || {
            let shared = std::ptr::with_exposed_provenance::<Mortal>(own);
            // As `Visit::begin`: counted before the task is published.
            // SAFETY: the task is not published, so the runtime's own reference stands.
            unsafe { Arc::increment_strong_count(shared) };
            // SAFETY: the reference that was just counted.
            let visit = unsafe { Arc::from_raw(shared) };
            visit.touch().injector.push(task(1));
            visit.touch().published();
        });
        let worker = thread::spawn(move || {
            shared.touch().work(|_| {
                // The task's end, the last of a closed runtime.
                // SAFETY: once; `shared` is another reference.
                unsafe { Arc::decrement_strong_count(std::ptr::with_exposed_provenance::<Mortal>(own)) };
            });
        });
        waker.join().expect("no panic");
        worker.join().expect("no panic");
        assert!(gone.load(std::sync::atomic::Ordering::SeqCst), "nothing leaks");
    });
}
