//! The table of limits in the docs is the code's own: each constant of a `limits.rs` has its row, word for word.
//!
//! A bound that a user meets has to be found with its reason. Copying by hand rots, so the rule prints the row that is
//! expected, ready to be pasted.

use super::Finding;
use crate::tree::Tree;

const PAGE: &str = "docs/limits.md";

/// Finds limits without a row and rows without a limit.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree
        .files
        .iter()
        .filter(|(file, _)| file.ends_with("/src/limits.rs"));
    let expected: Vec<(&str, usize, String)> = sources
        .flat_map(|(file, text)| {
            rows(text)
                .into_iter()
                .map(move |(line, row)| (file.as_str(), line, row))
        })
        .collect();
    let page = tree.files.get(PAGE).map_or("", String::as_str);
    let missing = expected
        .iter()
        .filter(|(_, _, row)| !page.lines().any(|line| line == row));
    let mut findings: Vec<Finding> = missing
        .map(|(file, line, row)| Finding {
            file: (*file).into(),
            line: *line,
            what: format!("this limit has no such row in {PAGE}"),
            next: format!("write the row there: {row}"),
        })
        .collect();
    for (index, line) in page.lines().enumerate() {
        if line.starts_with("| `") && !expected.iter().any(|(_, _, row)| row == line) {
            findings.push(Finding {
                file: PAGE.into(),
                line: index + 1,
                what: "this row is not a limit of the code".into(),
                next: "delete it, or mend the constant in limits.rs".into(),
            });
        }
    }
    findings
}

/// Line and expected row of each constant.
fn rows(text: &str) -> Vec<(usize, String)> {
    let mut rows = Vec::new();
    let mut doc: Vec<&str> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(words) = line.strip_prefix("///") {
            doc.push(words.trim());
        } else if let Some((name, value)) = constant(line) {
            rows.push((
                index + 1,
                format!("| `{name}` | {} | {} |", plain(value), doc.join(" ")),
            ));
            doc.clear();
        } else {
            doc.clear();
        }
    }
    rows
}

fn constant(line: &str) -> Option<(&str, &str)> {
    let (head, value) = line.strip_prefix("pub const ")?.split_once(" = ")?;
    Some((head.split_once(':')?.0, value.trim_end_matches(';')))
}

/// The value as a number with separators; as it is written when it is not a product of numbers.
fn plain(value: &str) -> String {
    let factors: Option<Vec<u64>> = value
        .split('*')
        .map(|part| part.trim().replace('_', "").parse().ok())
        .collect();
    let Some(number) =
        factors.and_then(|factors| factors.into_iter().try_fold(1_u64, u64::checked_mul))
    else {
        return value.to_owned();
    };
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "//! Doc.\n\n/// Tasks in one run.\n/// A reason.\npub const TASKS: usize = 2 * 1_000;\n";
    const ROW: &str = "| `TASKS` | 2,000 | Tasks in one run. A reason. |";

    fn found(page: &str) -> Vec<String> {
        let files = [
            ("crates/model/src/limits.rs".into(), SOURCE.into()),
            (PAGE.into(), page.into()),
        ];
        check(&Tree {
            files: files.into(),
            packages: vec![],
        })
        .iter()
        .map(Finding::to_string)
        .collect()
    }

    #[test]
    fn a_limit_with_its_row_is_fine() {
        assert!(found(&format!("# Limits\n\n{ROW}\n")).is_empty());
    }

    #[test]
    fn a_missing_row_is_printed_ready_to_paste() {
        let expected = format!(
            "crates/model/src/limits.rs:5: this limit has no such row in docs/limits.md\n  help: write the row there: {ROW}"
        );
        assert_eq!(found(""), [expected]);
    }

    #[test]
    fn a_row_that_is_not_a_limit_is_found() {
        assert_eq!(found(&format!("{ROW}\n| `OTHER` | 1 | x |\n")).len(), 1);
    }
}
