//! The files of a control group: what is in them, and how a group is made, emptied and removed.

use std::fs;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Kills a group and all below it.
pub(crate) fn kill_group(path: &Path) {
    if write(&path.join("cgroup.kill"), "1").is_ok() {
        return;
    }
    // Before Linux 5.14.
    for pid in members(path) {
        if let Some(pid) = rustix::process::Pid::from_raw(pid) {
            // Whoever is gone by now needs no killing.
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
        }
    }
}

/// The processes in a group and all below it.
pub(super) fn members(path: &Path) -> Vec<i32> {
    let text = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    let mut found: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    for below in directories(path) {
        found.extend(members(&below));
    }
    found
}

/// Removes a group and all below it; whether it is gone.
pub(crate) fn remove_tree(path: &Path) -> bool {
    for below in directories(path) {
        remove_tree(&below);
    }
    match fs::remove_dir(path) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

pub(super) fn open_for_writing(path: &Path) -> io::Result<OwnedFd> {
    Ok(fs::OpenOptions::new().write(true).open(path)?.into())
}

pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}

/// The number after a word, in lines of `word number`.
pub(super) fn count_of(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        line.strip_prefix(word)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_found_by_their_whole_word() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
        assert_eq!(count_of(text, "oom_kill"), Some(3));
        assert_eq!(count_of("populated 1\nfrozen 0\n", "populated"), Some(1));
        assert_eq!(count_of("", "populated"), None);
    }
}
