//! Places in concurrency groups: asking for them, giving them back, and making those leave whose place a newcomer
//! takes.
//!
//! What waits is asked for together, one question for each group and look, and only for as many of those who wait in
//! line as could have a place; so it costs nothing that thousands wait. Who leaves a group asks in the same transaction
//! for the next of this process; those of other processes see it when they look.

use super::{Dispatcher, Fatal};
use engine::event::Event;
use engine::machine::Machine;
use engine::rows::{Effect, EffectKey, GroupMember};
use model::ids::RunId;
use model::plan::GroupMode;
use model::reason::{CancelCause, CancelMode};
use model::time::Timestamp;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use store::{Command, Entered, GroupEntry, Owner, StoreError};

/// What waits for a place, by group.
pub(super) type Groups = BTreeMap<String, Line>;

/// What waits for a place in one group.
#[derive(Default)]
pub(super) struct Line {
    /// Who waits for its turn, in order of entry.
    in_line: BTreeMap<u64, Waiter>,
    /// Who passes others by.
    others: BTreeMap<u64, Waiter>,
    /// The most places that somebody in line allowed.
    limit: u32,
    /// Members that were told to make room: the store names them with every look.
    told: BTreeSet<GroupMember>,
}

/// One that asks for a place.
#[derive(Clone)]
pub(super) struct Waiter {
    run: RunId,
    wants: Wants,
    member: GroupMember,
    limit: u32,
    mode: GroupMode,
}

/// What a place is wanted for.
#[derive(Clone)]
enum Wants {
    /// The effect with this key.
    Effect(EffectKey),
    /// A run that had the place before its process died.
    Held,
}

impl Waiter {
    fn entry<'a>(&self, group: &'a str) -> GroupEntry<'a> {
        GroupEntry {
            group,
            member: self.member,
            limit: self.limit,
            mode: self.mode,
        }
    }
}

impl Line {
    fn insert(&mut self, seq: u64, waiter: Waiter) {
        match waiter.mode {
            GroupMode::Queue => {
                self.limit = self.limit.max(waiter.limit);
                self.in_line.insert(seq, waiter);
            }
            GroupMode::SupersedeWaiting | GroupMode::Supersede => {
                self.others.insert(seq, waiter);
            }
        }
    }

    fn remove(&mut self, seq: u64) {
        self.in_line.remove(&seq);
        self.others.remove(&seq);
    }

    fn is_empty(&self) -> bool {
        self.in_line.is_empty() && self.others.is_empty()
    }

    /// Those to ask for: the first in line, as many as could have a place, and all who pass others by. Forgets those
    /// whom it meets and who do not wait any more.
    fn first(&mut self, waits: impl Fn(&Waiter) -> bool) -> Vec<Waiter> {
        self.others.retain(|_, waiter| waits(waiter));
        let mut first = Vec::new();
        let mut gone = Vec::new();
        for (seq, waiter) in &self.in_line {
            if first.len() >= self.limit as usize {
                break;
            }
            match waits(waiter) {
                true => first.push(waiter.clone()),
                false => gone.push(*seq),
            }
        }
        for seq in gone {
            self.in_line.remove(&seq);
        }
        first.extend(self.others.values().cloned());
        first
    }
}

impl Dispatcher {
    /// Gives places back and asks for others; what has to be told of it waits in the batch.
    pub(super) fn change_groups(
        &mut self,
        left: &[(RunId, EffectKey, String, GroupMember)],
        entering: &[(RunId, EffectKey)],
        now: Timestamp,
    ) -> Result<(), Fatal> {
        let members: Vec<(String, GroupMember)> = left
            .iter()
            .map(|(_, _, group, member)| (group.clone(), *member))
            .collect();
        self.leave_groups(&members, now)?;
        for (run, key, _, _) in left {
            let done = Event::EffectDone { key: key.clone() };
            self.batch.events.push_back((*run, done));
        }
        let mut waiters = Vec::new();
        for (run, key) in entering {
            let machine = self.runs.get(run).map(|owned| &owned.machine);
            // It may have been canceled in the same step.
            if let Some(Effect::EnterGroup {
                group,
                member,
                limit,
                mode,
            }) = machine.and_then(|machine| machine.effects().get(key))
            {
                let waiter = Waiter {
                    run: *run,
                    wants: Wants::Effect(key.clone()),
                    member: *member,
                    limit: *limit,
                    mode: *mode,
                };
                waiters.push((group.clone(), waiter));
            }
        }
        self.enter_groups(waiters, now)
    }

    /// Asks for the place that a run taken over had in its group.
    pub(super) fn enter_held(&mut self, run: RunId, now: Timestamp) -> Result<(), Fatal> {
        let Some(held) = self.runs.get(&run).and_then(|owned| owned.held.clone()) else {
            return Ok(());
        };
        let waiter = Waiter {
            run,
            wants: Wants::Held,
            member: GroupMember { run, task: None },
            limit: held.limit,
            mode: held.mode,
        };
        self.enter_groups(vec![(held.group, waiter)], now)
    }

    /// Whether a run waits for the place that it had before its process died.
    pub(super) fn is_held(&self, run: RunId) -> bool {
        self.runs
            .get(&run)
            .is_some_and(|owned| owned.held.is_some())
    }

    /// Asks for the places that tasks of runs want which have theirs again.
    pub(super) fn enter_for_tasks(&mut self, now: Timestamp) -> Result<(), Fatal> {
        while let Some(run) = self.let_in.pop_first() {
            let machine = self.machine(run).map(Machine::effects);
            let waiting = machine.into_iter().flatten();
            let entering: Vec<(RunId, EffectKey)> = waiting
                .filter(|(_, effect)| matches!(effect, Effect::EnterGroup { .. }))
                .map(|(key, _)| (run, key.clone()))
                .collect();
            self.change_groups(&[], &entering, now)?;
        }
        Ok(())
    }

    /// Looks whether there is room by now.
    pub(super) fn ask_groups(&mut self, now: Timestamp) -> Result<(), Fatal> {
        let groups: Vec<String> = self.groups.keys().cloned().collect();
        let asked = self.askers(groups);
        let entries: Vec<GroupEntry<'_>> = asked
            .iter()
            .map(|(group, waiter)| waiter.entry(group))
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        let answers = self.with_alive(now, |dispatcher, alive| {
            dispatcher.parts.store.group_admitted(&entries, alive)
        })?;
        self.forget_told(&asked, &answers);
        self.answered(asked, answers)
    }

    /// Leaves groups, and lets those of this process that wait for it have the room.
    pub(super) fn leave_groups(
        &mut self,
        left: &[(String, GroupMember)],
        now: Timestamp,
    ) -> Result<(), Fatal> {
        if left.is_empty() {
            return Ok(());
        }
        let groups: BTreeSet<String> = left.iter().map(|(group, _)| group.clone()).collect();
        let asked = self.askers(groups.into_iter().collect());
        let next: Vec<GroupEntry<'_>> = asked
            .iter()
            .map(|(group, waiter)| waiter.entry(group))
            .collect();
        let members: Vec<(&str, GroupMember)> = left
            .iter()
            .map(|(group, member)| (group.as_str(), *member))
            .collect();
        let answers = self.with_alive(now, |dispatcher, alive| {
            dispatcher.parts.store.group_leave(&members, &next, alive)
        })?;
        self.forget_told(&asked, &answers);
        self.answered(asked, answers)
    }

    fn enter_groups(
        &mut self,
        waiters: Vec<(String, Waiter)>,
        now: Timestamp,
    ) -> Result<(), Fatal> {
        if waiters.is_empty() {
            return Ok(());
        }
        let entries: Vec<GroupEntry<'_>> = waiters
            .iter()
            .map(|(group, waiter)| waiter.entry(group))
            .collect();
        let answers = self.with_alive(now, |dispatcher, alive| {
            dispatcher.parts.store.group_enter(&entries, alive)
        })?;
        for ((group, waiter), entered) in waiters.iter().zip(&answers) {
            let line = self.groups.entry(group.clone()).or_default();
            line.insert(entered.seq, waiter.clone());
        }
        self.answered(waiters, answers)
    }

    /// Whom to ask for in these groups. Forgets those who do not wait any more.
    fn askers(&mut self, groups: Vec<String>) -> Vec<(String, Waiter)> {
        let mut asked = Vec::new();
        for group in groups {
            let Some(line) = self.groups.get_mut(&group) else {
                continue;
            };
            let runs = &self.runs;
            let first = line.first(|waiter| {
                let owned = runs.get(&waiter.run);
                owned.is_some_and(|owned| match &waiter.wants {
                    Wants::Effect(key) => owned.machine.effects().contains_key(key),
                    Wants::Held => owned.held.is_some(),
                })
            });
            if first.is_empty() {
                self.groups.remove(&group);
            }
            asked.extend(first.into_iter().map(|waiter| (group.clone(), waiter)));
        }
        asked
    }

    /// Lets those go on who have a place by now, and tells those to leave who have to.
    fn answered(
        &mut self,
        asked: Vec<(String, Waiter)>,
        answers: Vec<Entered>,
    ) -> Result<(), Fatal> {
        for ((group, waiter), entered) in asked.into_iter().zip(answers) {
            let Some(line) = self.groups.get_mut(&group) else {
                continue;
            };
            let told = |member: &GroupMember| line.told.insert(*member);
            let fresh: Vec<GroupMember> = entered.superseded.into_iter().filter(told).collect();
            if entered.admitted {
                line.remove(entered.seq);
                if line.is_empty() {
                    self.groups.remove(&group);
                }
                self.let_in(&waiter);
            }
            self.supersede(fresh, waiter.member, &group)?;
        }
        Ok(())
    }

    fn let_in(&mut self, waiter: &Waiter) {
        match waiter.wants {
            Wants::Effect(_) => {
                let task = waiter.member.task;
                self.batch
                    .events
                    .push_back((waiter.run, Event::Admitted { task }));
            }
            Wants::Held => {
                if let Some(owned) = self.runs.get_mut(&waiter.run) {
                    owned.held = None;
                    self.let_in.insert(waiter.run);
                }
            }
        }
    }

    /// Forgets who was told to leave and is not named any more: it has left, and may enter again. All who pass
    /// others by were asked for.
    fn forget_told(&mut self, asked: &[(String, Waiter)], answers: &[Entered]) {
        let mut named: BTreeMap<&str, BTreeSet<GroupMember>> = BTreeMap::new();
        for ((group, _), entered) in asked.iter().zip(answers) {
            let of_group = named.entry(group).or_default();
            of_group.extend(&entered.superseded);
        }
        for (group, named) in named {
            if let Some(line) = self.groups.get_mut(group) {
                line.told.retain(|member| named.contains(member));
            }
        }
    }

    /// Does `ask` with somebody who knows which owners live, and looks at each of them once.
    fn with_alive<T>(
        &self,
        now: Timestamp,
        ask: impl FnOnce(&Self, &dyn Fn(&Owner) -> bool) -> T,
    ) -> T {
        let known: RefCell<BTreeMap<u64, bool>> = RefCell::default();
        ask(self, &|owner| {
            let mut known = known.borrow_mut();
            let look = || (self.parts.alive)(owner, now);
            *known.entry(owner.nonce).or_insert_with(look)
        })
    }

    /// Cancels the members whose place a newcomer takes: a run, or one task of a run that goes on.
    fn supersede(
        &mut self,
        members: Vec<GroupMember>,
        by: GroupMember,
        group: &str,
    ) -> Result<(), Fatal> {
        if members.is_empty() {
            return Ok(());
        }
        let by = match by.task.zip(self.machine(by.run)) {
            Some((task, machine)) => {
                let key = &machine.row(task).key;
                format!("`{key}` of run {} in group `{group}`", by.run)
            }
            None => format!("run {} in group `{group}`", by.run),
        };
        for GroupMember { run, task } in members {
            let (cause, by) = (CancelCause::Superseded, by.clone());
            let command = match task {
                Some(task) => Command::CancelTask { task, cause, by },
                None => Command::Cancel {
                    mode: CancelMode::Finally,
                    cause,
                    by,
                },
            };
            if self.runs.contains_key(&run) {
                self.batch.events.push_back((run, Event::Command(command)));
                continue;
            }
            match self.parts.store.inbox_append(run, &command) {
                Ok(_) | Err(StoreError::RunEnded(_) | StoreError::NoRun(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
