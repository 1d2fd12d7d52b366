//! What this machine can do for tasks: how trees are killed and which limits bind. For `doctor`, and for
//! saying at admission whether a number is a promise or a wish.
//!
//! Found out by trying: a group is made in each place and removed again.

use std::fs;
use std::io;
use std::path::Path;

use crate::cgroup::{self, Controllers, places};
use crate::proc;

/// What can be had here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How what is left of an attempt is killed.
    pub tree_kill: TreeKill,
    /// Whether a tree is kept within its memory.
    pub memory: Binding,
    /// Whether a tree is kept within its number of processes.
    pub pids: Binding,
    /// Whether a tree is kept within its CPU.
    pub cpu: Binding,
}

/// How what is left of an attempt is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeKill {
    /// By its control group: nothing escapes.
    ControlGroup,
    /// By the spawner, which adopts orphans and knows them by session and environment. A process that left
    /// its session and its parent and cleared its environment lives until the executor ends.
    Subreaper {
        /// Why not by control group.
        why: String,
    },
}

/// Whether a limit binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// In control groups of version 2, by a controller that is delegated to us.
    CgroupV2,
    /// In control groups of version 1.
    CgroupV1,
    /// Not at all: it is only counted when a task is admitted.
    AdmissionOnly {
        /// Why.
        why: String,
    },
}

/// Finds out what this machine can do for the calling process.
pub fn capabilities() -> Capabilities {
    let places = places();
    let v2 = match &places.v2 {
        Some(own) => probe(own)
            .map(|()| own.as_path())
            .map_err(|error| cannot(own, &error)),
        None => Err("no cgroup v2 is mounted".to_owned()),
    };
    let controllers = match v2 {
        Ok(own) => obtainable(own),
        Err(_) => Controllers::default(),
    };
    let v1 = |own: &Option<std::path::PathBuf>| match own {
        Some(own) => probe(own).map_err(|error| cannot(own, &error)),
        None => Err(match &v2 {
            Ok(own) => format!("the controller is not delegated to `{}`", own.display()),
            Err(why) => why.clone(),
        }),
    };
    let binding = |in_v2: bool, in_v1: Result<(), String>| match (in_v2, in_v1) {
        (true, _) => Binding::CgroupV2,
        (false, Ok(())) => Binding::CgroupV1,
        (false, Err(why)) => Binding::AdmissionOnly { why },
    };
    Capabilities {
        memory: binding(controllers.memory, v1(&places.v1_memory)),
        pids: binding(controllers.pids, v1(&places.v1_pids)),
        // The quota of version 1 is not used.
        cpu: binding(controllers.cpu, v1(&None)),
        tree_kill: match v2 {
            Ok(_) => TreeKill::ControlGroup,
            Err(why) => TreeKill::Subreaper { why },
        },
    }
}

fn probe(own: &Path) -> io::Result<()> {
    let path = own.join(format!("formic-probe-{}", proc::own_pid()));
    fs::create_dir(&path)?;
    let entered = fs::OpenOptions::new()
        .write(true)
        .open(path.join("cgroup.procs"))
        .map(drop);
    fs::remove_dir(&path)?;
    entered
}

fn cannot(own: &Path, error: &io::Error) -> String {
    format!("no group can be made in `{}`: {error}", own.display())
}

/// Those that are handed down, or would be once we moved aside.
fn obtainable(own: &Path) -> Controllers {
    let handed = cgroup::controllers(own, "cgroup.subtree_control");
    let offered = cgroup::controllers(own, "cgroup.controllers");
    if cgroup::only_ours(&cgroup::members_of(own), &[proc::own_pid()]) {
        offered
    } else {
        handed
    }
}
