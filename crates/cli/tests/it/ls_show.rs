//! `formic ls` and `formic show`.

use crate::world::World;

#[test]
fn a_project_without_runs_has_an_empty_list() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let ran = world.formic(&["ls"]).ok();
    assert_eq!(ran.err, "no runs; `formic run` starts one\n");
    let document = world.formic(&["ls", "--json"]).ok().json();
    assert_eq!(
        document,
        serde_json::json!({ "schema": "formic.runs/v1", "runs": [] })
    );
    // Looking leaves nothing behind.
    assert!(!world.dir().join(".formic").exists());
}

#[test]
fn show_without_runs_says_how_to_get_one() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let ran = world.formic(&["show"]).code(6);
    let expected = format!(
        "error: there are no runs in `{}` yet\n\
         help: `formic run` starts one; `-C DIR` goes to another project\n",
        world.dir().display()
    );
    assert_eq!(ran.err, expected);
}

#[test]
fn the_newest_run_stands_first() {
    let world = World::new("name: ci\ntasks: {a: {run: 'test ! -e red'}}\n");
    let _ran = world.formic(&["run"]).ok();
    world.write("red", "");
    let _ran = world.formic(&["run"]).code(1);
    let ran = world.formic(&["ls"]).ok();
    let words: Vec<&str> = ran
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    assert_eq!(words, ["failed", "succeeded"]);
    let one = world.formic(&["ls", "-n", "1", "--json"]).ok().json();
    assert_eq!(one["runs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_matrix_that_went_well_is_one_line() {
    let world = World::new(
        "name: ci\ntasks:\n  good: { matrix: { n: [1, 2, 3] }, run: 'true' }\n  bad: { matrix: { n: [1, 2], fail_fast: false }, env: { N: \"${{ matrix.n }}\" }, run: 'exit $((N - 1))' }\n",
    );
    let _ran = world.formic(&["run"]).code(1);
    let ran = world.formic(&["show"]).ok();
    let tasks: Vec<String> = ran
        .out
        .lines()
        .skip(3)
        .take_while(|line| !line.is_empty())
        .map(|line| {
            let words: Vec<&str> = line
                .split_whitespace()
                .filter(|word| !word.ends_with('s') || word.contains("steps"))
                .collect();
            words.join(" ")
        })
        .collect();
    assert_eq!(
        tasks,
        [
            "ok good 3 of 3 fine",
            "failed bad 1 of 2 fine",
            "ok [1]",
            "failed [2] user · step `run` exited with code 1",
        ],
        "{}",
        ran.out
    );
}

#[test]
fn a_run_is_known_by_the_beginning_of_its_id() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    let run = world.run_id();
    let upper = run[..6].to_uppercase();
    for name in ["@", &run, &upper] {
        let document = world.formic(&["show", name, "--json"]).ok().json();
        assert_eq!(document["run"], run.as_str());
    }
}

#[test]
fn an_unknown_run_and_a_text_that_is_none_are_different_faults() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    let other = if world.run_id().starts_with("zz") {
        "yy"
    } else {
        "zz"
    };
    let ran = world.formic(&["show", other]).code(6);
    assert_eq!(
        ran.err,
        format!(
            "error: no run begins with `{other}`\nhelp: `formic ls` shows the runs that are kept\n"
        )
    );
    let ran = world.formic(&["show", "lol"]).code(2);
    assert_eq!(
        ran.err,
        "error: `lol` is not a run id; expected up to 12 characters of 0-9 and a-z without i, l, o, u\n\
         help: `formic ls` shows the runs; `@` is the newest one\n"
    );
}

#[test]
fn a_beginning_that_several_runs_share_lists_them() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    // Of 33 ids two begin with the same of 32 characters.
    let mut first = std::collections::BTreeMap::new();
    let shared = loop {
        let document = world.formic(&["run", "--json"]).ok().json();
        let run = document["run"]
            .as_str()
            .map(str::to_owned)
            .unwrap_or_default();
        let letter = run[..1].to_owned();
        if let Some(other) = first.insert(letter.clone(), run.clone()) {
            break (letter, run, other);
        }
    };
    let (letter, newer, older) = shared;
    let ran = world.formic(&["show", &letter]).code(2);
    assert_eq!(
        ran.err,
        format!(
            "error: several runs begin with `{letter}`: {newer}, {older}\nhelp: give more characters\n"
        )
    );
}
