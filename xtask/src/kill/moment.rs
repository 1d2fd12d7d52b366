//! When to kill: drawn from several distributions, so that short states are met too.

use std::fmt;
use std::time::Duration;

/// What is known of an undisturbed run.
#[derive(Debug)]
pub(super) struct Extent {
    /// From its first row to its end.
    pub(super) took: Duration,
    /// Attempts that end.
    pub(super) ends: u64,
}

/// When to kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// So long after the first row.
    After(Duration),
    /// So long after the ledger has so many ends.
    AfterEnds(u64, Duration),
    /// So long after the ledger says this.
    AfterLine(&'static str, Duration),
}

/// Numbers from a seed.
pub(super) struct Draws(u64);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound` (splitmix64).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    fn micros(&mut self, bound: u64) -> Duration {
        Duration::from_micros(self.below(bound))
    }
}

impl Moment {
    /// The moment of the kill with this number: one in three anywhere in the run, the others where states are
    /// short: between a command's end and its durable end, while tasks are generated, and in `finally`.
    pub(super) fn draw(number: u32, draws: &mut Draws, extent: &Extent) -> Self {
        let took_us = u64::try_from(extent.took.as_micros()).unwrap_or(u64::MAX);
        match number % 6 {
            0 => Self::AfterEnds(1 + draws.below(extent.ends - 2), draws.micros(2_500)),
            1 | 2 => Self::AfterLine("end generate ", draws.micros(40_000)),
            3 => {
                let task = ["begin report ", "begin tidy "][usize::from(draws.below(2) == 1)];
                Self::AfterLine(task, draws.micros(25_000))
            }
            // Not the very end: a run that is over has nothing to show.
            _ => Self::After(draws.micros(took_us / 10 * 9)),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(time) => write!(f, "{time:.1?} after the start"),
            Self::AfterEnds(count, time) => write!(f, "{time:.1?} after end {count}"),
            Self::AfterLine(line, time) => write!(f, "{time:.1?} after `{}`", line.trim_end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64) -> Vec<Moment> {
        let extent = Extent {
            took: Duration::from_millis(900),
            ends: 26,
        };
        let mut draws = Draws::new(seed);
        (1..=20)
            .map(|number| Moment::draw(number, &mut draws, &extent))
            .collect()
    }

    #[test]
    fn a_seed_gives_the_same_moments_again() {
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
