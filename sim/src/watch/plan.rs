//! Needs and scopes, read from plan and rows in the most simple way.

use engine::rows::{Snapshot, TaskKind, TaskRow};
use model::ids::TaskNo;
use model::plan::{Phase, Plan};

/// The call or generating task whose scope a row belongs to.
pub(super) fn instance_of(rows: &Snapshot, row: &TaskRow) -> Option<TaskNo> {
    let parent = &rows.tasks[row.parent?.index()];
    let is_member = parent.kind == TaskKind::Matrix && parent.def == row.def;
    if is_member {
        parent.parent
    } else {
        Some(parent.no)
    }
}

/// A task that `row` needs and that has not ended.
pub(super) fn unmet_need(plan: &Plan, rows: &Snapshot, row: &TaskRow) -> Option<String> {
    let instance = instance_of(rows, row);
    // What was generated since the plan was last seen is looked at the next time.
    let def = plan.tasks.get(row.def.index())?;
    let unmet = def.needs.iter().find_map(|edge| {
        rows.tasks.iter().find(|need| {
            need.def == edge.task
                && need.parent == instance
                && need.ended().is_none()
                && !need.released
        })
    });
    if let Some(unmet) = unmet {
        return Some(unmet.key.to_string());
    }
    // `finally` begins when everything else of its scope has ended.
    if def.phase != Phase::Finally {
        return None;
    }
    let main = rows.tasks.iter().find(|other| {
        other.parent == instance
            && other.ended().is_none()
            && !other.released
            && plan
                .tasks
                .get(other.def.index())
                .is_some_and(|def| def.phase == Phase::Main)
    });
    main.map(|main| main.key.to_string())
}

/// Whether a task belongs to a `finally`, its own or one around it.
pub(super) fn is_finally(plan: &Plan, rows: &Snapshot, task: TaskNo) -> bool {
    let mut at = Some(task);
    while let Some(no) = at {
        let row = &rows.tasks[no.index()];
        let def = plan.tasks.get(row.def.index());
        if def.is_none_or(|def| def.phase == Phase::Finally) {
            return true;
        }
        at = row.parent;
    }
    false
}
