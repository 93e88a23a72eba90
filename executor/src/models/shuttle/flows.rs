//! The scenes.
use super::{Scene, Seat};
use shuttle::sync::Arc;
use shuttle::sync::atomic::Ordering::SeqCst;
use shuttle::thread;

/// Runs of a scene per scheduler.
const RUNS: usize = 2000;

fn scene(body: impl Fn() + Send + Sync + 'static) {
    dormouse_testing::flow::flow(RUNS, body);
}

/// A thread that changes N, to the last of `numbers` in the end.
fn resizer(scene: &Arc<Scene>, numbers: [usize; 3]) -> thread::JoinHandle<()> {
    let scene = scene.clone();
    thread::spawn(move || {
        for workers in numbers {
            scene.idle.resize(workers);
            scene.hand_over();
            thread::yield_now();
        }
    })
}

/// Task n spawns 2n + 1 and 2n + 2.
fn tree(scene: &Arc<Scene>, seat: &Seat<'_>, task: usize) {
    for child in [2 * task + 1, 2 * task + 2] {
        if child < scene.ran.len() {
            scene.push(seat, child);
        }
    }
}

#[test]
fn a_tree_of_tasks_runs_to_its_last_leaf() {
    scene(|| {
        let scene = Scene::new(3, 3, 0, 15, tree);
        let threads = (0..3).map(|_| scene.worker(false)).collect();
        scene.inject(0);
        scene.end(threads);
    });
}

#[test]
fn tasks_from_outside_find_a_thread() {
    scene(|| {
        let scene = Scene::new(2, 2, 0, 6, |_, _, _| ());
        let mut threads: Vec<_> = (0..2).map(|_| scene.worker(false)).collect();
        threads.extend([0, 1].map(|from| {
            let scene = scene.clone();
            thread::spawn(move || (from * 3..from * 3 + 3).for_each(|task| scene.inject(task)))
        }));
        scene.end(threads);
    });
}

/// Blocks its thread until `task` has run.
fn until_run(scene: &Scene, task: usize) {
    while scene.ran[task].load(SeqCst) == 0 {
        thread::yield_now();
    }
}

/// Each task but the last leaves one in the cell and one in the ring, and keeps its thread until both have run.
fn blocks(scene: &Arc<Scene>, seat: &Seat<'_>, task: usize) {
    if task % 2 == 0 && task + 2 < scene.ran.len() {
        scene.push(seat, task + 1);
        scene.push(seat, task + 2);
        until_run(scene, task + 1);
        until_run(scene, task + 2);
    }
}

#[test]
fn what_a_blocked_worker_was_about_to_run_runs_elsewhere() {
    scene(|| {
        let scene = Scene::new(1, 1, 3, 5, blocks);
        let threads = vec![scene.worker(false), scene.monitor()];
        scene.inject(0);
        scene.end(threads);
    });
}

#[test]
fn two_workers_block_on_each_other() {
    scene(|| {
        let body = |scene: &Arc<Scene>, seat: &Seat<'_>, task: usize| match task {
            0 => {
                scene.push(seat, 2);
                until_run(scene, 3);
            }
            1 => {
                scene.push(seat, 3);
                until_run(scene, 2);
            }
            _ => {}
        };
        let scene = Scene::new(2, 2, 2, 4, body);
        let threads = vec![scene.worker(false), scene.worker(false), scene.monitor()];
        scene.inject(0);
        scene.inject(1);
        scene.end(threads);
    });
}

#[test]
fn the_number_of_workers_changes_under_a_tree_of_tasks() {
    scene(|| {
        let scene = Scene::new(2, 3, 1, 15, tree);
        let mut threads: Vec<_> = (0..2).map(|_| scene.worker(false)).collect();
        threads.push(resizer(&scene, [1, 3, 1]));
        scene.inject(0);
        scene.end(threads);
        assert_eq!(scene.idle.counts().seats, 1);
    });
}

#[test]
fn blocked_workers_are_relieved_while_their_number_changes() {
    scene(|| {
        let scene = Scene::new(2, 2, 3, 5, blocks);
        let mut threads = vec![scene.worker(false), scene.worker(false), scene.monitor()];
        threads.push(resizer(&scene, [1, 2, 1]));
        scene.inject(0);
        scene.end(threads);
        assert_eq!(scene.idle.counts().seats, 1);
    });
}
