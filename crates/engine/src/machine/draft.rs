//! What the event at hand has changed so far. Rows are changed in place and remembered here; the
//! change-set is made of them once, at the end.

use super::Machine;
use crate::rows::{
    AttemptRow, Changes, Effect, EffectKey, EffectRow, EventRow, FragmentRef, Granted, KeyRow,
    LeaseRow, TaskRow, Transition,
};
use model::ids::{AttemptNo, TaskNo, WorkerId};
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Marks of the event at hand.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) run: bool,
    pub(super) tasks: BTreeSet<TaskNo>,
    pub(super) attempts: BTreeMap<(TaskNo, AttemptNo), AttemptRow>,
    pub(super) fragments: Vec<FragmentRef>,
    pub(super) leases: BTreeSet<WorkerId>,
    pub(super) leases_gone: BTreeSet<WorkerId>,
    pub(super) events: Vec<EventRow>,
    pub(super) effects: BTreeMap<EffectKey, Effect>,
    pub(super) effects_done: BTreeSet<EffectKey>,
    pub(super) keys: Vec<KeyRow>,
    pub(super) granted: Vec<Granted>,
}

impl Changes {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
            && self.attempts.is_empty()
            && self.fragments.is_empty()
            && self.leases.is_empty()
            && self.leases_gone.is_empty()
            && self.events.is_empty()
            && self.effects.is_empty()
            && self.effects_done.is_empty()
            && self.keys.is_empty()
            && self.granted.is_empty()
            && self.run.version == 0
    }

    /// Whether all of it is that effects were done: the one change that an ended run takes.
    #[must_use]
    pub fn only_acknowledges(&self) -> bool {
        !self.effects_done.is_empty()
            && self.tasks.is_empty()
            && self.attempts.is_empty()
            && self.fragments.is_empty()
            && self.leases.is_empty()
            && self.leases_gone.is_empty()
            && self.events.is_empty()
            && self.effects.is_empty()
            && self.keys.is_empty()
            && self.granted.is_empty()
    }

    /// Adds what came `later` in the same run, so that both are written at once.
    pub fn merge(&mut self, later: Self) {
        if later.is_empty() {
            return;
        }
        self.run = later.run;
        replace(&mut self.tasks, later.tasks, |row| row.no);
        replace(&mut self.attempts, later.attempts, |row| {
            (row.task, row.attempt)
        });
        self.fragments.extend(later.fragments);
        self.leases
            .retain(|row| !later.leases_gone.contains(&row.worker));
        self.leases_gone
            .retain(|worker| later.leases.iter().all(|row| row.worker != *worker));
        replace(&mut self.leases, later.leases, |row| row.worker.clone());
        self.leases_gone.extend(later.leases_gone);
        self.events.extend(later.events);
        self.effects
            .retain(|row| !later.effects_done.contains(&row.key));
        self.effects_done
            .retain(|key| later.effects.iter().all(|row| row.key != *key));
        replace(&mut self.effects, later.effects, |row| row.key.clone());
        self.effects_done.extend(later.effects_done);
        self.keys.extend(later.keys);
        self.granted.extend(later.granted);
    }
}

fn replace<T, K: Ord>(rows: &mut Vec<T>, later: Vec<T>, key: impl Fn(&T) -> K) {
    if !later.is_empty() && !rows.is_empty() {
        let newer: BTreeSet<K> = later.iter().map(&key).collect();
        rows.retain(|row| !newer.contains(&key(row)));
    }
    rows.extend(later);
}

impl Machine {
    /// Marks the row for writing and gives it to be changed.
    pub(super) fn touch(&mut self, no: TaskNo) -> &mut TaskRow {
        self.draft.tasks.insert(no);
        &mut self.tasks[no.index()]
    }

    /// Writes down that something happened.
    pub(super) fn log(&mut self, what: Transition, now: Timestamp) {
        self.run.events += 1;
        self.draft.run = true;
        self.draft.events.push(EventRow {
            seq: self.run.events,
            at: now,
            what,
        });
    }

    pub(super) fn effect(&mut self, key: EffectKey, effect: Effect) {
        self.draft.effects_done.remove(&key);
        self.effects.insert(key.clone(), effect.clone());
        self.draft.effects.insert(key, effect);
    }

    pub(super) fn effect_done(&mut self, key: &EffectKey) {
        if self.effects.remove(key).is_none() {
            return;
        }
        // An effect that was never written needs no deletion, one that was does.
        self.draft.effects.remove(key);
        self.draft.effects_done.insert(key.clone());
    }

    /// Everything that changed since the last call, as rows. With nothing changed the version is 0.
    pub(super) fn take_changes(&mut self) -> Changes {
        let draft = std::mem::take(&mut self.draft);
        let nothing = !draft.run
            && draft.tasks.is_empty()
            && draft.attempts.is_empty()
            && draft.fragments.is_empty()
            && draft.leases.is_empty()
            && draft.leases_gone.is_empty()
            && draft.effects.is_empty()
            && draft.effects_done.is_empty();
        let mut run = self.run.clone();
        if nothing {
            run.version = 0;
        } else {
            self.run.version += 1;
            run.version = self.run.version;
        }
        let until = |worker: &WorkerId| self.leases.get(worker).copied();
        Changes {
            run,
            tasks: draft
                .tasks
                .iter()
                .map(|no| self.tasks[no.index()].clone())
                .collect(),
            attempts: draft.attempts.into_values().collect(),
            fragments: draft.fragments,
            leases: draft
                .leases
                .iter()
                .filter_map(|worker| {
                    Some(LeaseRow {
                        worker: worker.clone(),
                        until: until(worker)?,
                    })
                })
                .collect(),
            leases_gone: draft.leases_gone.into_iter().collect(),
            events: draft.events,
            effects: draft
                .effects
                .into_iter()
                .map(|(key, effect)| EffectRow { key, effect })
                .collect(),
            effects_done: draft.effects_done.into_iter().collect(),
            keys: draft.keys,
            granted: draft.granted,
        }
    }
}
