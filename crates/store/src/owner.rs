//! Who owns a run: one process, by a lease that it renews and by being alive.
//!
//! On the machine and in the process namespace where the owner lives, the kernel says at once and
//! for certain whether it is alive. From elsewhere only the lease says so, later. The token is what
//! keeps two owners apart, not the liveness: see [`OwnerToken`].

pub mod process;

pub use process::{Probe, Proc};

use model::ids::RunId;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A process that owns runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Name of the machine, for people.
    pub host: String,
    /// The kernel's random id of this start of the machine.
    pub boot_id: String,
    /// Inode of the process namespace that `pid` counts in.
    pub pid_ns: u64,
    /// Process id.
    pub pid: u32,
    /// When the process started, in clock ticks since the machine did; a process id that is used
    /// again has another one.
    pub start_ticks: u64,
    /// Random, so that two owners never look alike even where the kernel tells nothing.
    pub nonce: u64,
    /// Until when those who cannot see the process count it as alive.
    pub until: Timestamp,
}

/// Proof of owning a run. Void as soon as another one was given out for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerToken {
    /// The run.
    pub run: RunId,
    /// Grows with every change of owner.
    pub fence: u64,
}

impl Owner {
    /// Whether the process still lives, as far as can be known from here.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp, probe: &dyn Probe) -> bool {
        let seen_from_here = probe
            .here()
            .is_some_and(|here| here.boot_id == self.boot_id && here.pid_ns == self.pid_ns);
        if seen_from_here {
            probe.start_ticks(self.pid) == Some(self.start_ticks)
        } else {
            now < self.until
        }
    }
}

#[cfg(test)]
mod tests {
    use super::process::Here;
    use super::*;

    struct Fake {
        boot_id: &'static str,
        living: Option<u64>,
    }

    impl Probe for Fake {
        fn here(&self) -> Option<Here> {
            Some(Here {
                boot_id: self.boot_id.into(),
                pid_ns: 1,
            })
        }
        fn start_ticks(&self, _pid: u32) -> Option<u64> {
            self.living
        }
    }

    fn owner() -> Owner {
        Owner {
            host: "h".into(),
            boot_id: "b".into(),
            pid_ns: 1,
            pid: 7,
            start_ticks: 100,
            nonce: 0,
            until: Timestamp(1_000),
        }
    }

    #[test]
    fn a_process_that_is_gone_is_dead_before_its_lease_ends() {
        let probe = Fake {
            boot_id: "b",
            living: None,
        };
        assert!(!owner().is_alive(Timestamp(0), &probe));
    }

    #[test]
    fn a_process_that_lives_outlives_its_lease() {
        let probe = Fake {
            boot_id: "b",
            living: Some(100),
        };
        assert!(owner().is_alive(Timestamp(5_000), &probe));
    }

    #[test]
    fn another_process_with_the_same_id_is_not_the_owner() {
        let probe = Fake {
            boot_id: "b",
            living: Some(101),
        };
        assert!(!owner().is_alive(Timestamp(0), &probe));
    }

    #[test]
    fn on_another_machine_only_the_lease_counts() {
        let probe = Fake {
            boot_id: "other",
            living: Some(100),
        };
        assert!(owner().is_alive(Timestamp(999), &probe));
        assert!(!owner().is_alive(Timestamp(1_000), &probe));
    }

    #[test]
    fn this_process_is_alive() {
        let owner = process::this_process(1, Timestamp(0)).unwrap();
        assert!(owner.is_alive(Timestamp(1), &Proc));
    }
}
