//! Finding and killing what outlived a killed executor.
//!
//! An executor's spawner kills everything when the executor dies, so there are leftovers only if both were
//! killed, or while the spawner is still at it. They are told by marks that every process of a task
//! inherits: three environment variables, and the name of its control group. The marks name the board and
//! the owner, an executor of a certain process, so that nothing is touched that belongs to another board or to an
//! executor that lives. A process is killed through a handle that cannot come to mean another one, after its
//! marks were read again.
//!
//! Out of reach without control groups: a process that cleared its environment, left its session and its
//! parent, and whose spawner was killed too.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::cgroup;
use crate::proc::{self, Environ, Life, Owner};
use crate::spawner::SPAWNER_NAME;

/// Environment variable: the attempt that a process belongs to.
pub const ATTEMPT_ENV: &str = "FORMIC_ATTEMPT";
/// Environment variable: the board that a process belongs to.
pub const STATE_ID_ENV: &str = "FORMIC_STATE_ID";
/// Environment variable: the executor that owns it, as `PID-START_TICKS-SERIAL`.
pub const OWNER_ENV: &str = "FORMIC_OWNER";

/// How long a dead executor's spawner may take to kill what it started, before it is killed as well.
const SPAWNER_PATIENCE: Duration = Duration::from_secs(5);
/// How long killed processes may take to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(10);
/// How long a process is left alone that is between two programs or on its last way.
const SETTLE_PATIENCE: Duration = Duration::from_millis(10);
/// Rounds of looking and killing. Each finds what was started during the one before.
const ROUNDS_MAX: u32 = 100;

/// A process that had outlived its executor, and was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its number.
    pub pid: i32,
    /// Its attempt, unless it had cleared its environment and was known by its control group.
    pub attempt: Option<String>,
    /// Its arguments in one line.
    pub command: String,
}

/// Why a board is not clear of leftovers.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Processes withstood.
    #[error("processes {pids:?} of an earlier run cannot be killed; end them by hand")]
    Alive {
        /// Their numbers.
        pids: Vec<i32>,
    },
}

/// Kills the processes of a board whose executor is dead, and removes its control groups. When this returns
/// `Ok`, none of them is alive. Takes some 20 microseconds for each process on the machine.
///
/// # Errors
/// If something cannot be killed.
pub fn sweep(state_id: &str) -> Result<Vec<Leftover>, SweepError> {
    let killed = kill_all(&Mark {
        state_id,
        owner: None,
    })?;
    remove_groups(state_id);
    Ok(killed)
}

/// Kills what a lost spawner of the calling process had started.
pub(crate) fn kill_own(state_id: &str, owner: Owner) -> Result<Vec<Leftover>, SweepError> {
    if let Some(own) = cgroup::places().v2 {
        cgroup::kill_group(&own.join(cgroup::base_name(state_id, owner)));
    }
    let killed = kill_all(&Mark {
        state_id,
        owner: Some(owner),
    })?;
    for own in own_places() {
        cgroup::remove_tree(&own.join(cgroup::base_name(state_id, owner)));
    }
    Ok(killed)
}

/// What to look for: processes of a board whose owner is this one, or is dead.
struct Mark<'a> {
    state_id: &'a str,
    owner: Option<Owner>,
}

/// What looking at a process showed.
enum Look {
    Marked(Found),
    Unmarked,
    /// For a moment it cannot be told.
    Unsettled,
}

/// A marked process.
struct Found {
    leftover: Leftover,
    is_spawner: bool,
}

impl Mark<'_> {
    fn is_wanted(&self, owner: Owner) -> bool {
        match self.owner {
            Some(wanted) => owner == wanted,
            None => !owner.is_alive(),
        }
    }

    fn look_at(&self, pid: i32) -> Look {
        let (environ, is_settled) = match proc::environ(pid) {
            Environ::Read(environ) => (environ, true),
            Environ::Hidden => (Vec::new(), true),
            Environ::Unsettled => (Vec::new(), false),
        };
        // A zombie is out of the way, though its group is still known.
        let is_over = proc::stat(pid).is_none_or(|stat| stat.life == Life::Zombie);
        let owner = self
            .owner_by_environ(&environ)
            .or_else(|| self.owner_by_group(pid));
        match owner {
            // Numbers of another namespace would make any owner look dead.
            Some(owner) if !is_over && self.is_wanted(owner) && proc::same_pid_namespace(pid) => {
                let command = proc::command_line(pid);
                let attempt = proc::env_value(&environ, ATTEMPT_ENV);
                let attempt = attempt.map(|name| String::from_utf8_lossy(name).into_owned());
                let is_spawner = command == SPAWNER_NAME;
                Look::Marked(Found {
                    is_spawner,
                    leftover: Leftover {
                        pid,
                        attempt,
                        command,
                    },
                })
            }
            None if !is_over && !is_settled => Look::Unsettled,
            Some(_) | None => Look::Unmarked,
        }
    }

    fn owner_by_environ(&self, environ: &[u8]) -> Option<Owner> {
        if proc::env_value(environ, STATE_ID_ENV)? != self.state_id.as_bytes() {
            return None;
        }
        std::str::from_utf8(proc::env_value(environ, OWNER_ENV)?)
            .ok()?
            .parse()
            .ok()
    }

    fn owner_by_group(&self, pid: i32) -> Option<Owner> {
        let prefix = cgroup::base_prefix(self.state_id);
        let cgroups = proc::cgroups(pid);
        cgroups
            .split(['/', '\n'])
            .find_map(|name| name.strip_prefix(&prefix)?.parse().ok())
    }
}

fn kill_all(mark: &Mark<'_>) -> Result<Vec<Leftover>, SweepError> {
    let spared = own_line();
    let mut killed = Vec::new();
    let mut alive = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let (mut found, mut unsettled) = (Vec::new(), Vec::new());
        for pid in proc::pids().into_iter().filter(|pid| !spared.contains(pid)) {
            match mark.look_at(pid) {
                Look::Marked(marked) => found.push(marked),
                Look::Unmarked => {}
                Look::Unsettled => unsettled.push(pid),
            }
        }
        alive = found.iter().map(|found| found.leftover.pid).collect();
        if found.is_empty() && wait_for_end(&unsettled, SETTLE_PATIENCE).is_empty() {
            return Ok(killed);
        }
        // A spawner kills more surely than we can: it also knows what hides its marks.
        let spawners: Vec<i32> = found
            .iter()
            .filter(|found| found.is_spawner)
            .map(|found| found.leftover.pid)
            .collect();
        if !spawners.is_empty() && wait_for_end(&spawners, SPAWNER_PATIENCE).is_empty() {
            continue;
        }
        let mut ending = Vec::new();
        for found in found {
            if kill(mark, found.leftover.pid) {
                ending.push(found.leftover.pid);
                if !found.is_spawner {
                    killed.push(found.leftover);
                }
            }
        }
        let withstood = wait_for_end(&ending, KILL_PATIENCE);
        if !withstood.is_empty() {
            return Err(SweepError::Alive { pids: withstood });
        }
    }
    // Those that stay unsettled are not known to be anybody's.
    if alive.is_empty() {
        Ok(killed)
    } else {
        Err(SweepError::Alive { pids: alive })
    }
}

/// Kills a process if it still is what it was found to be; whether it did.
fn kill(mark: &Mark<'_>, pid: i32) -> bool {
    let Some(handle) = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
    else {
        return false;
    };
    matches!(mark.look_at(pid), Look::Marked(_)) && pidfd_send_signal(handle, Signal::KILL).is_ok()
}

/// Waits for processes to end and returns those that have not. Zombies have.
fn wait_for_end(pids: &[i32], patience: Duration) -> Vec<i32> {
    let deadline = Instant::now() + patience;
    let handles = pids.iter().filter_map(|pid| {
        Some((
            *pid,
            pidfd_open(Pid::from_raw(*pid)?, PidfdFlags::empty()).ok()?,
        ))
    });
    let mut alive = Vec::new();
    for (pid, handle) in handles {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: left.as_secs().cast_signed(),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut fds = [PollFd::new(&handle, PollFlags::IN)];
        if !poll(&mut fds, Some(&timeout)).is_ok_and(|ready| ready > 0) {
            alive.push(pid);
        }
    }
    alive
}

/// The calling process and its ancestors.
fn own_line() -> Vec<i32> {
    let mut line = vec![proc::own_pid()];
    while let Some(stat) = line.last().and_then(|pid| proc::stat(*pid)) {
        if stat.parent == 0 || line.contains(&stat.parent) {
            break;
        }
        line.push(stat.parent);
    }
    line
}

/// Removes the control groups of dead executors of a board, as far as they are beside our own.
fn remove_groups(state_id: &str) {
    let prefix = cgroup::base_prefix(state_id);
    for own in own_places() {
        let Ok(entries) = std::fs::read_dir(&own) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let owner = name
                .to_str()
                .and_then(|name| name.strip_prefix(&prefix)?.parse::<Owner>().ok());
            if owner.is_some_and(|owner| !owner.is_alive()) {
                cgroup::remove_tree(&entry.path());
            }
        }
    }
}

fn own_places() -> Vec<PathBuf> {
    let places = cgroup::places();
    [places.v2, places.v1_memory, places.v1_pids]
        .into_iter()
        .flatten()
        .collect()
}
