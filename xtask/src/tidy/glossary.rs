//! One word per idea: the words of the systems that we import from do not name things of ours.
//!
//! Words are cut out of identifiers and texts alike (`JobQueue`, `job_queue`, "a job"). Front-ends, their tests, the pages
//! about other systems and the names of their test sets may use them; elsewhere a line that must carry one says why with
//! `foreign: REASON` in a comment on it or on the line before, and a whole file with `foreign-file: REASON` near its top.
//! "Build" as a noun is banned too, but no tool can tell it from the verb: that one is for the reader.

use super::Finding;
use crate::tree::Tree;

/// The foreign word, and ours.
const BANNED: &[(&str, &str)] = &[
    ("job", "task"),
    ("jobs", "tasks"),
    ("workflow", "pipeline"),
    ("workflows", "pipelines"),
    ("stage", "task"),
    ("stages", "tasks"),
    ("runner", "worker"),
    ("runners", "workers"),
];

/// A part of a path that is about another system, and why its words are right there.
const FOREIGN_PARTS: &[(&str, &str)] = &[
    (
        "github",
        "the front-end, its pages and its tests speak its language",
    ),
    ("gha", "short for the same in names of test sets"),
    (
        "gitlab",
        "the front-end, its pages and its tests speak its language",
    ),
    (
        "tekton",
        "the front-end, its pages and its tests speak its language",
    ),
    ("corpora", "third-party cases are named by their authors"),
    ("corpus", "third-party cases are named by their authors"),
    ("migration", "pages that map their words to ours"),
];

/// Single files that must say the words.
const FOREIGN_FILES: &[(&str, &str)] = &[
    (
        "docs/plan-model.md",
        "maps every key of the other systems to the plan",
    ),
    ("docs/glossary.md", "lists the words that are not ours"),
    ("xtask/src/tidy/glossary.rs", "is this rule"),
];

const CHECKED: &[&str] = &[".rs", ".md", ".yaml", ".yml", ".sh"];
const LINE_MARK: &str = "foreign: ";
const FILE_MARK: &str = "foreign-file: ";
/// A mark for the whole file stands where a reader of the file begins.
const FILE_MARK_LINES: usize = 20;

/// Finds foreign words in our files and in their names.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let ours = tree
        .files
        .iter()
        .filter(|(file, text)| is_checked(file, text));
    ours.flat_map(|(file, text)| check_file(file, text))
        .collect()
}

fn is_checked(file: &str, text: &str) -> bool {
    let foreign_file = FOREIGN_FILES.iter().any(|(name, _)| *name == file);
    let foreign_part = words(file)
        .iter()
        .any(|word| FOREIGN_PARTS.iter().any(|(part, _)| part == word));
    let marked = text
        .lines()
        .take(FILE_MARK_LINES)
        .any(|line| line.contains(FILE_MARK));
    CHECKED.iter().any(|extension| file.ends_with(extension))
        && !foreign_file
        && !foreign_part
        && !marked
}

fn check_file(file: &str, text: &str) -> Vec<Finding> {
    let mut findings = check_line(file, 1, file);
    let mut excused_before = false;
    for (index, line) in text.lines().enumerate() {
        let excused = line.contains(LINE_MARK);
        if !excused && !excused_before {
            findings.extend(check_line(file, index + 1, line));
        }
        excused_before = excused;
    }
    findings
}

fn check_line(file: &str, line: usize, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for word in words(text) {
        if let Some((foreign, ours)) = BANNED.iter().find(|(foreign, _)| *foreign == word) {
            findings.push(Finding {
                file: file.into(),
                line,
                what: format!("`{foreign}` is not a word of ours"),
                next: format!(
                    "say `{ours}`, or excuse the line with a comment `{LINE_MARK}REASON`"
                ),
            });
        }
    }
    findings
}

/// Lowercase words of a text, with identifiers cut at `_` and at capitals.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = text.chars().collect();
    for (index, &letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            found.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            continue;
        }
        let before_is_lower = index > 0 && letters[index - 1].is_lowercase();
        let after_is_lower = letters
            .get(index + 1)
            .is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && !word.is_empty() && (before_is_lower || after_is_lower) {
            found.push(std::mem::take(&mut word));
        }
        word.extend(letter.to_lowercase());
    }
    found.extend((!word.is_empty()).then_some(word));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Vec<String> {
        let tree = Tree {
            files: [(file.into(), text.into())].into(),
            packages: vec![],
        };
        check(&tree)
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.what))
            .collect()
    }

    #[test]
    fn words_are_cut_from_identifiers() {
        assert_eq!(
            words("fn job_queue(HTTPJobQueue: JobID) -> x9"),
            [
                "fn", "job", "queue", "http", "job", "queue", "job", "id", "x9"
            ]
        );
    }

    #[test]
    fn a_foreign_word_is_named_with_its_line_and_ours() {
        let tree = Tree {
            files: [("a.rs".into(), "//! x\nstruct JobQueue;\n".into())].into(),
            packages: vec![],
        };
        assert_eq!(
            check(&tree)[0].to_string(),
            "a.rs:2: `job` is not a word of ours\n  help: say `task`, or excuse the line with a comment `foreign: REASON`"
        );
    }

    #[test]
    fn words_that_only_contain_one_are_fine() {
        assert_eq!(
            found("a.md", "jobless staged backstage"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_mark_excuses_its_line_and_the_next() {
        assert_eq!(
            found("a.md", "job <!-- foreign: their key -->\njob\njob\n"),
            ["3: `job` is not a word of ours"]
        );
    }

    #[test]
    fn a_mark_near_the_top_excuses_the_file() {
        assert!(found("a.rs", "//! foreign-file: quotes their log\nfn job() {}\n").is_empty());
    }

    #[test]
    fn front_ends_speak_their_own_language() {
        assert!(found("crates/pipeline/src/gitlab/needs.rs", "struct Job;").is_empty());
        assert!(!found("crates/pipeline/src/native/needs.rs", "struct Job;").is_empty());
    }

    #[test]
    fn the_name_of_a_file_counts() {
        assert_eq!(
            found("crates/engine/src/runner.rs", ""),
            ["1: `runner` is not a word of ours"]
        );
    }

    #[test]
    fn other_kinds_of_files_are_not_read() {
        assert!(found("Cargo.toml", "job = 1").is_empty());
    }
}
