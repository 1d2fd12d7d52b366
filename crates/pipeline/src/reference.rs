//! The reference of the language, `docs/language.md`, made from the definitions.
//!
//! Whatever a table knows is read from that table; what no table knows (how a value is written, what a
//! function gives) stands in the modules below and is tried by the tests. Nothing is written by hand twice.

mod functions;
mod values;

use crate::definitions::{self, Kind, Names, Object, Phase};
use crate::names;
use crate::read::command::{self, Ran};
use crate::signal::Holds;
use std::fmt::Write as _;

pub use functions::{Sample, function_samples};

/// Every object of the language, the pipeline first, in the order in which they are mentioned.
#[must_use]
pub fn reference() -> Vec<&'static Object> {
    let mut objects = definitions::all();
    objects.extend([&definitions::FRAGMENT, &definitions::INCLUDED]);
    objects
}

/// The reference as a page of Markdown.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    for object in reference() {
        section(&mut page, object);
    }
    values::write(&mut page);
    phases(&mut page);
    functions::write(&mut page);
    values::limits(&mut page);
    page
}

const INTRODUCTION: &str = "\
# The language of pipelines

What can be written in `formic.yaml` and in `.formic/*.yaml` (or `.yml`): [keys](#keys), [how values are written](#how-values-are-written),
[types of params and outputs](#types-of-params-and-outputs), [names and phases](#names-and-phases), [functions](#functions),
[limits](#limits). For learning it, take the [guide](guide/README.md).

This page is made by `cargo xtask docs --write` from the tables that `formic check` uses; change those, not this page. Every
example on it is tried by the tests.

## Keys

*Phase* says when the expressions of a key are evaluated, and so which [names](#names-and-phases) they may use; a key without one
takes no expressions. *Since* is the first version that has the key. What is *refused in this version* is an error of `formic check`.
What is *not run in this version* is checked and planned; `formic run` refuses it by name and line until it ships, and `formic check` lists it.
";

fn section(page: &mut String, object: &Object) {
    let written = write!(page, "\n### {}\n\n{}\n", object.name, object.doc);
    written.expect("writing to a string cannot fail");
    let mut rules = Vec::new();
    if !object.any_of.is_empty() {
        let keys = listed(object.any_of);
        rules.push(format!("It has {keys}."));
    }
    for (one, others) in grouped(object.exclusive) {
        rules.push(format!("`{one}` excludes {}.", all_of(&others)));
    }
    for [one, needed] in object.dependent {
        rules.push(format!("`{one}` needs `{needed}`."));
    }
    if let Some(rest) = &object.rest {
        let names = match rest.names {
            Names::Plain | Names::Variable | Names::Any => "Any other key",
            Names::Extension => "A key that begins with `x-`",
        };
        let phase = rest.kind.phase().map_or(String::new(), |phase| {
            format!(", in phase `{}`", phase.name())
        });
        rules.push(format!(
            "{names} is {}: {}{phase}.",
            rest.what,
            takes(rest.kind)
        ));
    }
    if !rules.is_empty() {
        line(page, &format!("\n{}", rules.join(" ")));
    }
    if object.keys.is_empty() {
        return;
    }
    line(
        page,
        "\n| Key | Meaning | Takes | Phase | Default | Since | Example |",
    );
    line(page, "|---|---|---|---|---|---|---|");
    for key in object.keys {
        let default = match (key.required, key.refused, key.default) {
            (_, true, _) => "*refused in this version*".to_owned(),
            (_, false, _) if key.later => "*not run in this version*".to_owned(),
            (true, false, _) if key.unless.is_empty() => "*required*".to_owned(),
            (true, false, _) => format!("*required without {}*", listed(key.unless)),
            (false, false, "") => "none".to_owned(),
            (false, false, default) => default.to_owned(),
        };
        let cells = [
            format!("`{}`", key.name),
            key.doc.to_owned(),
            takes(&key.kind),
            key.kind.phase().map_or("", Phase::name).to_owned(),
            default,
            key.since.to_owned(),
            code(&one_line(key.example)),
        ];
        row(page, &cells);
    }
}

/// The names of expressions with the phase from which each has a value.
fn phases(page: &mut String) {
    line(
        page,
        "\n## Names and phases\n\n\
         An expression is written in `${{ }}` inside a text, and bare where a key takes nothing else (`when`). `$${{` stands for the\n\
         letters themselves. A text that is one expression keeps its type; any other becomes text. An expression that asks too early,\n\
         or for something that does not exist, is an error at the place of the name.\n\n\
         | Phase | When | Names that become known |\n|---|---|---|",
    );
    for (phase, when) in PHASES {
        let known = names()
            .filter(|root| root.from == phase)
            .map(|root| format!("`{}`", root.name))
            .collect::<Vec<_>>()
            .join(", ");
        row(
            page,
            &[format!("`{}`", phase.name()), when.to_owned(), known],
        );
    }
    line(
        page,
        "\nA phase knows the names of those above it too.\n\n| Name | From | What it holds | Example |\n|---|---|---|---|",
    );
    for root in names() {
        row(
            page,
            &[
                format!("`{}`", root.name),
                root.from.name().to_owned(),
                root.doc.to_owned(),
                code(root.example),
            ],
        );
    }
    line(
        page,
        "\n### What `signal` holds\n\n\
         Every signal has all of these names; those that it gives no value are empty. Text *from outside* may have been written by\n\
         anybody. It may reach a script through the environment; pasted into one it is an error that shows the fix, and so is an output of a\n\
         task that has read such text, unless its type is `number`, `boolean` or `enum`. It may not become the name of the program of a\n\
         `command` either, nor the value of one of [these variables](#variables-that-programs-run), nor one of [these\n\
         arguments](#arguments-that-programs-run). That is checked in the file; what a step does with a text once it runs, such as `eval`\n\
         or a line that it writes to `$FORMIC_ENV` or `$FORMIC_PATH`, no checker sees.\n\n\
         | Name | Holds | From outside | What it is |\n|---|---|---|---|",
    );
    for name in crate::signal::NAMES {
        row(
            page,
            &[
                code(name.path),
                holds(name.holds).to_owned(),
                if name.tainted { "yes" } else { "" }.to_owned(),
                name.doc.to_owned(),
            ],
        );
    }
    variables(page);
    arguments(page);
}

/// The arguments of a `command` that text from outside may not be a part of.
fn arguments(page: &mut String) {
    let codes = |words: &[&str]| {
        let each: Vec<String> = words.iter().map(|word| code(word)).collect();
        each.join(", ")
    };
    line(
        page,
        "\n### Arguments that programs run\n\n\
         An argument of a `command` is data for most programs. Text from outside as a part of these is an error. That is all that is\n\
         checked: what another program does with its arguments, or one of these with others, a file that they name, or an option that a\n\
         text begins with, is for the author to know; `--` in front keeps a text from being an option.\n\n\
         | Programs | Arguments that they run |\n|---|---|",
    );
    for (programs, ran) in command::rows() {
        let which = match ran {
            Ran::Behind(options) => {
                let options: Vec<&str> = options.iter().map(String::as_str).collect();
                format!(
                    "what stands behind {}, also where another program starts it",
                    codes(&options)
                )
            }
            Ran::First => "the first, or what stands behind `-e`".to_owned(),
            Ran::Program => "the first, which names a program".to_owned(),
            Ran::All => "all".to_owned(),
            Ran::Values(options) => format!("the value of {}", codes(options)),
        };
        row(page, &[codes(&programs), which]);
    }
}

/// The variables that text from outside may not become.
fn variables(page: &mut String) {
    line(
        page,
        "\n### Variables that programs run\n\n\
         The value of most variables is only a text. That of these is run, or says where code is loaded from; text from outside as a\n\
         part of it is an error. A `*` stands for any letters. A program may read others that no list knows.\n\n\
         | Variables | Why |\n|---|---|",
    );
    for power in crate::variables::POWERS {
        row(
            page,
            &[crate::variables::shown(power), power.does.to_owned()],
        );
    }
}

const fn holds(holds: Holds) -> &'static str {
    match holds {
        Holds::Text | Holds::Commit => "text",
        Holds::Name => "name",
        Holds::Time => "five fields of cron",
        Holds::Number => "whole number",
        Holds::Flag => "`true` or `false`",
        Holds::Texts => "list of texts",
        Holds::Object => "anything",
    }
}

/// The names of native files; a name without an example is known only to files of other systems.
fn names() -> impl Iterator<Item = &'static names::Root> {
    names::roots().filter(|root| !root.example.is_empty())
}

const PHASES: [(Phase, &str); 4] = [
    (Phase::Plan, "when the plan is made, before anything runs"),
    (
        Phase::Ready,
        "when the needs of the task have ended; once for each member of a matrix",
    ),
    (
        Phase::Start,
        "on the worker, when the task or the step begins",
    ),
    (Phase::End, "after an attempt"),
];

fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Object(object) => link(object),
        Kind::List { of, .. } => format!("list of {}", several(of)),
        Kind::Integer { min, max } => format!("a whole number, {min} to {max}"),
        Kind::Map { what, of, .. } => format!("{what}s by name: {}", takes(of)),
        Kind::OneOf(kinds) => {
            let mut forms: Vec<String> = Vec::new();
            for form in kinds.iter().map(takes) {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
            forms.join(", or ")
        }
        Kind::Any
        | Kind::Constant
        | Kind::Nothing
        | Kind::Text { .. }
        | Kind::Plain
        | Kind::Title
        | Kind::Name
        | Kind::Expression(_)
        | Kind::Boolean
        | Kind::Factor
        | Kind::Duration
        | Kind::Size
        | Kind::Cpu
        | Kind::Word { .. } => kind.describe(),
    }
}

/// Several values of a kind.
fn several(kind: &Kind) -> String {
    if matches!(kind, Kind::Name) {
        return "names".to_owned();
    }
    if matches!(kind, Kind::Text { .. } | Kind::Plain) {
        return "texts".to_owned();
    }
    if let Kind::Integer { min, max } = kind {
        return format!("whole numbers, {min} to {max}");
    }
    takes(kind)
}

fn link(object: &Object) -> String {
    format!(
        "[{}](#{})",
        object.name,
        object.name.replace(' ', "-").replace('.', "")
    )
}

/// `one or other`.
fn listed(words: &[&str]) -> String {
    crate::nearest::any_of(words.iter().copied())
}

/// All of `words`, however many.
fn all_of(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some(_) | None => words.concat(),
    }
}

/// Pairs by their first words, in order.
fn grouped(pairs: &[[&'static str; 2]]) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for [one, other] in pairs {
        match groups.iter_mut().find(|(known, _)| known == one) {
            Some((_, others)) => others.push(other),
            None => groups.push((one, vec![other])),
        }
    }
    groups
}

/// A key and what is indented below it, as one line: a cell of a table holds no more.
fn one_line(example: &str) -> String {
    let mut lines = example.lines();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<&str> = lines.map(str::trim).collect();
    if rest.is_empty() {
        return first.to_owned();
    }
    let items: Option<Vec<&str>> = rest.iter().map(|line| line.strip_prefix("- ")).collect();
    match items {
        Some(items) => format!("{first} [{}]", items.join(", ")),
        None => format!("{first} {{ {} }}", rest.join(", ")),
    }
}

/// Text as code inside a cell, where a bar would end the cell.
fn code(text: &str) -> String {
    format!("`{text}`")
}

fn row(page: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    line(page, &format!("| {} |", cells.join(" | ")));
}

fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}
