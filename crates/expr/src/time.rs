//! Points and spans of time as the language has them.
//!
//! Timestamps reach from year 1 to year 9999 in nanoseconds, durations ten thousand years either way. Nothing here
//! reads a clock; time zones come from the database compiled into the program, so that every machine agrees.

mod calendar;
mod text;

pub(crate) use calendar::Civil;
pub use calendar::{is_zone, zones};

/// A point in time, in nanoseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

/// A span of time in nanoseconds, which may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Duration {
    seconds: i64,
    nanos: i32,
}

/// A text that is no time, or a time out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not in the expected form.
    #[error("expected a form such as {0}")]
    Form(&'static str),
    /// Outside of what the language can say.
    #[error("out of range")]
    Range,
    /// No such time zone.
    #[error("expected a time zone such as `Europe/Berlin` or `+02:00`")]
    Zone,
}
const NANOS: i128 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;
const MIN_SECONDS: i64 = -62_135_596_800;
const MAX_SECONDS: i64 = 253_402_300_799;
const MAX_DURATION_SECONDS: i64 = 315_576_000_000;

impl Timestamp {
    /// The point `seconds` and `nanos` after 1970-01-01 UTC.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, TimeError> {
        let in_range = (MIN_SECONDS..=MAX_SECONDS).contains(&seconds) && nanos < 1_000_000_000;
        in_range
            .then_some(Self { seconds, nanos })
            .ok_or(TimeError::Range)
    }

    /// Whole seconds since 1970-01-01 UTC, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after `seconds`.
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanos)
    }

    fn from_total(total: i128) -> Result<Self, TimeError> {
        let seconds = i64::try_from(total.div_euclid(NANOS)).map_err(|_| TimeError::Range)?;
        let nanos = u32::try_from(total.rem_euclid(NANOS)).map_err(|_| TimeError::Range)?;
        Self::new(seconds, nanos)
    }

    /// This point, later by a duration.
    pub fn plus(self, duration: Duration) -> Result<Self, TimeError> {
        Self::from_total(self.total() + duration.total())
    }

    /// This point, earlier by a duration.
    pub fn minus(self, duration: Duration) -> Result<Self, TimeError> {
        Self::from_total(self.total() - duration.total())
    }

    /// The time from `earlier` to this point.
    pub fn since(self, earlier: Self) -> Result<Duration, TimeError> {
        Duration::from_total(self.total() - earlier.total())
    }
}

impl Duration {
    fn from_total(total: i128) -> Result<Self, TimeError> {
        let seconds = i64::try_from(total / NANOS).map_err(|_| TimeError::Range)?;
        let nanos = i32::try_from(total % NANOS).map_err(|_| TimeError::Range)?;
        if seconds.abs() > MAX_DURATION_SECONDS {
            return Err(TimeError::Range);
        }
        Ok(Self { seconds, nanos })
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanos)
    }

    /// Whole seconds, towards zero.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds beyond `seconds`, of the same sign.
    pub fn nanos(self) -> i32 {
        self.nanos
    }

    /// Whether it is no time at all.
    pub fn is_zero(self) -> bool {
        self.seconds == 0 && self.nanos == 0
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, TimeError> {
        Self::from_total(self.total() + other.total())
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, TimeError> {
        Self::from_total(self.total() - other.total())
    }

    /// The same span in the other direction.
    pub fn negate(self) -> Result<Self, TimeError> {
        Self::from_total(-self.total())
    }
}
