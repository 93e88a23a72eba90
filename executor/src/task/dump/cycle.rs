//! Circles of tasks, each of which waits for what the next one holds.
use super::{Dump, ObjectDump};

/// As many are told of: whoever sees these has enough to do.
const MOST: usize = 10;

/// For whom a task waits: places of tasks.
fn next(dump: &Dump, task: usize) -> Vec<usize> {
    let Some(object) = dump.tasks[task].object else { return Vec::new() };
    let object: &ObjectDump = &dump.objects[object];
    // Of several who have permits, any one may give back enough.
    let any = object.kind == "Semaphore" && object.holders.len() > 1;
    let holders = if any { &[] } else { &object.holders[..] };
    holders.iter().filter_map(|holder| holder.task).collect()
}

/// Looks at every task once, depth first: who is met again on the way to it closes a circle.
pub(super) fn find(dump: &Dump) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnTheWay,
        Done,
    }
    let mut seen = vec![Seen::No; dump.tasks.len()];
    let mut cycles: Vec<Vec<usize>> = Vec::new();
    for start in 0..dump.tasks.len() {
        if seen[start] != Seen::No {
            continue;
        }
        let mut way = vec![(start, next(dump, start))];
        seen[start] = Seen::OnTheWay;
        while let Some((task, left)) = way.last_mut() {
            let Some(to) = left.pop() else {
                seen[*task] = Seen::Done;
                way.pop();
                continue;
            };
            match seen[to] {
                Seen::No => {
                    seen[to] = Seen::OnTheWay;
                    way.push((to, next(dump, to)));
                }
                Seen::OnTheWay => {
                    let circle: Vec<_> =
                        way.iter().map(|(task, _)| *task).skip_while(|task| *task != to).collect();
                    if !cycles.iter().flatten().any(|task| circle.contains(task)) {
                        cycles.push(circle);
                    }
                }
                Seen::Done => {}
            }
        }
        if cycles.len() >= MOST {
            cycles.truncate(MOST);
            break;
        }
    }
    cycles
}
