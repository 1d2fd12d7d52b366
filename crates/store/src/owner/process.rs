//! What the kernel says about processes: the one place that reads `/proc` for owners.

use super::Owner;
use model::time::Timestamp;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

/// Which machine, which start of it, which process namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The kernel's random id of this start of the machine.
    pub boot_id: String,
    /// Inode of the process namespace.
    pub pid_ns: u64,
}

/// Somebody who can see processes.
pub trait Probe {
    /// Where it looks from; `None` when it cannot be told.
    fn here(&self) -> Option<Here>;

    /// When the living process `pid` started, in ticks; `None` when there is none, or only its
    /// remains that nobody has waited for.
    fn start_ticks(&self, pid: u32) -> Option<u64>;
}

/// Looks into `/proc`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Proc;

impl Probe for Proc {
    fn here(&self) -> Option<Here> {
        here().ok()
    }

    fn start_ticks(&self, pid: u32) -> Option<u64> {
        living_start_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }
}

/// This process as an owner.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn this_process(nonce: u64, until: Timestamp) -> io::Result<Owner> {
    let Here { boot_id, pid_ns } = here()?;
    let pid = std::process::id();
    let start_ticks = Proc.start_ticks(pid).ok_or_else(|| {
        io::Error::other(format!("`/proc/{pid}/stat` does not show this process"))
    })?;
    let host = fs::read_to_string("/proc/sys/kernel/hostname")?;
    Ok(Owner {
        host: host.trim().to_owned(),
        boot_id,
        pid_ns,
        pid,
        start_ticks,
        nonce,
        until,
    })
}

fn here() -> io::Result<Here> {
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(Here {
        boot_id: boot_id.trim().to_owned(),
        pid_ns: fs::metadata("/proc/self/ns/pid")?.ino(),
    })
}

/// Field 22 of a line of `/proc/PID/stat`, unless field 3 says that the process is dead. The name in
/// field 2 may hold spaces and brackets, so fields count from behind the last bracket.
fn living_start_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21";

    #[test]
    fn the_start_is_found_behind_a_name_with_brackets() {
        assert_eq!(living_start_ticks(LINE), Some(4711));
    }

    #[test]
    fn a_process_that_nobody_waited_for_is_dead() {
        assert_eq!(living_start_ticks(&LINE.replace(" S ", " Z ")), None);
    }
}
