//! `formic logs`.

use crate::world::{World, heard, tell};

const TEXT: &str = "name: ci\ntasks:\n  a:\n    steps:\n      - { name: one, run: echo from one }\n      - { name: two, run: printf 'no end' }\n  b: { needs: [a], run: echo from b }\n";

fn done() -> World {
    let world = World::new(TEXT);
    let _ran = world.formic(&["run"]).ok();
    world
}

#[test]
fn one_task_is_printed_as_it_is() {
    let world = done();
    assert_eq!(world.formic(&["logs", "@/a"]).ok().out, "from one\nno end");
    assert_eq!(world.formic(&["logs", "@/a/two"]).ok().out, "no end");
}

#[test]
fn several_tasks_have_their_names_above() {
    let ran = done().formic(&["logs"]).ok();
    assert_eq!(ran.out, "── a ──\nfrom one\nno end\n\n── b ──\nfrom b\n");
}

#[test]
fn of_a_reused_result_it_is_told_where_it_was_printed() {
    let world = World::new(
        "tasks: { a: { run: echo once }, b: { run: echo twice }, c: { needs: [a, b], run: 'false' } }\n",
    );
    let _ran = world.formic(&["run"]).code(1);
    let first = world.run_id()[..4].to_owned();
    let _ran = world.formic(&["retry"]).code(1);
    let ran = world.formic(&["logs"]).ok();
    let expected = format!("2 tasks were reused; `formic logs {first}` prints what they said\n");
    assert_eq!((ran.out.as_str(), ran.err), ("", expected));
    let ran = world.formic(&["logs", "@/a"]).code(6);
    assert_eq!(
        ran.err,
        format!(
            "error: `a` was reused, so it printed nothing here\nhelp: `formic logs {first}/a` prints what it said\n"
        )
    );
    assert_eq!(
        world.formic(&["logs", &format!("{first}/a")]).ok().out,
        "once\n"
    );
}

#[test]
fn an_unknown_task_and_an_unknown_step_are_told_with_what_there_is() {
    let world = done();
    let run = world.run_id();
    let ran = world.formic(&["logs", "@/aa"]).code(6);
    assert_eq!(
        ran.err,
        format!("error: run `{run}` has no task `aa`\nhelp: did you mean `a`?\n")
    );
    let ran = world.formic(&["logs", "@/a/three"]).code(6);
    assert_eq!(
        ran.err,
        "error: task `a` has no step `three`\nhelp: its steps are one, two\n"
    );
}

#[test]
fn an_attempt_may_be_chosen() {
    let world = World::new(
        "tasks:\n  a: { run: 'echo \"try $FORMIC_ATTEMPT_NUMBER\"; test \"$FORMIC_ATTEMPT_NUMBER\" = 2', retry: { max: 1, backoff: 1ms } }\n",
    );
    let _ran = world.formic(&["run"]).ok();
    assert_eq!(world.formic(&["logs", "@/a"]).ok().out, "try 2\n");
    assert_eq!(
        world.formic(&["logs", "@/a", "--attempt", "1"]).ok().out,
        "try 1\n"
    );
    let ran = world.formic(&["logs", "@/a", "--attempt", "3"]).code(6);
    assert_eq!(ran.err, "error: nothing selected has an attempt 3\n");
}

#[test]
fn the_document_keeps_bytes_that_are_no_text() {
    let world = World::new("tasks: {a: {run: \"printf '\\\\377\\\\n'\"}}\n");
    let _ran = world.formic(&["run"]).ok();
    let document = world.formic(&["logs", "--json"]).ok().json();
    assert_eq!(document["schema"], "formic.logs/v1");
    assert_eq!(document["logs"][0]["chunks"][0]["base64"], "/wo=");
}

#[test]
fn a_living_run_is_followed_to_its_end() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    let text =
        format!("tasks:\n  a: {{ run: 'echo first; echo x > {begun}; cat {go}; echo last' }}\n");
    world.write("formic.yaml", &text);
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    let following = world.start(&["logs", "-f"]);
    tell(&go);
    let _ran = going.end().ok();
    let ran = following.end().ok();
    assert_eq!(ran.out, "a | first\na | go\na | last\n");
}

#[test]
fn following_many_tasks_needs_few_open_files() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    let numbers: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    let numbers = numbers.join(", ");
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  hold: {{ run: 'echo x > {begun}; cat {go}' }}\n  \
             many: {{ matrix: {{ n: [{numbers}] }}, run: 'echo one' }}\n"
        ),
    );
    let going = world.start(&["run", "-j", "2"]);
    assert_eq!(heard(&begun), "x\n");
    let program = env!("CARGO_BIN_EXE_formic");
    let mut limited = std::process::Command::new("bash");
    limited
        .args(["-c", &format!("ulimit -n 40; exec {program} logs -f")])
        .current_dir(world.dir())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let following = limited.spawn().unwrap();
    tell(&go);
    let _ran = going.end().ok();
    let ran = crate::world::Ran::from(following.wait_with_output().unwrap()).ok();
    assert_eq!(ran.out.matches("| one\n").count(), 60, "{}", ran.err);
}

#[test]
fn a_step_with_a_label_is_called_by_it_and_keeps_its_name_for_commands() {
    let world = World::new(
        "tasks: { a: { steps: [{ label: \"Compile ${{ env.WHAT }}\", env: { WHAT: all }, run: 'echo x; false' }] } }\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let said = "step `Compile all` exited with code 1";
    assert!(ran.err.contains(said), "{}", ran.err);
    let step = &world.document()["tasks"][0]["steps"][0];
    assert_eq!(
        (&step["name"], &step["label"]),
        (&"step1".into(), &"Compile all".into())
    );
    let ran = world.formic(&["logs", "@/a/two"]).code(6);
    let said = "its steps are step1 (Compile all)";
    assert!(ran.err.contains(said), "{}", ran.err);
}
