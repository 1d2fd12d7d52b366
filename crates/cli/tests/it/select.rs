//! Which pipeline and which tasks `formic run` takes.

use crate::world::World;

const ONE: &str = "name: ci\ntasks:\n  a: { run: 'true' }\n  b: { needs: [a], run: 'true' }\n  c: { run: 'true' }\nfinally:\n  d: { run: 'true' }\n";

fn two() -> World {
    let world = World::empty();
    world.write(".formic/ci.yaml", ONE);
    world.write(".formic/nightly.yaml", "tasks: {long: {run: 'true'}}\n");
    world
}

#[test]
fn one_task_brings_what_it_needs() {
    let world = World::new(ONE);
    let _ran = world.formic(&["run", "b"]).ok();
    assert_eq!(world.statuses(), ["a succeeded -", "b succeeded -"]);
}

#[test]
fn a_word_may_be_the_pipeline() {
    let world = two();
    let _ran = world.formic(&["run", "nightly"]).ok();
    assert_eq!(world.statuses(), ["long succeeded -"]);
}

#[test]
fn pipeline_and_task_decide() {
    let world = two();
    let _ran = world.formic(&["run", "ci/a"]).ok();
    assert_eq!(world.statuses(), ["a succeeded -"]);
}

#[test]
fn a_task_of_an_included_file_is_found_among_several_pipelines() {
    let world = two();
    world.write(
        ".formic/nightly.yaml",
        "include: [ci/more.yaml]\ntasks: {long: {run: 'true'}}\n",
    );
    world.write("ci/more.yaml", "include: [ci/deep.yaml]\n");
    world.write("ci/deep.yaml", "tasks: {deep: {run: 'true'}}\n");
    let _ran = world.formic(&["run", "deep"]).ok();
    assert_eq!(world.statuses(), ["deep succeeded -"]);
}

#[test]
fn of_several_pipelines_one_has_to_be_named() {
    let ran = two().formic(&["run"]).code(2);
    assert_eq!(
        ran.err,
        "error: there are several pipelines: ci, nightly\nhelp: name one: `formic run PIPELINE`\n"
    );
}

#[test]
fn two_files_with_one_name_are_told_apart_by_nobody() {
    let world = World::new("name: ci\ntasks: {a: {run: 'true'}}\n");
    world.write(".formic/ci.yaml", "tasks: {b: {run: 'true'}}\n");
    for line in [&["run"][..], &["run", "ci"], &["run", "ci/a"]] {
        let ran = world.formic(line).code(2);
        assert_eq!(
            ran.err,
            "error: pipeline `ci` is in two files: `formic.yaml` and `.formic/ci.yaml`\n\
             help: give one of them another `name:`, or name one with `--file FILE`\n"
        );
    }
    let _ran = world.formic(&["run", "--file", ".formic/ci.yaml"]).ok();
    assert_eq!(world.statuses(), ["b succeeded -"]);
}

#[test]
fn an_unknown_task_is_not_green() {
    let world = World::new("name: ci\ntasks: {build: {run: 'true'}, test: {run: 'true'}}\n");
    let ran = world.formic(&["run", "biuld"]).code(6);
    assert_eq!(
        ran.err,
        "error: pipeline `ci` has no task `biuld`\nhelp: did you mean `build`?\n"
    );
}

#[test]
fn an_unknown_pipeline_is_told_with_those_that_there_are() {
    let ran = two().formic(&["run", "deploy"]).code(6);
    assert_eq!(
        ran.err,
        "error: there is no pipeline `deploy`\n\
         help: the pipelines are ci, nightly; a task is named `PIPELINE/TASK`\n"
    );
}

#[test]
fn a_pipeline_and_a_task_of_one_name_have_to_be_told_apart() {
    let ran = World::new("name: ci\ntasks: {ci: {run: 'true'}}\n")
        .formic(&["run", "ci"])
        .code(2);
    assert_eq!(
        ran.err,
        "error: `ci` is a pipeline and a task\n\
         help: say `ci/ci` for the task; without a word the pipeline is run\n"
    );
}

#[test]
fn an_invalid_file_leaves_no_board_behind() {
    let world = World::new("tasks:\n  a: { runs: make }\n");
    let _ran = world
        .formic(&["run"])
        .code(2)
        .says("error: `formic.yaml` cannot be run: it has 1 error");
    assert!(!world.dir().join(".formic").exists());
}

#[test]
fn what_this_version_cannot_do_is_refused_by_name_and_line() {
    let text = "name: ci\ntasks:\n  a:\n    run: 'true'\n    cache: [{ key: \"k-${{ params.v }}\", paths: [x] }]\nparams: { v: { type: string, default: a } }\n";
    let _ran = World::new(text)
        .formic(&["run"])
        .code(2)
        .says("error: this version of Formic cannot run `cache` of task `a` (formic.yaml:5)");
}

#[test]
fn params_are_checked() {
    let text = "params: { n: { type: number, default: 1 } }\ntasks: { a: { env: { N: \"${{ params.n }}\" }, run: 'echo $N > n' } }\n";
    let world = World::new(text);
    let _ran = world.formic(&["run", "--param", "n=7"]).ok();
    assert_eq!(world.read("n"), "7\n");
    let _ran = world
        .formic(&["run", "--param", "m=7"])
        .code(2)
        .says("error: the pipeline has no param `m`\nhelp: did you mean `n`?\n");
    let ran = world.formic(&["run", "--param", "n=x"]).code(2);
    assert_eq!(
        ran.err,
        "error: param `n`: expected a number, found `x` (formic.yaml:1:11)\n\
         help: give another value: `--param n=VALUE`\n"
    );
    let ran = world.formic(&["run", "--param", "n"]).code(2);
    assert_eq!(
        ran.err,
        "error: `--param n` has no value\nhelp: write `--param n=VALUE`\n"
    );
}
