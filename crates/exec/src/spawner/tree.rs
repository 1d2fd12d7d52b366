//! The processes of one attempt, as the spawner knows them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cgroup::{Groups, TreeGroup};
use crate::command::Limits;
use crate::event::Usage;
use crate::leftovers::{ATTEMPT_ENV, OWNER_ENV};
use crate::proc::{self, Environ, Life};

/// How long the end of a tree waits for a process of which it cannot be told whose it is. That takes
/// microseconds, but a process can make it last, and must not hold the trees of others.
const UNSETTLED_PATIENCE: Duration = Duration::from_secs(2);

/// A tree that has not ended.
#[derive(Default)]
pub(super) struct Tree {
    /// Made for the first command.
    group: Option<TreeGroup>,
    /// Led by its commands, with somebody in them.
    pub(super) sessions: Vec<i32>,
    pub(super) usage: Usage,
    /// Since when it is being ended.
    closing: Option<Instant>,
    killed: BTreeSet<i32>,
}

impl Tree {
    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Begins its end.
    pub(super) fn close(&mut self) {
        self.closing.get_or_insert_with(Instant::now);
    }

    /// Its control groups, with these limits if they are not made yet.
    pub(super) fn group(&mut self, groups: &mut Groups, limits: &Limits) -> &TreeGroup {
        self.group.get_or_insert_with(|| groups.open(limits))
    }

    pub(super) fn holds(&self, cgroups: &str) -> bool {
        self.group
            .as_ref()
            .is_some_and(|group| group.holds(cgroups))
    }

    pub(super) fn oom_killed(&mut self) -> bool {
        self.group.as_mut().is_some_and(TreeGroup::oom_killed)
    }

    /// Kills what is left of it; whether something was. `commands` are its own that have not been reaped.
    pub(super) fn kill(
        &mut self,
        name: &str,
        owner: &str,
        commands: &[i32],
        orphans: &[i32],
    ) -> bool {
        let mut is_left = !commands.is_empty();
        let can_wait = self
            .closing
            .is_none_or(|since| since.elapsed() < UNSETTLED_PATIENCE);
        if let Some(members) = self.group.as_ref().and_then(TreeGroup::members) {
            is_left = true;
            self.killed.extend(members);
            self.group.iter().for_each(TreeGroup::kill);
        }
        // All are looked for before the first is killed: its death would part it from its children.
        let mut members: BTreeSet<i32> = commands
            .iter()
            .flat_map(|root| proc::closure(*root))
            .collect();
        for orphan in orphans {
            // It will be reaped, and may have been of this tree.
            is_left |= proc::stat(*orphan).is_some_and(|stat| stat.life == Life::Zombie);
            for pid in proc::closure(*orphan) {
                match self.membership(pid, name, owner) {
                    Membership::Member => {
                        // Even if it ends this moment: it is to be reaped while the tree is there.
                        is_left |= pid == *orphan;
                        members.extend(proc::closure(pid));
                    }
                    Membership::Stranger => {}
                    Membership::Unsettled => is_left |= can_wait,
                }
            }
        }
        for pid in members {
            if proc::stat(pid).is_some_and(|stat| stat.life != Life::Zombie) {
                is_left = true;
                self.killed.insert(pid);
                kill(pid);
            }
        }
        is_left
    }

    fn membership(&self, pid: i32, name: &str, owner: &str) -> Membership {
        if proc::stat(pid).is_some_and(|stat| self.sessions.contains(&stat.session)) {
            return Membership::Member;
        }
        match proc::environ(pid) {
            Environ::Read(environ) => {
                let has = |variable, value: &str| {
                    proc::env_value(&environ, variable) == Some(value.as_bytes())
                };
                if has(ATTEMPT_ENV, name) && has(OWNER_ENV, owner) {
                    Membership::Member
                } else {
                    Membership::Stranger
                }
            }
            Environ::Hidden => Membership::Stranger,
            Environ::Unsettled => Membership::Unsettled,
        }
    }

    /// Gives its groups back and says how many were killed and what all took.
    pub(super) fn end(self, groups: &mut Groups) -> (u32, Usage) {
        let mut usage = self.usage;
        if let Some(group) = self.group {
            if let Some(peak) = group.memory_peak_bytes() {
                usage.memory_peak_bytes = peak;
            }
            groups.close(group);
        }
        (u32::try_from(self.killed.len()).unwrap_or(u32::MAX), usage)
    }
}

/// Whether an adopted process is of a tree.
enum Membership {
    Member,
    Stranger,
    /// To be looked at again: for a moment it cannot be told.
    Unsettled,
}

/// Kills a process below us; whoever ended meanwhile is a zombie of ours or of a process below us, so that
/// the number cannot mean a stranger unless somebody below reaped it in this very moment.
pub(super) fn kill(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Nothing to do about those that ended first.
        kill_process(pid, Signal::KILL).ok();
    }
}
