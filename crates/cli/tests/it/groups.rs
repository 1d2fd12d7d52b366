//! Runs and tasks that wait for a place in a concurrency group: who holds it is said at once, and by `show`.

use crate::world::{World, heard, tell};

fn world(of: &str, task: &str) -> (World, String, String) {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "name: ci\n{of}params: {{ wait: {{ type: boolean, default: false }} }}\ntasks:\n  a:\n    {task}\n    env: {{ WAIT: \"${{{{ params.wait }}}}\" }}\n    run: 'if $WAIT; then echo x > {begun}; cat {go}; fi'\n"
        ),
    );
    (world, begun, go)
}

#[test]
fn a_run_that_waits_for_another_names_it() {
    let (world, begun, go) = world("concurrency: deploy\n", "idempotent: false");
    let first = world.start(&["run", "--param", "wait=true"]);
    assert_eq!(heard(&begun), "x\n");
    let holder = world.run_id();
    let short = &holder[..4];
    let mut second = world.start(&["run"]);
    let line = format!(
        "waits for group `deploy` (1 of 1 place taken): held by run {short}; `formic cancel {short}` ends that\n"
    );
    second.until(&line);
    let shown = world.formic(&["show"]).ok().out;
    assert!(shown.contains(&format!("  run {line}")), "{shown}");
    let document = world.document();
    assert_eq!(document["status"], "queued");
    assert_eq!(
        document["waits"],
        serde_json::json!([{
            "group": "deploy",
            "task": null,
            "limit": 1,
            "ahead": [{ "run": holder, "task": null }],
            "ahead_count": 1,
        }])
    );
    tell(&go);
    let _ran = first.end().ok();
    let _ran = second.end().ok();
    assert_eq!(world.document()["waits"], serde_json::json!([]));
}

#[test]
fn a_task_that_waits_for_another_names_both() {
    let (world, begun, go) = world("", "concurrency: { group: port, cancel_superseded: false }");
    let first = world.start(&["run", "--param", "wait=true"]);
    assert_eq!(heard(&begun), "x\n");
    let holder = world.run_id();
    let short = &holder[..4];
    let mut second = world.start(&["run"]);
    second.until(&format!(
        "a                waits for group `port` (1 of 1 place taken): held by `a` of run {short}; `formic cancel {short}` ends that\n"
    ));
    let shown = world.formic(&["show"]).ok().out;
    assert!(
        shown.contains(&format!("held by `a` of run {short}; ")),
        "{shown}"
    );
    tell(&go);
    let _ran = first.end().ok();
    let _ran = second.end().ok();
}
