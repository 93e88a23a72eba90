//! Loom models of the scheduler.
