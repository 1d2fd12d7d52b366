//! Identities. Each is a type of its own, so that one is never passed for another.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The digits of Crockford's base 32, lower case: no `i`, `l`, `o`, `u`.
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// One run: 12 random Crockford base-32 characters (60 bits). Carries no order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId([u8; Self::LEN]);

/// A text that is not a run id or a prefix of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run id; expected up to 12 characters of 0-9 and a-z without i, l, o, u")]
pub struct InvalidRunId(String);

impl RunId {
    /// Characters in a whole id.
    pub const LEN: usize = 12;

    /// The id made of the low 60 bits of `random`.
    #[must_use]
    pub fn from_random(random: u64) -> Self {
        Self(std::array::from_fn(|place| {
            let shift = 5 * (Self::LEN - 1 - place);
            CROCKFORD[(random >> shift & 31) as usize]
        }))
    }

    /// The 12 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0)
            .expect("a run id holds only ASCII digits of Crockford's base 32")
    }

    /// Reads `text` as the beginning of a run id, in either case.
    ///
    /// # Errors
    /// When it is empty, longer than an id, or holds another character.
    pub fn prefix(text: &str) -> Result<String, InvalidRunId> {
        let lower = text.to_ascii_lowercase();
        let fits = (1..=Self::LEN).contains(&lower.len())
            && lower.bytes().all(|byte| CROCKFORD.contains(&byte));
        fits.then_some(lower)
            .ok_or_else(|| InvalidRunId(text.chars().take(40).collect()))
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = Self::prefix(text)?.into_bytes();
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| InvalidRunId(text.to_owned()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RunId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Position of a task row in its run; given out in order of creation and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskNo(pub u32);

impl TaskNo {
    /// As an index into the rows of its run.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Position of a task definition in a [`crate::plan::Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DefNo(pub u32);

impl DefNo {
    /// As an index into [`crate::plan::Plan::tasks`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Position of a scope in a [`crate::plan::Plan`]; 0 is the pipeline itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeNo(pub u32);

impl ScopeNo {
    /// The pipeline itself.
    pub const ROOT: Self = Self(0);

    /// As an index into [`crate::plan::Plan::scopes`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Which try of a task: 1 is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttemptNo(pub u32);

/// Fencing token of a lease: strictly growing within a run, so that a report under an older lease is refused.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Token(pub u64);

/// One attempt of one task of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The run.
    pub run: RunId,
    /// The task in the run.
    pub task: TaskNo,
    /// The try.
    pub attempt: AttemptNo,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.run, self.task.0, self.attempt.0)
    }
}

/// A worker process, named by whoever starts it; unique on a board.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub String);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_has_twelve_characters_and_reads_back() {
        let id = RunId::from_random(0x0123_4567_89ab_cdef);
        assert_eq!(id.as_str().len(), 12);
        assert_eq!(id.as_str().parse(), Ok(id));
        assert_eq!(id.as_str().to_uppercase().parse(), Ok(id));
    }

    #[test]
    fn the_lowest_sixty_bits_decide() {
        assert_eq!(RunId::from_random(0).as_str(), "000000000000");
        assert_eq!(RunId::from_random(31).as_str(), "00000000000z");
        assert_eq!(RunId::from_random(u64::MAX).as_str(), "zzzzzzzzzzzz");
    }

    #[test]
    fn letters_that_look_like_digits_are_refused() {
        assert!(RunId::prefix("l0").is_err());
        assert_eq!(RunId::prefix("K3F9").as_deref(), Ok("k3f9"));
        assert!(RunId::prefix("").is_err());
    }
}
