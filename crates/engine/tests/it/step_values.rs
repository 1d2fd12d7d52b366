//! Values that steps, groups and failed tasks give, and the words and shells that are computed from values.

use engine::rows::{AttemptEnd, AttemptResult, Exit, OutputValue, StepStatus};
use engine::steps::{CommandEnd, Next, Planned, Run, StepMachine, Stop, Written};
use model::Json;
use model::plan::{Expression, Output, Shell, Text, ValueType};
use model::reason::FailureKind;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use testkit::{Driver, StepBuilder, TaskBuilder, plan};

/// The steps of a task called `t`, ready to begin.
fn steps(make: impl FnOnce(TaskBuilder) -> TaskBuilder) -> StepMachine {
    let mut run = Driver::start(plan("p").task("t", make).build());
    run.lease();
    let work = run.machine.work(run.no("t"));
    StepMachine::new(Arc::new(work), BTreeMap::new())
}

/// The next command.
fn next(steps: &mut StepMachine) -> Planned {
    match steps.advance() {
        Next::Run(planned) => *planned,
        Next::Done(result) => panic!("the steps are over: {result:?}"),
    }
}

/// Runs the next command: it writes these values and exits with this code.
fn end(steps: &mut StepMachine, code: i32, outputs: &[(&str, &str)]) {
    next(steps);
    let outputs = outputs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let written = Written {
        outputs,
        ..Written::default()
    };
    steps.ended(CommandEnd::Exited(Exit::Code(code)), 1, written);
}

fn script(planned: &Planned) -> &str {
    match &planned.run {
        Run::Script { text, .. } => text,
        Run::Command(argv) => panic!("a command: {argv:?}"),
    }
}

fn group() -> [StepBuilder; 2] {
    [StepBuilder::inner("one"), StepBuilder::inner("two")]
}

#[test]
fn a_group_gives_its_declared_values_computed_over_its_steps_and_inputs() {
    let from = "${{ inputs.who }}-${{ steps.one.outputs.color }}";
    let mut steps = steps(|t| {
        t.step("g", |s| {
            s.group([("who", "me")], group())
                .output_from("name", ValueType::String, from)
        })
        .run("echo ${{ steps.g.outputs }}")
    });
    end(&mut steps, 0, &[("color", "green")]);
    end(&mut steps, 0, &[]);
    let last = next(&mut steps);
    assert_eq!(script(&last), r#"echo {"name":"me-green"}"#);
}

#[test]
fn a_group_that_declares_nothing_gives_what_its_steps_gave() {
    let mut steps = steps(|t| {
        t.step("g", |s| s.group([], group()))
            .run("echo ${{ steps.g.outputs }}")
    });
    end(&mut steps, 0, &[("a", "1")]);
    end(&mut steps, 0, &[("b", "2")]);
    let last = next(&mut steps);
    assert_eq!(script(&last), r#"echo {"a":"1","b":"2"}"#);
}

#[test]
fn a_failed_group_gives_the_values_that_can_be_computed() {
    let mut steps = steps(|t| {
        t.step("g", |s| {
            s.group([], group())
                .output_from("a", ValueType::String, "${{ steps.one.outputs.a }}")
                .output_from("b", ValueType::String, "${{ steps.two.outputs.b }}")
                .continue_on_error()
        })
        .run("echo ${{ steps.g.outputs }} ${{ steps.g.outcome }}")
    });
    end(&mut steps, 0, &[("a", "1")]);
    end(&mut steps, 1, &[]);
    let last = next(&mut steps);
    assert_eq!(script(&last), r#"echo {"a":"1"} failed"#);
}

#[test]
fn a_group_whose_values_cannot_be_computed_fails() {
    let mut steps = steps(|t| {
        t.step("g", |s| {
            s.group([], group())
                .output_from("n", ValueType::Number, "${{ steps.one.outputs.n }}")
        })
    });
    end(&mut steps, 0, &[("n", "many")]);
    end(&mut steps, 0, &[]);
    let Next::Done(AttemptResult::Failed { message, .. }) = steps.advance() else {
        panic!("the group fails");
    };
    assert_eq!(message, "step `g`: output `n` is `many`; expected a number");
}

#[test]
fn a_value_that_a_step_declares_is_of_its_type_for_the_steps_behind() {
    let mut steps = steps(|t| {
        t.step("s", |s| s.output("list", ValueType::List))
            .run("echo ${{ steps.s.outputs.list[1] }}")
    });
    end(&mut steps, 0, &[("list", r#"["a", "b"]"#)]);
    let last = next(&mut steps);
    assert_eq!(script(&last), "echo b");
}

#[test]
fn a_step_that_writes_a_value_of_another_type_fails() {
    let mut steps = steps(|t| t.step("s", |s| s.output("list", ValueType::List)));
    end(&mut steps, 0, &[("list", "no")]);
    assert_eq!(steps.results()[0].status, StepStatus::Failed);
    let Next::Done(AttemptResult::Failed { message, .. }) = steps.advance() else {
        panic!("the step fails");
    };
    assert_eq!(
        message,
        "step `s`: output `list` is `no`; expected a JSON array"
    );
}

#[test]
fn a_step_that_does_not_write_what_it_declares_fails() {
    let mut steps = steps(|t| t.step("s", |s| s.output("list", ValueType::List)));
    end(&mut steps, 0, &[("lits", "[]")]);
    let Next::Done(AttemptResult::Failed { message, .. }) = steps.advance() else {
        panic!("the step fails");
    };
    let expected = "step `s`: output `list` is declared, and no step wrote it; write it with \
        `echo \"list=VALUE\" >> \"$FORMIC_OUTPUT\"`, or declare its `default`";
    assert_eq!(message, expected);
}

#[test]
fn a_declared_value_of_a_task_that_no_step_wrote_is_told_with_what_was_written() {
    let mut steps = steps(|t| t.run("true").output("version", ValueType::String));
    end(&mut steps, 0, &[("verison", "1.2")]);
    let message = steps.outputs().unwrap_err();
    let expected = "output `version` is declared, and no step wrote it; write it with \
        `echo \"version=VALUE\" >> \"$FORMIC_OUTPUT\"`, or declare its `default`; \
        written was `verison`";
    assert_eq!(message, expected);
}

#[test]
fn a_default_stands_for_what_was_not_written() {
    let mut steps = steps(|t| {
        t.run("true")
            .output_default("version", ValueType::String, Json::from(""))
            .output("image", ValueType::Artifact)
            .edit(|def| {
                let from = Some(Text::template("${{ steps.other.outputs.x }}"));
                let (value_type, default) = (ValueType::String, Some(Json::from("")));
                let output = Output {
                    value_type,
                    from,
                    default,
                };
                def.outputs.insert("computed".to_owned(), output);
            })
    });
    end(&mut steps, 0, &[]);
    // The board fills in defaults, the worker the digests of artifacts.
    assert_eq!(steps.outputs().map(|outputs| outputs.len()), Ok(0));
}

#[test]
fn a_list_gives_a_word_for_each_of_its_values() {
    let mut steps = steps(|t| {
        t.step("c", |s| {
            s.command(["ls", "${{ ['a b', 'c'] }}", "${{ [] }}"])
        })
        .step("s", |s| s.args(["${{ [1, 2] }}", "x${{ [1] }}"]))
    });
    let first = next(&mut steps);
    let words = ["ls", "a b", "c"].map(str::to_owned).to_vec();
    assert_eq!(first.run, Run::Command(words));
    steps.ended(CommandEnd::Exited(Exit::Code(0)), 1, Written::default());
    let Run::Script { args, .. } = next(&mut steps).run else {
        panic!("a script");
    };
    assert_eq!(args, ["1", "2", "x[1]"]);
}

#[test]
fn a_shell_can_be_computed() {
    let computed = "{'py': ['python3', '{file}']}['p' + 'y']";
    let mut steps = steps(|t| {
        t.run("1").edit_steps(|steps| {
            steps.shell = Some(Shell {
                argv: Vec::new(),
                computed: Some(Expression::cel(computed)),
                extension: ".py".to_owned(),
            });
        })
    });
    let Run::Script {
        shell: Some(shell), ..
    } = next(&mut steps).run
    else {
        panic!("a script with a shell");
    };
    assert_eq!(shell.argv, ["python3", "{file}"]);
    assert_eq!(shell.computed, None);
}

#[test]
fn values_of_a_failed_task_are_those_that_can_be_computed() {
    let mut steps = steps(|t| {
        t.step("s", |s| s)
            .output_from("a", ValueType::String, "${{ steps.s.outputs.a }}")
            .output_from("b", ValueType::String, "${{ steps.s.outputs.b }}")
    });
    end(&mut steps, 1, &[("a", "1")]);
    let values = steps.outputs_of_failed();
    let names: Vec<&String> = values.keys().collect();
    assert_eq!(names, ["a"]);
}

#[test]
fn tasks_behind_a_failed_task_read_what_it_gave() {
    let mut run = Driver::start(
        plan("p")
            .task("a", |t| t.tolerate().output("x", ValueType::String))
            .task("b", |t| t.needs(["a"]).when("tasks.a.outputs.x == '1'"))
            .build(),
    );
    run.lease();
    let mut failed = AttemptEnd::bare(AttemptResult::Failed {
        kind: FailureKind::User,
        exit_code: Some(1),
        message: String::new(),
    });
    let value = Json::from("1");
    let tainted = false;
    failed.outputs = [("x".to_owned(), OutputValue { value, tainted })].into();
    run.end("a", failed);
    assert_eq!(run.lease(), ["b"]);
}

#[test]
fn an_input_given_as_text_is_read_as_its_declared_type() {
    let scope = |value: &str| {
        Driver::start(
            plan("p")
                .task("call", |t| t.call("inner", [("on", value)]))
                .scope("inner", |s| {
                    s.input_default("on", ValueType::Boolean, json!(false))
                        .task("t", |t| t.when("inputs.on"))
                })
                .build(),
        )
    };
    assert_eq!(scope("true").lease(), ["call/t"]);
    let wrong = scope("maybe");
    let note = wrong.machine.row(wrong.no("call")).note.clone();
    assert_eq!(
        note.as_deref(),
        Some("input `on` is `maybe`; expected `true` or `false`")
    );
}

#[test]
fn a_step_that_is_skipped_in_any_case_computes_nothing() {
    let mut steps = steps(|t| {
        t.run("exit 1")
            .step("behind", |s| s.run("true").env("KEY", "${{ hash('**') }}"))
    });
    end(&mut steps, 1, &[]);
    assert!(matches!(steps.advance(), Next::Done(_)));
    let status: Vec<StepStatus> = steps.results().iter().map(|step| step.status).collect();
    assert_eq!(status, [StepStatus::Failed, StepStatus::Skipped]);
}

#[test]
fn whether_files_are_asked_for_is_known_before() {
    let key = "${{ hash('**') }}";
    assert!(!steps(|t| t.run("echo glob hash")).asks_for_files());
    assert!(steps(|t| t.run("echo ${{ glob('*') }}")).asks_for_files());
    assert!(steps(|t| t.run("true").env("KEY", key)).asks_for_files());
    assert!(steps(|t| t.step("s", |s| s.when("hash('a') != ''"))).asks_for_files());
    assert!(steps(|t| t.step("s", |s| s.group([("k", key)], group()))).asks_for_files());
    assert!(steps(|t| t.run("true").service("db", key, "true")).asks_for_files());
    assert!(steps(|t| t.output_from("k", ValueType::String, key)).asks_for_files());
    assert!(steps(|t| t.run("true").artifact("a", key)).asks_for_files());
}

#[test]
fn an_interrupt_that_cut_nothing_short_leaves_the_result_as_it_is() {
    let two = || {
        steps(|t| {
            t.step("a", |s| s.run("a"))
                .step("b", |s| s.run("b").post("p"))
        })
    };
    let interrupted_in = |place: usize, last: CommandEnd| {
        let mut steps = two();
        for _ in 0..place {
            end(&mut steps, 0, &[]);
        }
        next(&mut steps);
        steps.stop(Stop::Interrupted);
        steps.ended(last, 1, Written::default());
        loop {
            match steps.advance() {
                Next::Run(_) => {
                    steps.ended(CommandEnd::Exited(Exit::Code(0)), 1, Written::default());
                }
                Next::Done(result) => return result,
            }
        }
    };
    let good = || CommandEnd::Exited(Exit::Code(0));
    assert_eq!(interrupted_in(1, good()), AttemptResult::Succeeded);
    assert_eq!(interrupted_in(0, good()), AttemptResult::Interrupted);
    let cut = CommandEnd::Stopped(Some(Exit::Signal(15)));
    assert_eq!(interrupted_in(1, cut), AttemptResult::Interrupted);
}

#[test]
fn a_name_that_nobody_declares_is_remarked_with_the_one_that_was_meant() {
    let written = |names: &[&str]| Written {
        outputs: names
            .iter()
            .map(|name| ((*name).to_owned(), "1".to_owned()))
            .collect(),
        ..Written::default()
    };
    let remarks = |contract: &str, names: &[&str]| {
        let mut steps = steps(|t| {
            t.contract(contract)
                .output("version", ValueType::String)
                .step("s", |s| s.output("own", ValueType::String))
        });
        next(&mut steps);
        steps.remarks(&written(names))
    };
    let expected = [
        "warning: output `other` is not declared by this task; declare it in `outputs`",
        "warning: output `versoin` is not declared by this task; did you mean `version`?",
    ];
    assert_eq!(remarks("native", &["versoin", "own", "other"]), expected);
    // Who means `version` does not write it too.
    let expected =
        ["warning: output `versoin` is not declared by this task; declare it in `outputs`"];
    assert_eq!(remarks("native", &["versoin", "version"]), expected);
    assert_eq!(remarks("github", &["versoin"]), [""; 0]);
    let many: Vec<String> = (0..12).map(|n| format!("n{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let said = remarks("native", &many);
    assert_eq!(
        (said.len(), &*said[10]),
        (11, "warning: nor are 2 further ones")
    );
}

/// What the only step of a task says that cannot begin.
fn refused(make: impl FnOnce(StepBuilder) -> StepBuilder) -> String {
    let mut steps = steps(|t| t.step("s", make));
    let Next::Done(AttemptResult::Failed { message, .. }) = steps.advance() else {
        panic!("not refused");
    };
    message
}

#[test]
fn a_text_that_no_program_can_be_given_is_refused_by_its_field() {
    let nul = "a${{ '\\u0000' }}";
    let why = "the text holds the character U+0000, which no program can be given";
    assert_eq!(
        [
            refused(|s| s.run(nul)),
            refused(|s| s.run("x").env("NAME", nul)),
            refused(|s| s.command(["echo", "a", nul])),
            refused(|s| s.command(["echo", "${{ ['a', '\\u0000'] }}"])),
            refused(|s| s.run("x").working_dir(nul)),
        ],
        [
            format!("step `s`: `run`: {why}"),
            format!("step `s`: `env.NAME`: {why}"),
            format!("step `s`: `command[2]`: {why}"),
            format!("step `s`: `command[1]`: {why}"),
            format!("step `s`: `working_dir`: {why}"),
        ]
    );
}

#[test]
fn a_path_of_an_artifact_that_no_file_can_have_is_refused_by_its_field() {
    let mut steps = steps(|t| t.run("x"));
    end(&mut steps, 0, &[]);
    let path = Text::Template(Expression {
        dialect: "cel".to_owned(),
        text: "dist/${{ '\\u0000' }}".to_owned(),
        written: None,
        at: None,
    });
    assert_eq!(
        steps.task_text("artifacts.out.site", &path),
        Err("`artifacts.out.site`: the text holds the character U+0000, which no program can be given".to_owned())
    );
}

#[test]
fn a_computed_output_is_no_larger_than_a_written_one() {
    let half = "x".repeat(130 * 1024);
    let from = "${{ env.HALF }}${{ env.HALF }}";
    let mut steps = steps(|t| {
        let t = t.env("HALF", &half).run("x");
        t.output_from("big", ValueType::String, from)
    });
    end(&mut steps, 0, &[]);
    assert_eq!(
        steps.outputs().unwrap_err(),
        "output `big` has 266240 bytes; at most 262144 are kept inline, write an artifact instead"
    );
}

#[test]
fn a_step_is_called_by_its_label_and_keeps_its_name() {
    let labeled =
        |label: Text| steps(|t| t.step("one", |s| s.run("false").env("WHO", "all").label(label)));
    let computed = Text::Template(Expression::cel("Test ${{ env.WHO }}"));
    let unknown = Text::Template(Expression::cel("${{ env.NOBODY }}"));
    for (label, shown, title) in [
        ("Compile it".into(), Some("Compile it"), "Compile it"),
        (computed, Some("Test all"), "Test all"),
        (unknown, None, "one"),
    ] {
        let mut steps = labeled(label);
        end(&mut steps, 1, &[]);
        let result = &steps.results()[0];
        assert_eq!(
            (result.name.as_str(), result.label.as_deref()),
            ("one", shown)
        );
        let Next::Done(AttemptResult::Failed { message, .. }) = steps.advance() else {
            panic!("it failed");
        };
        assert_eq!(message, format!("step `{title}` exited with code 1"));
    }
}
