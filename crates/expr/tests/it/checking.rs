//! What the checker accepts and how it words what it refuses.
#![expect(clippy::unwrap_used, reason = "tests")]

use expr::{Dialect, Error, ObjectType, Type, TypeEnv, check, compile};

/// The names of a task that is ready: its plan and the results of the tasks before it.
fn env() -> TypeEnv {
    let outputs = ObjectType::new("outputs of build")
        .with("version", Type::String)
        .with("count", Type::Int);
    let build = ObjectType::new("task build")
        .with("outputs", outputs.into())
        .with("status", Type::String);
    let tasks = ObjectType::new("tasks")
        .with("build", build.into())
        .with_later("deploy", "add it to `needs` first");
    let params = ObjectType::new("params")
        .with("env", Type::String)
        .with("debug", Type::Bool)
        .with("targets", Type::list(Type::String))
        .with("owner", Type::nullable(Type::String))
        .with("limits", Type::map(Type::String, Type::Int));
    let mut env = TypeEnv::new();
    env.declare("tasks", tasks.into())
        .declare("params", params.into())
        .declare("signal", Type::Dyn);
    env.declare("when", Type::Timestamp);
    env.declare_later("files", "files are known only on the worker");
    env.declare_function("failed", "() -> bool").unwrap();
    env.declare_function("failed", "(string...) -> bool")
        .unwrap();
    env.declare_function("git.describe", "(string) -> string")
        .unwrap();
    env.declare_function_later("hash", "files are known only on the worker");
    env
}

fn kind(text: &str) -> Result<String, Vec<Error>> {
    check(&compile(Dialect::Cel, text).unwrap(), &env()).map(|kind| kind.to_string())
}

#[test]
fn a_list_that_is_not_known_keeps_the_items_of_a_sum_open() {
    let program = expr::compile(expr::Dialect::Cel, "l + [1e3]").unwrap();
    let kind = expr::check(&program, &TypeEnv::open()).unwrap();
    assert_eq!(kind.to_string(), "list<dyn>");
}

#[test]
fn types_are_inferred() {
    for (text, wanted) in [
        ("params.env", "string"),
        ("tasks['build'].outputs.count + 1", "int"),
        ("params.targets.map(t, t.size())", "list<int>"),
        (
            "params.targets.filter(t, t != '').map(t, {t: 1})",
            "list<map<string, int>>",
        ),
        ("params.limits.map(k, k)", "list<string>"),
        (
            "params.limits.transformMap(k, v, v > 1)",
            "map<string, bool>",
        ),
        ("params.targets.transformList(i, t, i)", "list<int>"),
        ("[null] == [timestamp('2024-01-01T00:00:00Z')]", "bool"),
        ("{1: 'a'}.b", "string"),
        ("[].map(x, string(x))", "list<string>"),
        ("[].filter(x, string(x) == '')", "list<dyn>"),
        ("{}.a * {}.b - 1.5", "double"),
        ("{}.a - duration('1s')", "dyn"),
        ("params.limits.?cpu", "optional<int>"),
        ("params.limits.?cpu.orValue(1)", "int"),
        (
            "params.limits[?'cpu'].optMap(c, string(c))",
            "optional<string>",
        ),
        ("[1, 'a']", "list<dyn>"),
        ("[]", "list<dyn>"),
        ("[] + params.targets", "list<string>"),
        (
            "params.owner == null ? 'none' : params.owner",
            "string or null",
        ),
        ("signal.anything.at.all", "dyn"),
        ("signal.number > 3 && signal.name == 'x'", "bool"),
        ("params.env + signal.name", "string"),
        ("failed() || failed('a', 'b')", "bool"),
        ("git.describe('HEAD')", "string"),
        ("cel.bind(x, params.targets, x[0])", "string"),
        ("timestamp('2024-01-01T00:00:00Z') - when", "duration"),
        ("type(1) == int", "bool"),
        ("math.greatest(1, 2)", "int"),
        ("math.greatest(1, 2.0)", "dyn"),
        (
            "'a' in params.targets && 'cpu' in params.limits && 'env' in params",
            "bool",
        ),
        ("params.targets.sortBy(t, t.size())", "list<string>"),
        ("[[1], [2]].flatten()", "list<int>"),
        ("has(params.env) ? 1u : 2u", "uint"),
        ("params.map(name, name)", "list<string>"),
    ] {
        assert_eq!(kind(text).as_deref(), Ok(wanted), "{text}");
    }
}

#[test]
fn errors_name_the_place_and_what_is_available() {
    for (text, message, at, help) in [
        (
            "taks.build",
            "unknown name `taks`",
            0,
            "did you mean `tasks`? available here: `params`, `signal`, `tasks`, `when`",
        ),
        (
            "files.size() > 0",
            "`files` is not known here: files are known only on the worker",
            0,
            "available here: `params`, `signal`, `tasks`, `when`",
        ),
        (
            "hash('*')",
            "`hash` cannot be called here: files are known only on the worker",
            0,
            "",
        ),
        (
            "tasks.biuld.status",
            "`tasks` has no member `biuld`",
            6,
            "did you mean `build`? it has: `build`",
        ),
        (
            "tasks['biuld'].status",
            "`tasks` has no member `biuld`",
            6,
            "did you mean `build`? it has: `build`",
        ),
        (
            "tasks.build.outputs.vresion",
            "`tasks.build.outputs` has no member `vresion`",
            20,
            "did you mean `version`? it has: `count`, `version`",
        ),
        (
            "has(tasks.build.output)",
            "`tasks.build` has no member `output`",
            16,
            "did you mean `outputs`? it has: `outputs`, `status`",
        ),
        (
            "tasks.deploy.status",
            "`deploy` of `tasks` is not known here: add it to `needs` first",
            6,
            "it has: `build`",
        ),
        (
            "params.env + 1",
            "`+` does not take (string, int)",
            11,
            "turn the `int` into text: `'1'`",
        ),
        (
            "params.env == 1",
            "`==` does not take (string, int)",
            11,
            "turn the text into a number, `int(params.env)`, or the number into text, `'1'`",
        ),
        (
            "3 < 'x'",
            "`<` does not take (int, string)",
            2,
            "turn the number into text: `'3'`",
        ),
        (
            "'3' < 4",
            "`<` does not take (string, int)",
            4,
            "write the number without quotes: `3`",
        ),
        (
            "'x' in params.env + 'a'",
            "`in` does not take (string, string)",
            4,
            "for a part of a text write `(params.env + 'a').contains('x')`",
        ),
        (
            "params.env && true",
            "each side of `&&` must be `bool`, found `string`",
            0,
            "compare it: `x == \"…\"`, or test `x != \"\"`",
        ),
        (
            "!params.targets",
            "`!` does not take (list<string>)",
            0,
            "`!` turns a truth value around",
        ),
        (
            "params.env.nope",
            "`string` has no members, so no `nope`",
            11,
            "",
        ),
        (
            "params.targets.name",
            "`list<string>` has no members, so no `name`",
            15,
            "for the member of each element write `.map(x, x.name)`",
        ),
        (
            "params.targets['a']",
            "the index of a list must be `int`, found `string`",
            15,
            "",
        ),
        (
            "params.env[0]",
            "`string` has no elements",
            10,
            "for a character write `.charAt(index)`",
        ),
        (
            "params.env.startWith('a')",
            "unknown function `startWith`",
            11,
            "did you mean `startsWith`?",
        ),
        (
            "contains(params.env, 'a')",
            "`contains` is not called like this",
            0,
            "write `x.contains(…)`",
        ),
        (
            "params.env.startsWith()",
            "`startsWith` takes 1 argument, found 0",
            11,
            "it is called as `string.startsWith(string)`",
        ),
        (
            "params.env.substring('a')",
            "`substring` of `string` does not take (string)",
            11,
            "it is called as `string.substring(int)`, `string.substring(int, int)`",
        ),
        (
            "faild()",
            "unknown function `faild`",
            0,
            "did you mean `failed`?",
        ),
        (
            "params.targets.foobar()",
            "unknown function `foobar`",
            15,
            "functions of `list<string>`: `all`, `distinct`, `exists`, `exists_one`, `filter`, `first`, `flatten`, `join`, `last`, `map`, `reverse`, `size`, `slice`, `sort`, `sortBy`",
        ),
        (
            "params.debug.foobar()",
            "unknown function `foobar`",
            13,
            "a `bool` has no functions of its own",
        ),
        (
            "foobar(1)",
            "unknown function `foobar`",
            0,
            "functions of this place: `failed`, `git.describe`, `bool`, `bytes`, `cidr`, `double`, `duration`, `dyn`, `has`, `int`, `ip`, `isCIDR`, `isIP`, `matches`, `size`, `string`, `timestamp`, `type`, `uint`",
        ),
        (
            "math.foobar(params.nope)",
            "unknown function `math.foobar`",
            0,
            "functions of `math`: `math.abs`, `math.bitAnd`, `math.bitNot`, `math.bitOr`, `math.bitShiftLeft`, `math.bitShiftRight`, `math.bitXor`, `math.ceil`, `math.floor`, `math.greatest`, `math.isFinite`, `math.isInf`, `math.isNaN`, `math.least`, `math.round`, `math.sign`, `math.sqrt`, `math.trunc`",
        ),
        (
            "math.absd(1)",
            "unknown function `math.absd`",
            0,
            "did you mean `math.abs`?",
        ),
        (
            "failed(1)",
            "`failed` does not take (int)",
            0,
            "it is called as `failed()`, `failed(string...)`",
        ),
        (
            "params.debug ? 1 : 'a'",
            "the branches of `? :` have types `int` and `string`",
            15,
            "both must have one type; `dyn(x)` turns the check off",
        ),
        (
            "params.limits.?cpu + 1",
            "`+` does not take (optional<int>, int)",
            19,
            "give the optional a default: `params.limits.?cpu.orValue(…)`",
        ),
        (
            "params.env == null",
            "`==` does not take (string, null)",
            11,
            "a `string` is never null",
        ),
        (
            "1.map(x, x)",
            "`map` needs a list or a map, found `int`",
            2,
            "",
        ),
        (
            "params.targets.all(t, t)",
            "the body of `all` must be `bool`, found `string`",
            22,
            "compare it: `x == \"…\"`, or test `x != \"\"`",
        ),
        (
            "'a' in params.env",
            "`in` does not take (string, string)",
            4,
            "for a part of a text write `params.env.contains('a')`",
        ),
        (
            "math.greatest('a')",
            "`math.greatest` takes numbers, found `string`",
            0,
            "",
        ),
        (
            "{1.5: 1}",
            "unsupported key type `double`, expected string, int, uint or bool",
            1,
            "",
        ),
    ] {
        let errors = kind(text).unwrap_err();
        let error = &errors[0];
        assert_eq!(
            (
                error.message.as_str(),
                error.span.unwrap().start,
                error.help.as_deref().unwrap_or_default()
            ),
            (message, at, help),
            "{text}"
        );
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
    }
}

#[test]
fn every_error_is_found_in_the_order_of_the_text() {
    let errors = kind("nope == 1 || params.nope || failed(1) || [1].exists(x, x.y)").unwrap_err();
    let at: Vec<u32> = errors
        .iter()
        .map(|error| error.span.unwrap().start)
        .collect();
    assert_eq!(at, [0, 20, 28, 57]);
}

#[test]
fn an_open_environment_takes_unknown_names_and_finds_wrong_calls() {
    let open = |text| check(&compile(Dialect::Cel, text).unwrap(), &TypeEnv::open());
    assert_eq!(open("object.spec.x.foo(1) + bar(2)"), Ok(Type::Dyn));
    assert!(open("'a'.startsWith(1)").is_err());
    assert!(open("1 + 'a'").is_err());
    assert!(open("'a'.charAt('b')").is_err());
}

#[test]
fn types_say_what_they_accept() {
    assert!(Type::Bool.accepts(&Type::Dyn));
    assert!(Type::list(Type::String).accepts(&Type::list(Type::Dyn)));
    assert!(!Type::list(Type::String).accepts(&Type::list(Type::Int)));
    assert!(Type::nullable(Type::Int).accepts(&Type::Null));
    assert!(!Type::Int.accepts(&Type::Null));
}

#[test]
fn taint_is_found_before_values_are_known() {
    for (text, source) in [
        ("signal.branch", Some("signal.branch")),
        ("'x' + signal.branch.upperAscii()", Some("signal.branch")),
        (
            "params.targets.map(t, t + signal.branch)",
            Some("signal.branch"),
        ),
        ("[signal.branch].map(b, b)[0]", Some("signal.branch")),
        ("signal.labels.map(l, 1).map(l, l)", None),
        (
            "cel.bind(b, signal.branch, params.debug ? b : '')",
            Some("signal.branch"),
        ),
        ("signal.branch == 'main' ? 'yes' : 'no'", None),
        ("signal.branch.size()", None),
        ("has(signal.branch)", None),
        ("signal.labels.all(l, l != '')", None),
        ("params.env.replace('a', 'b')", None),
        ("params.targets.filter(t, t == signal.branch)", None),
        (
            "optional.of(signal.branch).optMap(b, b + '!').orValue('')",
            Some("signal.branch"),
        ),
        ("{'a': {signal.branch: 1}}", Some("signal.branch")),
    ] {
        let program = compile(Dialect::Cel, text).unwrap();
        let found = program
            .tainted_by(&|reference| reference.path[0] == "signal")
            .map(|reference| reference.path.join("."));
        assert_eq!(found.as_deref(), source, "{text}");
    }
}
