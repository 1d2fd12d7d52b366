//! `formic retry`.

use crate::world::World;

/// Each task writes into a ledger outside of the tree; `b` fails while there is a file `red` beside it.
fn red() -> World {
    let world = World::empty();
    let beside = world.outside().display().to_string();
    world.write(
        "formic.yaml",
        &format!(
            "name: ci\ntasks:\n  a: {{ outputs: {{ v: {{ type: string }} }}, run: 'echo a >> {beside}/ledger; echo v=kept >> \"$FORMIC_OUTPUT\"' }}\n  b: {{ needs: [a], env: {{ V: \"${{{{ tasks.a.outputs.v }}}}\" }}, run: 'echo b $V >> {beside}/ledger; test ! -e {beside}/red' }}\n  c: {{ needs: [b], run: 'echo c >> {beside}/ledger' }}\n  d: {{ run: 'echo d > /dev/null; cat word' }}\n"
        ),
    );
    world.write("word", "first\n");
    world.git(&["init", "-q", "-b", "main", "."]);
    world.commit();
    world.write("../red", "");
    let _ran = world.formic(&["run"]).code(1);
    world
}

fn mend(world: &World) {
    std::fs::remove_file(world.outside().join("red")).expect("the file is there");
}

#[test]
fn only_what_failed_and_what_follows_is_run_again() {
    let world = red();
    let before = world.document();
    let parent = world.run_id();
    mend(&world);
    let ran = world.formic(&["retry"]).ok();
    let _ran = ran.says(&format!(
        "retry of run {parent}: 2 finished results taken over\n"
    ));
    assert_eq!(world.read("../ledger"), "a\nb kept\nb kept\nc\n");
    let after = world.document();
    assert_eq!(after["parent"], parent.as_str());
    assert_eq!(after["tasks"][0]["reused_from"], parent.as_str());
    // The earlier run is as it was.
    assert_eq!(
        world.formic(&["show", &parent, "--json"]).ok().json(),
        before
    );
}

#[test]
fn a_failure_that_was_allowed_is_told_as_such_when_it_is_taken_over() {
    let world = World::new(
        "tasks:\n  style: { run: exit 1, allow_failure: true }\n  test: { run: 'test -e mended' }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let _ran = ran.says(" style            failed, and may");
    let run = world.run_id();
    world.write("mended", "");
    let told = format!(
        " style            failed, and may (user), from run {}",
        &run[..4]
    );
    let _ran = world.formic(&["retry"]).ok().says(&told);
}

#[test]
fn of_a_matrix_members_are_taken_over_and_of_generated_tasks_none() {
    let world = World::new(
        "tasks:\n  cells: { matrix: { x: [a, b], fail_fast: false }, run: 'test $X = a || test -e mended', env: { X: '${{ matrix.x }}' } }\n  make: { generates: g.yaml, run: 'echo \"tasks: { one: { run: true }, two: { run: test -e mended } }\" > g.yaml' }\n",
    );
    let _ran = world.formic(&["run"]).code(1);
    world.write("mended", "");
    let ran = world.formic(&["retry"]).ok();
    let ran = ran.says("1 finished result taken over\n");
    assert_eq!(ran.err.matches(", from run ").count(), 1, "{}", ran.err);
    let _ran = ran
        .says(" cells[a]         ok, from run ")
        .says(" make/one ");
}

#[test]
fn from_a_task_on_runs_what_succeeded_too() {
    let world = red();
    mend(&world);
    let _ran = world.formic(&["retry", "--from", "a"]).ok();
    assert_eq!(world.read("../ledger"), "a\nb kept\na\nb kept\nc\n");
}

#[test]
fn a_changed_tree_is_left_alone_and_the_recorded_one_is_used() {
    let world = red();
    mend(&world);
    world.write("word", "second\n");
    let _ran = world
        .formic(&["retry", "--from", "d"])
        .ok()
        .says("note: the tree has changed (`word`): this runs in a clean worktree of ");
    assert_eq!(world.formic(&["logs", "@/d"]).ok().out, "first\n");
    assert_eq!(world.read("word"), "second\n");
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_task_that_fails_in_the_worktree_is_followed_by_how_to_take_the_tree() {
    let world = red();
    world.write("word", "second\n");
    world.write("another", "");
    let ran = world.formic(&["retry"]).code(1);
    let ran = ran.says("note: the tree has changed (`another` and 1 more file): ");
    let run = world.run_id();
    let parent = world.document()["parent"].as_str().map(str::to_owned);
    let ran = ran.says(&format!(
        "`formic retry --here {}` takes the tree as it is\n",
        &parent.unwrap_or_default()[..4]
    ));
    let next = ran.err.lines().find(|line| line.starts_with("next: "));
    let expected = format!("next: formic retry --here {}", &run[..4]);
    assert_eq!(next, Some(expected.as_str()));
    // The project is what the run is of, wherever its tasks worked.
    let _ran = world.formic(&["retry", "--here"]).code(1);
}

#[test]
fn here_reuses_nothing() {
    let world = red();
    mend(&world);
    world.write("word", "second\n");
    let parent = world.run_id();
    let _ran = world.formic(&["retry", "--here"]).ok();
    assert_eq!(world.formic(&["logs", "@/d"]).ok().out, "second\n");
    assert_eq!(world.read("../ledger"), "a\nb kept\na\nb kept\nc\n");
    assert_eq!(world.document()["parent"], parent.as_str());
}

#[test]
fn a_green_run_has_nothing_to_retry() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    let run = world.run_id();
    let ran = world.formic(&["retry"]).code(2);
    let expected = format!(
        "error: nothing of run `{run}` has to be run again\n\
         help: `--from TASK` runs a task and what comes after it again\n\
         help: `formic show {}` shows what happened\n",
        &run[..4]
    );
    assert_eq!(ran.err, expected);
}

#[test]
fn without_git_the_tree_is_taken_as_it_is() {
    let world = World::new("tasks: {a: {run: test -e mended}}\n");
    let _ran = world.formic(&["run"]).code(1);
    world.write("mended", "");
    let _ran = world
        .formic(&["retry"])
        .ok()
        .says("note: the source of the run was not recorded: the tree is taken as it is\n");
}

#[test]
fn an_artifact_that_somebody_deleted_from_the_board_is_named_with_how_to_make_it_again() {
    let world = World::new(
        "tasks:\n  a: { run: echo x > out, artifacts: { out: { o: out } } }\n  b: { needs: [a], artifacts: { in: [{ from: a, name: o }] }, run: test -e mended }\n",
    );
    let _ran = world.formic(&["run"]).code(1);
    let document = world.document();
    let digest = document["tasks"][0]["artifacts"]["o"].as_str();
    let digest = digest.unwrap_or_default().trim_start_matches("sha256:");
    let blobs = world.dir().join(".formic/state/blobs");
    std::fs::remove_file(blobs.join(&digest[..2]).join(&digest[2..])).expect("it was kept");
    world.write("mended", "");
    let run = world.run_id();
    let expected = format!(
        "error: artifact `o` of task `a` is not on the board any more: something deleted it in `{}`\n\
         help: `formic retry --from a {short}` makes it again\n\
         help: `formic retry --here {short}` runs everything again in the tree as it is\n",
        blobs.display(),
        short = &run[..4]
    );
    assert_eq!(world.formic(&["retry"]).code(7).err, expected);
    assert_eq!(world.formic(&["replay", "@", "b"]).code(7).err, expected);
    let _ran = world.formic(&["retry", "--from", "a"]).ok();
}
