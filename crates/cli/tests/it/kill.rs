//! `kill -9` at seeded moments: the short form of `cargo xtask kill`.

use std::path::Path;

#[test]
fn a_run_killed_at_any_moment_comes_to_the_same_end() {
    let formic = Path::new(env!("CARGO_BIN_EXE_formic"));
    let histogram = xtask::kill::kills(formic, 6, 1, &|_, _, _| {}).unwrap();
    assert_eq!(histogram.kills, 6);
}
