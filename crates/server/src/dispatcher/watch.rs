//! What happens without anybody asking: time passes, and others write to the board.

use super::{Dispatcher, FORGET_MS, Fatal, POLL_MS, RENEW_MS};
use engine::event::Event;
use engine::order;
use engine::rows::{Effect, TaskKind};
use model::ids::RunId;
use model::time::Timestamp;
use std::collections::BTreeMap;
use store::StoreError;

impl Dispatcher {
    /// Lets every run whose deadline has come know it.
    pub(super) fn fire_due(&mut self, now: Timestamp) {
        let due: Vec<RunId> = self
            .runs
            .iter()
            .filter(|(_, owned)| {
                owned
                    .machine
                    .next_deadline()
                    .is_some_and(|(at, _)| at <= now)
            })
            .map(|(run, _)| *run)
            .collect();
        for run in due {
            self.handle(run, Event::Tick, now);
        }
    }

    /// Renews what is owned, and looks for what others wrote.
    pub(super) fn look_around(&mut self, now: Timestamp) -> Result<(), Fatal> {
        if now >= self.renew_at {
            self.renew_at = now.plus_ms(RENEW_MS);
            self.forget_silent(now);
            let until = self.owned_until(now);
            for owned in self
                .runs
                .values()
                .filter(|owned| !owned.machine.has_ended())
            {
                match self.parts.store.owner_renew(&owned.token, until) {
                    // Whoever lost a run learns it from the next commit.
                    Ok(()) | Err(StoreError::NotOwner(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if now < self.poll_at {
            return Ok(());
        }
        self.poll_at = now.plus_ms(POLL_MS);
        let seen = self.parts.store.changed()?;
        if seen != self.seen {
            self.seen = seen;
            self.read_inboxes(now)?;
        }
        // Also without a change: the owner of a place may have died.
        self.ask_groups(now)
    }

    /// Forgets workers that are silent and have nothing: names are used once, and there is no end of them.
    fn forget_silent(&mut self, now: Timestamp) {
        let runs = &self.runs;
        self.workers.retain(|id, worker| {
            let leased = || runs.values().any(|owned| owned.machine.has_lease(id));
            now < worker.heard_at.plus_ms(FORGET_MS) || leased()
        });
    }

    fn read_inboxes(&mut self, now: Timestamp) -> Result<(), Fatal> {
        let living = self
            .runs
            .iter()
            .filter(|(_, owned)| !owned.machine.has_ended());
        let runs: Vec<(RunId, u64)> = living
            .map(|(run, owned)| (*run, owned.machine.run().inbox))
            .collect();
        for (run, after) in runs {
            for numbered in self.parts.store.inbox_after(run, after)? {
                // A command that does not fit any more is done with all the same.
                self.handle(run, Event::Command(numbered.command), now);
                if let Some(owned) = self.runs.get_mut(&run) {
                    let before = owned.machine.run().version;
                    let changes = owned.machine.inbox_taken(numbered.seq);
                    self.keep(run, before, changes);
                }
            }
        }
        Ok(())
    }

    /// Learns from a run that has ended how long its tasks took.
    pub(super) fn record_durations(&self, run: RunId) -> Result<(), Fatal> {
        let Some(owned) = self.runs.get(&run) else {
            return Ok(());
        };
        let machine = &owned.machine;
        let mut longest_ms: BTreeMap<String, u64> = BTreeMap::new();
        for row in machine
            .tasks()
            .iter()
            .filter(|row| row.kind == TaskKind::Leaf && row.reused_from.is_none())
        {
            let Some((from, to)) = row.started_at.zip(row.ended_at) else {
                continue;
            };
            let path = order::def_path(machine.plan(), row.def);
            let known = longest_ms.entry(path).or_default();
            *known = (*known).max(to.since_ms(from));
        }
        let (Some(ended_at), false) = (machine.run().ended_at, longest_ms.is_empty()) else {
            return Ok(());
        };
        let pipeline = &machine.head().pipeline;
        self.parts
            .store
            .durations_record(pipeline, &longest_ms, ended_at)?;
        Ok(())
    }

    /// Whether an effect waits for a place in a group; for people who ask why nothing happens.
    #[must_use]
    pub fn waits_for_group(&self, run: RunId) -> Option<&str> {
        let effects = self.runs.get(&run)?.machine.effects();
        effects.values().find_map(|effect| match effect {
            Effect::EnterGroup { group, .. } => Some(group.as_str()),
            Effect::StopAttempt { .. } | Effect::Compile { .. } | Effect::LeaveGroup { .. } => None,
        })
    }
}
