//! Control groups: where they can be had, and one for each tree of processes.
//!
//! Version 2 groups, with or without controllers, are what trees are killed by: a process cannot leave its
//! group by daemonising. Making and removing a directory costs more than starting a small process, so empty
//! groups without limits are used again. Limits bind in version 2 where controllers are delegated to us, or
//! in the memory and pids hierarchies of version 1 where we may write there. All groups are made below the
//! group that this process is in, so that whatever bounds us bounds our tasks.
//!
//! Nothing here is required: each part that cannot be had is left out, and the spawner does without.

mod files;
mod find;

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

pub(crate) use files::{kill_group, remove_tree};
pub(crate) use find::places;

use crate::command::Limits;
use crate::proc::Owner;
use files::{count_of, make_directory, members, open_for_writing, write};

/// The name of the group of all trees of one executor: found again by it after the executor was killed.
pub(crate) fn base_name(state_id: &str, owner: Owner) -> String {
    format!("{}{owner}", base_prefix(state_id))
}

/// The beginning of such a name, before the owner.
pub(crate) fn base_prefix(state_id: &str) -> String {
    format!("formic-{state_id}-")
}

/// The groups of one executor.
pub(crate) struct Groups {
    v2: Option<Version2>,
    v1_memory: Option<PathBuf>,
    v1_pids: Option<PathBuf>,
    /// Directories that could not be removed yet.
    garbage: Vec<PathBuf>,
}

struct Version2 {
    base: PathBuf,
    controllers: Controllers,
    free: Vec<Slot>,
    made: u32,
}

/// Which limits bind in version 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Controllers {
    pub(crate) memory: bool,
    pub(crate) pids: bool,
    pub(crate) cpu: bool,
}

/// A group of version 2 that a tree can be in.
struct Slot {
    path: PathBuf,
    directory: OwnedFd,
    procs: OwnedFd,
    events: File,
}

/// The groups of one tree.
#[derive(Default)]
pub(crate) struct TreeGroup {
    slot: Option<Slot>,
    /// Has limits, so that it is not used again.
    is_limited: bool,
    /// `cgroup.kill` was written, so that it is not used again: a process born into such a group may be
    /// killed at birth, because the kernel compares how often the group was killed with what the process
    /// knew before it was moved there (seen on 6.18, once in some ten reuses).
    was_killed: Cell<bool>,
    v1_memory: Option<Entered>,
    v1_pids: Option<Entered>,
    oom_kills: u64,
}

/// A group of version 1, entered by writing to its `cgroup.procs`.
struct Entered {
    path: PathBuf,
    procs: OwnedFd,
}

impl Groups {
    /// None at all.
    pub(crate) fn none() -> Self {
        Self {
            v2: None,
            v1_memory: None,
            v1_pids: None,
            garbage: Vec::new(),
        }
    }

    /// Makes the group of all trees, where that is possible. Only the processes in `ours` are moved, and
    /// only if no others are in our own group: a group that hands controllers down may hold none itself.
    pub(crate) fn prepare(name: &str, ours: &[i32]) -> Self {
        let places = places();
        let v2 = places.v2.and_then(|own| {
            let controllers = hand_down(&own, ours);
            let base = own.join(name);
            make_directory(&base).ok()?;
            let controllers = hand_on(&base, controllers);
            let mut v2 = Version2 {
                base,
                controllers,
                free: Vec::new(),
                made: 0,
            };
            // A first one, to see that it can be done.
            match v2.slot() {
                Ok(slot) => v2.free.push(slot),
                Err(_) => {
                    remove_tree(&v2.base);
                    return None;
                }
            }
            Some(v2)
        });
        // These are made when a tree with a limit comes.
        let v1_memory = places.v1_memory.map(|own| own.join(name));
        let v1_pids = places.v1_pids.map(|own| own.join(name));
        Self {
            v2,
            v1_memory,
            v1_pids,
            garbage: Vec::new(),
        }
    }

    /// Groups for a tree with these limits; those that cannot be had are left out.
    pub(crate) fn open(&mut self, limits: &Limits) -> TreeGroup {
        self.sweep_garbage();
        let mut group = TreeGroup {
            is_limited: limits.bind_tree(),
            was_killed: Cell::new(false),
            ..TreeGroup::default()
        };
        if let Some(v2) = &mut self.v2 {
            let unused = if group.is_limited {
                None
            } else {
                v2.free.pop()
            };
            group.slot = unused.or_else(|| v2.slot().ok());
        }
        if !group.is_limited {
            return group;
        }
        let controllers = self
            .v2
            .as_ref()
            .map(|v2| v2.controllers)
            .unwrap_or_default();
        if let Some(slot) = &group.slot {
            limit_slot(slot, controllers, limits);
        }
        if let (Some(bytes), Some(base), false) =
            (limits.memory_bytes, &self.v1_memory, controllers.memory)
        {
            group.v1_memory = enter(
                base,
                &[
                    ("memory.limit_in_bytes", bytes),
                    ("memory.memsw.limit_in_bytes", bytes),
                ],
            );
        }
        if let (Some(count), Some(base), false) = (limits.pids, &self.v1_pids, controllers.pids) {
            group.v1_pids = enter(base, &[("pids.max", count)]);
        }
        group.oom_kills = group.oom_kills_counted();
        group
    }

    /// Takes back the groups of a tree that no process is left of.
    pub(crate) fn close(&mut self, group: TreeGroup) {
        for entered in [group.v1_memory, group.v1_pids].into_iter().flatten() {
            self.garbage.push(entered.path);
        }
        let reusable = !group.is_limited && !group.was_killed.get();
        if let Some(slot) = group.slot {
            let has_subgroups =
                rustix::fs::fstat(&slot.directory).is_ok_and(|stat| stat.st_nlink > 2);
            match &mut self.v2 {
                Some(v2) if reusable && !has_subgroups => v2.free.push(slot),
                _ => self.garbage.push(slot.path),
            }
        }
        self.sweep_garbage();
    }

    /// Kills whatever is in any group.
    pub(crate) fn kill_all(&self) {
        if let Some(v2) = &self.v2 {
            kill_group(&v2.base);
        }
    }

    /// Removes everything that was made.
    pub(crate) fn remove(&mut self) {
        self.sweep_garbage();
        if let Some(v2) = self.v2.take() {
            remove_tree(&v2.base);
        }
        for base in [self.v1_memory.take(), self.v1_pids.take()]
            .into_iter()
            .flatten()
        {
            remove_tree(&base);
        }
    }

    /// Processes that have ended may hold a group for a moment after they were reaped.
    fn sweep_garbage(&mut self) {
        self.garbage.retain(|path| !remove_tree(path));
    }
}

impl Version2 {
    fn slot(&mut self) -> io::Result<Slot> {
        let path = self.base.join(self.made.to_string());
        make_directory(&path)?;
        let opened = Slot::open(path.clone());
        match &opened {
            Ok(_) => self.made += 1,
            // It would be made again and again while descriptors are short.
            Err(_) => drop(remove_tree(&path)),
        }
        opened
    }
}

impl Slot {
    fn open(path: PathBuf) -> io::Result<Self> {
        let directory = rustix::fs::open(
            &path,
            OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::PATH,
            Mode::empty(),
        )?;
        let procs = open_for_writing(&path.join("cgroup.procs"))?;
        let events = File::open(path.join("cgroup.events"))?;
        Ok(Self {
            path,
            directory,
            procs,
            events,
        })
    }

    fn is_populated(&self) -> bool {
        let mut text = [0; 64];
        // A group that cannot be read is one to be careful with.
        self.events.read_at(&mut text, 0).is_ok_and(|size| {
            count_of(&String::from_utf8_lossy(&text[..size]), "populated") != Some(0)
        })
    }
}

impl TreeGroup {
    /// The directory to be born in and its `cgroup.procs`.
    pub(crate) fn birthplace(&self) -> Option<(BorrowedFd<'_>, BorrowedFd<'_>)> {
        self.slot
            .as_ref()
            .map(|slot| (slot.directory.as_fd(), slot.procs.as_fd()))
    }

    /// The `cgroup.procs` of groups to enter.
    pub(crate) fn to_enter(&self) -> Vec<BorrowedFd<'_>> {
        [&self.v1_memory, &self.v1_pids]
            .into_iter()
            .flatten()
            .map(|entered| entered.procs.as_fd())
            .collect()
    }

    /// The processes in it; `None` if there are none.
    pub(crate) fn members(&self) -> Option<Vec<i32>> {
        let slot = self.slot.as_ref()?;
        slot.is_populated().then(|| members(&slot.path))
    }

    /// Kills whatever is in it.
    pub(crate) fn kill(&self) {
        if let Some(slot) = &self.slot {
            self.was_killed.set(true);
            kill_group(&slot.path);
        }
    }

    /// Whether a process is in it that has this `/proc/PID/cgroup`.
    pub(crate) fn holds(&self, cgroups: &str) -> bool {
        let Some(slot) = &self.slot else { return false };
        let mut names = slot.path.iter().rev().map(|name| name.to_string_lossy());
        let (Some(slot), Some(base)) = (names.next(), names.next()) else {
            return false;
        };
        let within = format!("/{base}/{slot}/");
        cgroups
            .lines()
            .any(|line| line.starts_with("0::") && format!("{line}/").contains(&within))
    }

    /// Whether the kernel killed one of its processes for lack of memory since this was last asked.
    pub(crate) fn oom_killed(&mut self) -> bool {
        if !self.is_limited {
            return false;
        }
        let counted = self.oom_kills_counted();
        let before = std::mem::replace(&mut self.oom_kills, counted);
        counted > before
    }

    /// The highest memory of all its processes together, where it is counted.
    pub(crate) fn memory_peak_bytes(&self) -> Option<u64> {
        if !self.is_limited {
            return None;
        }
        let v1 = self
            .v1_memory
            .as_ref()
            .map(|entered| entered.path.join("memory.max_usage_in_bytes"));
        let v2 = self.slot.as_ref().map(|slot| slot.path.join("memory.peak"));
        [v1, v2]
            .into_iter()
            .flatten()
            .find_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok())
    }

    fn oom_kills_counted(&self) -> u64 {
        let v1 = self
            .v1_memory
            .as_ref()
            .map(|entered| entered.path.join("memory.oom_control"));
        let v2 = self
            .slot
            .as_ref()
            .map(|slot| slot.path.join("memory.events"));
        [v1, v2]
            .into_iter()
            .flatten()
            .filter_map(|path| count_of(&fs::read_to_string(path).ok()?, "oom_kill"))
            .sum()
    }
}

/// Asks our own group to hand controllers to the groups below it, and says which it does.
fn hand_down(own: &Path, ours: &[i32]) -> Controllers {
    let offered = controllers(own, "cgroup.controllers");
    if offered == Controllers::default() {
        return offered;
    }
    let handed = hand_on(own, offered);
    if handed == offered || !only_ours(&members_of(own), ours) {
        return handed;
    }
    // The rule of version 2: a group with processes in it hands nothing down. They are all ours, so they
    // can move one level down.
    let aside = own.join(find::ASIDE);
    if make_directory(&aside).is_err() {
        return handed;
    }
    for pid in ours {
        if write(&aside.join("cgroup.procs"), &pid.to_string()).is_err() {
            return handed;
        }
    }
    hand_on(own, offered)
}

/// Hands controllers from a group to those below it, and says which of them it does hand on.
fn hand_on(group: &Path, offered: Controllers) -> Controllers {
    for (name, is_offered) in [
        ("memory", offered.memory),
        ("pids", offered.pids),
        ("cpu", offered.cpu),
    ] {
        if is_offered {
            // What could be done is read back.
            write(&group.join("cgroup.subtree_control"), &format!("+{name}")).ok();
        }
    }
    controllers(group, "cgroup.subtree_control")
}

/// Which of the controllers we know are in such a list.
pub(crate) fn controllers(group: &Path, file: &str) -> Controllers {
    let text = fs::read_to_string(group.join(file)).unwrap_or_default();
    let has = |name| text.split_ascii_whitespace().any(|word| word == name);
    Controllers {
        memory: has("memory"),
        pids: has("pids"),
        cpu: has("cpu"),
    }
}

/// The processes directly in a group.
pub(crate) fn members_of(group: &Path) -> Vec<i32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Whether a group holds some of our processes and no others.
pub(crate) fn only_ours(members: &[i32], ours: &[i32]) -> bool {
    !members.is_empty() && members.iter().all(|pid| ours.contains(pid))
}

fn limit_slot(slot: &Slot, controllers: Controllers, limits: &Limits) {
    let set = |file: &str, value: String| {
        // Not being able to set a limit leaves it to admission, as everywhere without controllers.
        write(&slot.path.join(file), &value).ok();
    };
    if let (Some(bytes), true) = (limits.memory_bytes, controllers.memory) {
        set("memory.max", bytes.to_string());
        set("memory.swap.max", "0".to_owned());
    }
    if let (Some(count), true) = (limits.pids, controllers.pids) {
        set("pids.max", count.to_string());
    }
    if let (Some(millicores), true) = (limits.cpu_millicores, controllers.cpu) {
        // Of every 100 ms, so that a thousandth of a core is 100 us.
        set(
            "cpu.max",
            format!("{} 100000", (millicores * 100).max(1000)),
        );
    }
}

/// Makes a group of version 1 with limits below a base; `None` if its first limit cannot be set.
fn enter(base: &Path, limits: &[(&str, u64)]) -> Option<Entered> {
    make_directory(base).ok()?;
    let path = (0_u32..)
        .map(|number| base.join(number.to_string()))
        .find_map(|path| match fs::create_dir(&path) {
            Ok(()) => Some(Some(path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
            Err(_) => Some(None),
        })??;
    for (place, (file, value)) in limits.iter().enumerate() {
        // The later ones (swap) are not there on every kernel.
        if write(&path.join(file), &value.to_string()).is_err() && place == 0 {
            remove_tree(&path);
            return None;
        }
    }
    match open_for_writing(&path.join("cgroup.procs")) {
        Ok(procs) => Some(Entered { path, procs }),
        Err(_) => {
            remove_tree(&path);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_moved_aside_only_among_ourselves() {
        assert!(only_ours(&[3, 4], &[3, 4, 5]));
        assert!(!only_ours(&[3, 4, 9], &[3, 4]));
        assert!(!only_ours(&[], &[3]));
    }

    fn left_in(dir: &Path) -> usize {
        fs::read_dir(dir).expect("it is there").count()
    }

    // In a folder that is no control group there is nothing to open, as where descriptors are short.

    #[test]
    fn a_group_that_cannot_be_opened_is_not_left_behind() {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let mut groups = Version2 {
            base: dir.path().to_owned(),
            controllers: Controllers::default(),
            free: Vec::new(),
            made: 0,
        };
        assert!(groups.slot().is_err());
        assert_eq!(left_in(dir.path()), 0);
    }

    #[test]
    fn a_group_with_a_limit_that_cannot_be_entered_is_not_left_behind() {
        let dir = tempfile::tempdir().expect("a folder can be made");
        assert!(enter(dir.path(), &[]).is_none());
        assert_eq!(left_in(dir.path()), 0);
    }
}
