//! The order in which tasks are looked at: each behind what it needs.

use model::ids::DefNo;
use model::plan::{Phase, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// The definitions of a scope, each behind what it needs, else as they stand in the file; `finally` last.
pub(super) fn in_order(plan: &Plan, members: &[DefNo]) -> Vec<DefNo> {
    let place_of: BTreeMap<DefNo, usize> = members.iter().copied().zip(0..).collect();
    let mut waits = vec![0_usize; members.len()];
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
    for (place, def) in members.iter().enumerate() {
        for edge in &plan.task(*def).needs {
            if let Some(need) = place_of.get(&edge.task) {
                waits[place] += 1;
                behind[*need].push(place);
            }
        }
    }
    let key = |place: usize| (plan.task(members[place]).phase == Phase::Finally, place);
    let mut ready: BTreeSet<(bool, usize)> = (0..members.len())
        .filter(|place| waits[*place] == 0)
        .map(key)
        .collect();
    let mut order = Vec::with_capacity(members.len());
    while let Some((_, place)) = ready.pop_first() {
        order.push(members[place]);
        for next in &behind[place] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                ready.insert(key(*next));
            }
        }
    }
    order
}
