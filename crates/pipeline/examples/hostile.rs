//! Prints, as one JSON document, how long hostile files of up to a mebibyte take, and the most memory.
//!
//! `hostile` measures each file in a process of its own; `hostile NAME` measures one in this process. Called by
//! `cargo xtask bench language`. The limits are a second and 256 MiB; nothing is judged here.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a tool for developers"
)]

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use pipeline::{Request, SourceFile, compile};
use serde_json::{Value as Json, json};

fn main() {
    match std::env::args().nth(1) {
        Some(name) => println!("{}", measure(&name)),
        None => {
            let own = std::env::current_exe().unwrap();
            let one = |(name, _): (String, String)| {
                let output = Command::new(&own).arg(&name).output().unwrap();
                serde_json::from_slice(&output.stdout)
                    .unwrap_or_else(|_| json!({"file": name, "ended": output.status.to_string()}))
            };
            let all: Vec<Json> = files().into_iter().map(one).collect();
            println!("{}", json!({ "files": all }));
        }
    }
}

fn measure(name: &str) -> Json {
    let (_, text) = files().into_iter().find(|(own, _)| own == name).unwrap();
    let bytes = text.len();
    let file = SourceFile::new("f.yaml", text);
    let begin = Instant::now();
    let compiled = black_box(compile(&file, &Request::default()));
    let took_ms = begin.elapsed().as_secs_f64() * 1e3;
    json!({
        "file": name,
        "bytes": bytes,
        "said": compiled.diagnostics.len(),
        "took_ms": took_ms,
        "peak_bytes": peak_bytes(),
    })
}

/// The most memory that this process ever had.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

const BYTES: usize = 1024 * 1024;

/// Every file, with its name.
fn files() -> Vec<(String, String)> {
    let many = |piece: &str| piece.repeat((BYTES - 200) / piece.len());
    let lines = |head: &str, line: &dyn Fn(usize) -> String| {
        let mut text = head.to_owned();
        for n in 0.. {
            let next = line(n);
            if text.len() + next.len() > BYTES - 200 {
                return text;
            }
            text.push_str(&next);
        }
        text
    };
    let mut files: Vec<(String, String)> = [
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
    ]
    .iter()
    .map(|piece| (format!("only {piece:?}"), many(piece)))
    .collect();
    let mut add = |name: &str, text: String| files.push((name.to_owned(), text));
    let in_task =
        |key: &str, value: &str| format!("tasks:\n  t:\n    run: x\n    {key}: {value}\n");
    add(
        "script of expressions",
        format!("tasks: {{t: {{run: \"{}\"}}}}", many("${{ a }}")),
    );
    add(
        "script of good expressions",
        format!(
            "params: {{a: 1}}\ntasks: {{t: {{run: \"{}\"}}}}",
            many("${{ params.a }}")
        ),
    );
    // An expression has at most a quarter of the file.
    for (name, piece) in [
        ("script of wrong types", "${{ 1 + 'a' }} "),
        ("script of unknown functions", "${{ f(1) }} "),
        ("script of text from outside", "${{ signal.tag }} "),
    ] {
        let script = piece.repeat(BYTES / 4 / piece.len());
        add(name, format!("tasks: {{t: {{run: \"{script}\"}}}}"));
    }
    add(
        "script of unknown params among many",
        format!(
            "{}tasks: {{t: {{run: \"{}\"}}}}",
            &lines("params:\n", &|n| format!("  p{n}: {n}\n"))
                .lines()
                .take(30_000)
                .map(|line| format!("{line}\n"))
                .collect::<String>(),
            "${{ params.q }} ".repeat(15_000)
        ),
    );
    add("sums of params that are numbers", {
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
    add(
        "condition of `!`",
        in_task("when", &format!("\"{}true\"", many("!"))),
    );
    add(
        "condition of `&&`",
        in_task("when", &format!("\"true{}\"", many(" && true"))),
    );
    add(
        "condition of `+`",
        in_task("when", &format!("\"1{} == 1\"", many(" + 1"))),
    );
    add(
        "condition of parentheses",
        in_task("when", &format!("\"{}\"", many("("))),
    );
    add(
        "condition of names",
        in_task("when", &format!("\"{}true\"", many("nope || "))),
    );
    add(
        "needs of one",
        in_task("needs", &format!("[{}]", many("a, "))),
    );
    add(
        "tasks as a list",
        format!("tasks: [{}]", many("{run: x}, ")),
    );
    add(
        "matrix of one axis",
        in_task("matrix", &format!("{{a: [{}]}}", many("1, "))),
    );
    add(
        "matrix of many axes",
        in_task(
            "matrix",
            &format!("{{{}}}", lines("", &|n| format!("a{n}: [1], "))),
        ),
    );
    add(
        "matrix of many includes",
        in_task(
            "matrix",
            &format!("{{a: [1], include: [{}]}}", many("{a: 1, b: 2}, ")),
        ),
    );
    add(
        "matrix of many excludes",
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
        ),
    );
    let axis: String = (0..300).map(|n| format!("{n}, ")).collect();
    add(
        "matrix with excludes of every cell",
        in_task(
            "matrix",
            &format!(
                "{{a: [{axis}], b: [{axis}], exclude: [{}]}}",
                lines("", &|n| format!("{{a: {}, b: {}}}, ", n % 300, n / 300))
            ),
        ),
    );
    add(
        "two matrices of the largest",
        format!(
            "tasks: {{a: {{matrix: {{a: [{axis}], b: [{axis}]}}, run: x}}, b: {{matrix: {{a: [{axis}], b: [{axis}]}}, run: x, needs: a}}}}"
        ),
    );
    add(
        "env of many",
        in_task(
            "env",
            &format!("{{{}}}", lines("", &|n| format!("A{n}: b, "))),
        ),
    );
    add(
        "env of expressions",
        in_task(
            "env",
            &format!(
                "{{{}}}",
                lines("", &|n| format!("A{n}: \"${{{{ signal.branch }}}}\", "))
            ),
        ),
    );
    add(
        "steps of many",
        format!("tasks:\n  t:\n    steps:\n{}", many("    - run: x\n")),
    );
    add("steps that may write many outputs", {
        let steps = "    - run: x\n".repeat(1_000);
        lines(
            &format!("tasks:\n  t:\n    steps:\n{steps}    outputs:\n"),
            &|n| format!("      o{n}: string\n"),
        )
    });
    add("tasks that need one with many outputs", {
        let outputs = lines("tasks:\n  t:\n    run: x\n    outputs:\n", &|n| {
            format!("      o{n}: {{default: x}}\n")
        });
        let half = outputs[..BYTES / 2].rfind("      o").unwrap_or_default();
        lines(&outputs[..half], &|n| {
            format!("  t{n}: {{run: x, needs: t, when: signal.draft}}\n")
        })
    });
    add("excludes by many names that are no axis", {
        let axes = lines("tasks:\n  t:\n    run: x\n    matrix:\n", &|n| {
            format!("      a{n}: [1]\n")
        });
        let half = axes[..BYTES / 2].rfind("      a").unwrap_or_default();
        lines(&format!("{}      exclude:\n", &axes[..half]), &|n| {
            format!("      - {{b{n}: 1}}\n")
        })
    });
    add("many params of a time that are none", {
        let params = lines("tasks: {t: {run: x}}\nparams:\n", &|n| {
            format!("  a{n}: 1\n")
        });
        let half = params[..BYTES / 2].rfind("  a").unwrap_or_default();
        let head = "on:\n  schedule:\n  - cron: 0 3 * * *\n    params:\n";
        lines(&format!("{}{head}", &params[..half]), &|n| {
            format!("      b{n}: 1\n")
        })
    });
    add("a circle through every task", {
        let needs: String = (0..9_000).map(|n| format!("t{n}, ")).collect();
        lines(
            &format!("tasks:\n  end: {{run: x, needs: [{needs}]}}\n"),
            &|n| match n {
                8_999 => "  t8999: {run: x, needs: end}\n".to_owned(),
                n => format!("  t{n}: {{run: x, needs: t{}}}\n", n + 1),
            },
        )
    });
    add(
        "params of many",
        lines("params:\n", &|n| format!("  p{n}: {n}\n")),
    );
    add(
        "x-keys of many",
        lines("tasks: {t: {run: x}}\n", &|n| format!("x-{n}: {n}\n")),
    );
    add(
        "one key many times",
        lines("tasks: {t: {run: x}}\n", &|_| "x-a: 1\n".to_owned()),
    );
    add(
        "unknown keys",
        lines("tasks: {t: {run: x}}\n", &|n| format!("key{n}: {n}\n")),
    );
    add(
        "tasks",
        lines("tasks:\n", &|n| format!("  t{n}: {{run: x}}\n")),
    );
    add(
        "tasks in a chain",
        lines("tasks:\n  t0: {run: x}\n", &|n| {
            format!("  t{}: {{run: x, needs: t{n}}}\n", n + 1)
        }),
    );
    add(
        "tasks in a circle",
        lines("tasks:\n  t0: {run: x, needs: t1}\n", &|n| {
            format!("  t{}: {{run: x, needs: t{}}}\n", n + 1, n + 2)
        }),
    );
    add(
        "tasks with a misspelt key",
        lines("tasks:\n", &|n| format!("  t{n}: {{rum: x}}\n")),
    );
    add(
        "tasks with an unknown need",
        lines("tasks:\n", &|n| format!("  t{n}: {{needs: u{n}}}\n")),
    );
    add(
        "tasks with a condition",
        lines("tasks:\n", &|n| {
            format!("  t{n}: {{run: x, when: \"signal.branch == 'b{n}'\"}}\n")
        }),
    );
    add(
        "tasks with outputs that the next reads",
        lines("tasks:\n  t0: {run: x, outputs: {o: string}}\n", &|n| {
            format!(
                "  t{}: {{run: x, needs: t{n}, outputs: {{o: string}}, env: {{A: \"${{{{ tasks.t{n}.outputs.o }}}}\"}}}}\n",
                n + 1
            )
        }),
    );
    let all: String = (0..900).map(|n| format!("t{n}, ")).collect();
    add(
        "tasks that need hundreds",
        lines(
            &lines("tasks:\n", &|n| format!("  t{n}: {{run: x}}\n"))
                .lines()
                .take(901)
                .map(|line| format!("{line}\n"))
                .collect::<String>(),
            &|n| format!("  u{n}: {{run: x, needs: [{all}]}}\n"),
        ),
    );
    let outputs: String = (0..100)
        .map(|n| format!("${{{{ tasks.t{n}.outputs.o }}}} "))
        .collect();
    add(
        "tasks that read hundreds",
        lines(
            &(0..900)
                .map(|n| format!("  t{n}: {{run: x, outputs: {{o: number}}}}\n"))
                .fold("tasks:\n".to_owned(), |text, line| text + &line),
            &|n| format!("  u{n}: {{needs: [{all}], env: {{A: \"{outputs}\"}}, run: x}}\n"),
        ),
    );
    let laughs: String = (1..60)
        .map(|n| format!("x-{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1))
        .collect();
    add(
        "laughs",
        format!("x-0: &a0 [x]\n{laughs}tasks: {{t: {{run: x}}}}\n"),
    );
    add(
        "an alias many times",
        format!(
            "x-a: &a {{A: b, C: d}}\ntasks: {{t: {{run: x}}}}\nx-b: [{}]\n",
            many("*a, ")
        ),
    );
    add(
        "a long alias many times",
        format!(
            "x-a: &a [{}]\ntasks: {{t: {{run: x}}}}\nx-b: [{}]\n",
            &"b, ".repeat(100_000),
            "*a, ".repeat(100_000)
        ),
    );
    add(
        "merges of many",
        format!(
            "x-a: &a {{A: b}}\ntasks: {{t: {{run: x, env: {{<<: [{}]}}}}}}\n",
            many("*a, ")
        ),
    );
    add(
        "a long merge",
        lines("x-0: &a0 {K0: v}\n", &|n| {
            format!("x-{}: &a{} {{<<: *a{n}, K{}: v}}\n", n + 1, n + 1, n + 1)
        }),
    );
    add(
        "services of many",
        in_task(
            "services",
            &format!("{{{}}}", lines("", &|n| format!("s{n}: {{run: x}}, "))),
        ),
    );
    add(
        "caches of many",
        in_task("cache", &format!("[{}]", many("{key: a, paths: [b]}, "))),
    );
    add(
        "artifacts of many",
        in_task(
            "artifacts",
            &format!("{{out: {{{}}}}}", lines("", &|n| format!("a{n}: b, "))),
        ),
    );
    add(
        "branch patterns of many",
        format!(
            "on: {{push: {{branches: [{}]}}}}\ntasks: {{t: {{run: x}}}}\n",
            many("\"**a*\", ")
        ),
    );
    add(
        "a long name",
        format!("tasks: {{{}: {{run: x}}}}\n", many("n")),
    );
    add(
        "a long plain text",
        format!("tasks: {{t: {{run: {}}}}}\n", many("x ")),
    );
    add(
        "a long quoted text",
        format!("tasks: {{t: {{run: \"{}\"}}}}\n", many("\\u00e4")),
    );
    add(
        "a long block",
        format!("tasks:\n  t:\n    run: |\n{}", many("      echo a\n")),
    );
    add(
        "a long folded block",
        format!("tasks:\n  t:\n    run: >\n{}", many("      echo a\n")),
    );
    add(
        "uses of many",
        lines("tasks:\n", &|n| format!("  t{n}: {{uses: ./a{n}.yaml}}\n")),
    );
    add(
        "includes of many",
        format!(
            "include: [{}]\ntasks: {{t: {{run: x}}}}\n",
            lines("", &|n| format!("a{n}.yaml, "))
        ),
    );
    for (_, text) in &mut files {
        let mut end = text.len().min(BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    files
}
