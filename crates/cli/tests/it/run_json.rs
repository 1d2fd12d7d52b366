//! `--json` and `--events`: exactly what machines are promised.

use crate::world::{World, statuses};
use serde_json::Value;

const TEXT: &str = "name: ci\ntasks:\n  a: { outputs: { v: { type: number } }, run: 'echo v=7 >> \"$FORMIC_OUTPUT\"' }\n  b: { needs: [a], matrix: { os: [linux, \"a b\"], n: [1] }, run: 'true' }\n  c: { needs: [a], when: 'false', run: 'true' }\n";

#[test]
fn json_is_one_document() {
    let world = World::new(TEXT);
    let ran = world.formic(&["run", "--json"]).ok();
    let document = ran.json();
    assert_eq!(document["schema"], "formic.run/v1");
    assert_eq!(document["status"], "succeeded");
    assert_eq!(
        statuses(&document),
        [
            "a succeeded -",
            "c skipped condition",
            "b[linux,1] succeeded -",
            "b[\"a b\",1] succeeded -",
        ]
    );
    assert_eq!(document["tasks"][0]["outputs"]["v"], 7);
    assert_eq!(document["tasks"][0]["steps"][0]["exit_code"], 0);
    assert_eq!(world.document(), document);
}

#[test]
fn events_are_lines_and_the_last_one_is_the_document() {
    let world = World::new(TEXT);
    let ran = world.formic(&["run", "--events"]).ok();
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    let (last, events) = lines.split_last().expect("there are lines");
    assert_eq!(last["schema"], "formic.run/v1");
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["schema"], "formic.event/v1");
        assert_eq!(event["seq"], place as u64 + 1);
    }
    assert_eq!(events[0]["event"], "run_created");
    let ended = &events[events.len() - 1];
    assert_eq!(
        (&ended["event"], &ended["status"]),
        (&Value::from("run_ended"), &Value::from("succeeded"))
    );
}

#[test]
fn a_failing_run_has_its_document_too() {
    let world = World::new("tasks: {a: {run: exit 3}}\n");
    let document = world.formic(&["run", "--json"]).code(1).json();
    assert_eq!(document["tasks"][0]["reason"], "user");
    assert_eq!(document["tasks"][0]["steps"][0]["exit_code"], 3);
}

#[test]
fn an_attempt_that_is_followed_by_another_says_why_it_ended() {
    let world = World::new(
        "tasks: { slow: { timeout: 50ms, retry: { max: 1, backoff: 1ms }, run: sleep 600 } }\n",
    );
    let ran = world.formic(&["run", "--events"]).code(1);
    let ran = ran.says("attempt 1 failed: it took longer than its `timeout` of 50 ms, again");
    let events = ran.out.lines();
    let events = events.map(|line| serde_json::from_str(line).expect("each line is JSON"));
    let events: Vec<Value> = events.collect();
    let of = |name: &str| events.iter().find(|event| event["event"] == name);
    let ended = of("attempt_ended").expect("the first attempt ended");
    assert_eq!(ended["attempt"], 1);
    assert_eq!(
        (&ended["status"], &ended["reason"]),
        (&"failed".into(), &"timeout".into())
    );
    assert_eq!(
        ended["message"],
        "it took longer than its `timeout` of 50 ms"
    );
    let ended = of("task_ended").expect("the task ended");
    assert_eq!(
        ended["message"],
        "it took longer than its `timeout` of 50 ms"
    );
}
