//! `formic retry --here` and `resume --here`: the tree as it is now, what was asked for as it was then.

use crate::world::{World, heard};

/// The newest run's tasks by name.
fn tasks(world: &World) -> Vec<String> {
    let document = world.document();
    let tasks = document["tasks"].as_array().cloned().unwrap_or_default();
    let names = tasks.iter().filter_map(|task| task["id"].as_str());
    names.map(str::to_owned).collect()
}

#[test]
fn a_run_of_one_task_is_made_again_of_that_task() {
    let pipeline = "name: ci\ntasks:\n  a: { run: 'true' }\n  b: { needs: [a], run: test -e mended }\n  c: { run: 'true' }\n";
    let world = World::with_git(pipeline);
    let _ran = world.formic(&["run", "b"]).code(1);
    let run = world.run_id();
    world.write(
        "formic.yaml",
        &pipeline.replace("needs: [a]", "needs: [a, d]").replace(
            "  c:",
            "  d: { run: 'true' }\n  e: { needs: [b], run: 'true' }\n  c:",
        ),
    );
    world.write("mended", "");
    let _ran = world.formic(&["retry", "--here"]).ok();
    assert_eq!(tasks(&world), ["a", "b", "d"]);
    // Twice is as once.
    let _ran = world.formic(&["retry", "--here"]).ok();
    assert_eq!(tasks(&world), ["a", "b", "d"]);
    world.write("formic.yaml", &pipeline.replace("b:", "build:"));
    let _ran = world
        .formic(&["retry", "--here", &run])
        .code(6)
        .says("error: pipeline `ci` has no task `b`\n");
}

#[test]
fn a_run_of_one_task_that_was_left_is_begun_anew_of_that_task() {
    let world = World::empty();
    let begun = world.fifo("begun");
    let go = world.fifo("go");
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'test -e mended || {{ echo x > {begun}; cat {go}; }}' }}\n  b: {{ run: 'true' }}\n"),
    );
    let mut going = world.start(&["run", "a"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("TERM");
    let _ran = going.end().code(143);
    world.write("mended", "");
    let _ran = world.formic(&["resume", "--here"]).ok();
    assert_eq!(tasks(&world), ["a"]);
}

#[test]
fn what_happened_stays_and_what_a_person_asks_is_of_the_tree_as_it_is() {
    let world = World::with_git(
        "name: ci\non: { tag: {}, manual: {} }\ntasks:\n  a:\n    env: { SAID: '${{ signal.kind }} ${{ signal.name }} ${{ signal.tag }} ${{ signal.branch }} ${{ signal.ref }} ${{ signal.title }} ${{ signal.dirty }}' }\n    run: 'echo $SAID; test -e mended'\n",
    );
    let again = |args: &[&str]| {
        let _ran = world.formic(args).code(1);
        let run = world.run_id();
        let before = world.formic(&["logs", "@/a"]).ok().out;
        world.git(&["checkout", "-q", "-b", "later"]);
        let _ran = world.formic(&["retry", "--here", &run]).code(1);
        let after = world.formic(&["logs", "@/a"]).ok().out;
        world.git(&["checkout", "-q", "main"]);
        world.git(&["branch", "-q", "-d", "later"]);
        (before, after)
    };
    let (before, after) = again(&["run", "--tag", "v7"]);
    assert_eq!(before, "tag v7 refs/tags/v7 false\n");
    assert_eq!(after, before);
    world.write("../payload.json", "{\"title\": \"ours\"}");
    let manual = [
        "run",
        "--on",
        "manual:deploy",
        "--payload",
        "../payload.json",
    ];
    let (before, after) = again(&manual);
    assert_eq!(before, "manual deploy main refs/heads/main ours false\n");
    assert_eq!(after, "manual deploy later refs/heads/later ours false\n");
    let (_, after) = again(&["run", "--branch", "release"]);
    assert_eq!(after, "manual release refs/heads/release false\n");
}
