//! `formic resume` after a signal, and where it goes on.

use crate::world::{World, heard, tell};
use std::io::{BufReader, Read as _};
use std::process::Stdio;

/// The first attempt of `a` waits for ever; later ones end at once.
fn stuck(world: &World) -> String {
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "name: ci\ntasks:\n  done: {{ run: echo x >> ran-once }}\n  a: {{ needs: [done], run: 'pwd; if test \"$FORMIC_ATTEMPT_NUMBER\" = 1; then echo x > {begun}; cat {go}; fi' }}\n  b: {{ needs: [a], run: 'cat word' }}\n"
        ),
    );
    world.write(".gitignore", "ran-once\n");
    world.write("word", "committed\n");
    begun
}

#[test]
fn sigterm_leaves_the_run_to_be_resumed() {
    let world = World::empty();
    let begun = stuck(&world);
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("TERM");
    let ran = going.end().code(143);
    let run = world.run_id();
    let _ran = ran.says(&format!("next: formic resume {}\n", &run[..4]));
    assert_eq!(world.document()["status"], "interrupted");
    let ran = world.formic(&["resume"]).ok();
    let _ran = ran
        .says("run              goes on; `a` was interrupted and starts again, idempotent or not\n")
        .says(" of it since it went on: 3 ok");
    assert_eq!(world.read("ran-once"), "x\n");
    assert_eq!(
        (
            world.run_id(),
            world.document()["tasks"][1]["attempts"].as_u64()
        ),
        (run, Some(2))
    );
}

#[test]
fn sighup_is_told_apart() {
    let world = World::empty();
    let begun = stuck(&world);
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("HUP");
    let _ran = going.end().code(129);
}

#[test]
fn a_changed_tree_is_not_what_is_resumed() {
    let world = World::empty();
    let begun = stuck(&world);
    world.git(&["init", "-q", "-b", "main", "."]);
    world.commit();
    world.write("word", "changed\n");
    world.write("untracked", "new\n");
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("TERM");
    let _ran = going.end().code(143);
    world.write("word", "changed again\n");
    let commit = world.git(&["rev-parse", "--short=7", "HEAD"]);
    let ran = world.formic(&["resume"]).ok();
    let short = &world.run_id()[..4];
    let _ran = ran.says(&format!(
        "note: the tree has changed (`word`): this runs in a clean worktree of {} plus the recorded changes\n\
         note: files that finished tasks left in the tree are not there, only declared artifacts; \
         `formic resume --here {short}` takes the tree as it is\n",
        commit.trim()
    ));
    assert_eq!(world.formic(&["logs", "@/b"]).ok().out, "changed\n");
    // The worktree goes with the run.
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn of_several_that_resume_one_run_the_others_are_told_who_has_it() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "name: ci\ntasks:\n  ask: {{ approval: {{ prompt: sure? }} }}\n  a: {{ needs: [ask], run: 'echo x > {begun}; cat {go}' }}\n"
        ),
    );
    let _ran = world.formic(&["run"]).code(8);
    let _ran = world.formic(&["approve", "ask"]).ok();
    let run = world.run_id();
    let mut children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = world.command(&["resume", &run]);
            let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().expect("the program starts")
        })
        .collect();
    assert_eq!(heard(&begun), "x\n");
    // All but the one that waits for the fifo end.
    let mut ended = Vec::new();
    while ended.len() < 3 {
        children.retain_mut(|child| match child.try_wait().expect("it is a child") {
            Some(_) => {
                let mut said = String::new();
                let stderr = child.stderr.take().expect("it is a pipe");
                BufReader::new(stderr)
                    .read_to_string(&mut said)
                    .expect("it is text");
                ended.push((child.wait().expect("it has ended").code(), said));
                false
            }
            None => true,
        });
        std::thread::yield_now();
    }
    let is_owned = format!("error: run `{run}` goes on in ");
    let follows = format!("help: `formic logs -f {}` follows it\n", &run[..4]);
    for (code, said) in ended {
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains(&is_owned) && said.ends_with(&follows),
            "{said}"
        );
        // Only who has it begins to tell of it.
        assert!(!said.contains("pipeline ci"), "{said}");
    }
    tell(&go);
    for child in children {
        assert!(child.wait_with_output().expect("it ends").status.success());
    }
}

#[test]
fn here_takes_the_tree_as_it_is() {
    let world = World::empty();
    let begun = stuck(&world);
    world.git(&["init", "-q", "-b", "main", "."]);
    world.commit();
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("TERM");
    let _ran = going.end().code(143);
    world.write("word", "changed\n");
    world.write(
        "formic.yaml",
        "name: ci\ntasks:\n  done: { run: echo x >> ran-once }\n  b: { needs: [done], run: 'cat word' }\n",
    );
    let first = world.run_id();
    let _ran = world.formic(&["resume", "--here"]).ok().says(&format!(
        "note: run {first} is canceled without its `finally`; a new one takes the tree as it is and reuses nothing\n"
    ));
    assert_eq!(world.formic(&["logs", "@/b"]).ok().out, "changed\n");
    // What had been finished was of another tree.
    assert_eq!(world.read("ran-once"), "x\nx\n");
    assert_eq!(world.document()["parent"], first.as_str());
    let old = world.formic(&["show", &first, "--json"]).ok().json();
    assert_eq!(old["status"], "canceled");
}

#[test]
fn a_run_that_cannot_begin_anew_is_not_ended_for_it() {
    let world = World::empty();
    let begun = stuck(&world);
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("TERM");
    let _ran = going.end().code(143);
    world.write(
        "formic.yaml",
        "name: ci\ntasks:\n  done: { runs: 'true' }\n",
    );
    let _ran = world
        .formic(&["resume", "--here"])
        .code(2)
        .says("error[E0201]: unknown key `runs` in task `done`");
    assert_eq!(world.document()["status"], "interrupted");
}

#[test]
fn nothing_is_told_to_be_interrupted_that_was_not() {
    let world = World::new(
        "name: ci\ntasks:\n  ask: { approval: { prompt: sure? } }\n  b: { needs: [ask], run: 'true' }\n",
    );
    let _ran = world.formic(&["run"]).code(8);
    let _ran = world.formic(&["approve", "ask"]).ok();
    let _ran = world
        .formic(&["resume"])
        .ok()
        .says("run              goes on; nothing was interrupted\n");
}

#[test]
fn a_living_run_and_an_ended_one_cannot_be_resumed() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n"),
    );
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let run = world.run_id();
    let short = &run[..4];
    let _ran = world
        .formic(&["resume", "@"])
        .code(2)
        .says(&format!("error: run `{run}` goes on in process "));
    let ran = world.formic(&["resume"]).code(6);
    let expected = format!(
        "error: there is no run to go on with: run `{run}` goes on in process {}\n\
         help: `formic logs -f {short}` follows it\n",
        going.pid()
    );
    assert_eq!(ran.err, expected);
    tell(&go);
    let _ran = going.end().ok();
    let ran = world.formic(&["resume", "@"]).code(2);
    let expected = format!(
        "error: run `{run}` has ended, and ended runs never change\n\
         help: `formic retry {short}` makes a new run of what did not succeed\n"
    );
    assert_eq!(ran.err, expected);
    let ran = world.formic(&["resume"]).code(6);
    assert_eq!(
        ran.err,
        "error: there is no run to go on with\n\
         help: `formic ls` shows the runs; `formic retry` repeats one that has ended\n"
    );
}
