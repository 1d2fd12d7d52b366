//! `formic replay`.

use crate::world::World;

#[test]
fn one_task_runs_again_with_its_recorded_inputs_in_a_worktree() {
    let world = World::with_git(
        "name: ci\ntasks:\n  a: { outputs: { v: { type: string } }, run: 'echo v=$RANDOM >> \"$FORMIC_OUTPUT\"' }\n  b: { needs: [a], env: { V: \"${{ tasks.a.outputs.v }}\" }, run: 'pwd; echo \"v $V\"; cat new' }\n  c: { needs: [b], run: 'true' }\n",
    );
    world.write("new", "not committed\n");
    let _ran = world.formic(&["run"]).ok();
    let first = world.formic(&["logs", "@/b"]).ok().out;
    let run = world.run_id();
    world.write("new", "changed since\n");
    let _ran = world.formic(&["replay", "@", "b"]).ok().says(&format!(
        "replay of `b` of run {run}: its commands run for real; outputs and artifacts are not kept for others\n"
    ));
    let second = world.formic(&["logs", "@/b"]).ok().out;
    let behind_pwd = |log: &str| log.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(behind_pwd(&first), behind_pwd(&second));
    assert_ne!(first.lines().next(), second.lines().next());
    let document = world.document();
    assert_eq!(document["parent"], run.as_str());
    assert_eq!(document["tasks"][2]["reused_from"], run.as_str());
    assert_eq!(document["tasks"][1]["reused_from"], serde_json::Value::Null);
}

#[test]
fn an_unknown_task_is_told_with_the_nearest() {
    let world = World::new("tasks: {build: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    let run = world.run_id();
    let ran = world.formic(&["replay", "@", "biuld"]).code(6);
    assert_eq!(
        ran.err,
        format!("error: run `{run}` has no task `biuld`\nhelp: did you mean `build`?\n")
    );
}

#[test]
fn a_replay_is_judged_by_the_task_that_it_repeats() {
    let world =
        World::new("name: ci\ntasks:\n  red: { run: exit 1 }\n  good: { run: 'test ! -e bad' }\n");
    let _ran = world.formic(&["run"]).code(1);
    let run = world.run_id();
    let short = &run[..4];
    let ran = world.formic(&["replay", "@", "good"]).ok();
    assert!(ran.err.contains(" good             ok ("), "{}", ran.err);
    assert!(ran.err.contains("ci succeeded in "), "{}", ran.err);
    assert!(ran.err.contains(": 1 ok  (run "), "{}", ran.err);
    assert!(!ran.err.contains("red "), "{}", ran.err);
    assert_eq!(world.document()["status"], "succeeded");
    world.write("bad", "");
    let again = format!("next: formic replay {short} good\n");
    let ran = world
        .formic(&["replay", &run, "good", "--here"])
        .code(1)
        .says(&again);
    assert!(ran.err.contains(": 1 failed  (run "), "{}", ran.err);
    assert!(!ran.err.contains("formic retry"), "{}", ran.err);
}

#[test]
fn a_replay_tells_of_the_task_that_it_repeats_and_of_no_other() {
    let world = World::new(
        "name: ci\ntasks:\n  list: { outputs: { l: { type: list } }, run: 'echo l=[] >> \"$FORMIC_OUTPUT\"' }\n  none: { needs: [list], matrix: { x: '${{ tasks.list.outputs.l }}' }, run: 'true' }\n  make: { generates: g.yaml, run: 'echo \"tasks: { one: { run: true }, two: { run: true } }\" > g.yaml' }\n  good: { run: 'true' }\n",
    );
    let all = world.formic(&["run"]).ok().says("generated 2 tasks");
    assert!(all.err.contains(" none             skipped"), "{}", all.err);
    let run = world.run_id();
    let told = |err: &str| -> Vec<String> {
        let lines = err.lines().filter(|line| line.starts_with('['));
        let words = lines.filter_map(|line| line.split_whitespace().nth(2));
        words.map(str::to_owned).collect()
    };
    let good = world.formic(&["replay", &run, "good"]).ok();
    assert_eq!(told(&good.err), ["good"], "{}", good.err);
    let make = world.formic(&["replay", &run, "make"]).ok();
    assert_eq!(told(&make.err), ["make"], "{}", make.err);
    let _all = world
        .formic(&["replay", &run, "good", "-v"])
        .ok()
        .says(" none             skipped");
}

#[test]
fn nothing_goes_on_from_a_replay() {
    let world = World::new("tasks:\n  a: { run: 'true' }\n  b: { run: 'true' }\n");
    let _ran = world.formic(&["run"]).ok();
    let first = world.run_id();
    let _ran = world.formic(&["replay", "@", "a"]).ok();
    let run = world.run_id();
    let short = &first[..4];
    let ran = world.formic(&["replay", "@", "b"]).code(2);
    assert_eq!(
        ran.err,
        format!(
            "error: run `{run}` is itself a replay, and not of `b`\n\
             help: `formic replay {short} b` repeats it with the inputs of the run that it comes from\n"
        )
    );
    let ran = world.formic(&["retry", "@"]).code(2);
    assert_eq!(
        ran.err,
        format!(
            "error: run `{run}` is a replay, of which nothing is kept to go on from\n\
             help: `formic retry {short}` repeats the run that it comes from\n"
        )
    );
    let _ran = world.formic(&["replay", "@", "a"]).ok();
}
