//! `formic cancel`, and Ctrl-C.

use crate::world::{World, heard, processes_with, tell};

/// A pipeline whose first task says that it runs and then waits for a fifo.
fn waiting(world: &World) -> (String, String) {
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "name: ci\ntasks:\n  a: {{ run: 'echo x > {begun}; cat {go}' }}\n  b: {{ needs: [a], run: 'true' }}\nfinally:\n  f: {{ run: 'true' }}\n"
        ),
    );
    (begun, go)
}

#[test]
fn another_terminal_cancels_and_finally_runs() {
    let world = World::empty();
    let (begun, go) = waiting(&world);
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let run = world.run_id();
    let ran = world.formic(&["cancel"]).ok();
    assert_eq!(ran.err, format!("run {run} was told to stop (finally)\n"));
    let _ran = going.end().code(3).says("is canceled (finally) by ada");
    assert_eq!(
        world.statuses(),
        ["a canceled person", "b canceled person", "f succeeded -"]
    );
    assert_eq!(processes_with(&go), [] as [String; 0]);
}

#[test]
fn now_leaves_out_finally() {
    let world = World::empty();
    let (begun, _) = waiting(&world);
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let _ran = world.formic(&["cancel", "--mode", "now"]).ok();
    let _ran = going.end().code(3);
    assert_eq!(world.statuses()[2], "f canceled person");
}

#[test]
fn drain_lets_running_tasks_end() {
    let world = World::empty();
    let (begun, go) = waiting(&world);
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let _ran = world.formic(&["cancel", "--mode", "drain"]).ok();
    going.until("is canceled (drain) by ada");
    tell(&go);
    let _ran = going.end().code(3);
    assert_eq!(
        world.statuses(),
        ["a succeeded -", "b canceled person", "f succeeded -"]
    );
}

#[test]
fn ctrl_c_cancels_and_names_the_next_step() {
    let world = World::empty();
    let (begun, _) = waiting(&world);
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going.signal("INT");
    let ran = going.end().code(130);
    let short = &world.run_id()[..4];
    let _ran = ran.says(&format!("next: formic retry {short}\n"));
    assert_eq!(world.statuses()[2], "f succeeded -", "{}", world.document());
}

#[test]
fn ctrl_c_twice_kills_now() {
    let world = World::empty();
    let (begun, deaf) = (world.fifo("begun"), world.fifo("deaf"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  a: {{ run: 'trap \"\" TERM; echo x > {begun}; while :; do sleep 1000 < /dev/null || true; done; : {deaf}' }}\nfinally:\n  f: {{ run: 'true' }}\n"),
    );
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    going
        .signal("INT")
        .until("is canceled (finally)")
        .signal("INT");
    let _ran = going.end().code(130);
    assert_eq!(world.statuses(), ["a canceled person", "f canceled person"]);
}

#[test]
fn an_ended_run_never_changes() {
    let world = World::new("tasks: {a: {run: 'true'}}\n");
    let _ran = world.formic(&["run"]).ok();
    let run = world.run_id();
    let ran = world.formic(&["cancel"]).code(2);
    let expected = format!(
        "error: run `{run}` has ended, and ended runs never change\nhelp: `formic show {}` says how\n",
        &run[..4]
    );
    assert_eq!(ran.err, expected);
}
