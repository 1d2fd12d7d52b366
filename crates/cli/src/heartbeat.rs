//! A sign of life when nothing was said for a while, so that a long task never looks like a hang.
//!
//! A thread of its own wakes up once a second. It shares what it says with the narrator under a lock: a message
//! would have to be sent for every change, and nearly all of them would say nothing.

use crate::edge;
use crate::references::short;
use crate::text;
use crate::ui::{Progress, Ui};
use engine::machine::Machine;
use model::ids::RunId;
use model::time::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Nothing else was said for so long.
const SILENCE_MS: u64 = 30_000;
/// How often the thread looks.
const LOOK: Duration = Duration::from_secs(1);

/// The sign of life of one run.
pub(crate) struct Heartbeat(Arc<Mutex<Seen>>);

/// What is known of the run, and when it was last spoken of.
struct Seen {
    run: RunId,
    since: Timestamp,
    said_at: Timestamp,
    /// The task that runs longest, since when, and how many others run.
    longest: Option<(Timestamp, String, usize)>,
    left: u32,
    total: u32,
    is_over: bool,
}

impl Heartbeat {
    /// Begins to beat, unless the user wants no progress.
    pub(crate) fn new(run: RunId, since: Timestamp, ui: &Ui) -> Self {
        let seen = Arc::new(Mutex::new(Seen {
            run,
            since,
            said_at: since,
            longest: None,
            left: 0,
            total: 0,
            is_over: false,
        }));
        if !ui.wish.quiet && ui.wish.progress != Progress::None {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || beat(&seen));
        }
        Self(seen)
    }

    /// Takes in how the run stands.
    pub(crate) fn sees(&self, machine: &Machine) {
        let longest = machine.live().min_by_key(|attempt| attempt.leased_at);
        let others = machine.live().count().saturating_sub(1);
        let counts = machine.run().counts;
        let ended = counts.succeeded + counts.failed + counts.skipped + counts.canceled;
        let mut seen = lock(&self.0);
        seen.longest = longest.map(|attempt| {
            let key = text::plain(&machine.row(attempt.task).key);
            (attempt.leased_at, key, others)
        });
        seen.left = counts.total.saturating_sub(ended);
        seen.total = counts.total;
    }

    /// Something else was said.
    pub(crate) fn was_said(&self) {
        lock(&self.0).said_at = edge::now();
    }

    /// Ends it.
    pub(crate) fn stop(&self) {
        lock(&self.0).is_over = true;
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn beat(seen: &Mutex<Seen>) {
    loop {
        std::thread::sleep(LOOK);
        let mut seen = lock(seen);
        if seen.is_over {
            return;
        }
        let now = edge::now();
        if let Some(line) = seen.line(now) {
            seen.said_at = now;
            crate::ui::aside(&line);
        }
    }
}

impl Seen {
    /// What to say at `now`, if it is time.
    fn line(&self, now: Timestamp) -> Option<String> {
        if now.since_ms(self.said_at) < SILENCE_MS {
            return None;
        }
        let (run, clock) = (short(self.run), text::clock(now.since_ms(self.since)));
        let left = format!("{} of {} left", self.left, self.total);
        let what = match &self.longest {
            Some((since, key, others)) => {
                let more = match others {
                    0 => String::new(),
                    others => format!(", {others} more running"),
                };
                let took = text::duration(now.since_ms(*since));
                format!("{key:<16} still running {took}{more} ({left})")
            }
            None => format!("nothing runs, {left}"),
        };
        Some(format!("[{run}] {clock} {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_run_says_what_runs_longest() {
        let seen = Seen {
            run: RunId::from_random(0),
            since: Timestamp(0),
            said_at: Timestamp(54_000),
            longest: Some((Timestamp(40_000), "test[5]".to_owned(), 2)),
            left: 4,
            total: 14,
            is_over: false,
        };
        assert_eq!(seen.line(Timestamp(83_999)), None);
        let line =
            "[0000] 01:24.0 test[5]          still running 44.0s, 2 more running (4 of 14 left)";
        assert_eq!(seen.line(Timestamp(84_000)).as_deref(), Some(line));
    }
}
