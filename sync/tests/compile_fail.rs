//! What must not compile: `tests/ui/*.rs`, each with the error that it gives.

#[test]
fn compile_fail() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
