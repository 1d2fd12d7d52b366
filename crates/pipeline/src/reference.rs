//! The reference of the language, made from the definitions.

use crate::definitions::{self, Kind, Names, Object, Phase};
use std::fmt::Write as _;

/// Every object of the language, the pipeline first, in the order in which they are mentioned.
#[must_use]
pub fn reference() -> Vec<&'static Object> {
    definitions::all()
}

/// The reference as a page of Markdown.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = String::from("# The pipeline language: reference\n\n");
    page.push_str(
        "Made from the definitions that `formic check` uses; change those, not this page.\n\n",
    );
    page.push_str("*When* says at which point the expressions of a key are evaluated, and so which names they may use: ");
    page.push_str("`plan` (params, signal, run), `ready` (also tasks, matrix), `start` (also env, steps, secrets, attempt), ");
    page.push_str("`end` (also failure).\n");
    for object in reference() {
        section(&mut page, object);
    }
    page
}

fn section(page: &mut String, object: &Object) {
    let written = write!(page, "\n## {}\n\n{}\n\n", object.name, object.doc);
    written.expect("writing to a string cannot fail");
    if !object.any_of.is_empty() {
        let keys = crate::nearest::listed(object.any_of.iter().copied()).replace(" and ", " or ");
        line(page, &format!("It has {keys}.\n"));
    }
    for [one, other] in object.exclusive {
        line(
            page,
            &format!("`{one}` and `{other}` exclude each other.\n"),
        );
    }
    if let Some(rest) = &object.rest {
        let names = match rest.names {
            Names::Plain | Names::Variable => "Any other key",
            Names::Extension => "A key that begins with `x-`",
            Names::Any => "Any key",
        };
        line(
            page,
            &format!("{names} is {}: {}.\n", rest.what, rest.kind.describe()),
        );
    }
    if object.keys.is_empty() {
        return;
    }
    line(page, "| Key | Takes | When | Default | Since | Meaning |");
    line(page, "|---|---|---|---|---|---|");
    for key in object.keys {
        let default = match (key.required, key.refused, key.default) {
            (_, true, _) => "*not in this version*",
            (true, false, _) => "*required*",
            (false, false, default) => default,
        };
        line(
            page,
            &format!(
                "| `{}` | {} | {} | {} | {} | {} |",
                key.name,
                takes(&key.kind),
                key.kind.phase().map_or("", Phase::name),
                default,
                key.since,
                key.doc
            ),
        );
    }
    for key in object.keys.iter().filter(|key| !key.refused) {
        line(page, &format!("\n```yaml\n{}\n```", key.example));
    }
}

fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Object(object) => link(object),
        Kind::List { of, .. } => format!("list of {}", takes(of)),
        Kind::Map { what, of, .. } => format!("{what}s by name: {}", takes(of)),
        Kind::OneOf(kinds) => kinds.iter().map(takes).collect::<Vec<_>>().join(", or "),
        Kind::Any
        | Kind::Nothing
        | Kind::Text { .. }
        | Kind::Plain
        | Kind::Name
        | Kind::Expression(_)
        | Kind::Boolean
        | Kind::Integer { .. }
        | Kind::Factor
        | Kind::Duration
        | Kind::Size
        | Kind::Cpu
        | Kind::Word { .. } => kind.describe(),
    }
}

fn link(object: &Object) -> String {
    format!(
        "[{}](#{})",
        object.name,
        object.name.replace(' ', "-").replace('.', "")
    )
}

fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push('\n');
}
