//! Points in time, in whole milliseconds since the Unix epoch.
//!
//! A value only: the clock is read at the edge and handed in as `now`.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// A time that no deadline reaches.
    pub const NEVER: Self = Self(i64::MAX);

    /// This time plus `duration_ms`; stays at [`Self::NEVER`] on overflow.
    #[must_use]
    pub const fn plus_ms(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_add_unsigned(duration_ms))
    }

    /// This time less `duration_ms`.
    #[must_use]
    pub const fn minus_ms(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_sub_unsigned(duration_ms))
    }

    /// Milliseconds from `earlier` to this time; 0 when the clock went backwards.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        let passed = self.0.saturating_sub(earlier.0);
        if passed < 0 { 0 } else { passed.unsigned_abs() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_backwards_measures_nothing() {
        assert_eq!(Timestamp(5).since_ms(Timestamp(9)), 0);
        assert_eq!(Timestamp(9).since_ms(Timestamp(5)), 4);
    }

    #[test]
    fn adding_to_never_stays_never() {
        assert_eq!(Timestamp::NEVER.plus_ms(1), Timestamp::NEVER);
    }
}
