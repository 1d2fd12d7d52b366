//! The grammar at its edges: what is an expression, and what only looks like one.
#![expect(clippy::unwrap_used, reason = "tests")]

use expr::{Budget, Dialect, ErrorKind, MapScope, TypeEnv, Value, check, compile};

fn value(text: &str) -> Value {
    let program = compile(Dialect::Cel, text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    program
        .eval(&MapScope::new(), &mut Budget::default())
        .unwrap()
}

#[track_caller]
fn refused(text: &str) {
    match compile(Dialect::Cel, text) {
        Ok(_) => panic!("`{text}` is taken"),
        Err(error) => assert_eq!(error.kind, ErrorKind::Parse, "`{text}`: {error}"),
    }
}

#[test]
fn a_last_comma_may_end_lists_and_maps_but_not_arguments() {
    assert_eq!(value("[1, 2,] == [1, 2] && {'a': 1,}.a == 1"), true.into());
    assert_eq!(value("[,].size() + {,}.size()"), Value::Int(0));
    for text in [
        "size([1],)",
        "math.least(1, 2,)",
        "[1,,]",
        "[,1]",
        "{,'a': 1}",
    ] {
        refused(text);
    }
}

#[test]
fn a_condition_inside_of_a_condition_stands_in_parentheses() {
    refused("true ? false ? 1 : 2 : 3");
    assert_eq!(value("true ? (false ? 1 : 2) : 3"), Value::Int(2));
    assert_eq!(value("false ? 1 : false ? 2 : 3"), Value::Int(3));
}

#[test]
fn reserved_words_are_members_but_neither_variables_nor_functions() {
    for word in ["as", "if", "in", "package", "while"] {
        refused(word);
        refused(&format!("{word}(1)"));
    }
    assert_eq!(
        value("{'if': 1}.if + {'package': 1}.package"),
        Value::Int(2)
    );
    for word in ["in", "true", "false", "null"] {
        refused(&format!("{{'{word}': 1}}.{word}"));
        assert_eq!(value(&format!("{{'{word}': 1}}.`{word}`")), Value::Int(1));
    }
}

#[test]
fn raw_bytes_are_bytes_first() {
    assert_eq!(value(r"br'\n' == b'\\n' && bR'\n' == Br'\n'"), true.into());
    refused("rb'a'");
}

#[test]
fn a_double_that_is_too_large_is_no_literal() {
    for text in ["1e309", "-1e400", "99e999"] {
        refused(text);
    }
    assert_eq!(value("1e-400"), Value::Double(0.0));
}

#[test]
fn the_two_variables_of_a_macro_have_two_names() {
    for text in [
        "[1].all(i, i, true)",
        "[1].transformList(i, i, i)",
        "[1].transformMap(i, i, true, i)",
    ] {
        refused(text);
    }
    assert_eq!(value("[[1].all(i, v, i == 0)].all(i, i)"), true.into());
}

#[test]
fn messages_are_of_the_grammar_but_there_are_none() {
    for text in [
        "Foo{a: 1}",
        "a.b.Foo{?a: b.?c, `x-y`: {'z': 1},}.c",
        "Foo{}",
        ".a.Foo{,}",
    ] {
        let program = compile(Dialect::Cel, text).unwrap();
        let errors = check(&program, &TypeEnv::new()).unwrap_err();
        assert!(
            errors
                .iter()
                .any(|error| error.message.starts_with("unknown type `")),
            "{text}: {errors:?}"
        );
        let error = program
            .eval(&MapScope::new(), &mut Budget::default())
            .unwrap_err();
        assert_eq!(error.kind, ErrorKind::Eval, "{text}");
    }
    for text in [
        "Foo{1: 2}",
        "Foo{a}",
        "Foo{a: }",
        "Foo{a: 1",
        "f(){a: 1}",
        "Foo{in: 1}",
    ] {
        refused(text);
    }
    assert_eq!(
        compile(Dialect::Cel, "a.Foo{a: b}")
            .unwrap()
            .references()
            .len(),
        1
    );
}
