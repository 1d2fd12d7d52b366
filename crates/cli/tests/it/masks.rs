//! `$FORMIC_MASK`: what a step writes there is shown nowhere from then on.

use crate::world::{World, heard, tell};

#[test]
fn a_text_is_hidden_in_the_rest_of_the_step_that_hides_it() {
    let world = World::empty();
    let (begun, go) = (world.fifo("begun"), world.fifo("go"));
    world.write(
        "formic.yaml",
        &format!(
            "tasks:\n  a:\n    outputs: {{ token: string, all: {{ type: list, default: [] }} }}\n    run: |\n      s=hun; echo \"${{s}}ter2\" >> \"$FORMIC_MASK\"\n      echo \"one ${{s}}ter2\"; printf 'two hun'; echo x > {begun}; read -r line < {go}; echo 'ter2 end'\n      echo \"token=x-${{s}}ter2\" >> \"$FORMIC_OUTPUT\"\n      echo \"all=[1, \\\"${{s}}ter2\\\"]\" >> \"$FORMIC_OUTPUT\"\n      echo \"the ${{s}}ter2\" >> \"$FORMIC_SUMMARY\"\n  b: {{ needs: [a], env: {{ T: '${{{{ tasks.a.outputs.token }}}}' }}, run: echo \"got $T\" }}\n"
        ),
    );
    let going = world.start(&["run"]);
    assert_eq!(heard(&begun), "x\n");
    tell(&go);
    let _ran = going.end().ok();
    let log = world.formic(&["logs", "@/a"]).ok().out;
    for line in [
        "one ***",
        "two *** end",
        "formic: output `all` holds a text that `$FORMIC_MASK` hides; it is `***` there, for the tasks behind too",
        "formic: output `token` holds a text that `$FORMIC_MASK` hides; it is `***` there, for the tasks behind too",
    ] {
        assert!(log.contains(line), "`{line}` is not in\n{log}");
    }
    let log = world.formic(&["logs", "@/b"]).ok().out;
    assert!(log.contains("got x-***"), "{log}");
    let outputs = &world.document()["tasks"][0]["outputs"];
    let expected = serde_json::json!({ "token": "x-***", "all": [1, "***"] });
    assert_eq!(*outputs, expected);
    assert!(
        !world
            .formic(&["show", "--json"])
            .ok()
            .out
            .contains("hunter2")
    );
}

#[test]
fn a_text_is_hidden_in_the_message_of_the_failure_too() {
    let world = World::new(
        "tasks:\n  a:\n    run: |\n      s=hun; printf \"${s}ter2\" > \"$FORMIC_MASK\"; echo \"say ${s}ter2\"; echo \"${s}ter2\" > \"$FORMIC_ENV\"\n",
    );
    let ran = world.formic(&["run"]).code(1);
    let ran = ran.says("line 1 of `$FORMIC_ENV`: found `***`, expected `name=value`");
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    let shown = world.formic(&["show", "--json"]).ok().out;
    assert!(!shown.contains("hunter2"), "{shown}");
}
