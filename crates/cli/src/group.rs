//! Who holds the place in a concurrency group that a run waits for: for people who ask why nothing happens.
//!
//! A look changes nothing, and there is one for each group, however many wait for it.

use crate::board::Board;
use crate::references::short;
use crate::text;
use anyhow::Result;
use api::run::{MemberDocument, WaitDocument};
use engine::rows::{Effect, GroupMember, RunState, TaskRow, TaskState};
use model::ids::RunId;
use model::reason::QueueReason;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use store::{Living, Store};

/// Whether a run, or a task of it, waits for a place in a group.
pub(crate) fn waits(state: RunState, tasks: &[TaskRow]) -> bool {
    let group = TaskState::Queued(QueueReason::ConcurrencyGroup);
    state == RunState::Queued(QueueReason::ConcurrencyGroup)
        || tasks.iter().any(|task| task.state == group)
}

/// The places that `effects` of a living run wait for; `tasks` are its own.
///
/// # Errors
/// When the board cannot be read.
pub(crate) fn of<'a>(
    effects: impl Iterator<Item = &'a Effect>,
    tasks: &[TaskRow],
    store: &dyn Store,
) -> Result<Vec<WaitDocument>> {
    let mut waits = Vec::new();
    let (mut groups, mut others) = (BTreeMap::new(), BTreeMap::new());
    for effect in effects {
        let Effect::EnterGroup {
            group,
            member,
            limit,
            mode: _,
        } = effect
        else {
            continue;
        };
        let queue: &Queue = match groups.entry(group) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let members = store.group_members(group, &Board::is_alive)?;
                place.insert(Queue::of(&members))
            }
        };
        let (first, ahead_count) = queue.ahead_of(*member);
        let mut ahead = Vec::new();
        for before in first {
            ahead.push(member_document(before, store, &mut others)?);
        }
        waits.push(WaitDocument {
            group: group.clone(),
            task: member.task.map(|task| tasks[task.index()].key.to_string()),
            limit: *limit,
            ahead,
            ahead_count,
        });
    }
    Ok(waits)
}

/// Of those who are before a member so many are named: with a thousand tasks in one group, everybody before each of them
/// would be half a million.
const AHEAD_TOLD: usize = 10;

/// The living members of one group.
struct Queue {
    /// Who has a place.
    active: Vec<GroupMember>,
    /// Who has none, in order of entry.
    waiting: Vec<GroupMember>,
    /// The place of each in `waiting`; none of one that is active.
    places: BTreeMap<GroupMember, Option<usize>>,
}

impl Queue {
    fn of(members: &[Living]) -> Self {
        let of = |active: bool| {
            let members = members.iter().filter(move |each| each.is_active == active);
            members.map(|each| each.member).collect::<Vec<_>>()
        };
        let (active, waiting) = (of(true), of(false));
        let places = waiting.iter().enumerate();
        let places = places.map(|(place, member)| (*member, Some(place)));
        let places = places.chain(active.iter().map(|member| (*member, None)));
        Self {
            places: places.collect(),
            active,
            waiting,
        }
    }

    /// The first of those who have a place or entered the group before `member`, and how many these are; nobody when it
    /// has a place by now.
    fn ahead_of(&self, member: GroupMember) -> (Vec<GroupMember>, usize) {
        let before = match self.places.get(&member) {
            Some(None) => return (Vec::new(), 0),
            Some(Some(place)) => *place,
            None => self.waiting.len(),
        };
        let ahead = self.active.iter().chain(&self.waiting[..before]);
        let first = ahead.take(AHEAD_TOLD).copied().collect();
        (first, self.active.len() + before)
    }
}

fn member_document(
    member: GroupMember,
    store: &dyn Store,
    others: &mut BTreeMap<RunId, Vec<TaskRow>>,
) -> Result<MemberDocument> {
    let GroupMember { run, task } = member;
    let Some(task) = task else {
        let run = run.to_string();
        return Ok(MemberDocument { run, task: None });
    };
    let rows = match others.entry(run) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => place.insert(store.run_tasks(run)?),
    };
    let row = rows.get(task.index());
    Ok(MemberDocument {
        run: run.to_string(),
        task: row.map(|row| row.key.to_string()),
    })
}

/// What a wait of `run` is, and what to do about it, in one line.
pub(crate) fn sentence(wait: &WaitDocument, run: RunId) -> String {
    let group = text::plain(&wait.group);
    let limit = wait.limit as usize;
    let taken = limit.min(wait.ahead_count);
    let before = wait.ahead_count - taken;
    let holders = &wait.ahead[..taken.min(wait.ahead.len())];
    let mut line = format!(
        "waits for group `{group}` ({} of {} taken",
        taken,
        text::count(limit, "place")
    );
    if before > 0 {
        line = format!("{line}, {before} more before it");
    }
    line.push(')');
    let Some(first) = holders.first() else {
        return line;
    };
    let names: Vec<String> = holders.iter().take(3).map(|each| name(each, run)).collect();
    line = format!("{line}: held by {}", names.join(", "));
    if first.run != run.as_str() {
        let first = first.run.parse().map_or_else(|_| first.run.clone(), short);
        line = format!("{line}; `formic cancel {first}` ends that");
    }
    line
}

fn name(member: &MemberDocument, own: RunId) -> String {
    let task = member.task.as_deref().map(text::plain);
    let run = member
        .run
        .parse()
        .map_or_else(|_| member.run.clone(), short);
    match task {
        Some(task) if member.run == own.as_str() => format!("`{task}` of this run"),
        Some(task) => format!("`{task}` of run {run}"),
        None => format!("run {run}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::TaskNo;

    fn member(number: u64, task: Option<&str>) -> MemberDocument {
        MemberDocument {
            run: RunId::from_random(number).to_string(),
            task: task.map(str::to_owned),
        }
    }

    #[test]
    fn a_wait_says_the_numbers_who_holds_and_what_to_do() {
        let own = RunId::from_random(9);
        let mut wait = WaitDocument {
            group: "deploy".to_owned(),
            task: None,
            limit: 1,
            ahead: vec![member(1 << 40, None), member(2, Some("push"))],
            ahead_count: 2,
        };
        let holder = short(RunId::from_random(1 << 40));
        assert_eq!(
            sentence(&wait, own),
            format!(
                "waits for group `deploy` (1 of 1 place taken, 1 more before it): held by run {holder}; \
                 `formic cancel {holder}` ends that"
            )
        );
        (wait.ahead, wait.ahead_count) = (vec![member(9, Some("push"))], 1);
        assert_eq!(
            sentence(&wait, own),
            "waits for group `deploy` (1 of 1 place taken): held by `push` of this run"
        );
    }

    #[test]
    fn of_many_before_it_the_first_are_named_and_all_are_counted() {
        let own = RunId::from_random(9);
        let task = |no| GroupMember {
            run: own,
            task: Some(TaskNo(no)),
        };
        let members = (0..1_500).map(|no| Living {
            member: task(no),
            is_active: no < 2,
        });
        let queue = Queue::of(&members.collect::<Vec<_>>());
        let (first, count) = queue.ahead_of(task(1_499));
        assert_eq!((first.len(), count), (AHEAD_TOLD, 1_499));
        assert_eq!(first[..3], [task(0), task(1), task(2)]);
        assert_eq!(queue.ahead_of(task(2)), (vec![task(0), task(1)], 2));
        assert_eq!(queue.ahead_of(task(1)), (Vec::new(), 0));
        let (_, count) = queue.ahead_of(task(9_999));
        assert_eq!(count, 1_500, "who has not entered yet comes after all");
        let wait = WaitDocument {
            group: "deploy".to_owned(),
            task: None,
            limit: 2,
            ahead: vec![member(9, Some("a")), member(9, Some("b"))],
            ahead_count: 1_499,
        };
        assert_eq!(
            sentence(&wait, own),
            "waits for group `deploy` (2 of 2 places taken, 1497 more before it): held by `a` of this run, `b` of this run"
        );
    }
}
