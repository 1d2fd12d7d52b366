//! Broken files and what is said about each, word for word.
//!
//! `broken/*.txt` hold cases: a title behind `##`, the file, and behind `>>` everything that is said.
//! Behind `--- PATH` stands another file of the project. `<TAB>`, `<CR>` and `<ESC>` stand for the characters. Set `FORMIC_BLESS=1` to write what is said now
//! into the files, then read the difference.
#![expect(clippy::unwrap_used, reason = "tests")]

use pipeline::{
    Address, Diagnostic, Request, Severity, SourceFile, Sources, check_with, compile_with,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const TABLES: [(&str, &str); 6] = [
    ("yaml.txt", include_str!("broken/yaml.txt")),
    ("shape.txt", include_str!("broken/shape.txt")),
    ("graph.txt", include_str!("broken/graph.txt")),
    ("names.txt", include_str!("broken/names.txt")),
    ("values.txt", include_str!("broken/values.txt")),
    ("files.txt", include_str!("broken/files.txt")),
];

/// One case of a table.
pub(crate) struct Case {
    pub title: String,
    pub file: String,
    pub sources: Sources,
    said: String,
}

impl Case {
    /// Everything that is said about it, and about it without a request.
    pub(crate) fn diagnostics(&self) -> Vec<Diagnostic> {
        let file = SourceFile::new("f.yaml", self.file.as_str());
        let mut said = compile_with(&file, &self.sources, &Request::default()).diagnostics;
        said.extend(check_with(&file, &self.sources).diagnostics);
        said
    }
}

/// Files that others refer to, as `PATH` and text behind `--- `.
pub(crate) fn sources(parts: &[&str]) -> Sources {
    let mut sources = Sources::new();
    for part in parts {
        let (path, text) = part.split_once('\n').unwrap();
        let address = Address::parse_include(path.trim(), &Address::Local(String::new())).unwrap();
        sources.insert_file(address, text.trim_end());
    }
    sources
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
        let whole: String = file.flat_map(|line| [line, "\n"]).collect();
        let whole = format!("\n{whole}");
        let mut files = whole.split("\n--- ");
        let file = files.next().unwrap().trim_start_matches('\n');
        Case {
            title: title.to_owned(),
            sources: sources(&files.collect::<Vec<_>>()),
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

fn diagnostics(text: &str, sources: &Sources) -> Vec<Diagnostic> {
    let file = SourceFile::new("f.yaml", text);
    compile_with(&file, sources, &Request::default()).diagnostics
}

fn written(diagnostics: &[Diagnostic]) -> String {
    let mut said = String::new();
    for each in diagnostics {
        let kind = if each.severity == Severity::Error {
            ""
        } else {
            "warning "
        };
        let file = if each.file == "f.yaml" {
            String::new()
        } else {
            format!("{} ", each.file)
        };
        writeln!(
            said,
            "{kind}{} {file}{}:{} {}",
            each.code, each.line, each.column, each.message
        )
        .unwrap();
        for (span, label) in &each.labels {
            writeln!(said, "  at {}..{}: {label}", span.start, span.end).unwrap();
        }
        for other in &each.elsewhere {
            let (file, text) = (&other.file, &other.text);
            writeln!(said, "  in {file} {}:{}: {text}", other.line, other.column).unwrap();
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
            let said = written(&diagnostics(&case.file, &case.sources));
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
        assert!(!case.diagnostics().is_empty(), "{}", case.title);
    }
}

#[test]
fn nearly_every_message_says_how_to_mend() {
    let all: Vec<Diagnostic> = cases()
        .iter()
        .flat_map(|case| diagnostics(&case.file, &case.sources))
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
    let said = diagnostics(&format!("tasks:\n{keys}"), &Sources::new());
    assert_eq!(said.len(), 100);
    assert_eq!(said[99].notes, ["there are more; mend these first"]);
    assert!(
        said.windows(2)
            .all(|pair| pair[0].span.start <= pair[1].span.start)
    );
}
