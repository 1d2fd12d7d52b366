//! Concurrency groups on the board in memory.

use super::State;
use crate::board::GroupEntry;
use crate::group::{self, Entered, Needed, Place, Standing};
use crate::owner::Owner;
use engine::rows::GroupMember;
use model::ids::RunId;
use std::collections::BTreeMap;

/// A member of a group; `seq` grows from one to the next.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) seq: u64,
    pub(super) member: GroupMember,
    pub(super) standing: Standing,
    pub(super) supersedes: bool,
}

impl State {
    pub(super) fn places(
        &self,
        group: &str,
        needed: Needed,
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Vec<Place> {
        let mut lives: BTreeMap<RunId, bool> = BTreeMap::new();
        let mut living = 0;
        let mut places = Vec::new();
        for of in self.groups.get(group).into_iter().flatten() {
            let waits = of.standing == Standing::Waiting && !of.supersedes;
            let Some(run) = self.runs.get(&of.member.run) else {
                continue;
            };
            if waits && needed.is_met(living) {
                continue;
            }
            let look = || !run.has_ended() && run.owner.as_ref().is_some_and(alive);
            let alive = *lives.entry(of.member.run).or_insert_with(look);
            living += u32::from(waits && alive);
            places.push(Place {
                seq: of.seq,
                member: of.member,
                standing: of.standing,
                supersedes: of.supersedes,
                alive,
            });
        }
        places
    }

    pub(super) fn decide(
        &mut self,
        entries: &[GroupEntry<'_>],
        alive: &dyn Fn(&Owner) -> bool,
    ) -> Vec<Entered> {
        let mut answers = BTreeMap::new();
        for (name, askers) in group::by_group(entries) {
            let places = self.places(name, Needed::by(&askers), alive);
            let verdict = group::decide(&places, &askers);
            self.writes += verdict.moves.len() as u64;
            let members = self.groups.get_mut(name).into_iter().flatten();
            let mut moves: BTreeMap<GroupMember, Standing> = BTreeMap::new();
            // Of two moves of one member the later counts.
            moves.extend(verdict.moves);
            for of in members {
                of.standing = moves.get(&of.member).copied().unwrap_or(of.standing);
            }
            answers.insert(name, verdict.entered);
        }
        group::in_order(entries, answers)
    }
}
