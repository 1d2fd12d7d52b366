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
        "replay of `b` of run {run}; nothing is published\n"
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
