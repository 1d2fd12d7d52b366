//! The recorded source of a run, found again: the working tree if it is the same, else a worktree of commit plus difference.

use super::tree::{Staged, digest_of, look};
use super::turn;
use crate::board::Board;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::git::{self, Found, Git};
use crate::text;
use anyhow::{Context as _, Result};
use model::digest::Digest;
use model::ids::RunId;
use model::limits::SOURCE_DIFF_BYTES;
use model::source::{Difference, Source};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use store::BlobStore as _;

/// Where the recorded source of a run is, now.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The folder to run in, if that is not the project's.
    pub dir: Option<PathBuf>,
    /// What has to be said about it.
    pub notes: Vec<String>,
    /// Whether the working tree would have been taken if it had not changed.
    pub has_changed: bool,
}

/// Which places will do for a recorded source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// The working tree if it is the same, else a worktree; `here` is the command that takes the tree as it is.
    Any { here: &'a str },
    /// A worktree, wherever one can be had.
    Worktree,
}

/// Finds the recorded source `recorded` again for the run `run`: in place if the tree of `dir` is the same, else
/// in a worktree of commit plus difference.
///
/// # Errors
/// When neither can be had.
pub(crate) fn find_again(
    recorded: &Source,
    run: RunId,
    dir: &Path,
    wanted: Wanted<'_>,
    board: &Board,
) -> Result<Place> {
    let in_place = |note: Option<String>| Place {
        // A folder that was moved is not where it was recorded.
        dir: (dir.display().to_string() != recorded.dir).then(|| dir.to_owned()),
        notes: note.into_iter().collect(),
        has_changed: false,
    };
    let Some(tree) = recorded.tree else {
        let note = "the source of the run was not recorded: the tree is taken as it is";
        return Ok(in_place(Some(note.to_owned())));
    };
    let git = match Git::find(dir)? {
        Found::Repository(git) => git,
        Found::NoProgram | Found::NoRepository | Found::Refused(_) => {
            return Err(lost("Git does not answer here any more").into());
        }
    };
    let is_same = look(&git, board).is_ok_and(|seen| digest_of(&seen.tree) == tree);
    if recorded.commit.is_none() && !is_same {
        let note = "there was no commit to go back to: the tree is taken as it is";
        return Ok(in_place(Some(note.to_owned())));
    }
    if is_same && (wanted != Wanted::Worktree || recorded.commit.is_none()) {
        return Ok(in_place(None));
    }
    let folder = worktree(board, run);
    let inside = dir.strip_prefix(&git.root).unwrap_or(Path::new(""));
    let place = folder.join(inside);
    if !is_whole(&folder, tree, board) {
        restore(&git, recorded, &folder, board)?;
        if !is_whole(&folder, tree, board) {
            return Err(lost("commit and difference do not give the recorded tree").into());
        }
    }
    let commit = recorded.commit.as_deref().unwrap_or_default();
    let commit = commit.get(..7).unwrap_or(commit);
    let plus = match recorded.difference {
        Difference::None => "",
        Difference::Kept { .. } | Difference::TooLarge { .. } => " plus the recorded changes",
    };
    let what = format!("this runs in a clean worktree of {commit}{plus}");
    let notes = match wanted {
        Wanted::Any { here } if !is_same => {
            let differing = differing(&git, &folder, board);
            vec![
                format!("the tree has changed{differing}: {what}"),
                format!(
                    "files that finished tasks left in the tree are not there, only declared artifacts; \
                     `{here}` takes the tree as it is"
                ),
            ]
        }
        Wanted::Any { .. } | Wanted::Worktree => vec![what],
    };
    Ok(Place {
        dir: Some(place),
        notes,
        has_changed: !is_same,
    })
}

/// The first file that is not as it was recorded, in words; nothing if that cannot be found out.
fn differing(git: &Git, recorded: &Path, board: &Board) -> String {
    let found = files_differing(git, recorded, board).unwrap_or_default();
    let Some(first) = found.first() else {
        return String::new();
    };
    let first = text::plain(first);
    match found.len() - 1 {
        0 => format!(" (`{first}`)"),
        more => format!(" (`{first}` and {})", text::count(more, "more file")),
    }
}

/// The files in which the working tree differs from the one that was recorded and stands in `recorded`.
fn files_differing(git: &Git, recorded: &Path, board: &Board) -> Result<Vec<String>> {
    let Found::Repository(other) = Git::find(recorded)? else {
        return Ok(Vec::new());
    };
    let (now, then) = (
        Staged::all_of(git, &board.dir)?,
        Staged::all_of(&other, &board.dir)?,
    );
    let tree = |staged: &Staged, git: &Git| -> Result<String> {
        Ok(git::word(&git::run(staged.command(git).arg("write-tree"))?))
    };
    let (new, old) = (tree(&now, git)?, tree(&then, &other)?);
    let mut diff = now.command(git);
    diff.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", now.objects_with(&then));
    diff.args([
        "diff-tree",
        "-r",
        "-z",
        "--name-only",
        "--no-renames",
        &old,
        &new,
    ]);
    let printed = git::run(&mut diff)?;
    let names = printed
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    Ok(names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect())
}

/// Removes the worktree that was made for `run`, if one was.
pub(crate) fn forget(run: RunId, board: &Board) {
    turn::forget(run, board);
    let folder = worktree(board, run);
    if !folder.exists() {
        return;
    }
    if let Ok(Found::Repository(git)) = Git::find(&folder) {
        let mut command = git.command();
        command
            .args(["worktree", "remove", "--force", "--"])
            .arg(&folder);
        // If Git does not know it any more, the folder goes all the same.
        drop(git::run(&mut command));
    }
    drop(fs::remove_dir_all(&folder));
}

/// Whether a worktree was made for `run`, in which it goes on.
pub(crate) fn has_worktree(run: RunId, board: &Board) -> bool {
    worktree(board, run).exists()
}

fn worktree(board: &Board, run: RunId) -> PathBuf {
    board.dir.join("sources").join(run.as_str())
}

fn is_whole(folder: &Path, tree: Digest, board: &Board) -> bool {
    if !folder.join(".git").exists() {
        return false;
    }
    match Git::find(folder) {
        Ok(Found::Repository(git)) => {
            look(&git, board).is_ok_and(|seen| digest_of(&seen.tree) == tree)
        }
        Ok(Found::NoProgram | Found::NoRepository | Found::Refused(_)) | Err(_) => false,
    }
}

fn restore(git: &Git, recorded: &Source, folder: &Path, board: &Board) -> Result<()> {
    let Some(commit) = &recorded.commit else {
        return Err(lost("there was no commit yet").into());
    };
    let patch = match recorded.difference {
        Difference::None => Vec::new(),
        Difference::Kept { digest, .. } => board
            .blobs
            .read(&digest, SOURCE_DIFF_BYTES)
            .with_context(|| lost("its changes are not on the board any more"))?,
        Difference::TooLarge { size_bytes } => {
            let size = text::size(size_bytes);
            return Err(lost(&format!("its changes took {size} and were not kept")).into());
        }
    };
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot make `{}`", parent.display()))?;
    }
    let mut add = git.command();
    add.args([
        "worktree", "add", "--force", "--force", "--detach", "--quiet", "--",
    ]);
    git::run(add.arg(folder).arg(commit))
        .context(lost(&format!("its commit {commit} cannot be checked out")))?;
    if patch.is_empty() {
        return Ok(());
    }
    let new = Git {
        root: folder.to_owned(),
        git_dir: PathBuf::new(),
    };
    let mut apply = new.command();
    apply
        .args(["apply", "--binary", "--whitespace=nowarn", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = apply.spawn().context("cannot start `git`")?;
    let mut input = child.stdin.take().expect("standard input is a pipe");
    // If it does not read to the end it has failed, which its status says.
    drop(input.write_all(&patch));
    drop(input);
    if child.wait()?.success() {
        return Ok(());
    }
    Err(lost("its changes cannot be applied to its commit").into())
}

fn lost(why: &str) -> Fault {
    Fault::new(
        Exit::Infrastructure,
        format!("the recorded source of the run cannot be had: {why}"),
    )
    .help("`--here` takes the tree as it is")
}
