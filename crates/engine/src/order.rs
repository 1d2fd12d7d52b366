//! In which order ready tasks start: by priority, then by the longest expected time from their start to
//! the end of the run (critical path first), then in order of the plan.
//!
//! Starting the longest path first is the classic list-scheduling rule (Graham 1969, "longest processing
//! time"): with it the makespan is at most 4/3 of the best one for independent tasks, and near it for graphs.

use model::ids::{DefNo, ScopeNo, TaskNo};
use model::plan::{Body, Plan};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Expected duration of a task that never ran: one second, so that unknown tasks are ordered by depth.
const UNKNOWN_MS: u64 = 1_000;

/// What is known of a definition for as long as the plan lives.
#[derive(Debug, Clone, Default)]
pub(crate) struct DefIndex {
    /// Definitions that need it.
    pub(crate) dependents: Vec<DefNo>,
    /// Its place among the definitions of its scope.
    pub(crate) place: u32,
    /// Expected time from its start to the end of its scope.
    pub(crate) tail_ms: u64,
}

/// The order in which ready tasks start: smaller first.
pub(crate) type ReadyKey = (Reverse<i32>, Reverse<u64>, TaskNo);

/// Indexes the definitions from `scope` on, which were appended to the plan last.
pub(crate) fn index_from(
    plan: &Plan,
    scope: ScopeNo,
    expected_ms: &BTreeMap<String, u64>,
    defs: &mut Vec<DefIndex>,
) {
    defs.resize_with(plan.tasks.len(), DefIndex::default);
    // Scopes that are called stand behind their callers, so the durations of inner scopes come first.
    let mut spans = BTreeMap::new();
    for number in (scope.index()..plan.scopes.len()).rev() {
        let members = &plan.scopes[number].tasks;
        for (place, def) in members.iter().enumerate() {
            defs[def.index()].place = u32::try_from(place).expect("tasks are bounded");
            for edge in &plan.task(*def).needs {
                defs[edge.task.index()].dependents.push(*def);
            }
        }
        let mut span_ms = 0;
        for def in backwards(plan, members, defs) {
            let behind = defs[def.index()].dependents.iter();
            let behind_ms = behind
                .map(|next| defs[next.index()].tail_ms)
                .max()
                .unwrap_or(0);
            let tail_ms = own_ms(plan, def, expected_ms, &spans).saturating_add(behind_ms);
            defs[def.index()].tail_ms = tail_ms;
            span_ms = tail_ms.max(span_ms);
        }
        spans.insert(number, span_ms);
    }
}

fn own_ms(
    plan: &Plan,
    def: DefNo,
    expected_ms: &BTreeMap<String, u64>,
    spans: &BTreeMap<usize, u64>,
) -> u64 {
    let task = plan.task(def);
    let inner = match &task.body {
        Body::Call(call) => spans.get(&call.scope.index()).copied(),
        Body::Steps(_) | Body::Nothing => None,
    };
    let known = || expected_ms.get(&def_path(plan, def)).copied();
    inner.or_else(known).unwrap_or(UNKNOWN_MS)
}

/// The names of scope and definition: the key of recorded durations.
#[must_use]
pub fn def_path(plan: &Plan, def: DefNo) -> String {
    let task = plan.task(def);
    let scope = &plan.scope(task.scope).name;
    if scope.is_empty() {
        task.name.clone()
    } else {
        format!("{scope}/{}", task.name)
    }
}

/// The definitions of a scope, each before everything that it needs. Definitions in a cycle, which a
/// checked plan has not, are left out.
fn backwards(plan: &Plan, members: &[DefNo], defs: &[DefIndex]) -> Vec<DefNo> {
    let mut left: BTreeMap<DefNo, usize> = members
        .iter()
        .map(|def| (*def, defs[def.index()].dependents.len()))
        .collect();
    let mut order: Vec<DefNo> = members
        .iter()
        .copied()
        .filter(|def| left[def] == 0)
        .collect();
    let mut next = 0;
    while let Some(def) = order.get(next).copied() {
        next += 1;
        for edge in &plan.task(def).needs {
            let Some(count) = left.get_mut(&edge.task) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                order.push(edge.task);
            }
        }
    }
    order
}

/// The definitions of a scope, each behind everything that it needs.
pub(crate) fn forwards(plan: &Plan, members: &[DefNo], defs: &[DefIndex]) -> Vec<DefNo> {
    let mut order = backwards(plan, members, defs);
    order.reverse();
    order
}
