//! `formic approve` and `formic reject`, and a run that waits for a person.

use crate::world::{Terminal, World, heard, tell};

const TEXT: &str = "name: ci\ntasks:\n  a: { run: 'true' }\n  deploy: { needs: [a], approval: \"to production?\", run: echo done > deployed }\n";

fn blocked() -> World {
    let world = World::new(TEXT);
    let ran = world.formic(&["run"]).code(8);
    let short = world.run_id()[..4].to_owned();
    let _ran = ran
        .says(&format!(
            "waits for approval: to production? (formic approve {short} deploy)\n"
        ))
        .says(&format!(
            "next: formic approve {short} deploy\nnext: formic resume {short}\n"
        ));
    assert_eq!(world.document()["status"], "blocked");
    world
}

#[test]
fn a_blocked_run_is_approved_and_goes_on() {
    let world = blocked();
    let run = world.run_id();
    let ran = world.formic(&["approve", "deploy"]).ok();
    let expected = format!(
        "approved `deploy` of run {run}\nnobody works on the run: `formic resume {}` goes on\n",
        &run[..4]
    );
    assert_eq!(ran.err, expected);
    let _ran = world.formic(&["resume"]).ok();
    assert_eq!(world.read("deployed"), "done\n");
    assert_eq!(world.document()["tasks"][1]["attempts"], 1);
}

#[test]
fn a_rejection_is_a_gate() {
    let world = blocked();
    let _ran = world.formic(&["reject", "@", "deploy"]).ok();
    assert_eq!(world.document()["tasks"][1]["message"], "rejected by ada");
    assert_eq!(world.statuses()[1], "deploy failed policy");
    assert!(!world.dir().join("deployed").exists());
}

#[test]
fn a_living_run_hears_the_answer() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!("tasks:\n  long: {{ run: 'echo x > {begun}; cat {go}' }}\n  deploy: {{ approval: \"sure?\", run: 'true' }}\n"),
    );
    let mut going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let _ran = world.formic(&["reject", "deploy"]).ok();
    going.until("rejected by ada");
    tell(&go);
    let _ran = going.end().code(5);
}

#[test]
fn a_task_that_does_not_wait_is_told_with_those_that_do() {
    let world = blocked();
    let run = world.run_id();
    let ran = world.formic(&["approve", "@", "a"]).code(2);
    assert_eq!(
        ran.err,
        format!(
            "error: task `a` of run `{run}` does not wait for an answer\nhelp: these do: `deploy`\n"
        )
    );
    let ran = world.formic(&["approve", "@", "depoly"]).code(6);
    assert_eq!(
        ran.err,
        format!("error: run `{run}` has no task `depoly`\nhelp: did you mean `deploy`?\n")
    );
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let world = World::new(TEXT);
    let mut terminal = Terminal::start(&mut world.command(&["run", "--color", "never"]));
    terminal.until("deploy: to production? [y/n] ");
    terminal.type_line("perhaps");
    terminal.type_line("y");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(world.read("deployed"), "done\n");
}
