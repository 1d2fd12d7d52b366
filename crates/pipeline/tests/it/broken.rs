//! Broken files and what is said about each, word for word.
//!
//! `broken/*.txt` hold cases: a title behind `##`, the file, behind `>>` everything that is said, and behind `<<` the
//! file as somebody mended it who saw the file and what is said and nothing else. Behind `--- PATH` stands another file of
//! the project, before and after it was mended. `<TAB>`, `<CR>` and `<ESC>` stand for the characters. Set
//! `FORMIC_BLESS=1` to write what is said now into the files, then read the difference; what was mended by another
//! message has to be mended anew.
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
    /// What a person made of the files; empty when nobody tried yet.
    mended: String,
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
        let (file, sources) = files(file);
        let mended = behind_said(rest).filter_map(|line| line.strip_prefix("<<"));
        let mended = mended.flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"]);
        Case {
            title: title.to_owned(),
            sources,
            file,
            said: said.join("\n"),
            mended: mended.collect(),
        }
    };
    parts.map(case).collect()
}

/// The lines of a case from what is said on.
fn behind_said(case: &str) -> impl Iterator<Item = &str> {
    case.lines().skip_while(|line| !line.starts_with(">>"))
}

/// The file and those that it refers to.
fn files<'a>(lines: impl Iterator<Item = &'a str>) -> (String, Sources) {
    let whole: String = lines.flat_map(|line| ["\n", line]).collect();
    let mut parts = whole.split("\n--- ");
    let file = parts.next().unwrap().trim_start_matches('\n').trim_end();
    let file = file.replace("<TAB>", "\t").replace("<CR>", "\r");
    let file = file.replace("<ESC>", "\u{1b}");
    (file, sources(&parts.collect::<Vec<_>>()))
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
            assert!(
                !said.is_empty(),
                "{name}: nothing is said of {}",
                case.title
            );
            let text = part.split("\n>>").next().unwrap().trim_end();
            let lines: String = said.lines().map(|line| format!(">> {line}\n")).collect();
            let mended = behind_said(part).filter(|line| line.starts_with("<<"));
            let mended: String = mended.flat_map(|line| [line, "\n"]).collect();
            write!(blessed, "## {text}\n{lines}{mended}\n").unwrap();
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
fn file_and_message_are_enough_to_mend_nearly_every_file() {
    let all = cases();
    let (mended, not): (Vec<&Case>, Vec<&Case>) = all.iter().partition(|case| is_mended(case));
    println!(
        "{} of {} broken files were mended from file and message alone ({} %)",
        mended.len(),
        all.len(),
        mended.len() * 100 / all.len()
    );
    let not: Vec<&str> = not.iter().map(|case| case.title.as_str()).collect();
    println!("not mended: {not:#?}");
    assert!(mended.len() * 10 >= all.len() * 9, "not mended: {not:#?}");
}

/// Whether nothing of what was said is said again about what a person made of the files, and no error is left in them.
///
/// A person who is told how a reference is written names a file; whether it is there does not stand in the text.
fn is_mended(case: &Case) -> bool {
    if case.mended.is_empty() {
        return false;
    }
    let (file, sources) = files(case.mended.lines());
    let was = diagnostics(&case.file, &case.sources);
    let again = |now: &Diagnostic| {
        let mut was = was.iter();
        was.any(|was| (was.code, &was.message) == (now.code, &now.message))
    };
    let is_file_missing = |each: &Diagnostic| each.code == "E1002";
    let may_miss = !was.iter().any(is_file_missing);
    let left = check_with(&SourceFile::new("f.yaml", file.as_str()), &sources).diagnostics;
    let is_left = |each: &Diagnostic| each.is_error() && !(may_miss && is_file_missing(each));
    !left.iter().any(is_left) && !diagnostics(&file, &sources).iter().any(again)
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
