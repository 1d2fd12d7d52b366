//! The files of a source folder for `hash` and `glob`, as they are when an expression asks.
//!
//! A pattern matches paths below the folder as that of an artifact does: the name of a folder matches all in it, and
//! `*` stops at `/`. A pattern that begins with `!` leaves out what it matches. What is Git's or Formic's own is never
//! looked into, and links never followed. Everything is bounded, and comes to an early end when nobody waits for it.

use crate::own::Own;
use crate::patterns::{self, BadPattern};
use engine::steps::{FileKind, ListedFile, Listing};
use globset::GlobSet;
use model::digest::{Digest, DigestWriter};
use model::limits;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Tells a look at files, or the making of a place, that nobody waits for it any more.
#[derive(Debug, Clone, Default)]
pub struct CutShort(Arc<AtomicBool>);

impl CutShort {
    /// Nobody waits any more.
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The files below a folder.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    state: PathBuf,
    /// Found out when the first expression asks: most tasks ask for no files.
    own: OnceLock<Own>,
    cut_short: CutShort,
}

impl Files {
    /// Those below `root`, as long as somebody waits for what they come to. Formic's state is in `state`.
    #[must_use]
    pub fn below(root: PathBuf, state: &Path, cut_short: CutShort) -> Self {
        Self {
            root,
            state: state.to_owned(),
            own: OnceLock::new(),
            cut_short,
        }
    }

    fn own(&self) -> &Own {
        self.own.get_or_init(|| Own::below(&self.root, &self.state))
    }
}

impl Listing for Files {
    fn matching(&self, patterns: &[&str]) -> Result<Vec<ListedFile>, String> {
        let (out, wanted): (Vec<&str>, Vec<&str>) = patterns
            .iter()
            .partition(|pattern| pattern.starts_with('!'));
        let out: Vec<&str> = out.iter().map(|pattern| &pattern[1..]).collect();
        let shown = patterns.join("`, `");
        let mut walk = Walk {
            files: self,
            wanted: matcher(&wanted)?,
            out: matcher(&out)?,
            looked_at: 0,
            found: Vec::new(),
        };
        let beginnings = patterns::beginnings(wanted.iter().copied());
        for folder in beginnings {
            if self.own().closed(&folder).is_some() {
                continue;
            }
            walk.below(folder).map_err(|stop| match stop {
                Stop::TooMany(what, most) => {
                    format!("`{shown}` {what} more than {most} files; name a folder in the pattern")
                }
                Stop::Name(path) => format!(
                    "the name of the file `{}` is not UTF-8; leave it out with a pattern behind `!`",
                    path.display()
                ),
                Stop::Unreadable(path, error) => cannot_read(&path, &error),
                Stop::CutShort => NOBODY_WAITS.to_owned(),
            })?;
        }
        Ok(walk.found)
    }

    fn digest(&self, file: &ListedFile) -> Result<Digest, String> {
        let path = self.root.join(&file.path);
        let digest = match file.kind {
            FileKind::Link => {
                fs::read_link(&path).map(|leads_to| Digest::of(leads_to.as_os_str().as_bytes()))
            }
            FileKind::Plain | FileKind::Executable => self.of_content(&path, file.size_bytes),
        };
        digest.map_err(|error| cannot_read(&path, &error))
    }
}

/// Read by nobody: who cut the look short does not wait for its end.
const NOBODY_WAITS: &str = "the look at the files was cut short";

impl Files {
    /// The digest of a file's content. What is added while it is read is not read.
    fn of_content(&self, path: &Path, size_bytes: u64) -> io::Result<Digest> {
        let mut file = fs::File::open(path)?.take(size_bytes);
        let mut digest = DigestWriter::new();
        let mut piece = vec![0; 64 * 1024];
        loop {
            if self.cut_short.is_due() {
                return Err(io::Error::other(NOBODY_WAITS));
            }
            let count = file.read(&mut piece)?;
            if count == 0 {
                return Ok(digest.finish());
            }
            digest.update(&piece[..count]);
        }
    }
}

struct Walk<'a> {
    files: &'a Files,
    wanted: GlobSet,
    out: GlobSet,
    looked_at: usize,
    found: Vec<ListedFile>,
}

/// Why a walk did not come to its end.
enum Stop {
    TooMany(&'static str, usize),
    Name(PathBuf),
    Unreadable(PathBuf, io::Error),
    CutShort,
}

impl Walk<'_> {
    fn below(&mut self, folder: PathBuf) -> Result<(), Stop> {
        let mut left = vec![folder];
        while let Some(path) = left.pop() {
            self.looked_at += 1;
            if self.looked_at > limits::LOOKED_AT {
                return Err(Stop::TooMany("looks at", limits::LOOKED_AT));
            }
            if self.files.cut_short.is_due() {
                return Err(Stop::CutShort);
            }
            let whole = self.files.root.join(&path);
            let metadata = match fs::symlink_metadata(&whole) {
                Ok(metadata) => metadata,
                // It is not there, or went meanwhile.
                Err(error) if is_away(&error) => continue,
                Err(error) => return Err(Stop::Unreadable(whole, error)),
            };
            if !metadata.is_dir() {
                self.file(&path, &metadata)?;
                continue;
            }
            let entries = match fs::read_dir(&whole) {
                Ok(entries) => entries,
                Err(error) if is_away(&error) => continue,
                Err(error) => return Err(Stop::Unreadable(whole, error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| Stop::Unreadable(whole.clone(), error))?;
                let child = path.join(entry.file_name());
                if self.files.own().closed(&child).is_none() {
                    left.push(child);
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, metadata: &fs::Metadata) -> Result<(), Stop> {
        let kind = if metadata.is_symlink() {
            FileKind::Link
        } else if !metadata.is_file() {
            // A pipe or a device has no content of its own.
            return Ok(());
        } else if metadata.permissions().mode() & 0o100 != 0 {
            FileKind::Executable
        } else {
            FileKind::Plain
        };
        if !self.wanted.is_match(path) || self.out.is_match(path) {
            return Ok(());
        }
        if self.found.len() == limits::LISTED_FILES {
            return Err(Stop::TooMany("matches", limits::LISTED_FILES));
        }
        let name = path.to_str().ok_or_else(|| Stop::Name(path.to_owned()))?;
        self.found.push(ListedFile {
            path: name.to_owned(),
            kind,
            size_bytes: metadata.len(),
        });
        Ok(())
    }
}

fn is_away(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("cannot read `{}`: {error}", path.display())
}

fn matcher(patterns: &[&str]) -> Result<GlobSet, String> {
    patterns::matcher(patterns.iter().copied()).map_err(|bad| match bad {
        BadPattern::LeadsOut(pattern) => {
            format!("the pattern `{pattern}` leads out of the source")
        }
        BadPattern::Malformed(pattern, why) => format!("pattern `{pattern}`: {why}"),
        BadPattern::Together(why) => why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::steps::{glob, hash};

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Files) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = Files::below(
            dir.path().to_owned(),
            &dir.path().join("board"),
            CutShort::default(),
        );
        (dir, files)
    }

    #[test]
    fn patterns_find_files_at_any_depth_and_whole_folders() {
        let (_dir, files) = folder(&[
            ("a.rs", ""),
            ("src/b.rs", ""),
            ("src/x/c.rs", ""),
            ("d", ""),
        ]);
        assert_eq!(
            glob(&files, &["**/*.rs"]).unwrap(),
            ["a.rs", "src/b.rs", "src/x/c.rs"]
        );
        assert_eq!(glob(&files, &["*.rs"]).unwrap(), ["a.rs"]);
        assert_eq!(glob(&files, &["src"]).unwrap(), ["src/b.rs", "src/x/c.rs"]);
        assert_eq!(glob(&files, &["./src/", "!src/x"]).unwrap(), ["src/b.rs"]);
        assert_eq!(glob(&files, &["nothing/*"]).unwrap(), [""; 0]);
    }

    #[test]
    fn the_files_of_git_and_of_formic_are_not_found() {
        let (_dir, files) = folder(&[
            (".git/config", ""),
            ("sub/.git", ""),
            (".formic/state/board", ""),
            ("board/logs/1", ""),
            (".formic/ci.yaml", ""),
        ]);
        assert_eq!(glob(&files, &["**"]).unwrap(), [".formic/ci.yaml"]);
        assert_eq!(glob(&files, &["."]).unwrap(), [".formic/ci.yaml"]);
        assert_eq!(glob(&files, &[".git/*"]).unwrap(), [""; 0]);
    }

    #[test]
    fn links_are_files_of_their_own() {
        let (dir, files) = folder(&[("a/x", "1")]);
        std::os::unix::fs::symlink("a", dir.path().join("b")).unwrap();
        assert_eq!(glob(&files, &["**"]).unwrap(), ["a/x", "b"]);
        let before = hash(&files, &["b"]).unwrap();
        fs::write(dir.path().join("a/x"), "2").unwrap();
        assert_eq!(hash(&files, &["b"]).unwrap(), before);
    }

    #[test]
    fn a_hash_follows_content_and_mode_and_not_time() {
        let (dir, files) = folder(&[("a", "1")]);
        let first = hash(&files, &["a"]).unwrap();
        fs::write(dir.path().join("a"), "2").unwrap();
        assert_ne!(hash(&files, &["a"]).unwrap(), first);
        fs::write(dir.path().join("a"), "1").unwrap();
        assert_eq!(hash(&files, &["a"]).unwrap(), first);
        fs::set_permissions(dir.path().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(hash(&files, &["a"]).unwrap(), first);
    }

    #[test]
    fn a_pattern_may_not_lead_out() {
        let (_dir, files) = folder(&[]);
        for pattern in ["../*", "/etc/passwd", "a/../../b"] {
            let error = glob(&files, &[pattern]).unwrap_err();
            assert_eq!(
                error,
                format!("the pattern `{pattern}` leads out of the source")
            );
        }
    }

    #[test]
    fn a_look_that_nobody_waits_for_comes_to_an_early_end() {
        let (_dir, files) = folder(&[("a", "1")]);
        let found = files.matching(&["a"]).unwrap();
        files.cut_short.now();
        assert_eq!(files.matching(&["a"]).unwrap_err(), NOBODY_WAITS);
        assert!(files.digest(&found[0]).is_err());
    }
}
