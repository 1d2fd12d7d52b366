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
        serde_json::json!({ "schema": "formic.runs/v1", "runs": [], "truncated": false, "others": 0 })
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
    assert_eq!(words, ["STATUS", "failed", "succeeded"]);
    let one = world.formic(&["ls", "-n", "1", "--json"]).ok().json();
    assert_eq!(one["runs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_has_not_ended_is_always_listed_and_what_is_left_out_is_counted() {
    let world = World::new(
        "name: ci\ntasks: { ask: { when: params.ask, approval: { prompt: sure? } }, a: { run: 'true' } }\nparams: { ask: { type: boolean, default: false } }\n",
    );
    let _ran = world.formic(&["run", "--param", "ask=true"]).code(8);
    let oldest = world.run_id();
    for _ in 0..2 {
        let _ran = world.formic(&["run"]).ok();
    }
    let ran = world.formic(&["ls", "-n", "1"]).ok();
    assert_eq!(ran.err, "… and 1 more: formic ls --all\n");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    assert!(
        lines[0].starts_with("RUN           PIPELINE  STATUS        OK/TASKS"),
        "{}",
        ran.out
    );
    assert!(lines[1].contains("succeeded          1/2 "), "{}", ran.out);
    assert!(lines[2].starts_with(&oldest), "{}", ran.out);
    let few = world.formic(&["ls", "-n", "1", "--json"]).ok().json();
    assert_eq!(
        (few["runs"].as_array().map(Vec::len), &few["truncated"]),
        (Some(2), &true.into())
    );
    let ran = world.formic(&["ls", "--all"]).ok();
    assert_eq!((ran.out.lines().count(), ran.err.as_str()), (4, ""));
    let all = world.formic(&["ls", "--all", "--json"]).ok().json();
    assert_eq!(
        (all["runs"].as_array().map(Vec::len), &all["truncated"]),
        (Some(3), &false.into())
    );
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

#[test]
fn a_label_stands_before_the_id_in_the_run_and_in_what_is_shown_of_it() {
    let world = World::new(
        "name: ci\nparams: { who: { type: string, default: ada } }\ntasks:\n  a: { label: Compile everything, run: 'true' }\n  c: { label: \"${{ run.pipeline }} by ${{ signal.kind }}\", run: 'true' }\n  b: { label: \"Test ${{ matrix.os }} for ${{ params.who }}\", matrix: { os: [linux] }, run: 'false' }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let ran = ran.says(" Compile everything (a) ok (");
    let ran = ran.says(" ci by manual (c) ok (");
    let _ran = ran.says(" Test linux for ada (b[linux]) FAILED (");
    let shown = world.formic(&["show"]).ok().out;
    assert!(shown.contains("  Compile everything (a) "), "{shown}");
    assert!(shown.contains("  Test linux for ada ([linux]) "), "{shown}");
}

#[test]
fn a_repository_without_a_commit_is_told_with_its_branch() {
    let world = World::new("name: ci\ntasks: { a: { run: 'true' } }\n");
    world.git(&["init", "-q", "-b", "main", "."]);
    let _ran = world
        .formic(&["run"])
        .ok()
        .says("pipeline ci · no commit (main) with changes · run ");
}

#[test]
fn what_a_task_wrote_for_people_is_shown() {
    let world = World::new(
        "tasks: { a: { run: 'echo \"# 3 tests\" >> \"$FORMIC_SUMMARY\"' }, b: { run: 'true' } }\n",
    );
    let document = world.formic(&["run", "--json"]).ok().json();
    assert_eq!(document["tasks"][0]["summary"], "# 3 tests\n");
    assert!(document["tasks"][1].get("summary").is_none());
    let shown = world.formic(&["show"]).ok().out;
    assert!(
        shown.contains("\n  summary of a:\n    # 3 tests\n"),
        "{shown}"
    );
    let document = world.formic(&["show", "--json"]).ok().json();
    assert_eq!(document["tasks"][0]["summary"], "# 3 tests\n");
}
