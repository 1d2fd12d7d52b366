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
        let members = match groups.entry(group) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(store.group_members(group, &Board::is_alive)?),
        };
        let mut ahead = Vec::new();
        for before in ahead_of(*member, members) {
            ahead.push(member_document(before, store, &mut others)?);
        }
        waits.push(WaitDocument {
            group: group.clone(),
            task: member.task.map(|task| tasks[task.index()].key.to_string()),
            limit: *limit,
            ahead,
        });
    }
    Ok(waits)
}

/// Who has a place, and who entered the group before `member`; nobody when it has a place by now.
fn ahead_of(member: GroupMember, members: &[Living]) -> Vec<GroupMember> {
    let own = members.iter().position(|each| each.member == member);
    if own.is_some_and(|own| members[own].is_active) {
        return Vec::new();
    }
    let before = own.unwrap_or(members.len());
    let ahead = members
        .iter()
        .enumerate()
        .filter(|(place, each)| each.is_active || *place < before);
    ahead.map(|(_, each)| each.member).collect()
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
    let (holders, before) = wait.ahead.split_at(limit.min(wait.ahead.len()));
    let mut line = format!(
        "waits for group `{group}` ({} of {} taken",
        holders.len(),
        text::count(limit, "place")
    );
    if !before.is_empty() {
        line = format!("{line}, {} more before it", before.len());
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
        };
        let holder = short(RunId::from_random(1 << 40));
        assert_eq!(
            sentence(&wait, own),
            format!(
                "waits for group `deploy` (1 of 1 place taken, 1 more before it): held by run {holder}; \
                 `formic cancel {holder}` ends that"
            )
        );
        wait.ahead = vec![member(9, Some("push"))];
        assert_eq!(
            sentence(&wait, own),
            "waits for group `deploy` (1 of 1 place taken): held by `push` of this run"
        );
    }
}
