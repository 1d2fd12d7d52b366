//! Bounds, bytes that are no text, params from the command line, generated tasks.

use model::limits;
use pipeline::{
    Address, Around, Diagnostic, Request, SourceFile, Sources, check, check_with, compile,
    compile_fragment,
};
use serde_json::json;

fn told(diagnostics: &[Diagnostic]) -> Vec<String> {
    let told = diagnostics.iter();
    told.map(|each| {
        format!(
            "{} {}:{} {}",
            each.code, each.line, each.column, each.message
        )
    })
    .collect()
}

fn checked(text: impl Into<Vec<u8>>) -> Vec<String> {
    told(&check(&SourceFile::new("f.yaml", text)))
}

fn with_params(text: &str, params: &[(&str, &str)]) -> Vec<String> {
    let params = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = Request {
        params: params.collect(),
        ..Request::default()
    };
    let compiled = compile(&SourceFile::new("f.yaml", text), &request);
    assert_eq!(
        compiled.plan.is_none(),
        compiled.diagnostics.iter().any(Diagnostic::is_error)
    );
    told(&compiled.diagnostics)
}

#[test]
fn bytes_that_are_no_text_are_named_with_their_place() {
    assert_eq!(
        checked(b"name: caf\xe9\ntasks: {t: {run: x}}".to_vec()),
        ["E0102 1:10 byte 0xe9 is not UTF-8"]
    );
    assert_eq!(
        checked(b"tasks:\n  t: {run: \"\xff\"}".to_vec()),
        ["E0102 2:13 byte 0xff is not UTF-8"]
    );
    assert_eq!(
        checked(b"\xff\xfet\0a\0".to_vec()),
        ["E0102 1:1 the file is UTF-16; expected UTF-8"]
    );
}

#[test]
fn a_byte_order_mark_is_no_column_where_it_marks_the_file() {
    assert_eq!(
        checked("\u{feff}ab\0"),
        ["E0103 1:3 control character U+0000 is not allowed"]
    );
    assert_eq!(
        checked("a\n\u{feff}b\0"),
        ["E0103 2:3 control character U+0000 is not allowed"]
    );
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_refused() {
    let text = " ".repeat(limits::PIPELINE_FILE_BYTES + 1);
    assert_eq!(
        checked(text),
        [
            "E0101 1:1 the file has more than 1048576 bytes, which is the most that a pipeline may have"
        ]
    );
}

#[test]
fn a_filter_has_a_bounded_number_of_patterns() {
    let said = |count: usize| {
        let patterns = (0..count).map(|n| format!("d{n}")).collect::<Vec<_>>();
        let patterns = patterns.join(", ");
        checked(format!(
            "on:\n  push:\n    paths: [{patterns}]\ntasks: {{t: {{run: x}}}}"
        ))
    };
    assert_eq!(said(limits::PATTERNS), [""; 0]);
    assert_eq!(
        said(limits::PATTERNS + 1),
        ["E0801 3:1103 a filter has 201 patterns; at most 200 are allowed"]
    );
}

#[test]
fn a_matrix_that_is_too_large_is_refused_before_it_is_made() {
    let axis = (0..400)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let text =
        format!("tasks: {{t: {{matrix: {{a: [{axis}], b: [{axis}], c: [{axis}]}}, run: x}}}}");
    assert_eq!(
        checked(text),
        ["E0602 1:13 the matrix has 64000000 cells; at most 100000 are allowed"]
    );
}

#[test]
fn several_matrices_may_not_make_too_many_tasks_together() {
    let axis = (0..300)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let task = format!("{{matrix: {{a: [{axis}], b: [{axis}]}}, run: x}}");
    let text = format!("tasks: {{a: {task}, b: {task}, c: {task}}}");
    assert_eq!(
        checked(text),
        ["E0801 1:1 the pipeline makes 270000 tasks; at most 200000 are allowed"]
    );
}

#[test]
fn params_that_do_not_fit_are_refused_by_name() {
    let text = "params: {n: {type: number}, p: {enum: [a, b], default: a}, l: {type: list, default: []}}\ntasks: {t: {run: x}}";
    assert_eq!(
        with_params(text, &[("n", "4"), ("l", "[1]")]),
        Vec::<String>::new()
    );
    assert_eq!(
        with_params(text, &[("n", "four"), ("p", "c"), ("l", "1"), ("q", "x")]),
        [
            "E0502 1:1 the pipeline has no param `q`",
            "E0503 1:10 param `n`: expected a number, found `four`",
            "E0503 1:29 param `p`: expected `a` or `b`, found `c`",
            "E0503 1:60 param `l`: expected a JSON list such as `[\"a\", \"b\"]`, found `1`",
        ]
    );
    assert_eq!(
        with_params(text, &[("n", "99999999999999999999")]),
        [
            "E0503 1:10 param `n`: expected a number from -9223372036854775808 to 9223372036854775807, found `99999999999999999999`",
        ]
    );
    assert_eq!(
        with_params(text, &[]),
        ["E0501 1:10 param `n` has no default and was not given"]
    );
}

#[test]
fn a_param_of_a_pipeline_that_declares_none_is_refused_as_such() {
    let request = Request {
        params: [("q".to_owned(), "x".to_owned())].into(),
        ..Request::default()
    };
    let file = SourceFile::new("f.yaml", "tasks: {t: {run: x}}");
    let [said] = &compile(&file, &request).diagnostics[..] else {
        panic!("one error is expected");
    };
    assert_eq!(
        said.help.as_deref(),
        Some("it declares none; leave the value out, or declare it below `params`")
    );
}

#[test]
fn the_signal_is_part_of_the_plan_and_what_is_tainted_is_named() {
    let request = Request {
        signal: [("branch".to_owned(), json!("main"))].into(),
        ..Request::default()
    };
    let plan = compile(&SourceFile::new("f.yaml", "tasks: {t: {run: x}}"), &request)
        .plan
        .unwrap();
    assert_eq!(plan.signal["branch"], json!("main"));
    assert!(plan.tainted.contains(&"signal.branch".to_owned()));
}

#[test]
fn generated_tasks_are_a_scope_of_their_own() {
    let text = "env: {A: b}\ntasks:\n  one: {run: \"echo ${{ params.any }}\"}\n  two: {needs: one, run: y}";
    let fragment =
        compile_fragment(&SourceFile::new("more.yaml", text), &Around::default()).unwrap();
    assert_eq!((fragment.scopes.len(), fragment.tasks.len()), (1, 2));
    assert_eq!(fragment.scopes[0].env.len(), 1);
    assert_eq!(fragment.tasks[1].needs.len(), 1);
}

#[test]
fn a_generated_task_that_this_version_cannot_run_is_refused_at_its_key() {
    let later = "tasks:\n  a:\n    run: x\n    inputs: [src]\n";
    let refused =
        compile_fragment(&SourceFile::new("more.yaml", later), &Around::default()).unwrap_err();
    assert_eq!(
        (refused[0].line, &*refused[0].message),
        (4, "this version of Formic cannot run `inputs`")
    );
}

#[test]
fn generated_tasks_are_checked_like_a_file_and_bounded() {
    let refused = compile_fragment(
        &SourceFile::new("more.yaml", "name: x\ntasks: {a: {needs: b, run: x}}"),
        &Around::default(),
    )
    .unwrap_err();
    assert_eq!(
        told(&refused),
        [
            "E0201 1:1 unknown key `name` in the generated file",
            "E0301 2:20 task `a` needs `b`, which does not exist",
        ]
    );
    let axis = (0..200)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let many = format!("tasks: {{t: {{matrix: {{a: [{axis}], b: [{axis}]}}, run: x}}}}");
    let refused =
        compile_fragment(&SourceFile::new("more.yaml", many), &Around::default()).unwrap_err();
    assert_eq!(
        told(&refused),
        ["E0801 1:1 the file makes 40000 tasks; a task may generate at most 10000"]
    );
}

#[test]
fn two_thousand_tasks_compile() {
    let task = |n: usize| {
        format!(
            "  t{n}:\n    needs: [t{}]\n    run: make t{n}\n    env: {{ N: \"${{{{ params.n }}}}\" }}\n",
            n.max(1) - 1
        )
    };
    let tasks: String = (1..2000).map(task).collect();
    let text = format!("params: {{n: 1}}\ntasks:\n  t0: {{run: x}}\n{tasks}");
    assert_eq!(checked(text), Vec::<String>::new());
}

#[test]
fn what_a_file_hands_over_counts_for_each_task_that_uses_it() {
    let params = |count: usize| -> String { (0..count).map(|n| format!("  p{n}: 1\n")).collect() };
    let used = format!("params:\n{}task: {{run: x}}\n", params(1_000));
    let calls = |count: usize| -> Vec<String> {
        let tasks = (0..count).map(|n| format!("  t{n}: {{uses: ./used.yaml}}\n"));
        let text = format!("tasks:\n{}", tasks.collect::<String>());
        let mut sources = Sources::new();
        sources.insert_file(Address::Local("used.yaml".to_owned()), used.as_str());
        told(&check_with(&SourceFile::new("f.yaml", text), &sources).diagnostics)
    };
    let most = limits::HANDED_OVER / 1_000;
    assert_eq!(calls(most), [""; 0]);
    assert_eq!(
        calls(most + 1),
        [format!(
            "E0801 {}:16 the files that tasks use have more than 200000 params, outputs, secrets and artifacts, counted for each task",
            most + 2
        )]
    );
}

#[test]
fn aliases_repeat_no_more_text_than_a_file_may_have() {
    let file = |tasks: usize| {
        let mut text = format!("x-long: &long \"{}\"\ntasks:\n", "x".repeat(100_000));
        for place in 0..tasks {
            text.push_str(&["  t", &place.to_string(), ": {run: *long}\n"].concat());
        }
        text
    };
    assert_eq!(checked(file(10)), [] as [&str; 0]);
    assert_eq!(
        checked(file(11)),
        ["E0114 13:14 aliases repeat more than 1048576 bytes of text"]
    );
}

#[test]
fn text_from_outside_that_cannot_be_followed_refuses_the_pipeline() {
    let params: String = (0..11).map(|n| format!("  p{n}: x\n")).collect();
    let used =
        format!("params:\n{params}task: {{run: echo result >> a, outputs: {{result: string}}}}\n");
    let call = |number: usize| {
        let given = (0..11).filter(|n| number >> n & 1 == 1);
        let given: String = given
            .map(|n| format!("p{n}: \"${{{{ signal.branch }}}}\", "))
            .collect();
        format!("  t{number}: {{uses: ./used.yaml, with: {{{given}}}}}\n")
    };
    // Each of these gives text from outside to other params; the last one gives none.
    let said = |calls: usize| -> Vec<String> {
        let calls: String = (1..=calls).map(call).collect();
        let text = format!(
            "tasks:\n{calls}{}  show: {{needs: t0, run: \"echo ${{{{ tasks.t0.outputs.result }}}}\"}}\n",
            call(0)
        );
        let mut sources = Sources::new();
        sources.insert_file(Address::Local("used.yaml".to_owned()), used.as_str());
        told(&check_with(&SourceFile::new("f.yaml", text), &sources).diagnostics)
    };
    let most = limits::TAINT_LOOKS;
    assert_eq!(said(most - 1), [""; 0]);
    assert_eq!(
        said(most),
        [
            "E0801 2002:14 the files that tasks use get text from outside in more than 2000 combinations of params, which are too many to follow",
            "E0407 2003:36 `tasks.t0.outputs.result` is text from outside and may hold commands",
        ]
    );
}

#[test]
fn text_from_outside_is_followed_through_variables_however_many_hold_each_other() {
    let said = |count: usize| {
        let chain: String = (0..count)
            .map(|n| format!("A{n}: \"${{{{ env.A{} }}}}\", ", n + 1))
            .collect();
        checked(format!(
            "tasks:\n  t:\n    env: {{{chain}A{count}: \"${{{{ signal.branch }}}}\"}}\n    run: echo ${{{{ env.A0 }}}}"
        ))
    };
    for count in [1, 9, 12, 50] {
        assert_eq!(
            said(count),
            ["E0407 4:19 `env.A0` is text from outside and may hold commands"]
        );
    }
}

#[test]
fn a_reference_to_an_image_is_as_long_as_registries_take_it() {
    let said = |image: &str| {
        let text = format!("tasks: {{t: {{container: \"{image}\", run: x}}}}\n");
        let said = check(&SourceFile::new("f.yaml", text));
        said.into_iter().map(|each| each.help).collect::<Vec<_>>()
    };
    assert_eq!(said(&"a".repeat(512)), []);
    let help = Some("a reference has at most 512 bytes".to_owned());
    assert_eq!(said(&"a".repeat(513)), std::slice::from_ref(&help));
    assert_eq!(said(&"://".repeat(300_000)), [help]);
}
