//! Concurrency groups: who may be active. A pure rule over the places of one group.
//!
//! Members are served in the order in which they entered. A member holds its place until it leaves;
//! members that are not alive hold none, and lose theirs when somebody takes it.

use engine::rows::GroupMember;
use model::plan::GroupMode;

/// What became of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entered {
    /// Whether the member may be active.
    pub admitted: bool,
    /// Living members that it waits for.
    pub ahead: Vec<GroupMember>,
    /// Living members whose place it takes by its mode: the caller cancels them. Told again when the
    /// entry is repeated, until they have left.
    pub superseded: Vec<GroupMember>,
}

/// A member of a group, in order of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) member: GroupMember,
    pub(crate) standing: Standing,
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
    /// It waited, and a newer one passed it by; it will never have a place.
    Passed,
}

/// An answer, and the standings to write for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) entered: Entered,
    pub(crate) moves: Vec<(GroupMember, Standing)>,
}

/// Decides for `member`, which is in `places`.
///
/// # Panics
/// When it is not.
pub(crate) fn decide(
    places: &[Place],
    member: GroupMember,
    limit: u32,
    mode: GroupMode,
) -> Verdict {
    let at = places
        .iter()
        .position(|place| place.member == member)
        .expect("who asks is in the group");
    let supersedes = |place: &Place| match (mode, place.standing) {
        (GroupMode::Queue, _) | (GroupMode::SupersedeWaiting, Standing::Active) => false,
        (GroupMode::Supersede, _)
        | (GroupMode::SupersedeWaiting, Standing::Waiting | Standing::Passed) => true,
    };
    let mut moves = Vec::new();
    let mut entered = Entered::default();
    let mut active = 0_u32;
    for (index, place) in places.iter().enumerate() {
        if index == at || !place.alive {
            continue;
        }
        let superseded = index < at && supersedes(place);
        if superseded {
            entered.superseded.push(place.member);
        }
        match place.standing {
            Standing::Active => {
                active += 1;
                entered.ahead.push(place.member);
            }
            Standing::Waiting if superseded => moves.push((place.member, Standing::Passed)),
            Standing::Waiting if index < at => entered.ahead.push(place.member),
            Standing::Waiting | Standing::Passed => {}
        }
    }
    match places[at].standing {
        Standing::Active => {
            entered.admitted = true;
            entered.ahead.clear();
        }
        Standing::Waiting if (entered.ahead.len() as u64) < u64::from(limit) => {
            entered.admitted = true;
            entered.ahead.clear();
            moves.push((member, Standing::Active));
            moves.extend(lost_places(places, active + 1, limit));
        }
        Standing::Waiting | Standing::Passed => {}
    }
    Verdict { entered, moves }
}

/// Members that are not alive and hold a place that is needed: as many as are too many.
fn lost_places(
    places: &[Place],
    active: u32,
    limit: u32,
) -> impl Iterator<Item = (GroupMember, Standing)> {
    let dead: Vec<GroupMember> = places
        .iter()
        .filter(|place| !place.alive && place.standing == Standing::Active)
        .map(|place| place.member)
        .collect();
    let too_many = (active as usize + dead.len()).saturating_sub(limit as usize);
    dead.into_iter()
        .take(too_many)
        .map(|member| (member, Standing::Waiting))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::RunId;

    fn member(number: u64) -> GroupMember {
        GroupMember {
            run: RunId::from_random(number),
            task: None,
        }
    }

    fn places(standings: &[(Standing, bool)]) -> Vec<Place> {
        (0..)
            .zip(standings)
            .map(|(number, &(standing, alive))| Place {
                member: member(number),
                standing,
                alive,
            })
            .collect()
    }

    use Standing::{Active, Passed, Waiting};

    #[test]
    fn the_first_of_a_group_is_admitted() {
        let verdict = decide(&places(&[(Waiting, true)]), member(0), 1, GroupMode::Queue);
        assert!(verdict.entered.admitted);
        assert_eq!(verdict.moves, [(member(0), Active)]);
    }

    #[test]
    fn who_waits_is_served_in_order_of_entry() {
        let group = places(&[(Waiting, true), (Waiting, true)]);
        let second = decide(&group, member(1), 1, GroupMode::Queue);
        assert!(!second.entered.admitted);
        assert_eq!(second.entered.ahead, [member(0)]);
        assert!(
            decide(&group, member(0), 1, GroupMode::Queue)
                .entered
                .admitted
        );
    }

    #[test]
    fn a_limit_of_two_admits_the_second_past_one_that_waits() {
        let group = places(&[(Waiting, true), (Waiting, true)]);
        assert!(
            decide(&group, member(1), 2, GroupMode::Queue)
                .entered
                .admitted
        );
    }

    #[test]
    fn a_dead_member_holds_no_place_and_loses_it_to_the_next() {
        let group = places(&[(Active, false), (Waiting, true)]);
        let verdict = decide(&group, member(1), 1, GroupMode::Queue);
        assert!(verdict.entered.admitted);
        assert_eq!(verdict.moves, [(member(1), Active), (member(0), Waiting)]);
    }

    #[test]
    fn a_dead_member_keeps_a_place_that_nobody_needs() {
        let group = places(&[(Active, false), (Waiting, true)]);
        let verdict = decide(&group, member(1), 2, GroupMode::Queue);
        assert_eq!(verdict.moves, [(member(1), Active)]);
    }

    #[test]
    fn superseding_the_waiting_leaves_the_active_alone() {
        let group = places(&[(Active, true), (Waiting, true), (Waiting, true)]);
        let verdict = decide(&group, member(2), 1, GroupMode::SupersedeWaiting);
        assert_eq!(verdict.entered.superseded, [member(1)]);
        assert_eq!(verdict.entered.ahead, [member(0)]);
        assert_eq!(verdict.moves, [(member(1), Passed)]);
    }

    #[test]
    fn superseding_all_waits_until_the_active_have_left() {
        let group = places(&[(Active, true), (Waiting, true)]);
        let verdict = decide(&group, member(1), 1, GroupMode::Supersede);
        assert!(!verdict.entered.admitted);
        assert_eq!(verdict.entered.superseded, [member(0)]);
        assert_eq!(verdict.entered.ahead, [member(0)]);
    }

    #[test]
    fn a_repeated_entry_tells_the_same() {
        let group = places(&[(Passed, true), (Active, true)]);
        let verdict = decide(&group, member(1), 1, GroupMode::SupersedeWaiting);
        assert!(verdict.entered.admitted);
        assert_eq!(verdict.entered.superseded, [member(0)]);
        assert_eq!(verdict.moves, []);
    }

    #[test]
    fn who_was_passed_by_is_never_admitted() {
        let group = places(&[(Passed, true)]);
        assert!(
            !decide(&group, member(0), 1, GroupMode::Queue)
                .entered
                .admitted
        );
    }
}
