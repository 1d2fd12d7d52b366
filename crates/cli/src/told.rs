//! What tasks wrote into `$FORMIC_SUMMARY`: Markdown for people, kept with their attempts.

use crate::board::Board;
use crate::text;
use engine::rows::{AttemptRow, TaskRow};
use model::ids::TaskNo;
use model::limits;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use store::BlobStore as _;

/// Lines of one task's summary on a terminal; the whole is in the document.
const LINES: usize = 30;

/// The summaries of the newest attempts, by the id of their task, in order of the tasks. One that is gone from the board
/// is left out: it was for people, and nothing depends on it.
pub(crate) fn summaries(
    board: &Board,
    tasks: &[TaskRow],
    attempts: &[AttemptRow],
) -> Vec<(String, String)> {
    let newest: BTreeMap<TaskNo, &AttemptRow> = attempts
        .iter()
        .map(|attempt| (attempt.task, attempt))
        .collect();
    let of_task = |task: &TaskRow| {
        let end = newest.get(&task.no)?.end.as_ref()?;
        let bytes = board.blobs.read(&end.summary?, limits::SUMMARY_BYTES);
        let text = String::from_utf8_lossy(&bytes.ok()?).into_owned();
        Some((task.key.to_string(), text))
    };
    tasks.iter().filter_map(of_task).collect()
}

/// A summary as lines for a terminal.
pub(crate) fn lines(key: &str, summary: &str) -> String {
    let mut page = format!("\n  summary of {}:\n", text::plain(key));
    for line in summary.lines().take(LINES) {
        writeln!(page, "    {}", text::line(line)).expect("writing to a string cannot fail");
    }
    let more = summary.lines().count().saturating_sub(LINES);
    if more > 0 {
        let more = text::count(more, "line");
        writeln!(page, "    … and {more} more: formic show --json")
            .expect("writing to a string cannot fail");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_shown_in_part_and_steers_no_terminal() {
        let long: String = (0..32).map(|n| format!("line {n}\u{1b}\n")).collect();
        let page = lines("a", &long);
        assert!(
            page.starts_with("\n  summary of a:\n    line 0\\u{1b}\n"),
            "{page}"
        );
        assert!(
            page.ends_with("    … and 2 lines more: formic show --json\n"),
            "{page}"
        );
    }
}
