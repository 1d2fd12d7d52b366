//! Pipelines of several files: what is used becomes a scope, what is included becomes a part, what is
//! missing is named.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::broken;
use model::ids::ScopeNo;
use model::plan::{Body, Call, Plan, Text, ValueType};
use pipeline::{
    Address, Compiled, Failed, FailedKind, Loaded, Request, SourceFile, Sources, check_with,
    compile_with,
};

fn compiled(text: &str, files: &[&str]) -> Compiled {
    let file = SourceFile::new("f.yaml", text);
    compile_with(&file, &broken::sources(files), &Request::default())
}

/// The plan of files without faults.
fn plan(text: &str, files: &[&str]) -> Plan {
    let compiled = compiled(text, files);
    assert_eq!(compiled.diagnostics, []);
    compiled.plan.unwrap()
}

fn call<'p>(plan: &'p Plan, task: &str) -> &'p Call {
    let def = plan.tasks.iter().find(|each| each.name == task).unwrap();
    match &def.body {
        Body::Call(call) => call,
        Body::Steps(_) | Body::Nothing => panic!("`{task}` is no call"),
    }
}

fn names(plan: &Plan, scope: u32) -> Vec<&str> {
    let tasks = plan.scope(ScopeNo(scope)).tasks.iter();
    tasks.map(|def| plan.task(*def).name.as_str()).collect()
}

#[test]
fn a_reusable_pipeline_is_a_scope_with_params_and_outputs() {
    let plan = plan(
        "tasks:\n  build: {uses: ./ci/build.yaml, with: {profile: release, threads: 4, only: [a, b]}}\n  \
         show: {needs: build, env: {V: \"${{ tasks.build.outputs.version }}\"}, run: echo \"$V\"}\n",
        &[
            "ci/build.yaml\nname: Build it\nparams: {profile: debug, threads: 1, only: []}\nenv: {A: b}\ntasks:\n  \
           compile: {run: 'echo \"v=1\" >> \"$FORMIC_OUTPUT\"', outputs: {v: string}}\n  \
           test: {needs: compile, run: make test}\n\
           outputs:\n  version: {value: \"${{ tasks.compile.outputs.v }}\"}\n",
        ],
    );
    assert_eq!(names(&plan, 0), ["build", "show"]);
    assert_eq!(names(&plan, 1), ["compile", "test"]);
    let scope = plan.scope(ScopeNo(1));
    assert_eq!((scope.name.as_str(), scope.env.len()), ("Build it", 1));
    assert_eq!(scope.inputs["threads"].value_type, ValueType::Number);
    assert_eq!(
        scope.outputs["version"].from.as_ref().unwrap(),
        &text_at(&plan, "${{ tasks.compile.outputs.v }}")
    );
    let call = call(&plan, "build");
    assert_eq!(call.scope, ScopeNo(1));
    let given: Vec<_> = call
        .inputs
        .iter()
        .map(|(name, value)| (name.as_str(), value.literal().unwrap()))
        .collect();
    assert_eq!(
        given,
        [
            ("only", "[\"a\",\"b\"]"),
            ("profile", "release"),
            ("threads", "4")
        ]
    );
    // Needs count within their scope.
    let test = plan.tasks.iter().find(|task| task.name == "test").unwrap();
    assert_eq!(plan.task(test.needs[0].task).name, "compile");
    assert_eq!(test.scope, ScopeNo(1));
}

/// The template `text`, with the place that it has in the plan.
fn text_at(plan: &Plan, text: &str) -> Text {
    let outputs = &plan.scope(ScopeNo(1)).outputs;
    let found = outputs.values().filter_map(|output| output.from.clone());
    found
        .into_iter()
        .find(|from| matches!(from, Text::Template(template) if template.text == text))
        .unwrap()
}

#[test]
fn a_reusable_task_gives_its_own_outputs_and_artifacts() {
    let plan = plan(
        "tasks:\n  build: {uses: ./ci/build.yaml}\n  \
         pack: {needs: build, artifacts: {in: [{from: build, name: bin}]}, env: {V: \"${{ tasks.build.outputs.v }}\"}, run: ./pack.sh}\n",
        &[
            "ci/build.yaml\ntask: {run: 'echo \"v=1\" >> \"$FORMIC_OUTPUT\"', outputs: {v: string}, artifacts: {out: {bin: target/x}}}",
        ],
    );
    assert_eq!(names(&plan, 1), ["build"]);
    let outer = &plan.tasks[0];
    assert_eq!(outer.artifacts_out[0].name, "bin");
    // The paths are those of the task inside, which holds them.
    assert_eq!(outer.exclusive_paths().count(), 0);
    assert_eq!(outer.outputs["v"].value_type, ValueType::String);
    let from = plan.scope(ScopeNo(1)).outputs["v"].from.clone();
    assert_eq!(
        from,
        Some(Text::template("${{ tasks[\"build\"].outputs[\"v\"] }}"))
    );
}

#[test]
fn a_file_that_two_tasks_use_is_one_scope() {
    let plan = plan(
        "tasks: {a: {uses: ./t.yaml, with: {n: 1}}, b: {uses: ./././t.yaml, with: {n: 2}}}",
        &["t.yaml\nparams: {n: 0}\ntask: {run: x}"],
    );
    assert_eq!(plan.scopes.len(), 2);
    assert_eq!(call(&plan, "a").scope, call(&plan, "b").scope);
}

#[test]
fn files_use_files_down_to_the_bound() {
    let chain = |depth: usize| {
        let link = |n: usize| match n {
            1 => "t1.yaml\ntask: {run: x}".to_owned(),
            n => format!("t{n}.yaml\ntasks: {{t: {{uses: ./t{}.yaml}}}}", n - 1),
        };
        let files: Vec<String> = (1..=depth).map(link).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        compiled(&format!("tasks: {{t: {{uses: ./t{depth}.yaml}}}}"), &files)
    };
    assert_eq!(chain(10).plan.unwrap().scopes.len(), 11);
    let said: Vec<String> = chain(11)
        .diagnostics
        .into_iter()
        .map(|each| format!("{} {}", each.file, each.message))
        .collect();
    assert_eq!(
        said,
        ["t2.yaml files use each other more than 10 levels deep"]
    );
}

#[test]
fn a_reusable_task_can_be_run_alone() {
    let plan = plan("params: {level: low}\ntask: {run: ./scan.sh}", &[]);
    assert_eq!(names(&plan, 0), ["f"]);
}

#[test]
fn a_call_keeps_what_decides_about_it() {
    let plan = plan(
        "tasks:\n  first: {run: x}\n  each:\n    uses: ./t.yaml\n    needs: first\n    when: signal.branch == 'main'\n    \
         matrix: {n: [1, 2]}\n    with: {n: \"${{ matrix.n }}\"}\n    concurrency: deploy\n    critical: false\n    allow_failure: true\n",
        &["t.yaml\nparams: {n: 0}\ntask: {run: x}"],
    );
    let each = &plan.tasks[1];
    assert_eq!(each.needs.len(), 1);
    assert!(each.matrix.is_some() && each.concurrency.is_some() && each.start.condition.is_some());
    assert!(!each.critical);
}

#[test]
fn included_files_are_part_of_the_one_that_includes_them() {
    let plan = plan(
        "include: [ci/common.yaml]\nenv: {A: a}\ntasks: {test: {needs: lint, run: \"make ${{ params.profile }}\"}}\n",
        &[
            "ci/common.yaml\ninclude: [./ci/more.yaml]\nparams: {profile: debug}\nenv: {B: b, inherit: [SSH_AUTH_SOCK]}\ntasks: {lint: {run: make lint}}",
            "ci/more.yaml\nsecrets: [TOKEN]\nfinally: {report: {run: ./report.sh}}",
        ],
    );
    assert_eq!(plan.scopes.len(), 1);
    assert_eq!(names(&plan, 0), ["test", "lint", "report"]);
    let root = plan.scope(ScopeNo::ROOT);
    assert_eq!(
        root.env
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["A", "B"]
    );
    assert_eq!(root.secrets, ["TOKEN"]);
    assert_eq!(plan.tasks[0].env_policy.inherit, ["SSH_AUTH_SOCK"]);
    assert_eq!(plan.params["profile"], "debug");
}

#[test]
fn what_is_missing_is_named_and_asked_for_level_by_level() {
    let text = "include: [one.yaml]\ntasks: {t: {uses: ./two.yaml}, u: {uses: \"git+https://h/r//a/b.yaml@v1\"}}";
    let first = compiled(text, &[]);
    let missing: Vec<String> = first.missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        ["./one.yaml", "./two.yaml", "git+https://h/r//a/b.yaml@v1"]
    );
    assert!(first.plan.is_none());
    let mut sources = broken::sources(&["one.yaml\nenv: {A: b}", "two.yaml\ntask: {run: x}"]);
    let git = Address::parse_whole("git+https://h/r//a/b.yaml@v1").unwrap();
    sources.insert_file(git, "tasks: {deep: {uses: ./c.yaml}}");
    let second = check_with(&SourceFile::new("f.yaml", text), &sources);
    let missing: Vec<String> = second.missing.iter().map(ToString::to_string).collect();
    assert_eq!(missing, ["git+https://h/r//c.yaml@v1"]);
}

#[test]
fn a_fault_of_a_file_is_told_with_its_own_lines() {
    let text = "# first\ntasks:\n  t: {uses: ./t.yaml}\n";
    let said = compiled(text, &["t.yaml\n# é\ntask:\n  run: x\n  timeout: 5"]).diagnostics;
    let [fault] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(
        (fault.file.as_str(), fault.line, fault.column),
        ("t.yaml", 4, 12)
    );
    assert_eq!((fault.span.start, fault.span.end), (31, 32));
}

#[test]
fn a_byte_order_mark_moves_no_place_of_another_file() {
    let mut sources = Sources::new();
    let address = Address::parse_whole("./t.yaml").unwrap();
    sources.insert_file(address, "\u{feff}task: {run: x, nonsense: 1}");
    let file = SourceFile::new(
        "f.yaml",
        "\u{feff}tasks: {t: {uses: ./t.yaml}, u: {nonsense: 1}}",
    );
    let said = check_with(&file, &sources).diagnostics;
    let spans: Vec<_> = said
        .iter()
        .filter(|each| each.code == "E0201")
        .map(|each| (each.file.as_str(), each.span.start, each.column))
        .collect();
    assert_eq!(spans, [("f.yaml", 36, 34), ("t.yaml", 18, 16)]);
}

#[test]
fn a_file_that_is_no_text_is_told_by_its_name() {
    let mut sources = Sources::new();
    let address = Address::parse_whole("./t.yaml").unwrap();
    sources.insert_file(address, b"task: {run: \xff}".to_vec());
    let said = check_with(
        &SourceFile::new("f.yaml", "tasks: {t: {uses: ./t.yaml}}"),
        &sources,
    )
    .diagnostics;
    let said: Vec<_> = said
        .iter()
        .map(|each| (each.file.as_str(), each.code))
        .collect();
    assert_eq!(said, [("t.yaml", "E0102")]);
}

#[test]
fn files_are_bounded_in_number_and_size() {
    let mut sources = Sources::new();
    for n in 0..300 {
        let address = Address::parse_whole(&format!("./t{n}.yaml")).unwrap();
        sources.insert_file(address, "task: {run: x}");
    }
    assert_eq!(sources.files().count(), 256);
    let mut sources = Sources::new();
    for n in 0..5 {
        let address = Address::parse_whole(&format!("./t{n}.yaml")).unwrap();
        sources.insert_file(address, vec![b' '; 1024 * 1024]);
    }
    let refused = sources
        .iter()
        .filter(|(_, loaded)| matches!(loaded, Loaded::Failed(_)));
    assert_eq!(refused.count(), 1);
}

#[test]
fn clean_values_of_tainted_tasks_may_be_pasted() {
    let said = compiled(
        "tasks:\n  read:\n    env: {TITLE: \"${{ signal.title }}\"}\n    outputs: {count: number, kind: {enum: [a, b]}, ok: boolean}\n    \
         run: ./read.sh\n  show:\n    needs: read\n    run: echo ${{ tasks.read.outputs.count }} ${{ tasks.read.outputs.kind }} ${{ tasks.read.outputs.ok }} ${{ signal.title == 'x' }}\n  \
         same: {uses: ./t.yaml, with: {text: fixed}}\n",
        &["t.yaml\nparams: {text: \"\"}\ntask: {run: \"echo ${{ params.text }}\"}"],
    );
    // The words of an enum are those that the file names.
    assert_eq!(
        said.diagnostics
            .iter()
            .map(|each| each.message.as_str())
            .collect::<Vec<_>>(),
        [""; 0]
    );
}

#[test]
fn a_file_that_nobody_fetched_is_a_warning_and_no_further_fault() {
    let text = "tasks:\n  scan: {uses: \"git+https://git.example/ci//scan.yaml@v1\", with: {level: high}}\n  \
        show:\n    needs: scan\n    when: tasks.scan.outputs.found > 0\n    \
        env: {FOUND: \"${{ tasks.scan.outputs.found }}\"}\n    \
        artifacts: {in: [{from: scan, name: report}]}\n    run: echo $FOUND\n";
    let mut sources = Sources::new();
    let address = Address::parse_whole("git+https://git.example/ci//scan.yaml@v1").unwrap();
    let failed = Failed {
        kind: FailedKind::NotFetched,
        message: "it was not fetched".to_owned(),
        help: "fetch it".to_owned(),
    };
    sources.insert(address, Loaded::Failed(failed));
    let file = SourceFile::new("f.yaml", text);
    let compiled = compile_with(&file, &sources, &Request::default());
    let said: Vec<_> = compiled
        .diagnostics
        .iter()
        .map(|each| (each.code, each.line))
        .collect();
    assert_eq!(said, [("W0112", 2)]);
    assert_eq!(compiled.plan, None);
}

#[test]
fn a_file_that_is_not_the_pinned_one_is_looked_into_all_the_same() {
    let text = "tasks:\n  a: {uses: ./t.yaml}\n  b: {uses: ./t.yaml}\n";
    let mut sources = Sources::new();
    let address = Address::parse_whole("./t.yaml").unwrap();
    sources.insert_file(address.clone(), "task: {run: x, need: y}");
    let failed = Failed {
        kind: FailedKind::Changed,
        message: "it was changed".to_owned(),
        help: "pin it".to_owned(),
    };
    sources.doubt(&address, failed);
    let said = check_with(&SourceFile::new("f.yaml", text), &sources).diagnostics;
    let said: Vec<_> = said
        .iter()
        .map(|each| (each.code, &*each.file, each.line))
        .collect();
    let expected = [
        ("E1008", "f.yaml", 2),
        ("E1008", "f.yaml", 3),
        ("E0201", "t.yaml", 1),
    ];
    assert_eq!(said, expected);
}
