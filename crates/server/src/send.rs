//! Commands to a run from a process that does not own it: its owner is told through the inbox; a run that nobody owns is
//! claimed for a moment, the machine decides, and the change is committed.
//!
//! Whoever sends does not go on with the run.

use crate::dispatcher::Fatal;
use crate::load;
use engine::event::{Command, Rejected};
use engine::machine::{Machine, Outcome};
use engine::rows::RunState;
use model::ids::RunId;
use model::time::Timestamp;
use store::{BlobStore, ClaimError, Commit, CommitError, Owner, OwnerToken, Store, StoreError};

/// Tries before giving up on a run that others change all the time.
const TRIES: usize = 5;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// A living process owns the run and will see it.
    ToOwner,
    /// Nobody owns the run: this is what it came to.
    Here(Outcome),
}

/// Why a command was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// Ended runs never change.
    #[error("run `{0}` has ended, and ended runs never change")]
    Ended(RunId),
    /// The command does not fit the run.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Somebody was faster each time.
    #[error("run `{0}` is changed by others all the time; try again")]
    Busy(RunId),
    /// The board cannot be used.
    #[error(transparent)]
    Board(#[from] Fatal),
}

impl From<StoreError> for NotSent {
    fn from(error: StoreError) -> Self {
        if let StoreError::RunEnded(run) = error {
            return Self::Ended(run);
        }
        Self::Board(error.into())
    }
}

/// A process that sends commands to the board's runs.
pub struct Sender<'a> {
    /// Rows.
    pub store: &'a dyn Store,
    /// Large content.
    pub blobs: &'a dyn BlobStore,
    /// The process, and until when a run is its own that it claims.
    pub owner: &'a Owner,
    /// Whether an owner lives, as far as can be known.
    pub alive: &'a dyn Fn(&Owner) -> bool,
}

impl Sender<'_> {
    /// Gives a command to the run.
    ///
    /// # Errors
    /// When the run has ended, or the command does not fit it.
    pub fn send(&self, run: RunId, command: &Command, now: Timestamp) -> Result<Sent, NotSent> {
        for _ in 0..TRIES {
            let found = self.store.run_fetch(run)?;
            let found = found.ok_or(StoreError::NoRun(run))?;
            if let RunState::Ended(_) = found.row.state {
                return Err(NotSent::Ended(run));
            }
            if found.owner.as_ref().is_some_and(self.alive) {
                self.store.inbox_append(run, command)?;
                return Ok(Sent::ToOwner);
            }
            let token = match self.store.owner_claim(run, self.owner, self.alive) {
                Ok(token) => token,
                // Somebody took it over since we looked.
                Err(ClaimError::Owned { .. }) => continue,
                Err(ClaimError::Store(error)) => return Err(error.into()),
            };
            let applied = self.apply(run, &token, command, now);
            self.store.owner_release(&token)?;
            if let Some(outcome) = applied? {
                return Ok(Sent::Here(outcome));
            }
        }
        Err(NotSent::Busy(run))
    }

    /// Lets the machine handle the command; `None` when somebody else was faster.
    fn apply(
        &self,
        run: RunId,
        token: &OwnerToken,
        command: &Command,
        now: Timestamp,
    ) -> Result<Option<Outcome>, NotSent> {
        let mut machine: Machine = load::machine(self.store, self.blobs, run)?;
        let expected_version = machine.run().version;
        let (changes, outcome) = machine.command_abandoned(command.clone(), now)?;
        let commit = Commit {
            run,
            expected_version,
            owner: token,
            changes: &changes,
        };
        match self.store.run_commit(&[commit]).pop() {
            Some(Ok(())) => Ok(Some(outcome)),
            Some(Err(CommitError::Store(error))) => Err(error.into()),
            Some(Err(CommitError::Ended(run))) => Err(NotSent::Ended(run)),
            Some(Err(CommitError::Conflict { .. } | CommitError::NotOwner(_))) | None => Ok(None),
        }
    }
}
