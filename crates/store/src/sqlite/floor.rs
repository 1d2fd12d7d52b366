//! The least that a batch of commits can cost, for [`crate::bench`].

use super::SqliteStore;
use super::connection::{begin, commit};
use super::group_commit::Encoded;
use crate::bench::Client;
use crate::board::{Commit, NewRun, Store as _};
use crate::error::StoreError;
use crate::owner::Owner;
use model::time::Timestamp;
use std::path::Path;
use std::time::{Duration, Instant};

/// Writes the changes of all `clients` on a new board in a loop, one of each client to a
/// transaction. The values are ready before the clock starts.
///
/// # Errors
/// When the board fails.
pub fn bare_loop(path: &Path, clients: &[Client]) -> Result<Duration, StoreError> {
    let store = SqliteStore::open(path)?;
    let board = &store.board;
    let mut encoded = Vec::new();
    for client in clients {
        let owner = &store.run_create(&NewRun {
            head: &client.head,
            changes: &client.first,
            owner: &nobody(),
        })?;
        let commits = client.then.iter().map(|changes| Commit {
            run: client.head.id,
            expected_version: changes.run.version - 1,
            owner,
            changes,
        });
        let commits = commits.map(|commit| Encoded::new(board, &commit));
        encoded.push(commits.collect::<Result<Vec<_>, _>>()?);
    }
    let rounds = encoded.iter().map(Vec::len).max().unwrap_or_default();
    let writer = board.writer();
    let started = Instant::now();
    for round in 0..rounds {
        let write_round = || -> rusqlite::Result<()> {
            begin(&writer)?;
            for each in encoded.iter().filter_map(|commits| commits.get(round)) {
                each.write_unchecked(&writer)?;
            }
            commit(&writer)
        };
        write_round().map_err(|error| board.fault(error))?;
    }
    Ok(started.elapsed())
}

fn nobody() -> Owner {
    Owner {
        host: "floor".into(),
        boot_id: String::new(),
        pid_ns: 0,
        pid: 0,
        start_ticks: 0,
        nonce: 0,
        until: Timestamp::NEVER,
    }
}
