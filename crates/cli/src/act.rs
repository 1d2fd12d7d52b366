//! Acting on a run from another process: its owner is told through the inbox; a run that nobody owns is
//! claimed for a moment, the machine decides, and the change is committed.

use crate::board::Board;
use crate::edge;
use crate::fault::Fault;
use crate::references::short;
use anyhow::{Result, bail};
use api::protocol::LEASE_MS;
use api::run::Life;
use engine::event::Event;
use engine::machine::Machine;
use engine::rows::{Changes, EventRow, RunState, Transition};
use model::ids::RunId;
use store::{ClaimError, Command, Commit, CommitError, OwnerToken, Store as _, StoreError};

/// Tries before giving up on a run that others change all the time.
const TRIES: usize = 5;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A living `formic` owns the run and will see it.
    ToOwner,
    /// Nobody owns the run; it was done, and somebody has to go on.
    Done,
    /// Nobody owned the run; it was done, and that ended it.
    Ended,
    /// Nobody owned the run, and the answer came after its deadline: the task has failed as if there were none.
    Late,
}

/// Gives a command to the run.
///
/// # Errors
/// When the run has ended, or the command does not fit it.
pub(crate) fn send(board: &Board, run: RunId, command: &Command) -> Result<Sent> {
    for _ in 0..TRIES {
        let found = board.summary(run)?;
        if let RunState::Ended(_) = found.row.state {
            return Err(ended(run).into());
        }
        if Board::life(&found) == Life::Owned {
            return match board.store.inbox_append(run, command) {
                Ok(_) => Ok(Sent::ToOwner),
                Err(StoreError::RunEnded(run)) => Err(ended(run).into()),
                Err(error) => Err(error.into()),
            };
        }
        let owner = Board::owner(edge::now().plus_ms(LEASE_MS))?;
        let token = match board.store.owner_claim(run, &owner, &Board::is_alive) {
            Ok(token) => token,
            // Somebody took it over since we looked.
            Err(ClaimError::Owned { .. }) => continue,
            Err(ClaimError::Store(error)) => return Err(error.into()),
        };
        let applied = apply(board, run, &token, command);
        board.store.owner_release(&token)?;
        match applied? {
            Some(sent) => return Ok(sent),
            None => continue,
        }
    }
    bail!("run `{run}` is changed by others all the time; try again")
}

fn ended(run: RunId) -> Fault {
    Fault::usage(format!(
        "run `{run}` has ended, and ended runs never change"
    ))
    .help(format!("`formic show {}` says how", short(run)))
}

/// Lets the machine handle the command; `None` when somebody else was faster.
fn apply(board: &Board, run: RunId, token: &OwnerToken, command: &Command) -> Result<Option<Sent>> {
    let Some(snapshot) = board.store.run_load(run)? else {
        return Err(StoreError::NoRun(run).into());
    };
    let expected_version = snapshot.run.version;
    let plan = board.plan(&snapshot.head)?;
    let fragments = board.fragments(&snapshot)?;
    let mut machine = Machine::rebuild(plan, fragments, snapshot)?;
    let now = edge::now();
    let mut changes: Option<Changes> = None;
    for event in events(command) {
        let handled = machine.handle(event, now).map_err(|rejected| {
            Fault::usage(rejected.to_string())
                .help(format!("`formic show {}` shows what waits", short(run)))
        })?;
        match &mut changes {
            Some(changes) => changes.merge(handled),
            None => changes = Some(handled),
        }
    }
    let changes = changes.expect("a command is at least one event");
    let commit = Commit {
        run,
        expected_version,
        owner: token,
        changes: &changes,
    };
    let late = matches!(command, Command::Answer { .. }) && !changes.events.iter().any(is_answer);
    match board.store.run_commit(&[commit]).pop() {
        Some(Ok(())) if late => Ok(Some(Sent::Late)),
        Some(Ok(())) if machine.has_ended() => Ok(Some(Sent::Ended)),
        Some(Ok(())) => Ok(Some(Sent::Done)),
        Some(Err(CommitError::Store(error))) => Err(error.into()),
        Some(Err(CommitError::Ended(run))) => Err(ended(run).into()),
        Some(Err(CommitError::Conflict { .. } | CommitError::NotOwner(_))) | None => Ok(None),
    }
}

/// Whether a person's answer was taken.
const fn is_answer(event: &EventRow) -> bool {
    matches!(
        event.what,
        Transition::Approved { .. } | Transition::Rejected { .. }
    )
}

/// What a command is to a run that nobody works on.
fn events(command: &Command) -> Vec<Event> {
    let command = command.clone();
    match &command {
        // What was running died with its owner; a cancel would wait for its worker for ever.
        Command::Cancel { by, .. } | Command::CancelTask { by, .. } => {
            vec![Event::TakeOver { by: by.clone() }, Event::Command(command)]
        }
        Command::Answer { .. } | Command::StartManual { .. } => vec![Event::Command(command)],
    }
}
