//! Bench program.
fn main() {}
