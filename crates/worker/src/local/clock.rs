//! The time as one process lives it. Leases, pauses and time limits are measured by it.
//!
//! It begins with the clock of the machine and goes on with one that only goes forward. So a clock of the machine that
//! is set hours forwards ends no lease early, and one that is set hours backwards puts no deadline off. It stands still
//! while the process is stopped or the machine asleep, for then nothing was late.
//!
//! It is not the time of day: after the machine's clock was set, the two differ until the process ends. The process that
//! takes a run over afterwards moves what was recorded (`TakeOver` in the engine).

use model::time::Timestamp;
use std::time::Duration;

/// The most by which the time goes on between two looks at it. Somebody looks every 50 ms while a run goes on; after
/// a longer pause the process did not run at all.
const PAUSE_MS: u64 = 2_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Clock {
    /// The last look: by the clock that only goes forward, and what was said.
    looked: Option<(Duration, Timestamp)>,
}

impl Clock {
    /// A clock that nobody has looked at.
    #[must_use]
    pub const fn new() -> Self {
        Self { looked: None }
    }

    /// The time. `since` is what a clock that only goes forward says, `of_machine` what the machine's clock does; it is
    /// asked once.
    pub fn look(&mut self, since: Duration, of_machine: impl FnOnce() -> Timestamp) -> Timestamp {
        let (before, said) = self.looked.unwrap_or_else(|| (since, of_machine()));
        let passed = since.saturating_sub(before);
        let passed_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let counted_ms = passed_ms.min(PAUSE_MS);
        let now = said.plus_ms(counted_ms);
        // What is less than a millisecond counts at the next look.
        let until = before + Duration::from_millis(counted_ms);
        let at = if counted_ms == PAUSE_MS { since } else { until };
        self.looked = Some((at, now));
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    fn look(clock: &mut Clock, since_us: u64, of_machine_ms: u64) -> i64 {
        let of_machine = Timestamp(0).plus_ms(of_machine_ms);
        clock.look(Duration::from_micros(since_us), || of_machine).0
    }

    #[test]
    fn a_clock_of_the_machine_that_jumps_moves_nothing() {
        let mut clock = Clock::new();
        assert_eq!(look(&mut clock, 0, 5 * HOUR_MS), 18_000_000);
        assert_eq!(look(&mut clock, 10_000, 9 * HOUR_MS), 18_000_010);
        assert_eq!(look(&mut clock, 20_000, 0), 18_000_020);
    }

    #[test]
    fn parts_of_a_millisecond_are_not_lost() {
        let mut clock = Clock::new();
        look(&mut clock, 0, 0);
        let last = (1..=10)
            .map(|place| look(&mut clock, place * 300, 0))
            .last();
        assert_eq!(last, Some(3));
    }

    #[test]
    fn a_process_that_was_stopped_lost_no_time() {
        let mut clock = Clock::new();
        look(&mut clock, 0, 0);
        assert_eq!(look(&mut clock, 3_600_000_000, HOUR_MS), 2_000);
        assert_eq!(look(&mut clock, 3_600_005_000, HOUR_MS), 2_005);
    }
}
