//! `cargo xtask tidy`: the rules of the house that no compiler knows. One rule per file.
//!
//! Every finding names a place, what is wrong there and what to do about it. A rule is a pure function from a [`Tree`] to
//! findings. Sizes are printed by `--report` and never fail: a number can ask a question but not answer it.

mod arrows;
mod forgotten;
mod glossary;
mod limits;
mod purity;
mod report;

use std::{fmt, process::ExitCode};

use anyhow::{Result, bail};

use crate::tree::{self, Tree};

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File from the root.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What was found, and what was expected.
    pub what: String,
    /// What to do.
    pub next: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}\n  help: {}",
            self.file, self.line, self.what, self.next
        )
    }
}

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("arrows", arrows::check),
    ("purity", purity::check),
    ("glossary", glossary::check),
    ("forgotten", forgotten::check),
    ("limits", limits::check),
];

/// Checks every rule, or prints the sizes with `--report`.
///
/// # Errors
/// When the repository cannot be read or an argument is unknown.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    match arguments {
        [] => check(),
        [flag] if flag == "--report" => {
            print!("{}", report::render(&Tree::load(&tree::root()?)?));
            Ok(ExitCode::SUCCESS)
        }
        [other, ..] => {
            bail!("`cargo xtask tidy` does not know `{other}`: it takes nothing, or `--report`")
        }
    }
}

fn check() -> Result<ExitCode> {
    let tree = Tree::load(&tree::root()?)?;
    let mut count = 0;
    for (name, rule) in RULES {
        let mut findings = rule(&tree);
        findings.sort();
        // A word that stands twice on a line is one finding.
        findings.dedup();
        for finding in &findings {
            println!("{finding}  [{name}]");
        }
        count += findings.len();
    }
    if count == 0 {
        println!(
            "tidy: {} files, {} rules, nothing found",
            tree.files.len(),
            RULES.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {count} finding{}", if count == 1 { "" } else { "s" });
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_place_fact_and_next_step() {
        let finding = Finding {
            file: "a/b.rs".into(),
            line: 3,
            what: "`x` is wrong".into(),
            next: "write `y`".into(),
        };
        assert_eq!(
            finding.to_string(),
            "a/b.rs:3: `x` is wrong\n  help: write `y`"
        );
    }
}
