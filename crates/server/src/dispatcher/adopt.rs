//! Taking on runs: new ones, and those that a dead process left.

use super::{Dispatcher, Fatal, Held, LEASE_MS, Output, Owned};
use crate::load::{self, damaged};
use engine::event::Event;
use engine::machine::{self, Machine};
use engine::rows::{EffectRow, RunHead, RunState};
use model::ids::RunId;
use model::limits::PLAN_BYTES;
use model::plan::Plan;
use model::time::Timestamp;
use store::{NewRun, Owner};

impl Dispatcher {
    /// Puts a new run on the board and owns it. `head.plan` is set to the address of `plan`.
    ///
    /// # Errors
    /// When the board cannot be written, or the plan is too large; then there is no such run.
    pub fn create(
        &mut self,
        mut head: RunHead,
        plan: Plan,
        now: Timestamp,
    ) -> Result<Vec<Output>, Fatal> {
        let json =
            serde_json::to_vec(&plan).map_err(|error| damaged(head.id, error.to_string()))?;
        must_fit(json.len())?;
        head.plan = self.parts.blobs.put_bytes(&json)?;
        self.parts.blobs.sync()?;
        let run = head.id;
        let machine::NewRun { machine, changes } = Machine::create(head, plan, now);
        let owner = self.owner(now);
        let new = NewRun {
            head: machine.head(),
            changes: &changes,
            owner: &owner,
        };
        let token = self.parts.store.run_create(&new)?;
        self.runs.insert(
            run,
            Owned {
                machine,
                token,
                held: None,
            },
        );
        let mut out = vec![Output::Changed(run, Box::new(changes.clone()))];
        self.begin(run, changes.effects, now, &mut out)?;
        Ok(out)
    }

    /// Takes over a run that nobody owns any more; what it had running is begun again.
    ///
    /// # Errors
    /// When somebody owns it, it has ended, or its rows cannot be read.
    pub fn take_over(
        &mut self,
        run: RunId,
        by: &str,
        now: Timestamp,
    ) -> Result<Vec<Output>, Fatal> {
        let owner = self.owner(now);
        let alive = |owner: &Owner| (self.parts.alive)(owner, now);
        let token = self.parts.store.owner_claim(run, &owner, &alive)?;
        let mut machine = self.load(run)?;
        let held = held(&mut machine);
        let pending: Vec<EffectRow> = machine.snapshot().effects;
        self.runs.insert(
            run,
            Owned {
                machine,
                token,
                held,
            },
        );
        // Before anything that is due: the leases of the dead process have run out, and that must not make
        // its tasks fail now that a person decided to go on.
        self.handle(run, Event::TakeOver { by: by.to_owned() }, now);
        self.enter_held(run, now)?;
        let mut out = self.step(now, 0, Vec::new())?;
        // Effects that the dead process did not come to are offered again.
        self.begin(run, pending, now, &mut out)?;
        Ok(out)
    }

    /// Gives up a run: it shows as interrupted, and anybody may take it over.
    ///
    /// # Errors
    /// When the board cannot be written.
    pub fn release(&mut self, run: RunId) -> Result<(), Fatal> {
        if let Some(owned) = self.runs.remove(&run) {
            self.parts.store.owner_release(&owned.token)?;
        }
        Ok(())
    }

    /// Performs the effects of the first rows, and what follows from that.
    fn begin(
        &mut self,
        run: RunId,
        effects: Vec<EffectRow>,
        now: Timestamp,
        out: &mut Vec<Output>,
    ) -> Result<(), Fatal> {
        self.perform(effects.into_iter().map(|row| (run, row)).collect(), now)?;
        out.extend(self.step(now, 0, Vec::new())?);
        Ok(())
    }

    fn load(&self, run: RunId) -> Result<Machine, Fatal> {
        load::machine(&*self.parts.store, &*self.parts.blobs, run)
    }

    pub(super) fn owner(&self, now: Timestamp) -> Owner {
        Owner {
            until: self.owned_until(now),
            ..self.parts.owner.clone()
        }
    }

    /// Until when an owner counts as alive that renews now, by the time of day.
    pub(super) fn owned_until(&self, now: Timestamp) -> Timestamp {
        (self.parts.time_of_day)(now).plus_ms(LEASE_MS)
    }
}

/// Makes sure that a plan of this size can be read back.
fn must_fit(found_bytes: usize) -> Result<(), Fatal> {
    if found_bytes > PLAN_BYTES {
        return Err(Fatal::PlanTooLarge { found_bytes });
    }
    Ok(())
}

/// The group that a run had entered as a whole before its process died.
fn held(machine: &mut Machine) -> Option<Held> {
    let group = machine.run_group()?;
    let begun = machine.run().state == RunState::Running;
    let concurrency = machine.plan().concurrency.as_ref().filter(|_| begun)?;
    let (limit, mode) = (concurrency.limit, concurrency.mode);
    Some(Held { group, limit, mode })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_could_not_be_read_back_is_refused_before_there_is_a_run() {
        assert!(must_fit(PLAN_BYTES).is_ok());
        let error = must_fit(PLAN_BYTES + 1).map_err(|error| error.to_string());
        let expected = "the plan takes 536870913 bytes as JSON, and a plan may take 536870912; split the pipeline";
        assert_eq!(error, Err(expected.to_owned()));
    }
}
