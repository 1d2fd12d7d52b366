//! Text that wants to break the evaluator: everything ends in a value or an error, in a 2 MiB thread.
#![expect(clippy::unwrap_used, reason = "tests")]

use expr::{Budget, Dialect, MapScope, Template, Type, TypeEnv, Value, check, compile};

/// Runs in a thread as small as those that serve requests.
fn in_small_thread(f: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(f)
        .unwrap()
        .join()
        .unwrap();
}

fn try_out(text: &str) {
    if let Ok(program) = compile(Dialect::Cel, text) {
        program.references();
        program.calls();
        program.comparisons();
        program.tainted_by(&|_| true);
        let mut env = TypeEnv::new();
        env.declare("a", Type::map(Type::String, Type::list(Type::Int)));
        let _checked = check(&program, &env);
        let _open = check(&program, &TypeEnv::open());
        let mut scope = MapScope::new();
        scope.insert("a", Value::from_json(&serde_json::json!({"a": [1, 2, 3]})));
        if let Ok(value) = program.eval(&scope, &mut Budget::default()) {
            let _json = value.to_json();
        }
    }
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn deep_nesting_ends_in_a_value_or_an_error() {
    in_small_thread(|| {
        for depth in [10, 50, 79, 100, 155, 159, 160, 161, 1000, 20_000] {
            for (open, inner, close) in [
                ("(", "1", ")"),
                ("[", "1", "]"),
                ("{1:", "1", "}"),
                ("{?1:", "1", "}"),
                ("int(", "1", ")"),
                ("-(", "1", ")"),
                ("!", "true", ""),
                ("-", "a", ""),
                ("1+(", "1", ")"),
                ("true&&(", "true", ")"),
                ("a[", "0", "]"),
                ("a.f(", "0", ")"),
                ("[1].map(x, ", "x", ")"),
                ("[1].all(x, y, ", "true", ")"),
                ("[[1]].transformMap(x, y, ", "x", ")"),
                ("optional.of(", "1", ")"),
                ("optional.of(1).optMap(x, ", "x", ")"),
                ("cel.bind(x, ", "1", ", x)"),
                ("cel.bind(x, 1, ", "1", ")"),
                ("cel.bind(x, [", "1", "], [x])"),
                ("true ? ", "1", " : 2"),
                ("(true ? 1 : ", "2", ")"),
                ("has(a.", "a", ")"),
                ("1 == 1 + 1 * -(", "1", ")"),
                ("a || b && c == d + e * -f(", "1", ")"),
            ] {
                try_out(&nested(open, inner, close, depth));
            }
        }
    });
}

#[test]
fn long_chains_end_in_a_value_or_an_error() {
    in_small_thread(|| {
        for length in [100, 1000, 20_000] {
            for (start, link) in [
                ("1", "+1"),
                ("1", "-1"),
                ("'a'", "+'a'"),
                ("[1]", "+[1]"),
                ("true", "&&true"),
                ("false", "||false"),
                ("1", "==1"),
                ("a", ".a"),
                ("a", ".?a"),
                ("a", "[0]"),
                ("a", "[?0]"),
                ("a", ".f()"),
                ("[1]", ".map(x,x)"),
                ("[1]", ".map(x,[x])"),
                ("[1]", ".filter(x,true)"),
                ("optional.of(1)", ".optMap(x,[x])"),
                ("optional.of(1)", ".optMap(x,optional.of(x))"),
                ("'a'", ".trim()"),
                ("true", "?1:false"),
                ("1", " in [1]"),
            ] {
                try_out(&format!("{start}{}", link.repeat(length)));
            }
            try_out(&format!(
                "cel.bind(y, [], {}true)",
                "y == [[]] && ".repeat(length)
            ));
            try_out(&format!("[{}1]", "1,".repeat(length)));
            try_out(&format!("{{{}'x':1}}", "1:1,".repeat(length)));
            try_out(&format!("f({}1)", "1,".repeat(length)));
            try_out(&format!(
                "cel.block([{}1], cel.index(0))",
                "1,".repeat(length)
            ));
            try_out(&"(".repeat(length));
            try_out(&"[".repeat(length));
            try_out(&"a?".repeat(length));
            try_out(&"a?b:".repeat(length));
            try_out(&"'".repeat(length));
            try_out(&"\\".repeat(length));
        }
    });
}

#[test]
fn values_that_double_are_stopped() {
    in_small_thread(|| {
        for link in [
            "[x, x]",
            "x + x",
            "{'a': x, 'b': x}",
            "string(x) + string(x)",
        ] {
            for start in ["'0123456789'", "[0]", "'abc'"] {
                let text = nested("cel.bind(x, ", start, &format!(", {link})"), 60);
                try_out(&text);
                try_out(&format!("{text} == {text}"));
                try_out(&format!("json.encode({text})"));
            }
        }
    });
}

#[test]
fn hostile_patterns_are_refused_or_fast() {
    in_small_thread(|| {
        for pattern in [
            nested("(", "a", ")*", 35),
            nested("(", "a", ")*", 1000),
            nested("(?:a", "", "){100}", 3),
            "(a{1000}){1000}".to_owned(),
            "\\w{1000}".to_owned(),
            "\\pL{50}".to_owned(),
            "(a|b|c|d|e)*x".repeat(100),
            "[".repeat(500),
            nested("[a", "", "]", 600),
        ] {
            try_out(&format!("{:?}.matches(r'{pattern}')", "a".repeat(1000)));
            try_out(&format!(
                "lists.range(1000).map(x, {:?}.matches(r'{pattern}' + string(x)))",
                "a".repeat(100)
            ));
        }
    });
}

#[test]
fn deep_values_are_dropped_without_recursion() {
    in_small_thread(|| {
        let mut value = Value::Null;
        for _ in 0..200_000 {
            value = Value::list(vec![value]);
        }
        assert!(value.to_json().is_err());
        let mut scope = MapScope::new();
        scope.insert("deep", value);
        assert!(
            compile(Dialect::Cel, "deep == deep")
                .unwrap()
                .eval(&scope, &mut Budget::default())
                .is_err()
        );
    });
}

#[test]
fn hostile_templates_end() {
    in_small_thread(|| {
        for text in [
            "${{".repeat(10_000),
            "$${{".repeat(10_000),
            "${{ 1 }}".repeat(10_000),
            "${{ {{ }}".repeat(100),
            "${{ '}}' }}".repeat(100),
        ] {
            if let Ok(template) = Template::parse(Dialect::Cel, &text) {
                let _value = template.eval(&MapScope::new(), &mut Budget::default());
            }
        }
    });
}

/// A scope with a text of 200,000 bytes, and the steps that `text` takes in it.
fn steps(text: &str) -> u64 {
    let mut scope = MapScope::new();
    scope.insert("long", Value::string("aäb,".repeat(40_000)));
    scope.insert("digits", Value::string("3".repeat(200_000)));
    scope.insert("pairs", Value::from_json(&serde_json::json!({"a": 1})));
    let mut budget = Budget::default();
    let _result = compile(Dialect::Cel, text)
        .unwrap()
        .eval(&scope, &mut budget);
    budget.used()
}

#[test]
fn what_looks_at_a_long_text_pays_for_its_length() {
    for text in [
        "pairs[long]",
        "pairs[?long]",
        "long in pairs",
        "{long: 1}",
        "double(digits)",
        "int(digits)",
        "uint(digits)",
        "duration(digits)",
        "timestamp(digits)",
        "'a'.contains(long)",
        "'a'.indexOf(long)",
        "'a'.lastIndexOf(long)",
        "'a'.replace(long, 'b')",
        "'a'.split(long)",
    ] {
        let steps = steps(text);
        assert!(steps >= 200_000 / 32, "{text} takes {steps} steps");
    }
}

#[test]
fn digits_beyond_those_of_a_double_are_paid_for() {
    for (text, least) in [
        ("'%f'.format([1e308])", 150),
        ("'%f'.format([1e-308])", 150),
        ("'%.1000f'.format([1e-308])", 600),
        ("'%.1000e'.format([1e-308])", 600),
    ] {
        let steps = steps(text);
        assert!(steps >= least, "{text} takes {steps} steps");
    }
    assert!(steps("'%.2f'.format([12.345])") < 20);
}

#[test]
fn an_error_that_does_not_count_is_paid_for() {
    for (without, with) in [
        ("pairs.a == 2 || true", "pairs.b == 2 || true"),
        (
            "[2, 1].exists(x, 2 / x == 2)",
            "[0, 1].exists(x, 2 / x == 2)",
        ),
    ] {
        // What stands behind an error is left out.
        let (without, dearer) = (steps(without), steps(with));
        assert!(dearer > without, "{with}: {without} and {dearer}");
    }
}
