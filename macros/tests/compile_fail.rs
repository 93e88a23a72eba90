//! What must not compile, and what the compiler says then. `TRYBUILD=overwrite` writes the expected texts anew.

#[test]
fn what_must_not_compile() {
    // No watchdog: the first build of the cases takes as long as it takes.
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
