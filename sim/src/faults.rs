//! Planted faults: each is one way in which the system could be wrong, as a wrapper of the store or of the way
//! between workers and processes. They exist to see whether [`crate::watch`] finds them.
//!
//! Nothing in production code knows of them. A fault changes nothing but what its line says.

mod store;
mod wire;

use crate::wire::{Honest, Wire};
use ::store::{MemoryStore, Store};
use std::sync::Arc;

/// What a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Who may write.
    Fence,
    /// Who wakes what waits.
    Wake,
    /// When somebody counts as gone.
    LeaseExpiry,
    /// What has to be done in the world.
    Outbox,
    /// How often, and after what pause, something is tried again.
    Retry,
    /// Stopping.
    Cancel,
    /// How many of a group are active at once.
    Group,
    /// Which results stand for running.
    Reuse,
}

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The store takes changes of whoever sends them, whatever they were computed from.
    FormerOwnersWrite,
    /// The store gives a run away whose owner lives.
    LivingOwnersAreReplaced,
    /// A report under an old lease is told under the newest one.
    OldReportsCount,
    /// A lease that one worker gets, another one gets too.
    LeasesAreGivenTwice,
    /// The store never says that somebody else wrote.
    WritesAreNotSeen,
    /// Timers are not read back.
    TimersAreForgotten,
    /// Answers that bring work never arrive.
    WorkIsNotTold,
    /// The store never says that a place in a group has become free.
    GroupsStayFull,
    /// Dead workers are renewed by somebody else.
    TheDeadRenew,
    /// Renewals never arrive.
    RenewalsAreLost,
    /// Workers are not told what they have lost.
    LossesAreNotTold,
    /// Leases of workers are not written.
    LeasesAreNotWritten,
    /// Effects are not written.
    EffectsAreNotWritten,
    /// Effects that are done stay on the board.
    EffectsAreNeverDone,
    /// Effects are not read back.
    EffectsAreNotOfferedAgain,
    /// Who leaves a group stays in it.
    GroupsAreNotLeft,
    /// Counters of attempts are not read back.
    CountersAreForgotten,
    /// A user's failure is told as the platform's.
    FailuresCostNothing,
    /// The failure of an attempt is told again for the next one.
    FailuresAreRepeated,
    /// The pause before the next attempt is read back as over.
    PausesAreSkipped,
    /// Workers are never told to stop an attempt.
    StopsAreNotTold,
    /// The store takes commands and does not keep them.
    CommandsAreNotKept,
    /// A cancel is read back as the weakest.
    CancelsAreWeakened,
    /// That an attempt is to stop is not written.
    StopsAreNotWritten,
    /// There is always room in a group.
    GroupsHaveRoom,
    /// The store gives the places of the living away, as if they were dead.
    PlacesOfTheLivingAreGiven,
    /// The store finds the result of another key.
    OtherResultsAreFound,
    /// The key of an attempt is told for the next one.
    KeysAreMixedUp,
    /// What was found for an attempt is not written.
    FindingsAreNotWritten,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 29] = [
        Self::FormerOwnersWrite,
        Self::LivingOwnersAreReplaced,
        Self::OldReportsCount,
        Self::LeasesAreGivenTwice,
        Self::WritesAreNotSeen,
        Self::TimersAreForgotten,
        Self::WorkIsNotTold,
        Self::GroupsStayFull,
        Self::TheDeadRenew,
        Self::RenewalsAreLost,
        Self::LossesAreNotTold,
        Self::LeasesAreNotWritten,
        Self::EffectsAreNotWritten,
        Self::EffectsAreNeverDone,
        Self::EffectsAreNotOfferedAgain,
        Self::GroupsAreNotLeft,
        Self::CountersAreForgotten,
        Self::FailuresCostNothing,
        Self::FailuresAreRepeated,
        Self::PausesAreSkipped,
        Self::StopsAreNotTold,
        Self::CommandsAreNotKept,
        Self::CancelsAreWeakened,
        Self::StopsAreNotWritten,
        Self::GroupsHaveRoom,
        Self::PlacesOfTheLivingAreGiven,
        Self::OtherResultsAreFound,
        Self::KeysAreMixedUp,
        Self::FindingsAreNotWritten,
    ];

    /// What it concerns.
    #[must_use]
    pub const fn area(self) -> Area {
        match self {
            Self::FormerOwnersWrite
            | Self::LivingOwnersAreReplaced
            | Self::OldReportsCount
            | Self::LeasesAreGivenTwice => Area::Fence,
            Self::WritesAreNotSeen
            | Self::TimersAreForgotten
            | Self::WorkIsNotTold
            | Self::GroupsStayFull => Area::Wake,
            Self::TheDeadRenew
            | Self::RenewalsAreLost
            | Self::LossesAreNotTold
            | Self::LeasesAreNotWritten => Area::LeaseExpiry,
            Self::EffectsAreNotWritten
            | Self::EffectsAreNeverDone
            | Self::EffectsAreNotOfferedAgain
            | Self::GroupsAreNotLeft => Area::Outbox,
            Self::CountersAreForgotten
            | Self::FailuresCostNothing
            | Self::FailuresAreRepeated
            | Self::PausesAreSkipped => Area::Retry,
            Self::StopsAreNotTold
            | Self::CommandsAreNotKept
            | Self::CancelsAreWeakened
            | Self::StopsAreNotWritten => Area::Cancel,
            Self::GroupsHaveRoom | Self::PlacesOfTheLivingAreGiven => Area::Group,
            Self::OtherResultsAreFound | Self::KeysAreMixedUp | Self::FindingsAreNotWritten => {
                Area::Reuse
            }
        }
    }

    /// The store with this fault over the true one.
    #[must_use]
    pub fn store(self, truth: MemoryStore) -> Arc<dyn Store> {
        store::faulty(self, truth)
    }

    /// The way between workers and processes, with the fault if there is one.
    #[must_use]
    pub fn wire(fault: Option<Self>) -> Box<dyn Wire> {
        fault.map_or_else(|| Box::new(Honest) as Box<dyn Wire>, wire::faulty)
    }
}

/// A fault that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many seeds it took.
    pub seeds: u64,
    /// The rule that it broke.
    pub rule: String,
}

/// Lives through seeds with the fault until a rule is broken, at most so many.
#[must_use]
pub fn hunt(fault: Fault, from: u64, most: u64) -> Option<Found> {
    (0..most).find_map(|number| {
        let rule = crate::live(from + number, Some(fault), false).broken?;
        let seeds = number + 1;
        Some(Found { seeds, rule })
    })
}
