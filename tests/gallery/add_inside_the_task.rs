//! `add` inside the task: the group counts a task only when it has begun, so the wait can be over before that.
use crate::{Bug, is_right};
use dormouse::prelude::*;
use dormouse::sim::FailureKind;
use std::sync::Arc;

const A_FETCH: Duration = Duration::from_millis(1);

type Pages = Arc<Mutex<Vec<u32>>>;

async fn fetch(link: u32, pages: Pages) {
    time::sleep(A_FETCH).await;
    pages.lock().await.push(link);
}

fn start_buggy(group: &WaitGroup, link: u32, pages: Pages) {
    let group = group.clone();
    go(async move {
        group.add(1); // when it is this task's turn
        fetch(link, pages).await;
        group.done();
    });
}

fn start(group: &WaitGroup, link: u32, pages: Pages) {
    go(group.track(fetch(link, pages))); // counts at once
}

async fn crawl(start: fn(&WaitGroup, u32, Pages)) {
    let (found, links) = bounded(0);
    go(async move {
        for link in 1..=3 {
            found.send(link).await.unwrap();
            time::sleep(A_FETCH).await;
        }
    });
    let (group, pages) = (WaitGroup::new(), Pages::default());
    while let Some(link) = links.recv().await {
        start(&group, link, pages.clone());
        if link == 3 {
            break; // enough
        }
    }
    group.wait().await;
    assert_eq!(pages.lock().await.len(), 3, "the pages fetched");
}

#[test]
fn is_found() {
    let bug = Bug {
        file: "add_inside_the_task.rs",
        seeds: 10,
        kind: FailureKind::Main,
        says: &[
            "main panicked: assertion `left == right` failed: the pages fetched\n  left: 2\n right: 3",
            "spawned at tests/gallery/add_inside_the_task.rs:18:",
        ],
    };
    bug.is_found(|| crawl(start_buggy));
}

#[test]
fn repaired() {
    is_right(|| crawl(start));
}
