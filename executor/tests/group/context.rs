//! A group with a context: a failure tells the others, and aborts nobody.
use super::*;
use dormouse_sync as sync;

fn cause(context: &sync::Context) -> String {
    context.cause().expect("it is done").to_string()
}

/// With a context nobody is aborted: all are told, and end by themselves.
#[test]
fn with_a_context_the_rest_is_told_and_goes_on_to_its_end() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let (ended, gate) = (Count::shared(), Gate::default());
            let (mut group, context) = Group::with_context(&sync::Context::background());
            let member = || {
                let (ended, context) = (ended.clone(), context.clone());
                async move {
                    context.done().await;
                    task::yield_now().await; // an aborted one would be dropped here
                    ended.add();
                    Ok(())
                }
            };
            for _ in 0..20 {
                group.go(member()).await;
            }
            let failing = gate.clone();
            group
                .go(async move {
                    failing.await;
                    Err("first")
                })
                .await;
            settle(|| gate.waiting() == 1).await;
            assert!(!context.is_done() && !group.has_failed());
            gate.open();
            context.done().await;
            assert!(group.has_failed());
            group.go(member()).await;
            assert!(group.try_go(member()).is_ok());
            assert_eq!(group.wait().await, Err("first"));
            assert_eq!(ended.get(), 22);
            assert_eq!(cause(&context), "first");
        });
    }
}

#[test]
fn the_error_that_a_context_tells_is_the_one_that_wait_gives() {
    let _watch = watch();
    sim::explore(300, || async {
        let (mut group, context) = Group::with_context(&sync::Context::background());
        for n in 0..6 {
            let member = async move {
                for _ in 0..sim::rng().range(0..4) {
                    task::yield_now().await;
                }
                Err(n)
            };
            group.go(member).await;
        }
        let error = group.wait().await.unwrap_err();
        assert_eq!(cause(&context), error.to_string());
    });
}

#[test]
fn a_context_ends_with_its_group() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let (parent, cancel) = sync::Context::background().with_cancel();
            // When all are well.
            let (mut group, context) = Group::<String>::with_context(&parent);
            group.go(async { Ok(()) }).await;
            assert_eq!(group.wait().await, Ok(()));
            assert_eq!(cause(&context), "context canceled");
            // When the group is dropped, which aborts the members.
            let (dropped, guards) = (Count::shared(), Count::shared());
            let (mut group, context) = Group::<String>::with_context(&parent);
            let guard = guards.on_drop();
            let aborted = async move {
                let _guard = guard;
                pending().await
            };
            group.go(aborted).await;
            let call = dropped.clone();
            let _call = context.after_func(move || call.add());
            drop(group);
            assert_eq!(dropped.get(), 1);
            settle(|| guards.get() == 1).await;
            // From above: no failure.
            let (mut group, context) = Group::<String>::with_context(&parent);
            let waits = context.clone();
            let member = async move {
                waits.done().await;
                Ok(())
            };
            group.go(member).await;
            cancel.cancel_because("from above");
            assert_eq!(group.wait().await, Ok(()));
            assert_eq!(cause(&context), "from above");
        });
    }
}

#[test]
fn with_a_context_a_limit_holds_after_a_failure() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let gate = Gate::default();
            let (group, context) = Group::with_context(&sync::Context::background());
            let mut group = group.limit(1);
            group.go(async { Err("first") }).await;
            context.done().await;
            let waits = gate.clone();
            let member = async move {
                waits.await;
                Ok(())
            };
            group.go(member).await;
            assert!(group.try_go(async { Ok(()) }).is_err());
            assert!(now(group.go(async { Ok(()) })).is_none());
            gate.open();
            group.go(async { Err("second") }).await;
            assert_eq!(group.wait().await, Err("first"));
        });
    }
}

/// An error that cannot say what it is: its panic is the failure.
struct Mute;

impl std::fmt::Display for Mute {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("no words")
    }
}

#[test]
fn a_panic_is_told_without_a_cause() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            for mute in [false, true] {
                let (mut group, context) = Group::with_context(&sync::Context::background());
                let waits = context.clone();
                let member = async move {
                    waits.done().await;
                    Ok(())
                };
                group.go(member).await;
                group.go(async move { if mute { Err(Mute) } else { panic!("on purpose") } }).await;
                context.done().await;
                assert_eq!(cause(&context), "context canceled");
                assert_eq!(panic_of(&mut group).await, if mute { "no words" } else { "on purpose" });
            }
        });
    }
}
