//! Broken files and what is said about each, word for word.
//!
//! `broken/*.txt` hold cases: a title behind `##`, the file, and behind `>>` everything that is said.
//! `<TAB>`, `<CR>` and `<ESC>` stand for the characters. Set `FORMIC_BLESS=1` to write what is said now
//! into the files, then read the difference.
#![expect(clippy::unwrap_used, reason = "tests")]

use pipeline::{Diagnostic, Request, Severity, SourceFile, compile};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const TABLES: [(&str, &str); 5] = [
    ("yaml.txt", include_str!("broken/yaml.txt")),
    ("shape.txt", include_str!("broken/shape.txt")),
    ("graph.txt", include_str!("broken/graph.txt")),
    ("names.txt", include_str!("broken/names.txt")),
    ("values.txt", include_str!("broken/values.txt")),
];

/// One case of a table.
pub(crate) struct Case {
    pub title: String,
    pub file: String,
    said: String,
}

/// Every case of every table.
pub(crate) fn cases() -> Vec<Case> {
    TABLES.iter().flat_map(|(_, table)| read(table)).collect()
}

fn read(table: &str) -> Vec<Case> {
    let parts = table.split("## ").skip(1);
    let case = |part: &str| {
        let (title, rest) = part.split_once('\n').unwrap();
        let said: Vec<&str> = rest
            .lines()
            .filter_map(|line| line.strip_prefix(">> "))
            .collect();
        let file = rest.lines().take_while(|line| !line.starts_with(">>"));
        let file: String = file.flat_map(|line| [line, "\n"]).collect();
        Case {
            title: title.to_owned(),
            file: file
                .trim_end()
                .replace("<TAB>", "\t")
                .replace("<CR>", "\r")
                .replace("<ESC>", "\u{1b}"),
            said: said.join("\n"),
        }
    };
    parts.map(case).collect()
}

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    compile(&SourceFile::new("f.yaml", text), &Request::default()).diagnostics
}

fn written(diagnostics: &[Diagnostic]) -> String {
    let mut said = String::new();
    for each in diagnostics {
        let kind = if each.severity == Severity::Error {
            ""
        } else {
            "warning "
        };
        writeln!(
            said,
            "{kind}{} {}:{} {}",
            each.code, each.line, each.column, each.message
        )
        .unwrap();
        for (span, label) in &each.labels {
            writeln!(said, "  at {}..{}: {label}", span.start, span.end).unwrap();
        }
        if let Some(help) = &each.help {
            writeln!(said, "  help: {help}").unwrap();
        }
        for note in &each.notes {
            writeln!(said, "  note: {note}").unwrap();
        }
    }
    said.trim_end().to_owned()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "writes the tables anew when asked to"
)]
fn every_broken_file_gets_its_message() {
    let bless = std::env::var_os("FORMIC_BLESS").is_some();
    for (name, table) in TABLES {
        let mut blessed = String::new();
        let mut differ = Vec::new();
        for (part, case) in table.split("## ").skip(1).zip(read(table)) {
            let said = written(&diagnostics(&case.file));
            let text = part.split("\n>>").next().unwrap().trim_end();
            let lines: String = said.lines().map(|line| format!(">> {line}\n")).collect();
            write!(blessed, "## {text}\n{lines}\n").unwrap();
            if said != case.said {
                differ.push(format!(
                    "{}\n--- expected\n{}\n--- said\n{said}",
                    case.title, case.said
                ));
            }
        }
        if bless {
            let path = format!("{}/tests/it/broken/{name}", env!("CARGO_MANIFEST_DIR"));
            std::fs::write(path, blessed.trim_end().to_owned() + "\n").unwrap();
        } else {
            assert!(differ.is_empty(), "{name}:\n{}", differ.join("\n\n"));
        }
    }
}

#[test]
fn every_broken_file_has_an_error_or_a_warning() {
    for case in cases() {
        assert!(!diagnostics(&case.file).is_empty(), "{}", case.title);
    }
}

#[test]
fn nearly_every_message_says_how_to_mend() {
    let all: Vec<Diagnostic> = cases()
        .iter()
        .flat_map(|case| diagnostics(&case.file))
        .collect();
    let helped = all.iter().filter(|each| each.help.is_some()).count();
    println!(
        "{helped} of {} messages say how to mend the file",
        all.len()
    );
    assert!(helped * 10 >= all.len() * 9, "{helped} of {}", all.len());
}

#[test]
fn titles_are_not_repeated() {
    let titles: Vec<String> = cases().into_iter().map(|case| case.title).collect();
    let distinct: BTreeSet<&String> = titles.iter().collect();
    assert_eq!(distinct.len(), titles.len());
}

#[test]
fn at_most_a_hundred_errors_are_shown() {
    let keys: String = (0..130)
        .map(|n| format!("  t{n}: {{run: x, nonsense{n}: 1}}\n"))
        .collect();
    let said = diagnostics(&format!("tasks:\n{keys}"));
    assert_eq!(said.len(), 100);
    assert_eq!(said[99].notes, ["there are more; mend these first"]);
    assert!(
        said.windows(2)
            .all(|pair| pair[0].span.start <= pair[1].span.start)
    );
}
