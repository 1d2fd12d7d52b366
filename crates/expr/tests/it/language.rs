//! The language by example.
#![expect(clippy::unwrap_used, reason = "tests")]

use expr::{Budget, Dialect, Error, ErrorKind, MapScope, Template, Value, compile};
use serde_json::json;

fn scope() -> MapScope {
    let mut scope = MapScope::from_json(
        json!({
            "tasks": {"build": {"outputs": {"version": "1.2.3", "count": 3}}, "unit-test": {"outputs": {}}},
            "params": {"env": "prod"},
        })
        .as_object()
        .unwrap(),
    );
    scope.insert(
        "signal",
        Value::from_json(&json!({"branch": "main", "number": 7, "labels": ["a", "b"]})).tainted(),
    );
    scope
}

fn eval(text: &str) -> Result<Value, Error> {
    compile(Dialect::Cel, text)?.eval(&scope(), &mut Budget::default())
}

fn value(text: &str) -> Value {
    eval(text).unwrap()
}

fn template(text: &str) -> Value {
    Template::parse(Dialect::Cel, text)
        .unwrap()
        .eval(&scope(), &mut Budget::default())
        .unwrap()
}

#[test]
fn members_are_reached_by_name_and_by_index() {
    assert_eq!(value("tasks.build.outputs.version"), Value::from("1.2.3"));
    assert_eq!(value("tasks['unit-test'].outputs.size()"), Value::Int(0));
    assert_eq!(
        value("tasks.`unit-test`.outputs.?x.orValue('none')"),
        Value::from("none")
    );
}

#[test]
fn references_are_listed_with_their_static_path() {
    let program = compile(
        Dialect::Cel,
        "tasks[\"build\"].outputs.x == [1].map(y, y + params.n)[0] && has(signal.tag)",
    )
    .unwrap();
    let paths: Vec<String> = program
        .references()
        .iter()
        .map(|reference| reference.path.join("."))
        .collect();
    assert_eq!(paths, ["tasks.build.outputs.x", "params.n", "signal.tag"]);
    assert_eq!(
        program.references()[0].span.of(program.text()),
        "tasks[\"build\"].outputs.x"
    );
}

#[test]
fn calls_are_listed_with_their_literals() {
    let program = compile(
        Dialect::Cel,
        "failed() || hash('**/*.rs', 'b') == math.abs(1) && 'x'.contains('y')",
    )
    .unwrap();
    let calls: Vec<String> = program
        .calls()
        .into_iter()
        .map(|call| {
            let literals = call.literals.iter();
            let literals = literals.map(|(text, span)| format!(" {text} at {}", span.start));
            format!(
                "{}/{}{}",
                call.name,
                call.args,
                literals.collect::<String>()
            )
        })
        .collect();
    assert_eq!(
        calls,
        [
            "failed/0",
            "hash/2 **/*.rs at 17 b at 28",
            "math.abs/1",
            "contains/1 y at 64"
        ]
    );
}

#[test]
fn taint_follows_text_and_leaves_numbers() {
    for tainted in [
        "signal.branch",
        "'x' + signal.branch",
        "signal.branch.upperAscii()",
        "signal.branch.split('a')",
        "[signal.branch]",
        "{'a': signal}",
        "'%s'.format([signal.branch])",
        "signal.labels.join(',')",
        "signal.labels.map(l, l + '!')",
        "params.env.replace('r', signal.branch)",
        "signal.?branch",
        "string(bytes(signal.branch))",
        "json.decode('\"' + signal.branch + '\"')",
        "regex.replace('abc', 'b', signal.branch)",
        "true ? signal.branch : ''",
        "{signal.branch: 1}.map(k, k)",
    ] {
        assert!(value(tainted).is_tainted(), "{tainted}");
    }
    for clean in [
        "signal.number",
        "signal.branch == 'main'",
        "signal.branch == 'main' ? 'yes' : 'no'",
        "size(signal.branch)",
        "params.env",
        "string(signal.number)",
        "signal.labels.size()",
        "[signal.number]",
        "signal.branch.matches('m.*')",
    ] {
        assert!(!value(clean).is_tainted(), "{clean}");
    }
}

#[test]
fn a_lone_expression_keeps_its_type_and_others_become_text() {
    assert_eq!(template("${{ tasks.build.outputs.count }}"), Value::Int(3));
    assert_eq!(
        template("v${{ tasks.build.outputs.count }}"),
        Value::from("v3")
    );
    assert_eq!(
        template("${{ [1, 'a'] }} ${{ {'a': 1} }} ${{ null }}|${{ 1.5 }}"),
        Value::from("[1,\"a\"] {\"a\":1} |1.5")
    );
    assert_eq!(template("no expression"), Value::from("no expression"));
    assert_eq!(
        template("$${{ x }} ${{ 'a}}b' }}"),
        Value::from("${{ x }} a}}b")
    );
    assert_eq!(template("${{ {'a': {'b': 2}}.a.b }}"), Value::Int(2));
    assert!(template("on ${{ signal.branch }}").is_tainted());
    assert!(!template("on ${{ signal.number }}").is_tainted());
}

#[test]
fn spans_of_templates_refer_to_the_whole_text() {
    let text = "a ${{ params.env }} b ${{ 1 + }}";
    let error = Template::parse(Dialect::Cel, text).unwrap_err();
    assert_eq!(error.to_string(), "found `}`, expected a value");
    assert_eq!(
        error.span.unwrap().start as usize,
        text.rfind("}}").unwrap()
    );
    let template = Template::parse(Dialect::Cel, "a ${{ params.env }}").unwrap();
    let program = template.programs().next().unwrap();
    assert_eq!((program.text(), program.span().start), ("params.env", 6));
}

#[test]
fn parse_errors_point_at_the_character() {
    for (text, message, at) in [
        ("1 +", "found the end, expected a value", 3),
        ("a b", "found `b`, expected an operator or the end", 2),
        ("a and b", "found `and`, expected an operator or the end", 2),
        ("a = b", "unexpected character `=`", 2),
        ("(1", "found the end, expected an operator or `)`", 2),
        ("[1, 2", "found the end, expected `,` or `]`", 5),
        ("{'a' 1}", "found `1`, expected `:` and a value", 5),
        ("'abc", "string has no end", 0),
        ("'a\\qb'", "unknown escape", 2),
        ("x.map(1, 2)", "`map` needs a plain name and `,` here", 6),
        ("has(a)", "`has` needs a member such as `has(a.b)`", 4),
        ("if", "`if` is a reserved word", 0),
        (
            "9223372036854775808",
            "whole number is out of range for `int`",
            0,
        ),
        (
            "a ? b",
            "found the end, expected `:` and the value otherwise",
            5,
        ),
    ] {
        let error = compile(Dialect::Cel, text).unwrap_err();
        assert_eq!(
            (
                error.kind,
                error.message.as_str(),
                error.span.unwrap().start
            ),
            (ErrorKind::Parse, message, at),
            "{text}"
        );
    }
}

#[test]
fn evaluation_errors_point_at_the_operation() {
    for (text, message, at) in [
        ("1 + 2 / 0", "divide by zero", 6),
        ("tasks.nope.x", "no such key: `nope`", 6),
        ("nope.x", "unknown name `nope`", 0),
        ("nope()", "unknown function `nope`", 0),
        (
            "params.env + 1",
            "no such overload: `+` does not take (string, int)",
            11,
        ),
        ("'x'.substring(5)", "index out of range: 5", 4),
        ("[1][2]", "index 2 is out of range for a list of 1", 3),
    ] {
        let error = eval(text).unwrap_err();
        assert_eq!(
            (
                error.kind,
                error.message.as_str(),
                error.span.unwrap().start
            ),
            (ErrorKind::Eval, message, at),
            "{text}"
        );
    }
}

#[test]
fn steps_are_counted_the_same_every_time() {
    let program = compile(
        Dialect::Cel,
        "lists.range(100).map(x, string(x)).filter(x, x.matches('^[0-4]+$')).size()",
    )
    .unwrap();
    let used = || {
        let mut budget = Budget::default();
        program.eval(&scope(), &mut budget).unwrap();
        budget.used()
    };
    assert_eq!(used(), used());
    let error = program.eval(&scope(), &mut Budget::new(50)).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Limit, "expression needs more than 50 steps")
    );
}

#[test]
fn a_limit_is_not_absorbed() {
    let error = compile(Dialect::Cel, "lists.range(2000000).size() > 0 || true")
        .unwrap()
        .eval(&scope(), &mut Budget::default());
    assert_eq!(error.unwrap_err().kind, ErrorKind::Limit);
}

#[test]
fn a_program_that_begins_or_ends_with_a_sign_keeps_its_text() {
    for text in [
        "(2 * 3) / 4 % 5",
        "1 + (2 * 3)",
        "((a)).b",
        "-(1)",
        "(a) ? (b) : (c)",
        ".a + .b.c",
        "cel.block([], c).d",
    ] {
        assert_eq!(compile(Dialect::Cel, text).unwrap().text(), text);
    }
    let template = Template::parse(Dialect::Cel, "x ${{ (a || b) && c }}").unwrap();
    let texts: Vec<&str> = template.programs().map(expr::Program::text).collect();
    assert_eq!(texts, ["(a || b) && c"]);
}

#[test]
fn what_is_compared_with_a_text_can_be_asked() {
    let of = |text: &str| -> Vec<String> {
        let program = expr::compile(Dialect::Cel, text).unwrap();
        let comparisons = program.comparisons().into_iter();
        let shown = comparisons.map(|each| {
            let texts: Vec<&str> = each.texts.iter().map(|(text, _)| text.as_str()).collect();
            format!("{} {}", each.path.join("."), texts.join(","))
        });
        shown.collect()
    };
    assert_eq!(of("tasks['a'].outcome == 'x'"), ["tasks.a.outcome x"]);
    assert_eq!(of("'x' != a.b && c in ['y', 1, 'z']"), ["a.b x", "c y,z"]);
    assert_eq!(
        of("a[0] == 'x' || f(a) == 'x' || a < 'x' || a == b"),
        [""; 0]
    );
}

#[test]
fn every_broken_expression_of_a_template_is_told() {
    let text = "${{ 1 + }} a ${{ 2 }} ${{ ) }} $${{ x ${{ 'b";
    let (template, errors) = Template::parse_leniently(Dialect::Cel, text);
    let right: Vec<&str> = template.programs().map(expr::Program::text).collect();
    assert_eq!(right, ["2"]);
    let places: Vec<Option<u32>> = errors
        .iter()
        .map(|error| error.span.map(|span| span.start))
        .collect();
    assert_eq!(places, [Some(8), Some(26), Some(38)]);
    assert_eq!(Template::parse(Dialect::Cel, text).unwrap_err(), errors[0]);
    let (_, many) = Template::parse_leniently(Dialect::Cel, &"${{ ) }}".repeat(1_000));
    assert_eq!(many.len(), expr::check::MAX_ERRORS);
}

#[test]
fn a_text_that_is_too_long_to_hold_expressions_says_so() {
    let text = format!("{} ${{{{ 1 }}}}", "x".repeat(256 * 1024));
    let error = Template::parse(Dialect::Cel, &text).unwrap_err();
    assert_eq!(
        error.message,
        "text of 262153 bytes is longer than the 262144 bytes that one with expressions may have"
    );
    assert!(error.help.is_some());
}
