//! The folders that attempts are given for their scripts and for what their steps write.
//!
//! Making and removing a folder and a script for each attempt costs more than anything else that a worker
//! does for a short one (measured: a third of a millisecond, part of it waiting for the disk). So a folder is
//! tidied and given to the next attempt. Folders are named after the first attempt that had them, and lie in a
//! folder of this process, which holds a lock on a file in it as long as it lives.
//!
//! Invariants
//! - An attempt finds its folder empty but for `scripts`.
//! - A script is what its step says, whatever earlier attempts did to the file.
//! - What a step made of folders in it may be large, and is not waited for: such a folder is not used again.
//! - What killed processes left is removed beside the first attempts; the folders of a process that lives are
//!   not touched, for its lock cannot be had.

use super::{open_at_once, tree};
use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Where scripts are in an attempt's folder.
const SCRIPTS: &str = "scripts";
/// The file in a process's folder on which it holds a lock.
const LOCK: &str = "lock";

/// The folders of one process.
pub(super) struct Folders {
    root: PathBuf,
    // Attempts are prepared and cleared on several threads, each for microseconds.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Made for the first attempt.
    own: Option<Own>,
    /// Folders that no attempt has at the moment; as many at most as attempts ran at once.
    free: Vec<PathBuf>,
    /// They remove what may be large: what dead processes left, what steps made. Nobody waits for them but the end.
    sweepers: Vec<JoinHandle<()>>,
}

/// The folder of a process that lives.
struct Own {
    dir: PathBuf,
    /// Locked; the kernel lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Folders {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            state: Mutex::default(),
        }
    }

    /// The folder of all of them, of all processes.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for the attempt called `name`.
    pub(super) fn take(&self, name: &str) -> io::Result<PathBuf> {
        let mut state = self.state();
        let free = state.free.pop();
        if let Some(dir) = free.filter(|dir| dir.is_dir()) {
            return Ok(dir);
        }
        if state.own.is_none() {
            state.own = Some(Own::make(&self.root)?);
            let root = self.root.clone();
            state.sweep(move || remove_left_behind(&root, |_| true));
        }
        let own = state.own.as_ref().expect("just made");
        let dir = own.dir.join(name);
        drop(state);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// Takes a folder back.
    pub(super) fn give_back(&self, dir: &Path) {
        match tidy(dir) {
            Ok(Tidied::Empty) => self.state().free.push(dir.to_owned()),
            Ok(Tidied::HasFolders) | Err(_) => {
                let dir = dir.to_owned();
                // What cannot be removed is only in the way.
                self.state().sweep(move || drop(fs::remove_dir_all(dir)));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let mut state = self.state();
        for sweeper in state.sweepers.drain(..) {
            // It has no state that a panic could spoil.
            drop(sweeper.join());
        }
        if let Some(own) = state.own.take() {
            drop(fs::remove_dir_all(own.dir));
        }
        drop(state);
        // Others may have theirs in it.
        drop(fs::remove_dir(&self.root));
    }
}

impl State {
    fn sweep(&mut self, remove: impl FnOnce() + Send + 'static) {
        self.sweepers.retain(|sweeper| !sweeper.is_finished());
        self.sweepers.push(std::thread::spawn(remove));
    }
}

impl Own {
    /// Takes the first number that nobody has.
    fn make(root: &Path) -> io::Result<Self> {
        for number in 1_u64.. {
            let dir = root.join(number.to_string());
            fs::create_dir_all(root)?;
            match fs::create_dir(&dir) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            if let Some(lock) = try_lock(&dir)? {
                return Ok(Self { dir, _lock: lock });
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }
}

/// The lock on a process's folder, if it can be had and the folder is still there.
fn try_lock(dir: &Path) -> io::Result<Option<File>> {
    let path = dir.join(LOCK);
    let mut how = File::options();
    let opened = how.create(true).truncate(false).write(true).open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Between opening and locking, somebody may have held the lock and removed the folder.
    let same = fs::metadata(&path).is_ok_and(|at| {
        file.metadata()
            .is_ok_and(|own| (own.dev(), own.ino()) == (at.dev(), at.ino()))
    });
    Ok(same.then_some(file))
}

/// Removes the worktrees that dead processes left in the folder of Formic's state. They are in the list of somebody's
/// repository until then.
pub fn remove_worktrees(state: &Path) {
    let has_worktree = |dir: &Path| {
        let mut attempts = fs::read_dir(dir).into_iter().flatten().flatten();
        attempts.any(|attempt| worktree_of(&attempt).is_dir())
    };
    remove_left_behind(&state.join("attempts"), has_worktree);
}

fn worktree_of(attempt: &fs::DirEntry) -> PathBuf {
    attempt.path().join(tree::FOLDER)
}

/// Removes the folders of processes that are dead. What cannot be removed is only in the way.
fn remove_left_behind(root: &Path, wanted: impl Fn(&Path) -> bool) {
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    for entry in entries.flatten() {
        let dir = entry.path();
        if !wanted(&dir) {
            continue;
        }
        let Ok(Some(lock)) = try_lock(&dir) else {
            continue;
        };
        for attempt in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let worktree = worktree_of(&attempt);
            if worktree.is_dir() {
                tree::remove(&worktree);
            }
        }
        drop(fs::remove_dir_all(&dir));
        drop(lock);
    }
}

/// What was made of a folder.
enum Tidied {
    /// Only its scripts are left.
    Empty,
    /// There are folders that a step made.
    HasFolders,
}

/// Removes the files in a folder but for the scripts.
fn tidy(dir: &Path) -> io::Result<Tidied> {
    let mut tidied = Tidied::Empty;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_dir = entry.file_type()?.is_dir();
        if is_dir && entry.file_name() == OsStr::new(SCRIPTS) {
            continue;
        }
        if is_dir {
            tidied = Tidied::HasFolders;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(tidied)
}

/// Makes sure that the folder's script called `name` is `text`; returns its place.
pub(super) fn put_script(dir: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let scripts = dir.join(SCRIPTS);
    let file = scripts.join(name);
    match fs::symlink_metadata(&file) {
        // Only a file that nobody else can have under another name is trusted.
        Ok(found) if found.is_file() && found.nlink() == 1 && found.len() == text.len() as u64 => {
            if read(&file).is_ok_and(|known| known == text.as_bytes()) {
                return Ok(file);
            }
            fs::remove_file(&file)?;
        }
        Ok(found) if found.is_dir() => fs::remove_dir_all(&file)?,
        Ok(_) => fs::remove_file(&file)?,
        Err(_) => fs::create_dir_all(&scripts)?,
    }
    let mut made = fs::File::create_new(&file)?;
    made.write_all(text.as_bytes())?;
    Ok(file)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut known = Vec::new();
    open_at_once(file)?.read_to_end(&mut known)?;
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders() -> (tempfile::TempDir, Folders) {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::new(dir.path().join("attempts"));
        (dir, folders)
    }

    fn listed(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn the_next_attempt_finds_nothing_of_the_one_before() {
        let (_root, folders) = folders();
        let dir = folders.take("r.1.1").unwrap();
        put_script(&dir, "0", "true").unwrap();
        fs::write(dir.join("0.output"), "a=b").unwrap();
        folders.give_back(&dir);
        let next = folders.take("r.2.1").unwrap();
        assert_eq!(next, dir);
        assert_eq!(listed(&next), ["scripts"]);
    }

    #[test]
    fn a_folder_in_which_a_step_made_folders_is_not_used_again() {
        let (root, folders) = folders();
        let dir = folders.take("r.1.1").unwrap();
        fs::create_dir_all(dir.join("large/tree")).unwrap();
        folders.give_back(&dir);
        let next = folders.take("r.2.1").unwrap();
        assert_ne!(next, dir);
        assert_eq!(listed(&next), [] as [&str; 0]);
        drop(folders);
        assert_eq!(listed(root.path()), [] as [&str; 0]);
    }

    #[test]
    fn folders_in_use_are_not_given_twice() {
        let (_root, folders) = folders();
        assert_ne!(
            folders.take("r.1.1").unwrap(),
            folders.take("r.2.1").unwrap()
        );
    }

    #[test]
    fn a_script_is_written_anew_when_it_is_not_what_it_should_be() {
        let (_root, folders) = folders();
        let dir = folders.take("r.1.1").unwrap();
        let file = put_script(&dir, "0", "true").unwrap();
        for spoil in [
            |file: &Path| fs::write(file, "evil").unwrap(),
            |file: &Path| fs::remove_file(file).unwrap(),
            |file: &Path| {
                fs::rename(file, file.with_extension("away")).unwrap();
                std::os::unix::fs::symlink(file.with_extension("away"), file).unwrap();
            },
            |file: &Path| {
                fs::remove_file(file).unwrap();
                fs::create_dir(file).unwrap();
            },
        ] {
            spoil(&file);
            put_script(&dir, "0", "true").unwrap();
            assert!(fs::symlink_metadata(&file).unwrap().is_file());
            assert_eq!(fs::read_to_string(&file).unwrap(), "true");
        }
    }

    #[test]
    fn what_a_dead_process_left_is_removed() {
        let (root, folders) = folders();
        // As `kill -9` leaves it: with a lock that nobody holds, or none yet.
        fs::create_dir_all(root.path().join("attempts/1/r.1.1/scripts")).unwrap();
        fs::write(root.path().join("attempts/1/lock"), "").unwrap();
        fs::create_dir_all(root.path().join("attempts/7")).unwrap();
        let dir = folders.take("r.1.1").unwrap();
        assert_eq!(listed(&dir), [] as [&str; 0]);
        drop(folders);
        assert_eq!(listed(root.path()), [] as [&str; 0]);
    }

    #[test]
    fn what_a_living_process_has_is_not_touched() {
        let (root, folders) = folders();
        let dir = folders.take("r.1.1").unwrap();
        put_script(&dir, "0", "true").unwrap();
        let others = Folders::new(root.path().join("attempts"));
        let other = others.take("r.1.1").unwrap();
        assert_ne!(dir, other);
        assert_eq!(listed(&dir), ["scripts"]);
        drop(others);
        assert_eq!(listed(&dir), ["scripts"]);
    }

    #[test]
    fn nothing_is_left_at_the_end() {
        let (root, folders) = folders();
        let dir = folders.take("r.1.1").unwrap();
        put_script(&dir, "0", "true").unwrap();
        folders.give_back(&dir);
        drop(folders);
        assert_eq!(listed(root.path()), [] as [&str; 0]);
    }
}
