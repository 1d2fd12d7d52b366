//! `formic approve` and `formic reject`, and a run that waits for a person.

use crate::world::{Terminal, World, heard, tell};

const TEXT: &str = "name: ci\ntasks:\n  a: { run: 'true' }\n  deploy: { needs: [a], approval: \"to production?\", run: echo done > deployed }\n";

fn blocked() -> World {
    let world = World::new(TEXT);
    let ran = world.formic(&["run"]).code(8);
    let short = world.run_id()[..4].to_owned();
    let _ran = ran
        .says(&format!(
            "waits for approval: to production? (formic approve {short} deploy within "
        ))
        .says("deploy asks: to production? (asked ")
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
fn an_answer_to_a_run_that_has_ended_names_the_one_that_waits() {
    let world = blocked();
    let run = world.run_id();
    let _ran = world.formic(&["run", "a"]).ok();
    let _ran = world.formic(&["approve", "deploy"]).code(2).says(&format!(
        "help: it waits in an earlier run: `formic approve {} deploy`\n",
        &run[..4]
    ));
}

#[test]
fn a_matrix_whose_members_wait_for_people_is_blocked_and_not_interrupted() {
    let world = World::new(
        "name: ci\ntasks:\n  m: { matrix: { x: [1, 2] }, approval: \"go?\", run: 'true' }\n",
    );
    let _ran = world.formic(&["run"]).code(8);
    let page = world.formic(&["show"]).ok().out;
    assert!(page.contains("\n  blocked      m "), "{page}");
    assert!(!page.contains("interrupted"), "{page}");
}

#[test]
fn a_rejection_is_a_gate() {
    let world = blocked();
    let run = world.run_id();
    let short = &run[..4];
    let ran = world.formic(&["reject", "@", "deploy"]).ok();
    // Nothing else was left to do, and so nothing is left to go on with.
    assert_eq!(
        ran.err,
        format!(
            "rejected `deploy` of run {run}\nthat ended the run, which has failed: `formic show {short}` says how\n"
        )
    );
    let _ran = world.formic(&["resume"]).code(6);
    let page = world.formic(&["show"]).ok().out;
    assert!(page.contains("  failed  "), "{page}");
    assert!(page.contains("policy · rejected by ada"), "{page}");
    let next = format!("next: formic show {short}\nnext: formic retry {short}\n");
    assert!(page.ends_with(&next), "{page}");
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
    terminal.until("`perhaps` is no answer: `y` or `yes` lets it go on, `n` or `no` does not\r\ndeploy: to production? [y/n]\r\n");
    terminal.type_line("y");
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(world.read("deployed"), "done\n");
}

#[test]
fn an_answer_after_its_deadline_is_refused_and_nothing_runs() {
    let world = World::new(
        "name: ci\ntasks:\n  dep: { approval: { prompt: \"go?\", deadline: 1ms }, run: touch deployed }\n",
    );
    let _ran = world.formic(&["run"]).code(8).says("dep asks: go? (asked ");
    let run = world.run_id();
    let short = &run[..4];
    let page = world.formic(&["show"]).ok().out;
    assert!(page.contains("approval · go? · asked "), "{page}");
    assert!(page.contains(" ago: nobody answered in time\n"), "{page}");
    assert!(
        page.ends_with(&format!("\nnext: formic resume {short}\n")),
        "{page}"
    );
    assert!(!page.contains("formic approve"), "{page}");
    let ran = world.formic(&["approve", "dep"]).code(5);
    let expected =
        format!("error: the answer comes too late: the deadline of `dep` of run `{run}` passed ");
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
    let expected = format!(
        " ago, and so the task has failed\nhelp: `formic retry {short}` makes a new run, which asks again\n"
    );
    assert!(ran.err.ends_with(&expected), "{}", ran.err);
    assert_eq!(world.statuses(), ["dep failed policy"]);
    let message = "nobody answered the approval in time";
    assert_eq!(world.document()["tasks"][0]["message"], message);
    assert!(!world.dir().join("deployed").exists());
}

#[test]
fn after_a_late_answer_a_run_goes_on_with_what_is_left() {
    let world = World::new(
        "tasks:\n  dep: { approval: { prompt: \"go?\", deadline: 1ms }, run: touch deployed }\nfinally:\n  clean: { run: touch clean }\n",
    );
    let _ran = world.formic(&["run"]).code(8);
    let short = world.run_id()[..4].to_owned();
    let help = format!("help: `formic resume {short}` goes on with what is left\n");
    let _ran = world.formic(&["reject", "dep"]).code(5).says(&help);
    let _ran = world.formic(&["resume"]).code(5);
    assert!(world.dir().join("clean").exists());
    assert!(!world.dir().join("deployed").exists());
}

#[test]
fn what_is_asked_since_when_and_until_when_is_shown_and_in_both_documents() {
    let world = World::new(
        "name: ci\ntasks:\n  a: { outputs: { v: { type: string } }, run: 'echo v=1.2 >> \"$FORMIC_OUTPUT\"' }\n  dep: { needs: [a], approval: { prompt: \"ship ${{ tasks.a.outputs.v }}?\", deadline: 4h }, run: 'true' }\n",
    );
    let _ran = world
        .formic(&["run"])
        .code(8)
        .says("dep asks: ship 1.2? (asked ");
    let page = world.formic(&["show"]).ok().out;
    assert!(page.contains("approval · ship 1.2? · asked "), "{page}");
    assert!(page.contains(" ago, 3h59m left\n"), "{page}");
    let asks = &world.document()["tasks"][1]["asks"];
    assert_eq!(asks["prompt"], "ship 1.2?");
    let time = |name: &str| asks[name].as_i64();
    let lasts = time("deadline_at_ms").zip(time("asked_at_ms"));
    assert_eq!(
        lasts.map(|(until, since)| until - since),
        Some(4 * 3_600_000)
    );
    let listed = world.formic(&["ls", "--json"]).ok().json();
    let listed = &listed["runs"][0]["asks"][0];
    assert_eq!(listed["task"], "dep");
    for name in ["prompt", "asked_at_ms", "deadline_at_ms"] {
        assert_eq!(listed[name], asks[name]);
    }
    // A run that goes on asks again what it asked before.
    let _ran = world
        .formic(&["resume"])
        .code(8)
        .says("dep asks: ship 1.2? (asked ");
    let _ran = world.formic(&["approve", "dep"]).ok();
    let _ran = world.formic(&["resume"]).ok();
    assert!(world.document()["tasks"][1]["asks"].is_null());
}

#[test]
fn members_that_fail_with_the_first_that_is_rejected_need_no_answer() {
    let world = World::new(
        "name: ci\ntasks:\n  dep: { matrix: { n: [1, 2] }, approval: { prompt: \"go?\" }, run: 'true' }\n",
    );
    let _ran = world.formic(&["run"]).code(8);
    let ran = world.formic(&["reject", "dep"]).ok();
    let ran = ran.says("rejected `dep[1]` of run ");
    assert!(!ran.err.contains("dep[2]"), "{}", ran.err);
    let statuses = ["dep[1] failed policy", "dep[2] canceled fail_fast"];
    assert_eq!(world.statuses(), statuses);
}
