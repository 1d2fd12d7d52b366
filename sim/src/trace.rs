//! What happened, in order: as a digest always, as text when somebody wants to read it.

use model::time::Timestamp;
use std::fmt::{self, Write};

/// See the module.
#[derive(Debug)]
pub struct Trace {
    digest: u64,
    lines: Option<Vec<String>>,
    /// How many things happened.
    pub steps: u64,
}

impl Trace {
    /// Nothing has happened. `keeps`: whether the text is kept.
    #[must_use]
    pub fn new(keeps: bool) -> Self {
        Self {
            digest: 0xcbf2_9ce4_8422_2325,
            lines: keeps.then(Vec::new),
            steps: 0,
        }
    }

    /// Something happened.
    pub fn note(&mut self, now: Timestamp, what: fmt::Arguments<'_>) {
        self.steps += 1;
        let step = self.steps;
        self.write_fmt(format_args!("{} {what}\n", now.0))
            .expect("the digest takes every text");
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{step:>6} {:>8.3}s {what}", seconds(now)));
        }
    }

    /// The digest of everything that happened.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// The text, if it was kept.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "simulated times are small, and for people"
)]
fn seconds(now: Timestamp) -> f64 {
    now.0 as f64 / 1000.0
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
