//! Commands to a run from another process, and the words for those that it does not take.

use crate::board::Board;
use crate::edge;
use crate::fault::Fault;
use crate::references::short;
use anyhow::Result;
use api::protocol::LEASE_MS;
use model::ids::RunId;
use server::send::{NotSent, Sender, Sent};
use store::Command;

/// Gives a command to the run.
///
/// # Errors
/// When the run has ended, or the command does not fit it.
pub(crate) fn send(board: &Board, run: RunId, command: &Command) -> Result<Sent> {
    let now = edge::now();
    let sender = Sender {
        store: &*board.store,
        blobs: &*board.blobs,
        owner: &Board::owner(now.plus_ms(LEASE_MS))?,
        alive: &Board::is_alive,
    };
    sender.send(run, command, now).map_err(|not| match not {
        NotSent::Ended(run) => Fault::usage(not.to_string())
            .help(format!("`formic show {}` says how", short(run)))
            .into(),
        NotSent::Rejected(rejected) => Fault::usage(rejected.to_string())
            .help(format!("`formic show {}` shows what waits", short(run)))
            .into(),
        NotSent::Board(fatal) => Board::unreadable(run, fatal),
        NotSent::Busy(_) => not.into(),
    })
}
