//! How much work an evaluation may do, counted the same on every machine.
//!
//! One step is paid for every node evaluated and every element visited; functions pay more for long texts and for
//! regular expressions, in proportion to the work. The default is calibrated so that the dearest expression it
//! lets through ends within about 100 ms in a release build. Time itself is never looked at.

use crate::error::Error;

/// Longest text of one expression or template, in bytes.
pub const MAX_SOURCE_BYTES: usize = 256 * 1024;
/// Deepest nesting of an expression. Chains (`a + b + c`, `a.b.c`, `a ? b : c ? d : e`) do not count.
pub const MAX_NESTING: u32 = 160;
/// Longest string or bytes value made by an expression, in bytes.
pub const MAX_STRING_BYTES: usize = 1024 * 1024;
/// Deepest nesting of a value that an expression may touch or make.
pub const MAX_VALUE_DEPTH: u16 = 192;
/// Largest logical size of a value made by an expression: one per node and per 16 bytes of text.
pub const MAX_VALUE_WEIGHT: u32 = 1_000_000;
/// Steps of `Budget::default()`.
pub const DEFAULT_STEPS: u64 = 1_000_000;

/// The steps an evaluation may still take; pass one budget through several evaluations to bound their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    limit: u64,
    left: u64,
}

impl Budget {
    /// A budget of that many steps.
    pub fn new(steps: u64) -> Self {
        Self {
            limit: steps,
            left: steps,
        }
    }

    /// Steps taken so far.
    pub fn used(&self) -> u64 {
        self.limit - self.left
    }

    /// Pays one step.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<(), Box<Error>> {
        self.charge(1)
    }

    /// Pays several steps; on failure nothing is left.
    #[inline]
    pub(crate) fn charge(&mut self, steps: u64) -> Result<(), Box<Error>> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(self.exhausted())
            }
        }
    }

    #[cold]
    fn exhausted(&self) -> Box<Error> {
        Box::new(
            Error::limit(format!("expression needs more than {} steps", self.limit))
                .with_help("work on a shorter list or text, or do this work in a task"),
        )
    }
}

impl Default for Budget {
    /// `DEFAULT_STEPS` steps: about 100 ms of the dearest work, far more than any condition needs.
    fn default() -> Self {
        Self::new(DEFAULT_STEPS)
    }
}
