//! Files that are hostile to the checker: long, deep, wide, wrong in every line.

use crate::shelf::{BYTES, Shelf, lines, many};

/// Puts all of them on the shelf.
pub(crate) fn put(shelf: &mut Shelf) {
    for piece in [
        "[",
        "{",
        "- ",
        "a: ",
        "x\n",
        "&a ",
        "*a ",
        "a,",
        "\"\\",
        "${{",
        "? ",
        "<<: ",
        "\n- a: &a",
        "#",
        "[a, ",
        "'",
        "\n",
        "- - ",
        "!!str ",
        "|\n",
        "\t",
        "ä",
        "- a\n",
        "a: b\n",
        "--- a\n",
        "[]",
        "{}",
        "[[],",
        "- {a: b}\n",
    ] {
        shelf.add(&format!("only {piece:?}"), || many(piece));
    }
    let in_task =
        |key: &str, value: &str| format!("tasks:\n  t:\n    run: x\n    {key}: {value}\n");
    shelf.add("script of expressions", || {
        format!("tasks: {{t: {{run: \"{}\"}}}}", many("${{ a }}"))
    });
    shelf.add("script of good expressions", || {
        format!(
            "params: {{a: 1}}\ntasks: {{t: {{run: \"{}\"}}}}",
            many("${{ params.a }}")
        )
    });
    // An expression has at most a quarter of the file.
    for (name, piece) in [
        ("script of wrong types", "${{ 1 + 'a' }} "),
        ("script of unknown functions", "${{ f(1) }} "),
        ("script of text from outside", "${{ signal.tag }} "),
    ] {
        let script = piece.repeat(BYTES / 4 / piece.len());
        shelf.add(name, || format!("tasks: {{t: {{run: \"{script}\"}}}}"));
    }
    shelf.add("script of unknown params among many", || {
        format!(
            "{}tasks: {{t: {{run: \"{}\"}}}}",
            &lines("params:\n", &|n| format!("  p{n}: {n}\n"))
                .lines()
                .take(30_000)
                .map(|line| format!("{line}\n"))
                .collect::<String>(),
            "${{ params.q }} ".repeat(15_000)
        )
    });
    shelf.add("sums of params that are numbers", || {
        let text = lines("params:\n", &|n| format!("  p{n}: 1\n"));
        let params: String = text
            .lines()
            .take(10_001)
            .map(|line| format!("{line}\n"))
            .collect();
        lines(&format!("{params}tasks:\n"), &|n| {
            format!("  t{n}: {{run: x, env: {{A: \"${{{{ params.p{n} + 1 }}}}\"}}}}\n")
        })
    });
    shelf.add("condition of `!`", || {
        in_task("when", &format!("\"{}true\"", many("!")))
    });
    shelf.add("condition of `&&`", || {
        in_task("when", &format!("\"true{}\"", many(" && true")))
    });
    shelf.add("condition of `+`", || {
        in_task("when", &format!("\"1{} == 1\"", many(" + 1")))
    });
    shelf.add("condition of parentheses", || {
        in_task("when", &format!("\"{}\"", many("(")))
    });
    shelf.add("condition of names", || {
        in_task("when", &format!("\"{}true\"", many("nope || ")))
    });
    shelf.add("needs of one", || {
        in_task("needs", &format!("[{}]", many("a, ")))
    });
    shelf.add("tasks as a list", || {
        format!("tasks: [{}]", many("{run: x}, "))
    });
    shelf.add("matrix of one axis", || {
        in_task("matrix", &format!("{{a: [{}]}}", many("1, ")))
    });
    shelf.add("matrix of many axes", || {
        in_task(
            "matrix",
            &format!("{{{}}}", lines("", &|n| format!("a{n}: [1], "))),
        )
    });
    shelf.add("matrix of many includes", || {
        in_task(
            "matrix",
            &format!("{{a: [1], include: [{}]}}", many("{a: 1, b: 2}, ")),
        )
    });
    shelf.add("matrix of many excludes", || {
        in_task(
            "matrix",
            &format!(
                "{{a: [{}], exclude: [{}]}}",
                lines("", &|n| format!("{n}, "))
                    .split_at(200_000)
                    .0
                    .trim_end_matches(|c| c != ','),
                &many("{a: x}, ")[..800_000].trim_end_matches(|c| c != ',')
            ),
        )
    });
    let axis: String = (0..300).map(|n| format!("{n}, ")).collect();
    shelf.add("matrix with excludes of every cell", || {
        in_task(
            "matrix",
            &format!(
                "{{a: [{axis}], b: [{axis}], exclude: [{}]}}",
                lines("", &|n| format!("{{a: {}, b: {}}}, ", n % 300, n / 300))
            ),
        )
    });
    shelf.add("two matrices of the largest", || format!(
            "tasks: {{a: {{matrix: {{a: [{axis}], b: [{axis}]}}, run: x}}, b: {{matrix: {{a: [{axis}], b: [{axis}]}}, run: x, needs: a}}}}"
        ));
    shelf.add("env of many", || {
        in_task(
            "env",
            &format!("{{{}}}", lines("", &|n| format!("A{n}: b, "))),
        )
    });
    shelf.add("env of expressions", || {
        in_task(
            "env",
            &format!(
                "{{{}}}",
                lines("", &|n| format!("A{n}: \"${{{{ signal.branch }}}}\", "))
            ),
        )
    });
    shelf.add("steps of many", || {
        format!("tasks:\n  t:\n    steps:\n{}", many("    - run: x\n"))
    });
    shelf.add("steps that may write many outputs", || {
        let steps = "    - run: x\n".repeat(1_000);
        lines(
            &format!("tasks:\n  t:\n    steps:\n{steps}    outputs:\n"),
            &|n| format!("      o{n}: string\n"),
        )
    });
    shelf.add("tasks that need one with many outputs", || {
        let outputs = lines("tasks:\n  t:\n    run: x\n    outputs:\n", &|n| {
            format!("      o{n}: {{default: x}}\n")
        });
        let half = outputs[..BYTES / 2].rfind("      o").unwrap_or_default();
        lines(&outputs[..half], &|n| {
            format!("  t{n}: {{run: x, needs: t, when: signal.draft}}\n")
        })
    });
    shelf.add("excludes by many names that are no axis", || {
        let axes = lines("tasks:\n  t:\n    run: x\n    matrix:\n", &|n| {
            format!("      a{n}: [1]\n")
        });
        let half = axes[..BYTES / 2].rfind("      a").unwrap_or_default();
        lines(&format!("{}      exclude:\n", &axes[..half]), &|n| {
            format!("      - {{b{n}: 1}}\n")
        })
    });
    shelf.add("many params of a time that are none", || {
        let params = lines("tasks: {t: {run: x}}\nparams:\n", &|n| {
            format!("  a{n}: 1\n")
        });
        let half = params[..BYTES / 2].rfind("  a").unwrap_or_default();
        let head = "on:\n  schedule:\n  - cron: 0 3 * * *\n    params:\n";
        lines(&format!("{}{head}", &params[..half]), &|n| {
            format!("      b{n}: 1\n")
        })
    });
    shelf.add("a circle through every task", || {
        let needs: String = (0..9_000).map(|n| format!("t{n}, ")).collect();
        lines(
            &format!("tasks:\n  end: {{run: x, needs: [{needs}]}}\n"),
            &|n| match n {
                8_999 => "  t8999: {run: x, needs: end}\n".to_owned(),
                n => format!("  t{n}: {{run: x, needs: t{}}}\n", n + 1),
            },
        )
    });
    shelf.add("params of many", || {
        lines("params:\n", &|n| format!("  p{n}: {n}\n"))
    });
    shelf.add("x-keys of many", || {
        lines("tasks: {t: {run: x}}\n", &|n| format!("x-{n}: {n}\n"))
    });
    shelf.add("one key many times", || {
        lines("tasks: {t: {run: x}}\n", &|_| "x-a: 1\n".to_owned())
    });
    shelf.add("unknown keys", || {
        lines("tasks: {t: {run: x}}\n", &|n| format!("key{n}: {n}\n"))
    });
    shelf.add("tasks", || {
        lines("tasks:\n", &|n| format!("  t{n}: {{run: x}}\n"))
    });
    shelf.add("tasks in a chain", || {
        lines("tasks:\n  t0: {run: x}\n", &|n| {
            format!("  t{}: {{run: x, needs: t{n}}}\n", n + 1)
        })
    });
    shelf.add("tasks in a circle", || {
        lines("tasks:\n  t0: {run: x, needs: t1}\n", &|n| {
            format!("  t{}: {{run: x, needs: t{}}}\n", n + 1, n + 2)
        })
    });
    shelf.add("tasks with a misspelt key", || {
        lines("tasks:\n", &|n| format!("  t{n}: {{rum: x}}\n"))
    });
    shelf.add("tasks with an unknown need", || {
        lines("tasks:\n", &|n| format!("  t{n}: {{needs: u{n}}}\n"))
    });
    shelf.add("tasks with a condition", || {
        lines("tasks:\n", &|n| {
            format!("  t{n}: {{run: x, when: \"signal.branch == 'b{n}'\"}}\n")
        })
    });
    shelf.add("tasks with outputs that the next reads", || lines("tasks:\n  t0: {run: x, outputs: {o: string}}\n", &|n| {
            format!(
                "  t{}: {{run: x, needs: t{n}, outputs: {{o: string}}, env: {{A: \"${{{{ tasks.t{n}.outputs.o }}}}\"}}}}\n",
                n + 1
            )
        }));
    let all: String = (0..900).map(|n| format!("t{n}, ")).collect();
    shelf.add("tasks that need hundreds", || {
        lines(
            &lines("tasks:\n", &|n| format!("  t{n}: {{run: x}}\n"))
                .lines()
                .take(901)
                .map(|line| format!("{line}\n"))
                .collect::<String>(),
            &|n| format!("  u{n}: {{run: x, needs: [{all}]}}\n"),
        )
    });
    let outputs: String = (0..100)
        .map(|n| format!("${{{{ tasks.t{n}.outputs.o }}}} "))
        .collect();
    shelf.add("tasks that read hundreds", || {
        lines(
            &(0..900)
                .map(|n| format!("  t{n}: {{run: x, outputs: {{o: number}}}}\n"))
                .fold("tasks:\n".to_owned(), |text, line| text + &line),
            &|n| format!("  u{n}: {{needs: [{all}], env: {{A: \"{outputs}\"}}, run: x}}\n"),
        )
    });
    let laughs: String = (1..60)
        .map(|n| format!("x-{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1))
        .collect();
    shelf.add("laughs", || {
        format!("x-0: &a0 [x]\n{laughs}tasks: {{t: {{run: x}}}}\n")
    });
    shelf.add("an alias many times", || {
        format!(
            "x-a: &a {{A: b, C: d}}\ntasks: {{t: {{run: x}}}}\nx-b: [{}]\n",
            many("*a, ")
        )
    });
    shelf.add("a long alias many times", || {
        format!(
            "x-a: &a [{}]\ntasks: {{t: {{run: x}}}}\nx-b: [{}]\n",
            &"b, ".repeat(100_000),
            "*a, ".repeat(100_000)
        )
    });
    shelf.add("merges of many", || {
        format!(
            "x-a: &a {{A: b}}\ntasks: {{t: {{run: x, env: {{<<: [{}]}}}}}}\n",
            many("*a, ")
        )
    });
    shelf.add("a long merge", || {
        lines("x-0: &a0 {K0: v}\n", &|n| {
            format!("x-{}: &a{} {{<<: *a{n}, K{}: v}}\n", n + 1, n + 1, n + 1)
        })
    });
    shelf.add("services of many", || {
        in_task(
            "services",
            &format!("{{{}}}", lines("", &|n| format!("s{n}: {{run: x}}, "))),
        )
    });
    shelf.add("caches of many", || {
        in_task("cache", &format!("[{}]", many("{key: a, paths: [b]}, ")))
    });
    shelf.add("artifacts of many", || {
        in_task(
            "artifacts",
            &format!("{{out: {{{}}}}}", lines("", &|n| format!("a{n}: b, "))),
        )
    });
    shelf.add("branch patterns of many", || {
        format!(
            "on: {{push: {{branches: [{}]}}}}\ntasks: {{t: {{run: x}}}}\n",
            many("\"**a*\", ")
        )
    });
    shelf.add("a long name", || {
        format!("tasks: {{{}: {{run: x}}}}\n", many("n"))
    });
    shelf.add("a long plain text", || {
        format!("tasks: {{t: {{run: {}}}}}\n", many("x "))
    });
    shelf.add("a long quoted text", || {
        format!("tasks: {{t: {{run: \"{}\"}}}}\n", many("\\u00e4"))
    });
    shelf.add("a long block", || {
        format!("tasks:\n  t:\n    run: |\n{}", many("      echo a\n"))
    });
    shelf.add("a long folded block", || {
        format!("tasks:\n  t:\n    run: >\n{}", many("      echo a\n"))
    });
    shelf.add("uses of many", || {
        lines("tasks:\n", &|n| format!("  t{n}: {{uses: ./a{n}.yaml}}\n"))
    });
    shelf.add("includes of many", || {
        format!(
            "include: [{}]\ntasks: {{t: {{run: x}}}}\n",
            lines("", &|n| format!("a{n}.yaml, "))
        )
    });
}
