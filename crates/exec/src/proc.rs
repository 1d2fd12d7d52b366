//! Reading `/proc`: who is whose child, which marks a process carries, since when it lives.
//!
//! A process may end between two reads, so everything is optional, and nothing here decides or kills. A
//! process is identified by its number *and* its start time, as numbers are used again.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

/// What `/proc/PID/stat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) parent: i32,
    pub(crate) session: i32,
    /// Since boot, in clock ticks.
    pub(crate) start_ticks: u64,
    pub(crate) life: Life,
    /// Was started with some variable. Known of our own user's processes.
    pub(crate) has_environment: bool,
}

/// How far a process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Runs, waits or is stopped.
    Running,
    /// Is between two programs: has memory, but no place for its environment in it yet.
    Executing,
    /// Has given up its memory, and with it all marks, but is not quite over.
    Exiting,
    /// Is over, and only waits to be reaped.
    Zombie,
}

/// Reads the state of a process.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name in parentheses may hold spaces and parentheses: fields are counted after the last one.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text[text.rfind(')')? + 1..]
        .split_ascii_whitespace()
        .collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    // The size of its memory, and where its environment ends, which is set last.
    let parent = fields.get(1)?.parse().ok()?;
    let life = match (*fields.first()?, number(20)?, number(48)) {
        ("Z" | "X", _, _) => Life::Zombie,
        // The kernel's own processes have no memory either; their parent is the second of them, or none.
        (_, 0, _) if !matches!(parent, 0 | 2) => Life::Exiting,
        (_, 0, _) => Life::Running,
        (_, _, Some(0)) => Life::Executing,
        _ => Life::Running,
    };
    Some(Stat {
        life,
        has_environment: number(48) > number(47),
        parent,
        session: fields.get(3)?.parse().ok()?,
        start_ticks: fields.get(19)?.parse().ok()?,
    })
}

/// The living and unreaped children of a process, of all its threads.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => found.extend(numbers(&text)),
            // A kernel without CONFIG_PROC_CHILDREN, or a thread that just ended: ask everybody.
            Err(_) => return children_by_search(pid),
        }
    }
    found
}

/// The children of the calling process, which has one thread: kept open, as it is read for each end.
pub(crate) struct OwnChildren(Option<File>);

impl OwnChildren {
    pub(crate) fn open() -> Self {
        Self(File::open("/proc/thread-self/children").ok())
    }

    /// Those that live or were not reaped.
    pub(crate) fn list(&self) -> Vec<i32> {
        let Some(file) = &self.0 else {
            return children_by_search(own_pid());
        };
        let mut text = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(size_bytes @ 1..) = file.read_at(&mut chunk, text.len() as u64) {
            text.extend_from_slice(&chunk[..size_bytes]);
        }
        numbers(&String::from_utf8_lossy(&text)).collect()
    }
}

fn children_by_search(parent: i32) -> Vec<i32> {
    pids()
        .into_iter()
        .filter(|pid| stat(*pid).is_some_and(|stat| stat.parent == parent))
        .collect()
}

/// A process and all below it, parents before children.
pub(crate) fn closure(root: i32) -> Vec<i32> {
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        for child in children(found[next]) {
            if !found.contains(&child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found
}

/// The numbers of all processes that can be seen.
pub(crate) fn pids() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// The number of the calling process.
pub(crate) fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

/// The environment a process was started with.
#[derive(Debug)]
pub(crate) enum Environ {
    Read(Vec<u8>),
    /// It is another user's, or gone.
    Hidden,
    /// It has none at this moment: it is between two programs, or on its last way.
    Unsettled,
}

/// Reads the environment of a process.
pub(crate) fn environ(pid: i32) -> Environ {
    let environ = match fs::read(format!("/proc/{pid}/environ")) {
        Ok(environ) if !environ.is_empty() => return Environ::Read(environ),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Environ::Hidden,
        // On its last way, either nothing is read or, in later kernels, it cannot be opened.
        Ok(_) | Err(_) => Vec::new(),
    };
    match stat(pid).map(|stat| (stat.life, stat.has_environment)) {
        // With one by now, though none was read: it began to run in between.
        Some((Life::Executing | Life::Exiting, _) | (Life::Running, true)) => Environ::Unsettled,
        // It was started without any.
        Some((Life::Running, false)) => Environ::Read(environ),
        Some((Life::Zombie, _)) | None => Environ::Hidden,
    }
}

/// The value of a variable in such an environment.
pub(crate) fn env_value<'a>(environ: &'a [u8], name: &str) -> Option<&'a [u8]> {
    environ.split(|byte| *byte == 0).find_map(|entry| {
        entry
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
    })
}

/// The arguments of a process in one line, for people.
pub(crate) fn command_line(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = bytes
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(String::from_utf8_lossy)
        .collect();
    words.join(" ")
}

/// Its control groups, one line for each hierarchy.
pub(crate) fn cgroups(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default()
}

/// Whether two processes number their processes alike.
pub(crate) fn same_pid_namespace(pid: i32) -> bool {
    let space = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    match (space(&pid.to_string()), space("self")) {
        (Some(theirs), Some(ours)) => theirs == ours,
        _ => false,
    }
}

fn numbers(text: &str) -> impl Iterator<Item = i32> + '_ {
    text.split_ascii_whitespace()
        .filter_map(|word| word.parse().ok())
}

/// An executor for all time: its process, by number and start, and which of that process's executors it is.
/// Written `PID-TICKS-SERIAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) pid: i32,
    pub(crate) start_ticks: u64,
    pub(crate) serial: u32,
}

impl Owner {
    /// Another executor of the calling process.
    pub(crate) fn new() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let pid = own_pid();
        let start_ticks = stat(pid)?.start_ticks;
        Some(Self {
            pid,
            start_ticks,
            serial: MADE.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// Whether that very process still runs.
    pub(crate) fn is_alive(&self) -> bool {
        stat(self.pid)
            .is_some_and(|stat| stat.start_ticks == self.start_ticks && stat.life != Life::Zombie)
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.pid, self.start_ticks, self.serial)
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let (Some(pid), Some(start_ticks), Some(serial), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(());
        };
        Ok(Self {
            pid: pid.parse().map_err(|_| ())?,
            start_ticks: start_ticks.parse().map_err(|_| ())?,
            serial: serial.parse().map_err(|_| ())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn life_is_told_by_state_memory_and_environment() {
        let life = |state, size, environment| {
            let zeroes = "0 ".repeat(26);
            let before =
                format!("42 (a) {state} 7 42 41 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345");
            parse_stat(&format!("{before} {size} {zeroes}9 {environment} 0")).map(|stat| stat.life)
        };
        assert_eq!(life("S", 4096, 7), Some(Life::Running));
        assert_eq!(life("R", 4096, 0), Some(Life::Executing));
        assert_eq!(life("R", 0, 0), Some(Life::Exiting));
        assert_eq!(life("Z", 0, 0), Some(Life::Zombie));
    }

    #[test]
    fn stat_is_read_after_the_last_parenthesis() {
        let text = "42 (a) b) c) S 7 42 41 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 99 1";
        let expected = Stat {
            parent: 7,
            session: 41,
            start_ticks: 12345,
            life: Life::Running,
            has_environment: false,
        };
        assert_eq!(parse_stat(text), Some(expected));
        assert_eq!(parse_stat("42 (cut"), None);
    }

    #[test]
    fn variable_is_found_by_its_whole_name() {
        let environ = b"AB=1\0A=2\0C=\0";
        assert_eq!(env_value(environ, "A"), Some(&b"2"[..]));
        assert_eq!(env_value(environ, "C"), Some(&b""[..]));
        assert_eq!(env_value(environ, "B"), None);
    }

    #[test]
    fn owner_is_known_again_by_number_and_start() {
        let own = Owner::new().expect("own stat is readable");
        assert!(own.is_alive());
        assert_eq!(own.to_string().parse(), Ok(own));
        assert!(
            !Owner {
                start_ticks: own.start_ticks + 1,
                ..own
            }
            .is_alive()
        );
        assert_ne!(Owner::new(), Some(own));
        assert_eq!("12-3".parse::<Owner>(), Err(()));
    }
}
