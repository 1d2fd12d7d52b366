//! The right to bring a run's source to its place: one process at a time has it, for as long as it lives.

use crate::board::Board;
use model::ids::RunId;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;

/// The right to bring a run's source to its place, held as long as it lives.
pub(crate) struct Turn {
    _lock: Option<File>,
}

/// Takes the turn for `run`: two who bring its source to one place would take it from each other's tasks.
///
/// # Errors
/// The process that has the turn, if it says so. Where there is no place for a lock there is none.
pub(crate) fn take_turn(run: RunId, board: &Board) -> Result<Turn, Option<u32>> {
    let path = turn(board, run);
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    let opened = made.and_then(|()| {
        let mut options = File::options();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
    });
    let Ok(mut file) = opened else {
        return Ok(Turn { _lock: None });
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        // Who has just taken it may not have said who it is.
        drop(file.read_to_string(&mut pid));
        return Err(pid.trim().parse().ok());
    }
    // For a sentence to others only.
    drop(
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id())),
    );
    Ok(Turn { _lock: Some(file) })
}

/// Removes what the turn of a run is taken with.
pub(super) fn forget(run: RunId, board: &Board) {
    drop(fs::remove_file(turn(board, run)));
}

fn turn(board: &Board, run: RunId) -> PathBuf {
    board.dir.join("sources").join(format!("{run}.lock"))
}
