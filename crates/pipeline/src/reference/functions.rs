//! The functions of expressions, each with an example and what it gives.
//!
//! The evaluator knows the functions and their signatures; here stands one example of each. A test evaluates all of them
//! and misses those that the evaluator knows and this table does not.

use super::{code, line, row};

/// An operator, a macro or a function by its name in the evaluator, an example, and an expression for its value.
pub type Sample = (&'static str, &'static str, &'static str);

/// Functions of one kind.
struct Group {
    title: &'static str,
    samples: &'static [Sample],
}

/// A function that looks at the run, not only at its arguments.
struct RunFunction {
    name: &'static str,
    /// Where it can be called.
    place: &'static str,
    doc: &'static str,
    /// A key with an expression that calls it.
    example: &'static str,
}

/// Every operator, macro and function with its example.
pub fn function_samples() -> impl Iterator<Item = &'static Sample> {
    GROUPS.iter().flat_map(|group| group.samples)
}

/// The functions that look at the run.
const RUN_FUNCTIONS: &[RunFunction] = &[
    RunFunction {
        name: "succeeded",
        place: "`when` of a task or a step",
        doc: "true if all needs, or all steps before, succeeded or were tolerated; in `finally` all tasks of the file",
        example: "when: succeeded() && params.publish",
    },
    RunFunction {
        name: "failed",
        place: "`when` of a task or a step",
        doc: "true if one of them failed",
        example: "when: failed()",
    },
    RunFunction {
        name: "canceled",
        place: "`when` of a task or a step",
        doc: "in a task: true if a need was canceled while the run goes on, as `cancel_superseded` does; in `finally`: if the run or a task of the file was canceled; in a step: if the task is being stopped, by a cancel or its time limit. After a cancel of the run no task starts but those of `finally`",
        example: "when: failed() || canceled()",
    },
    RunFunction {
        name: "always",
        place: "`when` of a task or a step",
        doc: "true; a task waits for its needs and then runs, however they ended, unless the run was canceled: after that only `finally` runs",
        example: "when: always()",
    },
    RunFunction {
        name: "hash",
        place: "phase `start`",
        doc: "64 hex digits that change when the files that match do; empty text if none does",
        example: "env: { KEY: \"${{ hash('Cargo.lock', 'src/**') }}\" }",
    },
    RunFunction {
        name: "glob",
        place: "phase `start`",
        doc: "the paths of the files that match the patterns, sorted",
        example: "env: { FILES: \"${{ glob('tests/*.sh').join(' ') }}\" }",
    },
];

const GROUPS: &[Group] = &[
    Group {
        title: "Operators",
        samples: &[
            ("+ - * / %", "7 / 2 + 7 % 2", "4"),
            ("+", "'a' + 'b'", "'ab'"),
            ("== !=", "[1, 2] == [1, 2]", "true"),
            ("< <= > >=", "'a' < 'b'", "true"),
            ("&& || !", "!false && (false || true)", "true"),
            ("? :", "1 > 0 ? 'more' : 'less'", "'more'"),
            ("in", "'b' in ['a', 'b']", "true"),
            (". []", "{'a': [1, 2]}.a[1]", "2"),
            (".? [?]", "{'a': 1}.?b.orValue(0)", "0"),
        ],
    },
    Group {
        title: "Macros",
        samples: &[
            ("has", "has({'a': 1}.b)", "false"),
            ("all", "[1, 2].all(n, n > 0)", "true"),
            ("exists", "['a', 'b'].exists(x, x == 'b')", "true"),
            ("exists_one", "[1, 1].exists_one(n, n == 1)", "false"),
            ("filter", "[1, 2, 3].filter(n, n > 1)", "[2, 3]"),
            ("map", "[1, 2].map(n, n * 10)", "[10, 20]"),
            ("map", "[1, 2, 3].map(n, n > 1, n * 10)", "[20, 30]"),
            ("sortBy", "['bb', 'a'].sortBy(x, size(x))", "['a', 'bb']"),
            (
                "transformList",
                "['a', 'b'].transformList(i, x, string(i) + x)",
                "['0a', '1b']",
            ),
            (
                "transformMap",
                "{'a': 1}.transformMap(k, v, v + 1)",
                "{'a': 2}",
            ),
            (
                "transformMapEntry",
                "{'a': 'b'}.transformMapEntry(k, v, {v: k})",
                "{'b': 'a'}",
            ),
            ("optMap", "optional.of(2).optMap(n, n * 2).value()", "4"),
            (
                "optFlatMap",
                "[1].first().optFlatMap(n, optional.of(n + 1)).value()",
                "2",
            ),
            ("cel.bind", "cel.bind(x, 'ab', x + x)", "'abab'"),
        ],
    },
    Group {
        title: "Text",
        samples: &[
            ("size", "'abc'.size()", "3"),
            ("contains", "'release-1'.contains('se-')", "true"),
            ("startsWith", "'release-1'.startsWith('release')", "true"),
            ("endsWith", "'a.md'.endsWith('.md')", "true"),
            ("matches", "'v1.2'.matches('^v[0-9]')", "true"),
            ("charAt", "'abc'.charAt(1)", "'b'"),
            ("indexOf", "'abcb'.indexOf('b')", "1"),
            ("lastIndexOf", "'abcb'.lastIndexOf('b')", "3"),
            ("substring", "'release-1'.substring(8)", "'1'"),
            ("split", "'a,b'.split(',')", "['a', 'b']"),
            ("join", "['a', 'b'].join('-')", "'a-b'"),
            ("replace", "'a/b'.replace('/', '-')", "'a-b'"),
            ("trim", "' a '.trim()", "'a'"),
            ("lowerAscii", "'Main'.lowerAscii()", "'main'"),
            ("upperAscii", "'Main'.upperAscii()", "'MAIN'"),
            ("reverse", "'abc'.reverse()", "'cba'"),
            ("format", "'%s-%d'.format(['shard', 3])", "'shard-3'"),
            ("strings.quote", "strings.quote('a\"b')", "'\"a\\\\\"b\"'"),
        ],
    },
    Group {
        title: "Regular expressions (linear time)",
        samples: &[
            (
                "regex.extract",
                "regex.extract('v1.2', 'v([0-9]+)').value()",
                "'1'",
            ),
            (
                "regex.extractAll",
                "regex.extractAll('a1b2', '[0-9]')",
                "['1', '2']",
            ),
            (
                "regex.replace",
                "regex.replace('a1b2', '[0-9]', '#')",
                "'a#b#'",
            ),
        ],
    },
    Group {
        title: "Lists and sets",
        samples: &[
            ("first", "['a', 'b'].first().value()", "'a'"),
            ("last", "['a', 'b'].last().value()", "'b'"),
            ("slice", "[1, 2, 3].slice(0, 2)", "[1, 2]"),
            ("flatten", "[[1], [2, 3]].flatten()", "[1, 2, 3]"),
            ("distinct", "[1, 1, 2].distinct()", "[1, 2]"),
            ("sort", "[2, 1].sort()", "[1, 2]"),
            ("lists.range", "lists.range(3)", "[0, 1, 2]"),
            ("sets.contains", "sets.contains([1, 2], [2])", "true"),
            (
                "sets.equivalent",
                "sets.equivalent([1, 2], [2, 1, 1])",
                "true",
            ),
            ("sets.intersects", "sets.intersects([1, 2], [2, 3])", "true"),
        ],
    },
    Group {
        title: "Optional values",
        samples: &[
            ("optional.of", "optional.of(1).value()", "1"),
            ("optional.none", "optional.none().hasValue()", "false"),
            (
                "optional.ofNonZeroValue",
                "optional.ofNonZeroValue('').hasValue()",
                "false",
            ),
            (
                "optional.unwrap",
                "optional.unwrap([optional.of(1), optional.none()])",
                "[1]",
            ),
            (
                "unwrapOpt",
                "[optional.of(1), optional.none()].unwrapOpt()",
                "[1]",
            ),
            ("hasValue", "[1].first().hasValue()", "true"),
            ("value", "[1].first().value()", "1"),
            ("or", "[].first().or(optional.of(2)).value()", "2"),
            ("orValue", "{'a': 1}.?b.orValue(3)", "3"),
        ],
    },
    Group {
        title: "Numbers",
        samples: &[
            ("math.greatest", "math.greatest(1, 3, 2)", "3"),
            ("math.least", "math.least([4, 2])", "2"),
            ("math.abs", "math.abs(-2)", "2"),
            ("math.sign", "math.sign(-2)", "-1"),
            ("math.ceil", "math.ceil(1.2)", "2.0"),
            ("math.floor", "math.floor(1.8)", "1.0"),
            ("math.round", "math.round(1.5)", "2.0"),
            ("math.trunc", "math.trunc(-1.8)", "-1.0"),
            ("math.sqrt", "math.sqrt(16)", "4.0"),
            ("math.isNaN", "math.isNaN(0.0 / 0.0)", "true"),
            ("math.isInf", "math.isInf(1.0 / 0.0)", "true"),
            ("math.isFinite", "math.isFinite(1.5)", "true"),
            ("math.bitAnd", "math.bitAnd(6, 3)", "2"),
            ("math.bitOr", "math.bitOr(6, 3)", "7"),
            ("math.bitXor", "math.bitXor(6, 3)", "5"),
            ("math.bitNot", "math.bitNot(0)", "-1"),
            ("math.bitShiftLeft", "math.bitShiftLeft(1, 3)", "8"),
            ("math.bitShiftRight", "math.bitShiftRight(8, 3)", "1"),
        ],
    },
    Group {
        title: "Conversions",
        samples: &[
            ("string", "'n' + string(3)", "'n3'"),
            ("int", "int('42')", "42"),
            ("uint", "uint(42)", "42u"),
            ("double", "double('1.5')", "1.5"),
            ("bool", "bool('true')", "true"),
            ("bytes", "size(bytes('é'))", "2"),
            ("type", "type(1) == int", "true"),
            ("dyn", "dyn(1) == 1.0", "true"),
            ("json.encode", "json.encode({'a': [1]})", "'{\"a\":[1]}'"),
            ("json.decode", "json.decode('{\"a\": 1}').a", "1"),
            ("base64.encode", "base64.encode(b'hi')", "'aGk='"),
            ("base64.decode", "string(base64.decode('aGk='))", "'hi'"),
        ],
    },
    Group {
        title: "Time",
        samples: &[
            ("duration", "duration('90s') > duration('1m')", "true"),
            (
                "timestamp",
                "timestamp('2024-01-01T00:00:00Z') + duration('24h') == timestamp('2024-01-02T00:00:00Z')",
                "true",
            ),
            (
                "getFullYear",
                "timestamp('2024-05-06T07:08:09Z').getFullYear()",
                "2024",
            ),
            (
                "getMonth",
                "timestamp('2024-05-06T07:08:09Z').getMonth()",
                "4",
            ),
            (
                "getDate",
                "timestamp('2024-05-06T07:08:09Z').getDate()",
                "6",
            ),
            (
                "getDayOfMonth",
                "timestamp('2024-05-06T07:08:09Z').getDayOfMonth()",
                "5",
            ),
            (
                "getDayOfWeek",
                "timestamp('2024-05-06T07:08:09Z').getDayOfWeek()",
                "1",
            ),
            (
                "getDayOfYear",
                "timestamp('2024-05-06T07:08:09Z').getDayOfYear()",
                "126",
            ),
            (
                "getHours",
                "timestamp('2024-05-06T07:08:09Z').getHours('Europe/Berlin')",
                "9",
            ),
            (
                "getMinutes",
                "timestamp('2024-05-06T07:08:09Z').getMinutes()",
                "8",
            ),
            (
                "getSeconds",
                "timestamp('2024-05-06T07:08:09Z').getSeconds()",
                "9",
            ),
            (
                "getMilliseconds",
                "duration('1.5s').getMilliseconds()",
                "500",
            ),
        ],
    },
    Group {
        title: "Addresses and networks",
        samples: &[
            ("ip", "ip('10.0.0.1') == ip('10.0.0.1')", "true"),
            ("isIP", "isIP('10.0.0')", "false"),
            ("ip.isCanonical", "ip.isCanonical('::0:1')", "false"),
            ("family", "ip('::1').family()", "6"),
            ("isUnspecified", "ip('0.0.0.0').isUnspecified()", "true"),
            ("isLoopback", "ip('127.0.0.1').isLoopback()", "true"),
            (
                "isLinkLocalMulticast",
                "ip('224.0.0.1').isLinkLocalMulticast()",
                "true",
            ),
            (
                "isLinkLocalUnicast",
                "ip('169.254.0.1').isLinkLocalUnicast()",
                "true",
            ),
            ("isGlobalUnicast", "ip('8.8.8.8').isGlobalUnicast()", "true"),
            ("cidr", "cidr('10.0.0.0/8').prefixLength()", "8"),
            ("isCIDR", "isCIDR('10.0.0.0')", "false"),
            (
                "containsIP",
                "cidr('10.0.0.0/8').containsIP('10.1.2.3')",
                "true",
            ),
            (
                "containsCIDR",
                "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
                "true",
            ),
            (
                "masked",
                "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')",
                "true",
            ),
            ("prefixLength", "cidr('10.0.0.0/8').prefixLength()", "8"),
        ],
    },
];

/// Writes all of them.
pub(super) fn write(page: &mut String) {
    line(
        page,
        "\n## Functions\n\n\
         Expressions are written in CEL, the Common Expression Language, with the usual extensions. Months, days of the month\n\
         (`getDayOfMonth`), of the week and the year count from 0, as CEL has it. Regular expressions have no look-around and no\n\
         back-references, so that none of them can hang.\n\n\
         ### Functions of a run\n\n\
         | Function | Where | What it gives | Example |\n|---|---|---|---|",
    );
    for function in RUN_FUNCTIONS {
        row(
            page,
            &[
                format!("`{}`", function.name),
                function.place.to_owned(),
                function.doc.to_owned(),
                code(function.example),
            ],
        );
    }
    for group in GROUPS {
        line(
            page,
            &format!(
                "\n### {}\n\n| Name | Takes and gives | Example | Its value |\n|---|---|---|---|",
                group.title
            ),
        );
        for (name, example, value) in group.samples {
            row(
                page,
                &[code(name), signatures(name), code(example), code(value)],
            );
        }
    }
}

/// The signatures of a function, as the checker reads them; none of a macro or an operator.
fn signatures(name: &str) -> String {
    let found = expr::catalogue::functions().find(|(known, _)| *known == name);
    let signatures = found.map(|(_, signatures)| signatures).unwrap_or_default();
    signatures
        .iter()
        .map(|signature| code(signature))
        .collect::<Vec<_>>()
        .join(", ")
}
