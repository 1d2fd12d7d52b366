//! Results of other runs in the place of running: the key of an attempt comes in, with what was found under it, and
//! either that stands for the attempt or the attempt goes on.
//!
//! - What stands for it is written with the attempt, before its worker hears of it: whoever takes the run over or
//!   removes content knows it. It becomes visible as any result does, in the change that ends the attempt.
//! - Found results are judged once more by this run's own definition. The key says that they fit; a board that says
//!   otherwise is wrong, and a wrong result is worse than running.
//! - A result is published under its key by who really ran it, and only by a success.
//! - A run that continues or repeats another one takes no results by key: a person asked for its tasks to be run.

use super::Machine;
use crate::event::{Content, Found, Rejected, Told};
use crate::reuse;
use crate::rows::{Ended, KeyRow, Keyed, ReuseKey, Reused, Transition};
use model::ids::TaskNo;
use model::time::Timestamp;

impl Machine {
    /// Whether results of other runs may stand for those of this one.
    #[must_use]
    pub const fn takes_results(&self) -> bool {
        self.head.parent.is_none()
    }

    /// Whether the worker of a task has to tell its key.
    pub(super) fn tells_key(&self, no: TaskNo) -> bool {
        let def = self.plan.task(self.row(no).def);
        self.publishes() && reuse::applies(def)
    }

    /// Takes the key of the attempt that is leased. Told again, the first answer stands.
    pub(super) fn keyed(&mut self, told: Told) -> Result<(), Rejected> {
        let no = told.task;
        self.must_hold(&told.worker, (no, told.attempt, told.token))?;
        self.must_wait(no, |_| self.tells_key(no))?;
        if self.live[&no].keyed.is_some() {
            return Ok(());
        }
        let found = told.found.filter(|found| self.stands_for(no, found));
        let found = found.map(|found| found.result);
        let live = self.live.get_mut(&no).expect("it is held");
        let key = told.key;
        live.keyed = Some(Box::new(Keyed { key, found }));
        self.draft.attempts.insert((no, live.attempt), live.clone());
        Ok(())
    }

    /// Whether a found result can stand for running the task.
    fn stands_for(&self, no: TaskNo, found: &Found) -> bool {
        let Found { result, content } = found;
        let is_wanted = self.takes_results() && self.live[&no].stop.is_none();
        let def = self.plan.task(self.row(no).def);
        is_wanted
            && result.run != self.head.id
            && result.ended == Ended::Succeeded
            && result.generated.is_none()
            && *content == Content::Kept
            && reuse::fits(def, result)
    }

    /// Ends a task with the result that was found for it.
    pub(super) fn reuse(&mut self, no: TaskNo, found: Reused, now: Timestamp) {
        let row = self.touch(no);
        row.reused_from = Some(found.run);
        row.outputs = (!found.outputs.is_empty()).then(|| Box::new(found.outputs));
        row.artifacts = found.artifacts;
        let (task, from) = (no, found.run);
        self.log(Transition::Reused { task, from }, now);
        self.end(no, Ended::Succeeded, now);
    }

    /// Lets others find the result of a task that has just succeeded.
    pub(super) fn publish_key(&mut self, no: TaskNo, key: Option<ReuseKey>) {
        let succeeded = self.row(no).ended() == Some(Ended::Succeeded);
        if let Some(key) = key.filter(|_| succeeded) {
            self.draft.keys.push(KeyRow { key, task: no });
        }
    }
}
