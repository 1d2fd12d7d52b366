//! The benchmark runs and prints what its readers expect.

use std::process::Command;

use crate::helper::not_run;

#[test]
fn spawn_rate_prints_floor_ours_and_ratio() {
    // Cargo builds examples beside tests, in the directory above this binary's.
    let directory = std::env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples");
    let program = directory.join("spawn_rate");
    if !program.exists() {
        return not_run("the example is not built; `cargo test -p exec` builds it");
    }
    let output = Command::new(program)
        .args(["20", "2", "1"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        words.iter().filter(|word| **word == "floor").count(),
        3,
        "{text}"
    );
}
