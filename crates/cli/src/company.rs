//! Runs of one board that go on in one folder: each sees what the other writes, so whoever comes later says so.
//!
//! Nothing is forbidden here: two runs may well have nothing to do with each other.

use crate::board::Board;
use crate::references::short;
use crate::source;
use anyhow::Result;
use api::run::Life;
use engine::rows::RunHead;
use model::ids::RunId;
use std::path::{Path, PathBuf};
use store::{RunFilter, Store as _};

/// Runs named in one line; of more their number is said.
const NAMED: usize = 3;

/// The folder that the tasks of a run share, where `dir` is the place it was given if that is not where it was
/// recorded; `None` where each task, or the run, has one of its own.
pub(crate) fn shared(head: &RunHead, dir: Option<&Path>, board: &Board) -> Option<PathBuf> {
    let dir = dir.unwrap_or_else(|| Path::new(&head.source.dir));
    let is_own = head.clean || dir.starts_with(&board.dir);
    (!is_own).then(|| dir.to_owned())
}

/// The note that other living runs work in `folder` too, if any do beside `run`.
///
/// # Errors
/// When the board cannot be read.
pub(crate) fn note(run: RunId, folder: &Path, board: &Board) -> Result<Option<String>> {
    let living = RunFilter {
        living: true,
        ..RunFilter::default()
    };
    let runs = board.store.run_list(&living)?;
    let beside = runs.iter().filter(|other| {
        let head = &other.head;
        head.id != run
            && Board::life(other) == Life::Owned
            && !source::has_worktree(head.id, board)
            && shared(head, None, board).is_some_and(|dir| dir == folder)
    });
    let beside: Vec<RunId> = beside.map(|other| other.head.id).collect();
    Ok(sentence(&beside))
}

fn sentence(beside: &[RunId]) -> Option<String> {
    let (first, more) = beside.split_at(beside.len().min(NAMED));
    let named: Vec<String> = first
        .iter()
        .map(|run| format!("`{}`", short(*run)))
        .collect();
    let named = named.join(", ");
    let works = match (first.len(), more.len()) {
        (0, _) => return None,
        (1, 0) => format!("run {named} works"),
        (_, 0) => format!("runs {named} work"),
        (_, more) => format!("runs {named} and {more} more work"),
    };
    Some(format!(
        "note: {works} in this folder too; each sees what the other writes; `formic run --clean` keeps them apart"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(count: u64) -> Option<String> {
        let runs: Vec<RunId> = (0..count).map(|_| RunId::from_random(0)).collect();
        sentence(&runs)
    }

    #[test]
    fn few_runs_are_named_and_many_counted() {
        assert_eq!(said(0), None);
        let begins = |count, expected: &str| {
            let said = said(count).unwrap();
            assert!(said.starts_with(expected), "{said}");
        };
        begins(1, "note: run `0000` works in this folder too; ");
        begins(2, "note: runs `0000`, `0000` work in this folder too; ");
        begins(5, "note: runs `0000`, `0000`, `0000` and 2 more work in ");
    }
}
