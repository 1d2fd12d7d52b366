//! The first check: does every value have the form that the definitions ask for?
//!
//! One walk over the tree beside the table. It reports unknown and missing keys and values of the
//! wrong kind, all of them. What values mean together is checked later by the readers, which pass
//! over whatever this walk has refused.

mod foreign;
mod presence;
mod value;

use crate::codes;
use crate::definitions::{Key, Kind, Names, Object, PIPELINE, Rest};
use crate::diagnostics::{Report, Span};
use crate::nearest::{all_listed, nearest};
use crate::scalar;
use crate::yaml::{Entry, Node, Value};

/// What a value belongs to, for messages: `step 2 of task test`.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'p> {
    parent: Option<&'p Self>,
    what: &'p str,
    name: &'p str,
    /// How the key that holds the value is used, from the definitions.
    example: &'static str,
    /// Where the key stands that holds the value; an entry of a list has none and stands itself.
    key_span: Span,
    /// Where the task that it belongs to is named.
    task: Option<Span>,
}

impl<'p> Owner<'p> {
    const fn top(what: &'p str, span: Span) -> Self {
        Self {
            parent: None,
            what,
            name: "",
            example: "",
            key_span: span,
            task: None,
        }
    }

    const fn inner(&'p self, what: &'p str, name: &'p str, key_span: Span) -> Self {
        Self {
            parent: Some(self),
            what,
            name,
            example: self.example,
            key_span,
            task: self.task,
        }
    }

    /// An entry of a list or mapping whose own name would only repeat what the entry is: `task test`
    /// in place of `task test of tasks`.
    fn member(&'p self, what: &'p str, name: &'p str, key_span: Span) -> Self {
        Self {
            example: self.example,
            ..self.parent.unwrap_or(self).inner(what, name, key_span)
        }
    }

    /// The value of a known key.
    const fn of_key(&'p self, key: &'static Key, key_span: Span) -> Self {
        Self {
            parent: Some(self),
            what: "",
            name: key.name,
            example: key.example,
            key_span,
            task: self.task,
        }
    }

    /// How to write the value, if the definitions show it.
    fn shown(&self) -> Option<String> {
        (!self.example.is_empty()).then(|| as_in(self.example))
    }

    /// The nearest named owner and, when it is a part of something named, that too.
    fn describe(&self) -> String {
        let own = match (self.what, self.name) {
            (what, "") => what.to_owned(),
            ("", name) => format!("`{name}`"),
            (what, name) if name.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{what} {name}")
            }
            (what, name) => format!("{what} `{name}`"),
        };
        match self.parent {
            Some(parent) if parent.parent.is_some() => format!("{own} of {}", parent.describe()),
            Some(_) | None => own,
        }
    }
}

/// Checks a whole file against `object`.
pub(crate) fn check(report: &mut Report<'_>, object: &'static Object, tree: &Node<'_>) {
    let what = match object.name {
        "pipeline" => "the pipeline",
        "included file" => "the included file",
        _ => "the generated file",
    };
    let owner = Owner::top(what, report.top());
    let Value::Mapping(entries) = &tree.value else {
        let message = format!(
            "expected a mapping with the keys of a pipeline, found {}",
            tree.describe()
        );
        report
            .error(&codes::WRONG_SHAPE, tree.span, message)
            .help("the smallest pipeline is `tasks: { hello: { run: echo hello } }`");
        return;
    };
    keys(report, object, entries, &owner);
}

/// Checks the keys of one mapping.
fn keys(
    report: &mut Report<'_>,
    object: &'static Object,
    entries: &[Entry<'_>],
    owner: &Owner<'_>,
) {
    let mut owner = *owner;
    if object.name == "task" {
        owner.task = Some(owner.key_span);
    }
    let owner = &owner;
    for entry in entries {
        if report.is_full() {
            return;
        }
        let Some(key) = object.key(&entry.key) else {
            if let Some(help) = cut_at_comma(report, entries, entry) {
                let message = format!(
                    "`{}` is read as a key of {}: a `,` ends a text inside `{{ }}`",
                    shortened(&entry.key),
                    owner.describe()
                );
                report
                    .error(&codes::UNKNOWN_KEY, entry.key_span, message)
                    .help(help);
                continue;
            }
            other_key(report, object, entry, owner);
            continue;
        };
        let with_uses = key.name == "with" && entries.iter().any(|each| each.key == "uses");
        if key.refused && with_uses {
            continue;
        }
        if key.refused {
            let message = format!(
                "`{}` in {} is not supported by this version of Formic",
                key.name,
                owner.describe()
            );
            report
                .error(&codes::NOT_YET, entry.key_span, message)
                .help_if(foreign::instead(key.name));
            report.unsupported(key.name, entry.key_span, None);
            continue;
        }
        if key.later && !entry.value.asks_nothing() {
            report.unsupported(key.name, entry.key_span, owner.task);
        }
        if key.name == "task" && object.name == "pipeline" && holds_tasks(key, &entry.value) {
            report
                .error(
                    &codes::UNKNOWN_KEY,
                    entry.key_span,
                    "`task` is a single task; this is a mapping of tasks by name",
                )
                .help("did you mean `tasks`?");
            continue;
        }
        let inner = owner.of_key(key, entry.key_span);
        value(report, &key.kind, &entry.value, &inner);
    }
    presence::check(report, object, entries, owner);
}

/// The line of a text that a `,` has cut, where what stands behind it can be no key.
fn cut_at_comma(report: &Report<'_>, entries: &[Entry<'_>], entry: &Entry<'_>) -> Option<String> {
    let is_word = |c: char| c.is_alphanumeric() || "_-. ".contains(c);
    if entry.key.chars().all(is_word) {
        return None;
    }
    let before = entries
        .iter()
        .rfind(|each| each.key_span.start < entry.key_span.start)?;
    let whole = report
        .text()
        .get(before.value.span.start..entry.key_span.end)?;
    let is_plain = before.value.scalar().is_some() && !whole.starts_with(['"', '\'']);
    if !is_plain || whole.contains('\n') || before.value.asks_nothing() {
        return None;
    }
    let (key, whole) = (&before.key, whole.replace('\'', "''"));
    Some(format!("put the text into quotes: `{key}: '{whole}'`"))
}

/// Whether the value of a key that takes one object looks like several of them by name.
fn holds_tasks(key: &Key, node: &Node<'_>) -> bool {
    let Kind::Object(object) = &key.kind else {
        return false;
    };
    let entries = node.entries().unwrap_or_default();
    let named =
        |entry: &Entry<'_>| object.key(&entry.key).is_none() && entry.value.entries().is_some();
    !entries.is_empty() && entries.iter().all(named)
}

/// A key that the table does not name: one of the author's own, or unknown.
fn other_key(
    report: &mut Report<'_>,
    object: &'static Object,
    entry: &Entry<'_>,
    owner: &Owner<'_>,
) {
    let key = &*entry.key;
    if key == "if" {
        let help = mended_line(report_text(report, entry.key_span), "if", "when");
        report
            .error(
                &codes::IF_KEY,
                entry.key_span,
                format!("`if` in {} is called `when`", owner.describe()),
            )
            .help(help);
        return;
    }
    if let Some(rest) = &object.rest {
        let open = !matches!(rest.names, Names::Extension) || key.starts_with("x-");
        if open {
            own_key(report, rest, entry, owner);
            return;
        }
    }
    if let Some(help) = foreign::help(object.name, key) {
        report
            .error(
                &codes::FOREIGN_KEY,
                entry.key_span,
                format!("unknown key `{key}` in {}", owner.describe()),
            )
            .help(foreign::file(object.name, key, &entry.value).unwrap_or(help));
        // What stands below is said too, so that a file of another system is mended in one go.
        if let Some(tasks) = object.key("tasks").filter(|_| foreign::holds_tasks(key)) {
            let inner = owner.of_key(tasks, entry.key_span);
            value(report, &tasks.kind, &entry.value, &inner);
        }
        return;
    }
    let is_task = || object.name == "pipeline" && foreign::is_task(&entry.value);
    let help = if let Some(near) = nearest(key, object.accepted()) {
        format!("did you mean `{near}`?")
    } else if is_task() {
        format!("a task stands below `tasks`: `tasks: {{ {key}: {{ … }} }}`")
    } else if object.name == "included file" && PIPELINE.key(key).is_some() {
        format!(
            "write it in the file that includes this one; the keys here are {}",
            all_listed(object.accepted())
        )
    } else if object.rest.is_some() {
        format!(
            "a key of your own begins with `x-`: `x-{key}`; else the keys here are {}",
            all_listed(object.accepted())
        )
    } else {
        format!(
            "remove it; the keys here are {}",
            all_listed(object.accepted())
        )
    };
    report
        .error(
            &codes::UNKNOWN_KEY,
            entry.key_span,
            format!("unknown key `{key}` in {}", owner.describe()),
        )
        .help(help);
}

fn own_key(report: &mut Report<'_>, rest: &Rest, entry: &Entry<'_>, owner: &Owner<'_>) {
    name(report, rest.what, rest.names, entry);
    let inner = owner.inner("", &entry.key, entry.key_span);
    value(report, rest.kind, &entry.value, &inner);
}

/// Checks a name that the author chose.
fn name(report: &mut Report<'_>, what: &str, names: Names, entry: &Entry<'_>) {
    let key = &*entry.key;
    match names {
        Names::Plain if !scalar::is_name(key) => {
            let message = format!("`{}` cannot be the name of {what}", shortened(key));
            report
                .error(&codes::NOT_NAME, entry.key_span, message)
                .help(match scalar::mended_name(key) {
                    Some(mended) => format!("write `{mended}`: {}", scalar::NAME_RULE),
                    None => scalar::NAME_RULE.to_owned(),
                });
        }
        Names::Variable if !scalar::is_variable(key) => {
            let message = format!("`{}` cannot be the name of {what}", shortened(key));
            report
                .error(&codes::NOT_NAME, entry.key_span, message)
                .help(match scalar::mended_variable(key) {
                    Some(mended) => format!("write `{mended}`: {}", scalar::VARIABLE_RULE),
                    None => scalar::VARIABLE_RULE.to_owned(),
                });
        }
        Names::Plain | Names::Variable | Names::Extension | Names::Any => {}
    }
}

/// Checks one value.
fn value(report: &mut Report<'_>, kind: &'static Kind, node: &Node<'_>, owner: &Owner<'_>) {
    if report.is_broken(node.span) {
        return;
    }
    match (kind, &node.value) {
        (Kind::Any, _) => {}
        (Kind::Constant, _) => value::constant(report, node, owner),
        (Kind::OneOf(kinds), _) => value::one_of(report, kind, kinds, node, owner),
        (Kind::List { of, min }, Value::Sequence(items)) => {
            if items.len() < *min {
                report
                    .error(
                        &codes::EMPTY,
                        node.span,
                        format!("{} is an empty list", owner.describe()),
                    )
                    .help_if(owner.shown());
            }
            if owner.name == "command" && owner.what.is_empty() {
                value::program(report, items, owner);
            }
            for (index, item) in items.iter().enumerate() {
                let number = (index + 1).to_string();
                let what = if owner.name == "steps" {
                    "step"
                } else {
                    "entry"
                };
                let inner = if what == "step" {
                    owner.member(what, &number, item.span)
                } else {
                    owner.inner(what, &number, item.span)
                };
                value(report, of, item, &inner);
            }
        }
        (
            Kind::Map {
                what,
                names,
                of,
                min,
            },
            Value::Mapping(entries),
        ) => {
            if entries.len() < *min {
                report
                    .error(
                        &codes::EMPTY,
                        owner.key_span,
                        format!("{} has no {what}", owner.describe()),
                    )
                    .help(format!("add a {what}, or remove the key"));
            }
            let article = if what.starts_with(['a', 'o']) {
                "an"
            } else {
                "a"
            };
            for entry in entries {
                name(report, &format!("{article} {what}"), *names, entry);
                let inner = owner.member(what, &entry.key, entry.key_span);
                value(report, of, &entry.value, &inner);
            }
        }
        (Kind::Object(object), Value::Mapping(entries)) => keys(report, object, entries, owner),
        (_, Value::Scalar(scalar)) => value::scalar(report, kind, scalar, node, owner),
        (_, Value::Sequence(_) | Value::Mapping(_)) => {
            value::wrong_shape(report, kind, node, owner)
        }
    }
}

/// The line that holds `span`, trimmed.
fn report_text(report: &Report<'_>, span: Span) -> String {
    let line = report.lines().line_of(span.start);
    report.text()[line.start..line.end].trim().to_owned()
}

/// `write …` with the line as it should be.
fn mended_line(line: String, wrong: &str, right: &str) -> String {
    let mended = line.replacen(&format!("{wrong}:"), &format!("{right}:"), 1);
    if mended == line || line.len() > 100 {
        return format!("write `{right}`");
    }
    format!("write `{mended}`")
}

/// `as in` and an example, which may have several lines.
fn as_in(example: &str) -> String {
    if example.contains('\n') {
        return format!("write it as in\n{example}");
    }
    format!("write it as in `{example}`")
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Diagnostic;
    use crate::{definitions, yaml};

    /// What is said about `text` as a mapping with the keys of `object`.
    fn said(object: &'static Object, text: &str) -> Vec<Diagnostic> {
        let mut report = Report::new("f.yaml", text, 0);
        if let Some(tree) = yaml::parse(&mut report) {
            let entries = tree.entries().unwrap_or_default();
            let owner = Owner::top("the example", Span::default());
            for entry in entries {
                match object.key(&entry.key) {
                    Some(key) => value(
                        &mut report,
                        &key.kind,
                        &entry.value,
                        &owner.of_key(key, entry.key_span),
                    ),
                    None => other_key(&mut report, object, entry, &owner),
                }
            }
        }
        report.finish()
    }

    #[test]
    fn every_example_of_the_definitions_is_right_and_shows_its_key() {
        for object in definitions::all()
            .into_iter()
            .chain([&definitions::FRAGMENT])
        {
            for key in object.keys.iter().filter(|key| !key.refused) {
                let wrong = said(object, key.example);
                assert_eq!(wrong, [], "{} {}: {}", object.name, key.name, key.example);
                let shows = key
                    .example
                    .split(|c: char| !c.is_alphanumeric() && c != '_');
                assert!(
                    shows.into_iter().any(|word| word == key.name),
                    "{} {}",
                    object.name,
                    key.name
                );
            }
        }
    }

    /// The form of a list or mapping is looked up among the alternatives themselves.
    #[test]
    fn no_choice_stands_in_a_choice() {
        fn flat(kind: &Kind) -> bool {
            if let Kind::OneOf(kinds) = kind {
                let nests = |kind: &Kind| matches!(kind, Kind::OneOf(_));
                return kinds.iter().all(|kind| !nests(kind) && flat(kind));
            }
            if let Kind::List { of, .. } | Kind::Map { of, .. } = kind {
                return flat(of);
            }
            true
        }
        for object in definitions::all()
            .into_iter()
            .chain([&definitions::FRAGMENT])
        {
            for key in object.keys {
                assert!(flat(&key.kind), "{} {}", object.name, key.name);
            }
        }
    }

    #[test]
    fn every_key_is_explained_once() {
        for object in definitions::all() {
            for (index, key) in object.keys.iter().enumerate() {
                assert!(key.doc.ends_with('.'), "{} {}", object.name, key.name);
                assert!(
                    !object.keys[..index]
                        .iter()
                        .any(|other| other.name == key.name)
                );
            }
        }
    }
}
