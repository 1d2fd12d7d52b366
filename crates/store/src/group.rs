//! Concurrency groups: who may be active. A pure rule over the places of one group.
//!
//! Members are served in the order in which they entered. A member holds its place until it leaves;
//! members that are not alive hold none, and lose theirs when somebody takes it.
//!
//! Everyone who asks is answered in one walk over the places, so that a group of many members costs
//! no more than its members. Who only waits for its turn needs few of them: see `Needed`.

use crate::board::GroupEntry;
use engine::rows::GroupMember;
use model::plan::GroupMode;
use std::collections::{BTreeMap, VecDeque};

/// What became of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entered {
    /// Whether the member may be active.
    pub admitted: bool,
    /// Where it stands: who entered the group earlier has a smaller number. Told to who enters; 0
    /// where it was not looked at, because too many are before it.
    pub seq: u64,
    /// Living members whose place it takes by its mode: the caller cancels them. Told again when it
    /// asks again, until they have left; of several that ask together, one is told.
    pub superseded: Vec<GroupMember>,
}

/// A living member of a group, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Living {
    /// The member.
    pub member: GroupMember,
    /// Whether it has a place; else it waits.
    pub is_active: bool,
}

/// A member of a group, in order of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) member: GroupMember,
    pub(crate) standing: Standing,
    /// Whether it passes by those that waited before it.
    pub(crate) supersedes: bool,
    /// Whether its run goes on, with a living owner.
    pub(crate) alive: bool,
}

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It waits.
    Waiting,
    /// It has a place.
    Active,
    /// It waited, and a newer one passed it by. It waits again if that one dies before it had this
    /// one canceled.
    Passed,
}

/// The answers by member, and the standings to write for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) entered: BTreeMap<GroupMember, Entered>,
    pub(crate) moves: Vec<(GroupMember, Standing)>,
}

/// Which of the members that wait have to be looked at to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    /// All: somebody passes them by.
    All,
    /// So many that live and pass nobody by: whoever is behind them finds no room. Members that have
    /// a place, that were passed by or that pass others by are looked at in any case.
    First(u32),
}

impl Needed {
    pub(crate) fn by(askers: &[GroupEntry<'_>]) -> Self {
        if askers.iter().any(|asker| supersedes(asker.mode)) {
            return Self::All;
        }
        Self::First(askers.iter().map(|asker| asker.limit).max().unwrap_or(0))
    }

    /// Whether nobody behind `living` members that wait is needed.
    pub(crate) fn is_met(self, living: u32) -> bool {
        match self {
            Self::All => false,
            Self::First(limit) => living >= limit,
        }
    }
}

/// Whether a member passes by those that waited before it.
pub(crate) fn supersedes(mode: GroupMode) -> bool {
    match mode {
        GroupMode::Queue => false,
        GroupMode::SupersedeWaiting | GroupMode::Supersede => true,
    }
}

/// The entries of each group.
pub(crate) fn by_group<'a>(entries: &[GroupEntry<'a>]) -> BTreeMap<&'a str, Vec<GroupEntry<'a>>> {
    let mut groups: BTreeMap<&str, Vec<GroupEntry<'_>>> = BTreeMap::new();
    for entry in entries {
        groups.entry(entry.group).or_default().push(*entry);
    }
    groups
}

/// The answers of all groups, in the order of the entries.
pub(crate) fn in_order(
    entries: &[GroupEntry<'_>],
    mut answers: BTreeMap<&str, BTreeMap<GroupMember, Entered>>,
) -> Vec<Entered> {
    let answer = |entry: &GroupEntry<'_>| {
        let of_group = answers.get_mut(entry.group);
        of_group.and_then(|answers| answers.remove(&entry.member))
    };
    let found = entries.iter().map(answer);
    found.map(Option::unwrap_or_default).collect()
}

/// Decides for all `askers` among `places`, which are in order of entry. Who is not there gets no
/// answer.
pub(crate) fn decide(places: &[Place], askers: &[GroupEntry<'_>]) -> Verdict {
    let by_member: BTreeMap<GroupMember, &GroupEntry<'_>> =
        askers.iter().map(|asker| (asker.member, asker)).collect();
    // Who asks lives.
    let lives = |place: &Place| place.alive || by_member.contains_key(&place.member);
    let standings = standings(places, lives);
    let active = places
        .iter()
        .filter(|place| place.standing == Standing::Active);
    let (active, dead): (Vec<&Place>, Vec<&Place>) = active.partition(|place| lives(place));
    let mut walk = Walk {
        active: active.len(),
        dead: dead.iter().map(|place| place.member).collect(),
        ..Walk::default()
    };
    let mut verdict = Verdict::default();
    for (place, standing) in places.iter().zip(standings) {
        match by_member.get(&place.member) {
            Some(asker) => {
                let entered = walk.answer(place, standing, asker, &mut verdict.moves);
                verdict.entered.insert(place.member, entered);
            }
            None if place.alive => walk.pass(place.member, standing),
            None => {}
        }
    }
    verdict
}

/// The living members that have a place or wait for one, in order of entry.
pub(crate) fn living(places: &[Place]) -> Vec<Living> {
    let standings = standings(places, |place| place.alive);
    let of = places
        .iter()
        .zip(standings)
        .filter(|(place, _)| place.alive);
    of.filter_map(|(place, standing)| {
        let is_active = match standing {
            Standing::Active => true,
            Standing::Waiting => false,
            Standing::Passed => return None,
        };
        let member = place.member;
        Some(Living { member, is_active })
    })
    .collect()
}

/// How the members stand in truth: who was passed by waits again when nobody is left who did it. The
/// one that did may have died before it had this one canceled.
fn standings(places: &[Place], lives: impl Fn(&Place) -> bool) -> Vec<Standing> {
    let mut is_passed = false;
    let mut standings: Vec<Standing> = places
        .iter()
        .rev()
        .map(|place| {
            let standing = match place.standing {
                Standing::Passed if !is_passed => Standing::Waiting,
                known @ (Standing::Waiting | Standing::Active | Standing::Passed) => known,
            };
            is_passed |= place.supersedes && lives(place);
            standing
        })
        .collect();
    standings.reverse();
    standings
}

/// What was seen on the way through the places, from the first to enter to the last.
#[derive(Default)]
struct Walk {
    /// Living members that have a place, anywhere in the group.
    active: usize,
    /// Dead members that have one.
    dead: VecDeque<GroupMember>,
    /// Living members behind, by standing, until somebody who supersedes them has been told of them.
    behind_active: Vec<GroupMember>,
    behind_waiting: Vec<GroupMember>,
    behind_passed: Vec<GroupMember>,
}

impl Walk {
    fn pass(&mut self, member: GroupMember, standing: Standing) {
        match standing {
            Standing::Active => self.behind_active.push(member),
            Standing::Waiting => self.behind_waiting.push(member),
            Standing::Passed => self.behind_passed.push(member),
        }
    }

    fn answer(
        &mut self,
        place: &Place,
        mut standing: Standing,
        asker: &GroupEntry<'_>,
        moves: &mut Vec<(GroupMember, Standing)>,
    ) -> Entered {
        let mut superseded = Vec::new();
        if asker.mode == GroupMode::Supersede {
            superseded.append(&mut self.behind_active);
        }
        if supersedes(asker.mode) {
            let passed = self.behind_waiting.iter();
            moves.extend(passed.map(|&member| (member, Standing::Passed)));
            superseded.append(&mut self.behind_waiting);
            superseded.append(&mut self.behind_passed);
        }
        let ahead = (self.active + self.behind_waiting.len()) as u64;
        if standing == Standing::Waiting && ahead < u64::from(asker.limit) {
            standing = Standing::Active;
            self.active += 1;
            moves.push((place.member, Standing::Active));
            let has = self.active + self.dead.len();
            // As many of the dead lose their places as are too many.
            let too_many = has.saturating_sub(asker.limit as usize);
            let lost = self.dead.drain(..too_many.min(self.dead.len()));
            moves.extend(lost.map(|member| (member, Standing::Waiting)));
        }
        self.pass(place.member, standing);
        superseded.sort_unstable();
        Entered {
            admitted: standing == Standing::Active,
            seq: place.seq,
            superseded,
        }
    }
}

#[cfg(test)]
mod tests;
