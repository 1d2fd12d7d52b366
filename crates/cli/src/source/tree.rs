//! A working tree as Git would commit it, seen without changing the repository, also a read-only one.
//!
//! It is made with an index and an object folder of our own, which are removed when they have been looked at.

use crate::board::Board;
use crate::edge;
use crate::git::{self, Git, Status};
use anyhow::{Context as _, Result};
use model::digest::Digest;
use model::limits::SOURCE_DIFF_BYTES;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What Git says of a working tree.
pub(super) struct Seen {
    pub status: Status,
    pub tree: String,
    pub difference: Option<Spooled>,
}

/// The difference as far as it may be kept.
pub(super) struct Spooled {
    pub bytes: Vec<u8>,
    pub size_bytes: u64,
}

/// The digest of the tree with this id of Git.
pub(super) fn digest_of(tree: &str) -> Digest {
    Digest::of(format!("git tree {tree}").as_bytes())
}

/// Looks at the working tree.
///
/// # Errors
/// When Git refuses.
pub(super) fn look(git: &Git, board: &Board) -> Result<Seen> {
    let mut seen = Seen {
        status: git.status()?,
        tree: String::new(),
        difference: None,
    };
    match (&seen.status.commit, seen.status.dirty) {
        (Some(commit), false) => {
            let tree = format!("{commit}^{{tree}}");
            seen.tree = git::word(&git::run(git.command().args(["rev-parse", &tree]))?);
        }
        (commit, _) => {
            let staged = Staged::all_of(git, &board.dir)?;
            seen.tree = git::word(&git::run(staged.command(git).arg("write-tree"))?);
            if let Some(commit) = commit {
                seen.difference = Some(staged.difference(git, commit)?);
            }
        }
    }
    Ok(seen)
}

/// Every file that counts, in an index and an object folder of our own.
pub(super) struct Staged {
    folder: Scratch,
    /// The objects of the repository itself.
    objects: PathBuf,
}

impl Staged {
    /// Adds every file of `git`'s working tree, with a folder below `state` for what that takes.
    ///
    /// # Errors
    /// When Git refuses, or the folder cannot be written.
    pub(super) fn all_of(git: &Git, state: &Path) -> Result<Self> {
        let folder = Scratch::new(state)?;
        let index = folder.0.join("index");
        let original = git.git_dir.join("index");
        if original.exists() {
            fs::copy(&original, &index).context("cannot copy the index of Git")?;
            // Git trusts an entry only if it is older than the index; a younger copy would be trusted too much.
            let written = fs::metadata(&original).and_then(|metadata| metadata.modified());
            let set = |time| File::options().write(true).open(&index)?.set_modified(time);
            written
                .and_then(set)
                .context("cannot copy the index of Git")?;
        }
        fs::create_dir(folder.0.join("objects")).context("cannot make a folder for Git")?;
        let common = git
            .command()
            .args(["rev-parse", "--git-path", "objects"])
            .output();
        let common = common.context("cannot start `git`")?.stdout;
        let staged = Self {
            folder,
            objects: git.root.join(git::word(&common)),
        };
        // The objects are thrown away, so they need not be small.
        let compression = ["-c", "core.looseCompression=0"];
        git::run(
            staged
                .command(git)
                .args(compression)
                .args(["add", "--all", "--", "."]),
        )?;
        Ok(staged)
    }

    /// A `git` command that uses them.
    pub(super) fn command(&self, git: &Git) -> Command {
        let mut command = git.command();
        command
            .env("GIT_INDEX_FILE", self.folder.0.join("index"))
            .env("GIT_OBJECT_DIRECTORY", self.folder.0.join("objects"))
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &self.objects);
        command
    }

    /// The folders with the objects of this and of `other`.
    pub(super) fn objects_with(&self, other: &Self) -> OsString {
        let mut objects = self.objects.clone().into_os_string();
        objects.push(":");
        objects.push(other.folder.0.join("objects"));
        objects
    }

    fn difference(&self, git: &Git, commit: &str) -> Result<Spooled> {
        let mut command = self.command(git);
        command.args([
            "diff",
            "--cached",
            "--binary",
            "--full-index",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            "--submodule=short",
            commit,
            "--",
        ]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().context("cannot start `git`")?;
        let mut output = child.stdout.take().expect("standard output is a pipe");
        let mut bytes = Vec::new();
        (&mut output)
            .take(SOURCE_DIFF_BYTES as u64)
            .read_to_end(&mut bytes)?;
        let rest = io::copy(&mut output, &mut io::sink())?;
        let status = child.wait()?;
        anyhow::ensure!(status.success(), "`git diff` ended with {status}");
        let size_bytes = bytes.len() as u64 + rest;
        Ok(Spooled { bytes, size_bytes })
    }
}

/// A folder that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(state: &Path) -> Result<Self> {
        let path = state
            .join("tmp")
            .join(format!("source-{:016x}", edge::random()?));
        fs::create_dir_all(&path)
            .with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left of it is removed with the state folder; it holds nothing that anybody looks for.
        drop(fs::remove_dir_all(&self.0));
    }
}
