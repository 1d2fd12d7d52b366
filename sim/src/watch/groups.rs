//! Concurrency groups over all runs: how many members have leased work at once.
//!
//! A member is a run, or a task with everything that is open in it. Whoever is admitted but has nothing leased is not
//! counted, and neither is a run whose owner is taken for dead or has not yet settled what it took over: its places may
//! have been given to others.

use super::{Known, Watch};
use model::ids::{RunId, TaskNo};
use model::plan::{Concurrency, Text};
use std::collections::{BTreeMap, BTreeSet};

/// The members of one group that have leased work.
#[derive(Default)]
struct Active {
    /// The largest that any of them allows.
    limit: u32,
    members: BTreeSet<(RunId, Option<TaskNo>)>,
}

impl Watch {
    /// Looks at all groups. `alive` tells whether an owner is taken for alive.
    pub fn groups(&mut self, alive: &dyn Fn(u64) -> bool) {
        let mut groups: BTreeMap<&str, Active> = BTreeMap::new();
        let settled = self.runs.values().filter(|known| known.settled);
        for known in settled.filter(|known| alive(known.owner)) {
            add_active(known, &mut groups);
        }
        let (mut broken, mut full) = (None, 0);
        for (group, Active { limit, members }) in &groups {
            let count = members.len();
            if count > *limit as usize {
                let members = members.iter().map(|(run, task)| self.member(*run, *task));
                let members: Vec<String> = members.collect();
                let members = members.join(", ");
                broken.get_or_insert(format!(
                    "group `{group}` allows {limit} and has {count} active members: {members}"
                ));
            }
            full += u64::from(count == *limit as usize);
        }
        *self.seen.entry("groups seen full").or_default() += full;
        if let Some(text) = broken {
            self.say(text);
        }
    }

    fn member(&self, run: RunId, task: Option<TaskNo>) -> String {
        let rows = &self.runs[&run].rows;
        task.map_or_else(
            || format!("run {run}"),
            |task| format!("`{}` of run {run}", rows.tasks[task.index()].key),
        )
    }
}

/// Adds the run and its tasks for which an attempt is leased, by their groups.
fn add_active<'a>(known: &'a Known, groups: &mut BTreeMap<&'a str, Active>) {
    let run = known.rows.run.id;
    let mut add = |group: &'a str, of: &Concurrency, task: Option<TaskNo>| {
        let active = groups.entry(group).or_default();
        active.limit = active.limit.max(of.limit);
        active.members.insert((run, task));
    };
    let leased = known.rows.attempts.iter().filter(|row| row.end.is_none());
    for attempt in leased {
        if let Some(of) = &known.plan.concurrency
            && let Text::Literal(group) = &of.group
        {
            add(group, of, None);
        }
        let mut at = Some(attempt.task);
        while let Some(no) = at {
            let row = &known.rows.tasks[no.index()];
            // What was generated since the plan was last seen is in no group of its own.
            let def = known.plan.tasks.get(row.def.index());
            let of = def.and_then(|def| def.concurrency.as_ref());
            if let Some((group, of)) = row.group.as_deref().zip(of) {
                add(group, of, Some(no));
            }
            at = row.parent;
        }
    }
}
