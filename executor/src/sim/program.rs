//! A whole program under the simulator: `DORMOUSE_SIM=seed`, in a build with debug assertions.
use super::trace::Time;
use super::{Builder, driver, number};
use crate::panics;
use std::future::Future;
use std::panic::resume_unwind;

const SIM: &str = "DORMOUSE_SIM";

/// Runs `main` under the simulator if the environment asks for that, and gives it back if not.
pub(crate) fn program<F: Future>(main: F) -> Result<F::Output, F> {
    let Some(seed) = seed() else { return Err(main) };
    let options = Builder::new().allow_leaks().inline_blocking().options;
    match driver::run(&options, seed, main, |_| None) {
        Ok(run) => {
            panics::say(format_args!(
                "dormouse: simulated run: seed {seed}, virtual time {}, {} steps, trace {:016x}",
                Time(run.nanos),
                run.steps,
                run.hash
            ));
            Ok(run.output)
        }
        Err((failure, payload)) => {
            panics::say(format_args!("{failure}"));
            match payload {
                Some(payload) => resume_unwind(payload),
                None => std::process::exit(1),
            }
        }
    }
}

fn seed() -> Option<u64> {
    if cfg!(debug_assertions) { number(SIM) } else { None }
}
