//! Long polls as events of `tracing`.
#![cfg(feature = "tracing")]
#![allow(missing_docs)]

use dormouse_executor::{runtime::Builder, task};
use dormouse_testing::{until, watch};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

/// Keeps what the events of this target say.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!("{field}={value:?} ");
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "dormouse"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
        panic!("a subscriber's panic stays inside");
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_long_poll_is_one_event_per_place() {
    let _watch = watch();
    let events = Events::default();
    tracing::subscriber::set_global_default(events.clone()).unwrap();
    let rt =
        Builder::multi_thread().worker_threads(2).blocked_after(Duration::from_millis(2)).build().unwrap();
    for polls in 1..=2 {
        let (seen, text) = (rt.handle().clone(), events.clone());
        let told = move || seen.metrics().long_polls >= polls && !text.0.lock().unwrap().is_empty();
        let task = {
            let _in = rt.enter();
            task::Builder::new().name("slow").spawn(async move { until(told) })
        };
        futures::executor::block_on(task).unwrap();
    }
    let events = events.0.lock().unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].contains("message=long poll "), "{events:?}");
    assert!(events[0].contains("\"slow\", spawned at executor/tests/tracing.rs:"), "{events:?}");
}
