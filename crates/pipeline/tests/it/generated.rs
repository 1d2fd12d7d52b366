//! Generated files: text from outside that is around them is followed into them.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::broken;
use model::plan::{Fragment, Plan};
use pipeline::{Around, Diagnostic, Request, SourceFile, compile_fragment, compile_with};

const MAKER: &str = "{ generates: more.yaml, run: make more.yaml }";

fn plan(text: &str, files: &[&str]) -> Plan {
    let file = SourceFile::new("f.yaml", text);
    let compiled = compile_with(&file, &broken::sources(files), &Request::default());
    assert_eq!(compiled.diagnostics, []);
    compiled.plan.unwrap()
}

/// What `text` comes to where the last of the tasks with these names generates it.
fn generated(plan: &Plan, openers: &[&str], text: &str) -> Result<Fragment, Vec<Diagnostic>> {
    let openers: Vec<_> = openers
        .iter()
        .map(|name| {
            let place = plan.tasks.iter().position(|task| task.name == *name);
            model::ids::DefNo(u32::try_from(place.unwrap()).unwrap())
        })
        .collect();
    let around = Around::of(plan, &openers);
    compile_fragment(&SourceFile::new("more.yaml", text), &around)
}

fn codes(plan: &Plan, openers: &[&str], text: &str) -> Vec<&'static str> {
    let made = generated(plan, openers, text);
    let said = made.err().unwrap_or_default();
    let errors = said.iter().filter(|each| each.is_error());
    errors.map(|each| each.code).collect()
}

/// A pipeline that gives `value` to the param `s` of a file with a task that generates.
fn used(value: &str) -> Plan {
    plan(
        &format!(
            "params: {{ to: prod }}\ntasks: {{ use: {{ uses: ./u.yaml, with: {{ s: {value} }} }} }}"
        ),
        &[&format!(
            "u.yaml\nparams: {{ s: {{ type: string }}, n: 1, kept: yes-indeed }}\ntasks: {{ gen: {MAKER} }}"
        )],
    )
}

fn with_env(env: &str) -> Plan {
    plan(
        &format!("params: {{ to: prod }}\nenv: {env}\ntasks: {{ gen: {MAKER} }}"),
        &[],
    )
}

#[test]
fn text_from_outside_in_the_env_of_the_pipeline_is_refused_in_a_generated_script() {
    let plan = with_env("{ B: \"${{ signal.branch }}\" }");
    let paste = "tasks: { a: { run: 'echo ${{ env.B }}' } }";
    assert_eq!(codes(&plan, &["gen"], paste), ["E0407"]);
    let read = "tasks: { a: { run: 'echo \"$B\"' } }";
    assert!(generated(&plan, &["gen"], read).is_ok());
}

#[test]
fn text_from_outside_in_the_env_of_the_pipeline_is_refused_as_a_variable_that_is_run() {
    let plan = with_env("{ B: \"${{ signal.branch }}\" }");
    for text in [
        "tasks: { a: { run: x, env: { BASH_ENV: \"${{ env.B }}\" } } }",
        "env: { BASH_ENV: \"${{ env.B }}\" }\ntasks: { a: { run: x } }",
    ] {
        assert_eq!(codes(&plan, &["gen"], text), ["E0414"], "{text}");
    }
}

#[test]
fn a_variable_that_holds_a_tainted_or_an_unknown_one_is_tainted_too() {
    let paste = "tasks: { a: { run: 'echo ${{ env.C }}' } }";
    for env in [
        "{ B: \"${{ signal.branch }}\", C: \"x${{ env.B }}\" }",
        "{ C: \"${{ env.PLACE }}\" }",
    ] {
        let plan = with_env(env);
        assert_eq!(codes(&plan, &["gen"], paste), ["E0407"], "{env}");
    }
}

#[test]
fn text_from_outside_that_a_used_file_was_given_is_refused_in_what_it_generates() {
    let plan = used("\"${{ signal.branch }}\"");
    let paste = "tasks: { a: { run: 'echo ${{ params.s }}' } }";
    assert_eq!(codes(&plan, &["use", "gen"], paste), ["E0407"]);
    let clean = "tasks: { a: { run: 'echo ${{ params.n }} ${{ params.kept }}' } }";
    assert!(generated(&plan, &["use", "gen"], clean).is_ok());
    // The file that uses it is not touched by that.
    assert_eq!(codes(&plan, &["gen"], paste), [""; 0]);
}

#[test]
fn text_from_outside_is_followed_through_several_generations() {
    let mut plan = used("\"${{ signal.branch }}\"");
    let second = format!("env: {{ OWN: \"${{{{ params.s }}}}\" }}\ntasks: {{ again: {MAKER} }}");
    let second = generated(&plan, &["use", "gen"], &second).unwrap();
    plan.append(second);
    for name in ["params.s", "env.OWN"] {
        let paste = format!("tasks: {{ a: {{ run: 'echo ${{{{ {name} }}}}' }} }}");
        let said = codes(&plan, &["use", "gen", "again"], &paste);
        assert_eq!(said, ["E0407"], "{name}");
    }
}

#[test]
fn an_output_of_a_generated_task_that_read_text_from_outside_is_tainted() {
    let reads = "tasks:\n  a: { run: x, env: { S: \"${{ params.s }}\" }, outputs: { v: string, n: number } }\n";
    let paste = |name: &str| {
        format!("{reads}  b: {{ needs: a, run: 'echo ${{{{ tasks.a.outputs.{name} }}}}' }}\n")
    };
    let dirty = used("\"${{ signal.branch }}\"");
    let gen_in_use = ["use", "gen"];
    assert_eq!(codes(&dirty, &gen_in_use, &paste("v")), ["E0407"]);
    assert_eq!(codes(&dirty, &gen_in_use, &paste("n")), [""; 0]);
    assert_eq!(codes(&used("fixed"), &gen_in_use, &paste("v")), [""; 0]);
    // Every task has the variables of the pipeline.
    let env = with_env("{ B: \"${{ signal.branch }}\" }");
    let paste = "tasks:\n  a: { run: x, outputs: { v: string } }\n  b: { needs: a, run: 'echo ${{ tasks.a.outputs.v }}' }\n";
    assert_eq!(codes(&env, &["gen"], paste), ["E0407"]);
}

#[test]
fn what_the_plan_does_not_know_to_be_clean_is_refused() {
    let given = plan(
        "tasks:\n  first: { run: echo v=1, outputs: { v: string } }\n  use: { needs: first, uses: ./u.yaml, with: { s: \"${{ tasks.first.outputs.v }}\" } }",
        &[&format!(
            "u.yaml\nparams: {{ s: {{ type: string }} }}\ntasks: {{ gen: {MAKER} }}"
        )],
    );
    let paste = "tasks: { a: { run: 'echo ${{ params.s }}' } }";
    assert_eq!(codes(&given, &["use", "gen"], paste), ["E0407"]);
}

#[test]
fn clean_params_and_variables_may_be_pasted_in_a_generated_script() {
    let plan = with_env("{ A: b, T: \"${{ params.to }}-${{ run.commit }}\", U: \"${{ env.A }}\" }");
    let paste = "env: { OWN: c }\ntasks: { a: { run: 'echo ${{ params.to }} ${{ env.A }} ${{ env.T }} ${{ env.U }} ${{ env.OWN }}' } }";
    assert_eq!(codes(&plan, &["gen"], paste), [""; 0]);
    let paste = "tasks: { a: { run: 'echo ${{ params.s }}' } }";
    for value in ["fixed", "\"${{ params.to }}\""] {
        assert_eq!(
            codes(&used(value), &["use", "gen"], paste),
            [""; 0],
            "{value}"
        );
    }
}
