//! Prints, as one JSON document, how long checking and compiling take beside serde-saphyr's tree of the same bytes.
//!
//! `compare TASKS MATRIX_TASKS ROUNDS`. Called by `cargo xtask bench language`; needs `--features rivals`. The tree of the rival
//! has the place of every value and nothing else: no keys are known to it, no expression is read, nothing is resolved.
//! The sides take turns and the best round of each counts.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a tool for developers"
)]

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use pipeline::{Request, SourceFile, check, compile};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| {
        arguments
            .next()
            .map_or(default, |text| text.parse().unwrap())
    };
    let (tasks, matrix_tasks, rounds) = (number(2000), number(10_000), number(10));
    let literal = literal(tasks);
    let axis = (matrix_tasks / MATRICES).isqrt().max(1);
    let matrices = matrices(axis);
    let mut best = [Duration::MAX; 4];
    for _ in 0..rounds {
        let times = [
            time(|| drop(black_box(tree(&literal)))),
            time(|| drop(black_box(checked(&literal)))),
            time(|| black_box(compiled(&literal))),
            time(|| black_box(compiled(&matrices))),
        ];
        for (best, time) in best.iter_mut().zip(times) {
            *best = (*best).min(time);
        }
    }
    let [tree_us, check_us, plan_us, matrix_us] = best.map(|time| time.as_micros());
    println!(
        "{}",
        serde_json::json!({
            "tasks": tasks,
            "bytes": literal.len(),
            "nodes": count(&tree(&literal).value),
            "tree_us": tree_us,
            "check_us": check_us,
            "plan_us": plan_us,
            "matrix_tasks": axis * axis * MATRICES,
            "matrix_lines": matrices.lines().count(),
            "matrix_us": matrix_us,
        })
    );
}

/// Tasks as people write them: a script, an environment, a need, a limit; no expression.
fn literal(tasks: usize) -> String {
    let task = |n: usize| {
        format!(
            "  task-{n}:\n    needs: [task-{}]\n    run: make target-{n}\n    env: {{ LEVEL: {n} }}\n    timeout: 5m\n",
            n - 1
        )
    };
    let others: String = (1..tasks).map(task).collect();
    format!("name: literal\ntasks:\n  task-0:\n    run: make\n{others}")
}

const MATRICES: usize = 16;

/// A file of a hundred lines: matrices of two axes each.
fn matrices(axis: usize) -> String {
    let values: Vec<String> = (0..axis).map(|n| n.to_string()).collect();
    let values = values.join(", ");
    let task = |n: usize| {
        format!(
            "  t{n}:\n    matrix: {{ a: [{values}], b: [{values}] }}\n    run: make \"$A\" \"$B\"\n    env:\n      A: ${{{{ matrix.a }}}}\n      B: ${{{{ matrix.b }}}}\n"
        )
    };
    let tasks: String = (0..MATRICES).map(task).collect();
    format!("name: matrices\non: push\nshell: bash\ntasks:\n{tasks}")
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn checked(text: &str) -> Vec<pipeline::Diagnostic> {
    check(&SourceFile::new("formic.yaml", text))
}

fn compiled(text: &str) {
    let compiled = compile(&SourceFile::new("formic.yaml", text), &Request::default());
    assert!(compiled.plan.is_some(), "{:?}", compiled.diagnostics);
}

fn tree(text: &str) -> Spanned<Tree> {
    let options = serde_saphyr::options! { budget: None };
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

/// What the rival makes of the bytes.
enum Tree {
    Text(String),
    Sequence(Vec<Spanned<Tree>>),
    Mapping(Vec<(Spanned<String>, Spanned<Tree>)>),
}

/// Values in a tree, so that nothing of it is left out.
fn count(tree: &Tree) -> usize {
    1 + match tree {
        Tree::Text(text) => usize::from(text.is_empty()),
        Tree::Sequence(items) => items.iter().map(|item| count(&item.value)).sum(),
        Tree::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| key.value.len().min(1) + count(&value.value))
            .sum(),
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Text(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Mapping(entries))
    }
}
