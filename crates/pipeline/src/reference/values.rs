//! How values are written, the types of params and outputs, and the bounds of a file.

use super::{line, row};
use crate::{diagnostics, scalar, yaml};
use expr::budget;
use model::limits;

/// A form of value, how it is written, and what else has to be known.
fn forms() -> [(&'static str, &'static str, String); 7] {
    let units = |is_binary: bool| {
        let units = scalar::SIZE_UNITS.iter().map(|(unit, _)| *unit);
        let units = units.filter(|unit| scalar::is_binary(unit) == is_binary);
        let units: Vec<String> = units.map(|unit| format!("`{unit}`")).collect();
        units.join(", ")
    };
    [
        (
            "text",
            "`make test`",
            "numbers and `true` are text too where text is wanted; YAML 1.2: `no`, `on` and `3.10` are text"
                .to_owned(),
        ),
        ("a name", "`unit-test`", scalar::name_form!().to_owned()),
        ("`true` or `false`", "`true`", "no other words".to_owned()),
        ("a whole number", "`1000`", "decimal digits; `2.0` counts as one".to_owned()),
        (
            "a time",
            "`90s`, `1h30m`, `250ms`",
            "units `ms`, `s`, `m`, `h`, `d`".to_owned(),
        ),
        (
            "a size",
            "`512MiB`, `2GB`",
            format!("units {} (thousands) and {} (1,024)", units(false), units(true)),
        ),
        (
            "a number of CPUs",
            "`2`, `0.5`, `500m`",
            "`500m` is half a CPU".to_owned(),
        ),
    ]
}

/// A type: its name, how it is written, how it is given, what it is in an expression.
const TYPES: [(&str, &str, &str, &str); 7] = [
    (
        "string",
        "`default: debug`",
        "`--param profile=release`",
        "string",
    ),
    (
        "number",
        "`default: 4`",
        "`--param shards=8`",
        "int if it is whole, else double",
    ),
    ("boolean", "`default: false`", "`--param full=true`", "bool"),
    (
        "enum",
        "`{ enum: [debug, release], default: debug }`",
        "`--param profile=release`; another word is refused",
        "string",
    ),
    (
        "list",
        "`default: [eu, us]`",
        "`--param 'regions=[\"eu\"]'`: JSON",
        "list",
    ),
    (
        "object",
        "`{ type: object, default: { team: shop } }`",
        "`--param 'labels={\"team\": \"shop\"}'`: JSON",
        "map with text as keys",
    ),
    (
        "artifact",
        "`outputs: { image: { artifact: image } }`",
        "outputs only",
        "string: the digest",
    ),
];

/// Writes how values are written, and the types.
pub(super) fn write(page: &mut String) {
    line(
        page,
        "\n## How values are written\n\n| Form | Written | Known too |\n|---|---|---|",
    );
    for (form, written, note) in forms() {
        row(page, &[form.to_owned(), written.to_owned(), note]);
    }
    line(
        page,
        "\nA file is UTF-8 and holds one YAML 1.2 document. Anchors, aliases and `<<` work; a key stands once in a mapping; tags and tabs\n\
         for indentation are errors. Paths are relative to the source's top folder; `*` matches within a folder, `**` any number of them.",
    );
    line(
        page,
        "\n## Types of params and outputs\n\n\
         A param is given by `--param NAME=VALUE`, an output by a line `NAME=VALUE` in `$FORMIC_OUTPUT`; both are read in the same way, and\n\
         a value that does not fit its type is refused.\n\n\
         | Type | Written in the file | Given | In expressions |\n|---|---|---|---|",
    );
    for (name, written, given, value) in TYPES {
        row(
            page,
            &[
                format!("`{name}`"),
                written.to_owned(),
                given.to_owned(),
                value.to_owned(),
            ],
        );
    }
}

/// Writes the bounds of files and expressions.
pub(super) fn limits(page: &mut String) {
    let rows: [(&str, usize); 18] = [
        ("bytes of a file", limits::PIPELINE_FILE_BYTES),
        ("levels of nesting in a file", yaml::build::DEPTH),
        ("values of a file, aliases followed", yaml::build::VALUES),
        (
            "bytes of text that aliases repeat",
            yaml::build::REPEATED_BYTES,
        ),
        ("letters of a name", scalar::NAME_LENGTH),
        ("errors shown for a file", diagnostics::ERRORS_PER_FILE),
        ("tasks of a run", limits::TASKS_PER_RUN),
        ("members of a matrix", limits::MATRIX_CELLS),
        ("tasks that one task generates", limits::GENERATED_TASKS),
        ("levels of generated and reused tasks", limits::SCOPE_DEPTH),
        ("steps of a task", limits::STEPS_PER_TASK),
        ("needs of a task", limits::NEEDS_PER_TASK),
        (
            "params, outputs, secrets and artifacts of files, counted for each task that uses the file",
            limits::HANDED_OVER,
        ),
        ("bytes of an output", limits::OUTPUT_BYTES),
        ("bytes of an expression", budget::MAX_SOURCE_BYTES),
        (
            "levels of nesting in an expression",
            budget::MAX_NESTING as usize,
        ),
        (
            "bytes of a text that an expression makes",
            budget::MAX_STRING_BYTES,
        ),
        ("steps of an evaluation", budget::DEFAULT_STEPS as usize),
    ];
    line(
        page,
        "\n## Limits\n\n\
         What a file and its expressions may have at most. Passing one is an error that names it. Those of runs are in\n\
         [limits.md](limits.md).\n\n| Of what | At most |\n|---|---|",
    );
    for (what, most) in rows {
        row(page, &[what.to_owned(), thousands(most)]);
    }
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definitions::OUTPUT_TYPES;

    #[test]
    fn every_type_is_explained() {
        assert_eq!(TYPES.map(|(name, ..)| name), OUTPUT_TYPES);
    }
}
