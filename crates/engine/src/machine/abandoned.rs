//! What a person wants of a run that nobody works on.
//!
//! The machine takes it at once, in whatever process the person is, and does not go on: that is for whoever takes the run
//! over.

use super::Machine;
use crate::event::{Command, Event, Rejected};
use crate::rows::{Changes, EventRow, Transition};
use model::time::Timestamp;

/// What became of a command to a run that nobody works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and somebody has to go on.
    Done,
    /// It is done, and that ended the run.
    Ended,
    /// The answer came after its deadline: the task has failed as if there were none.
    Late,
}

impl Machine {
    /// Does what a person wants of the run, which nobody works on.
    ///
    /// # Errors
    /// When the command does not fit. The machine is then of no use any more.
    pub fn command_abandoned(
        &mut self,
        command: Command,
        now: Timestamp,
    ) -> Result<(Changes, Outcome), Rejected> {
        let is_answer = matches!(command, Command::Answer { .. });
        let changes = match &command {
            // What was running died with its process; a cancel would wait for its worker for ever.
            Command::Cancel { by, .. } | Command::CancelTask { by, .. } => {
                let by = by.clone();
                let mut changes = self.handle(Event::TakeOver { by }, now)?;
                changes.merge(self.handle(Event::Command(command), now)?);
                changes
            }
            Command::Answer { .. } | Command::StartManual { .. } => {
                self.handle(Event::Command(command), now)?
            }
        };
        let outcome = if is_answer && !changes.events.iter().any(answers) {
            Outcome::Late
        } else if self.has_ended() {
            Outcome::Ended
        } else {
            Outcome::Done
        };
        Ok((changes, outcome))
    }
}

/// Whether a person's answer was taken.
const fn answers(event: &EventRow) -> bool {
    matches!(
        event.what,
        Transition::Approved { .. } | Transition::Rejected { .. }
    )
}
