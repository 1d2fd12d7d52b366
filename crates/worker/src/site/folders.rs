//! The folders that attempts are given for their scripts and for what their steps write.
//!
//! Making and removing a folder and a script for each attempt costs more than anything else that a worker
//! does for a short one (measured: a third of a millisecond, part of it waiting for the disk). So a folder is
//! tidied and given to the next attempt. Folders are named after the first attempt that had them, which no other
//! process can use as a name.
//!
//! Invariants
//! - An attempt finds its folder empty but for `scripts`.
//! - A script is what its step says, whatever earlier attempts did to the file.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where scripts are in an attempt's folder.
const SCRIPTS: &str = "scripts";

/// Folders that no attempt has at the moment; as many at most as attempts ran at once.
pub(super) struct Folders {
    root: PathBuf,
    // Attempts are prepared and cleared on several threads, each for microseconds.
    free: Mutex<Vec<PathBuf>>,
}

impl Folders {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            free: Mutex::new(Vec::new()),
        }
    }

    /// A folder for the attempt called `name`.
    pub(super) fn take(&self, name: &str) -> io::Result<PathBuf> {
        let free = self.free().pop();
        if let Some(dir) = free.filter(|dir| dir.is_dir()) {
            return Ok(dir);
        }
        let dir = self.root.join(name);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// Takes a folder back.
    pub(super) fn give_back(&self, dir: &Path) {
        match tidy(dir) {
            Ok(()) => self.free().push(dir.to_owned()),
            // What cannot be removed is only in the way.
            Err(_) => drop(fs::remove_dir_all(dir)),
        }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<PathBuf>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        for dir in self.free().drain(..) {
            drop(fs::remove_dir_all(dir));
        }
        // Others may have theirs in it.
        drop(fs::remove_dir(&self.root));
    }
}

/// Removes everything but the scripts.
fn tidy(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_dir = entry.file_type()?.is_dir();
        if is_dir && entry.file_name() == OsStr::new(SCRIPTS) {
            continue;
        }
        if is_dir {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes sure that the folder's script called `name` is `text`; returns its place.
pub(super) fn put_script(dir: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let scripts = dir.join(SCRIPTS);
    let file = scripts.join(name);
    match fs::symlink_metadata(&file) {
        // Only a file that nobody else can have under another name is trusted.
        Ok(found) if found.is_file() && found.nlink() == 1 && found.len() == text.len() as u64 => {
            if fs::read(&file).is_ok_and(|known| known == text.as_bytes()) {
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
        fs::create_dir(dir.join("tree")).unwrap();
        folders.give_back(&dir);
        let next = folders.take("r.2.1").unwrap();
        assert_eq!(next, dir);
        assert_eq!(listed(&next), ["scripts"]);
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
    fn nothing_is_left_at_the_end() {
        let (root, folders) = folders();
        let dir = folders.take("r.1.1").unwrap();
        put_script(&dir, "0", "true").unwrap();
        folders.give_back(&dir);
        drop(folders);
        assert_eq!(listed(root.path()), [] as [&str; 0]);
    }
}
