//! Files that are right and hostile to the preview of a plan: many tasks, and much to evaluate, to say or to repeat for each.

use crate::shelf::{BYTES, Hostile, Shelf, lines, numbers};

/// Puts all of them on the shelf.
pub(crate) fn put(shelf: &mut Shelf) {
    conditions(shelf);
    matrices(shelf);
    values(shelf);
    needs(shelf);
    calls(shelf);
    texts(shelf);
}

/// A matrix with two axes of so many values.
fn square(side: usize) -> String {
    let axis = numbers(side);
    format!("{{a: [{axis}], b: [{axis}]}}")
}

fn task_with(matrix: &str, condition: &str) -> String {
    format!("tasks: {{t: {{run: x, matrix: {matrix}, when: \"{condition}\"}}}}\n")
}

fn conditions(shelf: &mut Shelf) {
    for (side, letters) in [(100, 30_000), (300, 70_000), (300, 200_000)] {
        let cells = side * side;
        let long = |piece: &str| vec![piece; letters / piece.len() - 1].join(" && ");
        shelf.add(
            &format!("{cells} members with a condition of {letters} letters"),
            || task_with(&square(side), &long("matrix.a != 700")),
        );
        shelf.add(
            &format!("{cells} members with one condition of {letters} letters"),
            || task_with(&square(side), &long("signal.branch != 'x'")),
        );
        shelf.add(
            &format!("{cells} members with a condition of {letters} letters that ends at once"),
            || {
                let condition = format!("matrix.a >= 0 || {}", long("matrix.a != 700"));
                task_with(&square(side), &condition)
            },
        );
    }
    shelf.add("members with a dear condition", || {
        let condition =
            "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, a * b + matrix.a > 0))";
        task_with(&square(300), condition)
    });
    shelf.add("members with a pattern over a long text", || {
        let text = "ab".repeat(10_000);
        let condition = format!("('{text}' + string(matrix.a)).matches('(a|b|ab)*c{{1,30}}')");
        task_with(&square(300), &condition)
    });
    shelf.add("tasks with dear conditions", || {
        lines("tasks:\n", &|n| {
            let list = "[1,2,3,4,5,6,7,8,9,10]";
            format!("  t{n}: {{run: x, when: \"{list}.all(a, {list}.all(b, {list}.all(c, a + b + c > {n} - {n})))\"}}\n")
        })
    });
    shelf.add("members whose condition reads many params", || {
        let params = (0..6_000).map(|n| format!("  p{n}: vvvvvvvv\n"));
        let reads: Vec<String> = (0..6_000).map(|n| format!("params.p{n} != ''")).collect();
        let params: String = params.collect();
        let condition = format!("{} && matrix.a >= 0", reads.join(" && "));
        format!("params:\n{params}{}", task_with(&square(300), &condition))
    });
    shelf.add("members whose condition reads many outputs", || {
        let reads = vec!["tasks.u.outputs.o == 'x'"; 3_000].join(" || ");
        format!(
            "tasks:\n  u: {{run: x, outputs: {{o: string}}}}\n  t: {{run: x, needs: u, matrix: {}, when: \"({reads}) && matrix.a != 3\"}}\n",
            square(300)
        )
    });
}

fn matrices(shelf: &mut Shelf) {
    shelf.add("many matrices", || {
        lines(&format!("x-a: &a [{}]\ntasks:\n", numbers(100)), &|n| {
            format!("  t{n}: {{run: x, matrix: {{a: *a}}}}\n")
        })
    });
    shelf.add("many matrices with conditions", || {
        let axis = numbers(100);
        let condition = vec!["matrix.a != 700"; 100].join(" && ");
        lines("tasks:\n", &|n| {
            format!("  t{n}: {{run: x, matrix: {{a: [{axis}]}}, when: \"matrix.a != {n} && {condition}\"}}\n")
        })
    });
    shelf.add("a matrix and many tasks of `finally`", || {
        lines(
            &format!(
                "tasks: {{t: {{run: x, matrix: {}}}}}\nfinally:\n",
                square(300)
            ),
            &|n| format!("  f{n}: {{run: x, when: \"failed()\"}}\n"),
        )
    });
    shelf.add("members that fail", || {
        task_with(&square(300), "1 / matrix.a > 0")
    });
    for items in [1_000, 90_000] {
        shelf.add(
            &format!("many matrices of a list param of {items} items"),
            || {
                let head = format!(
                    "params:\n  l: {{type: list, default: [{}]}}\ntasks:\n",
                    numbers(items)
                );
                lines(&head, &|n| {
                    format!("  t{n}: {{matrix: {{a: \"${{{{ params.l }}}}\"}}, run: x}}\n")
                })
            },
        );
    }
    shelf.add("a list param whose members are asked for in each member", || {
        format!(
            "params:\n  l: {{type: list, default: [{}]}}\ntasks: {{t: {{run: x, matrix: {{a: \"${{{{ params.l }}}}\"}}, when: \"params.l.all(x, x != matrix.a)\"}}}}\n",
            numbers(90_000)
        )
    });
    shelf.add("a list param that is a false condition's value", || {
        let task = task_with(&square(300), "size(params.l) < 3 && matrix.a >= 0");
        format!(
            "params:\n  l: {{type: list, default: [{}]}}\n{task}",
            numbers(90_000)
        )
    });
}

fn values(shelf: &mut Shelf) {
    let long = |count: usize, letters: usize| {
        let value = |n: usize| format!("{}{n}", "v".repeat(letters));
        let values: Vec<String> = (0..count).map(value).collect();
        values.join(", ")
    };
    shelf.add("two matrices of long values", || {
        let values = long(300, 550);
        let matrix = format!("{{a: [{values}], b: [{values}]}}");
        format!("tasks: {{a: {{run: x, matrix: {matrix}}}, b: {{run: x, matrix: {matrix}}}}}\n")
    });
    for (side, letters) in [(10, 1_000_000), (100, 11_000), (300, 1_100)] {
        shelf.add(
            &format!("{} members with a value of {letters} letters", side * side),
            || {
                let (axis, value) = (numbers(side), "v".repeat(letters));
                format!(
                    "tasks: {{t: {{run: x, matrix: {{a: [{axis}], b: [{axis}], c: [{value}]}}}}}}\n"
                )
            },
        );
    }
    shelf.add("members with many values", || {
        let more: Vec<String> = (0..10).map(|n| format!("c{n}: [1]")).collect();
        let axis = numbers(300);
        format!(
            "tasks: {{t: {{run: x, matrix: {{{}, a: [{axis}], b: [{axis}]}}}}}}\n",
            more.join(", ")
        )
    });
    shelf.add("many values added to each member", || {
        let added: Vec<String> = (0..90)
            .map(|n| format!("{{k{n}: {}}}", "v".repeat(50)))
            .collect();
        let axis = numbers(100);
        format!(
            "tasks: {{t: {{run: x, matrix: {{a: [{axis}], b: [{axis}], include: [{}]}}}}}}\n",
            added.join(", ")
        )
    });
}

fn needs(shelf: &mut Shelf) {
    let named = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("t{n}")).collect();
        let tasks = (0..count).map(|n| format!("  t{n}: {{run: x}}\n"));
        (names.join(", "), tasks.collect::<String>())
    };
    for count in [100, 9_000] {
        shelf.add(&format!("members that need {count} tasks"), || {
            let (names, tasks) = named(count);
            let matrix = square(300);
            format!("tasks:\n{tasks}  m: {{run: x, needs: [{names}], matrix: {matrix}}}\n")
        });
    }
    shelf.add("tasks that need thousands by an alias", || {
        let (names, tasks) = named(9_000);
        let mut text = format!("x-n: &n [{names}]\ntasks:\n{tasks}");
        for n in 0..10 {
            text.push_str(&["  u", &n.to_string(), ": {run: x, needs: *n}\n"].concat());
        }
        text
    });
}

fn calls(shelf: &mut Shelf) {
    let leaf = |tasks: usize| {
        let tasks = (0..tasks).map(|n| format!("  t{n}: {{run: x}}\n"));
        format!("tasks:\n{}", tasks.collect::<String>())
    };
    shelf.add_with("a call with a matrix", || Hostile {
        text: format!(
            "tasks: {{t: {{uses: ./a.yaml, matrix: {}}}}}\n",
            square(100)
        ),
        used: vec![("a.yaml", leaf(19))],
    });
    shelf.add_with("calls in calls", || Hostile {
        text: lines("tasks:\n", &|n| format!("  t{n}: {{uses: ./a.yaml}}\n"))
            .lines()
            .take(400)
            .map(|line| [line, "\n"].concat())
            .collect(),
        used: vec![
            (
                "a.yaml",
                "tasks: {b: {uses: ./b.yaml}, c: {uses: ./b.yaml}}\n".to_owned(),
            ),
            (
                "b.yaml",
                "tasks: {b: {uses: ./c.yaml}, c: {uses: ./c.yaml}}\n".to_owned(),
            ),
            ("c.yaml", leaf(80)),
        ],
    });
    shelf.add_with("a call of many tasks that needs many", || {
        let names: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
        Hostile {
            text: format!(
                "{}  c: {{uses: ./a.yaml, needs: [{}]}}\n",
                leaf(5_000),
                names.join(", ")
            ),
            used: vec![("a.yaml", leaf(20_000))],
        }
    });
    shelf.add_with("calls with a large list", || Hostile {
        text: lines(
            &format!(
                "params:\n  l: {{type: list, default: [{}]}}\ntasks:\n",
                numbers(90_000)
            ),
            &|n| format!("  t{n}: {{uses: ./a.yaml, with: {{l: \"${{{{ params.l }}}}\"}}}}\n"),
        ),
        used: vec![(
            "a.yaml",
            "params: {l: {type: list}}\ntasks: {t: {run: x, when: size(params.l) > 3}}\n"
                .to_owned(),
        )],
    });
    shelf.add_with("a call with a matrix of a file with many params", || {
        let params = (0..15_000).map(|n| format!("  p{n}: {n}\n"));
        let params: String = params.collect();
        Hostile {
            text: format!(
                "tasks: {{t: {{uses: ./a.yaml, matrix: {}}}}}\n",
                square(300)
            ),
            used: vec![(
                "a.yaml",
                format!("params:\n{params}tasks: {{t: {{run: x}}}}\n"),
            )],
        }
    });
    // A mebibyte in all.
    shelf.add_with("many included tasks", || Hostile {
        text: "include: [a.yaml, b.yaml, c.yaml]\ntasks: {t: {run: x}}\n".to_owned(),
        used: [("a.yaml", "a"), ("b.yaml", "b"), ("c.yaml", "c")]
            .map(|(path, letter)| {
                let tasks = (0..5_500).map(|n| {
                    format!("  {letter}{n}: {{run: x, when: \"signal.kind != 'push'\"}}\n")
                });
                (path, format!("tasks:\n{}", tasks.collect::<String>()))
            })
            .to_vec(),
    });
}

fn texts(shelf: &mut Shelf) {
    shelf.add("members with many texts", || {
        let env = (0..20_000).map(|n| format!("A{n}: \"${{{{ matrix.a }}}} x\", "));
        let env: String = env.collect();
        let matrix = square(300);
        format!("tasks: {{t: {{run: x, matrix: {matrix}, env: {{{env}}}}}}}\n")
    });
    shelf.add("tasks with the texts of their scope", || {
        let env = (0..12_000).map(|n| format!("A{n}: \"${{{{ signal.kind }}}}\", "));
        let env: String = env.collect();
        lines(&format!("env: {{{env}}}\ntasks:\n"), &|n| {
            format!("  t{n}: {{run: x}}\n")
        })
    });
    shelf.add("a long script by aliases", || {
        let script = "${{ signal.kind }} ".repeat(BYTES / 4 / 20);
        lines(&format!("x-r: &r \"{script}\"\ntasks:\n"), &|n| {
            format!("  t{n}: {{run: *r}}\n")
        })
    });
    shelf.add("a long question by aliases", || {
        let question = "please ".repeat(1_000);
        lines(&format!("x-p: &p \"{question}\"\ntasks:\n"), &|n| {
            format!("  t{n}: {{run: x, approval: *p}}\n")
        })
        .lines()
        .take(140)
        .map(|line| [line, "\n"].concat())
        .collect()
    });
    shelf.add("tasks that this version cannot run", || {
        lines("tasks:\n", &|n| {
            format!("  t{n}: {{run: x, container: a}}\n")
        })
    });
}
