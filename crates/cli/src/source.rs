//! What a run runs on: recorded when it is created, found again when it goes on.
//!
//! The digest is that of the Git tree that holds exactly the tracked files and the untracked ones that are
//! not ignored: a tree's id is a hash over path, mode and content of all of them. It is made with an index
//! and an object folder of our own, so that the repository is left as it is, also a read-only one.

use crate::board::Board;
use crate::edge;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::git::{self, Found, Git};
use crate::text;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use model::digest::Digest;
use model::ids::RunId;
use model::limits::SOURCE_DIFF_BYTES;
use model::source::{Difference, Source};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use store::BlobStore as _;

/// A source, and what has to be said about it.
pub(crate) struct Recorded {
    /// The record.
    pub source: Source,
    /// Sentences for people.
    pub notes: Vec<String>,
    /// Why Git says nothing about it.
    no_git: Option<NoGit>,
}

/// Why there is no repository to ask.
enum NoGit {
    /// The folder is in none.
    NoRepository,
    /// There is no program.
    NoProgram,
    /// Git does not want to; its words.
    Refused(String),
}

impl NoGit {
    fn sentence(&self) -> String {
        match self {
            Self::NoRepository => "this is no Git repository".to_owned(),
            Self::NoProgram => "there is no `git` program".to_owned(),
            Self::Refused(said) => format!("git says {said}"),
        }
    }
}

/// Records what `dir` holds. Without Git, or where Git refuses, only the folder is recorded, and a note says so.
///
/// # Errors
/// When the difference cannot be kept on the board.
pub(crate) fn record(dir: &Path, board: &Board) -> Result<Recorded> {
    let mut source = Source {
        dir: dir.display().to_string(),
        ..Source::default()
    };
    let no_git = match Git::find(dir)? {
        Found::Repository(git) => {
            let looked = look(&git, board).and_then(|seen| seen.keep(source.clone(), board));
            match looked {
                Ok(recorded) => return Ok(recorded),
                Err(error) if error.is::<NotKept>() => return Err(error),
                Err(error) => NoGit::Refused(format!("{error:#}")),
            }
        }
        Found::NoProgram => NoGit::NoProgram,
        Found::NoRepository => NoGit::NoRepository,
        Found::Refused(said) => NoGit::Refused(said),
    };
    source.tree = None;
    let note = format!("the source is not recorded: {}", no_git.sentence());
    Ok(Recorded {
        source,
        notes: vec![note],
        no_git: Some(no_git),
    })
}

/// The board could not keep the difference.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the difference to the commit")]
struct NotKept;

/// What Git says of a working tree.
struct Seen {
    commit: Option<String>,
    branch: Option<String>,
    dirty: bool,
    tree: String,
    difference: Option<Spooled>,
}

/// The difference as far as it may be kept.
struct Spooled {
    bytes: Vec<u8>,
    size_bytes: u64,
}

impl Seen {
    fn keep(self, mut source: Source, board: &Board) -> Result<Recorded> {
        let mut notes = Vec::new();
        source.difference = match self.difference {
            None => Difference::None,
            Some(Spooled { bytes, size_bytes }) if bytes.len() as u64 == size_bytes => {
                let digest = board.blobs.put_bytes(&bytes).context(NotKept)?;
                Difference::Kept { digest, size_bytes }
            }
            Some(Spooled { size_bytes, .. }) => {
                notes.push(format!(
                    "the changes since the commit are not kept: they take {}, more than {}; \
                     `formic retry` will need the tree as it is",
                    text::size(size_bytes),
                    text::size(SOURCE_DIFF_BYTES as u64)
                ));
                Difference::TooLarge { size_bytes }
            }
        };
        source.commit = self.commit;
        source.branch = self.branch;
        source.dirty = self.dirty;
        source.tree = Some(digest_of(&self.tree));
        Ok(Recorded {
            source,
            notes,
            no_git: None,
        })
    }
}

fn digest_of(tree: &str) -> Digest {
    Digest::of(format!("git tree {tree}").as_bytes())
}

fn look(git: &Git, board: &Board) -> Result<Seen> {
    let printed = git::run(git.command().args([
        "status",
        "--porcelain=v2",
        "--branch",
        "--untracked-files=normal",
        "-z",
    ]))?;
    let mut seen = Seen {
        commit: None,
        branch: None,
        dirty: false,
        tree: String::new(),
        difference: None,
    };
    for entry in printed
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
    {
        let entry = String::from_utf8_lossy(entry);
        if let Some(commit) = entry.strip_prefix("# branch.oid ") {
            seen.commit = (commit != "(initial)").then(|| commit.to_owned());
        } else if let Some(branch) = entry.strip_prefix("# branch.head ") {
            seen.branch = (branch != "(detached)").then(|| branch.to_owned());
        } else if !entry.starts_with("# ") {
            seen.dirty = true;
        }
    }
    match (&seen.commit, seen.dirty) {
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
struct Staged {
    folder: Scratch,
    objects: PathBuf,
}

impl Staged {
    fn all_of(git: &Git, state: &Path) -> Result<Self> {
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

    fn command(&self, git: &Git) -> Command {
        let mut command = git.command();
        command
            .env("GIT_INDEX_FILE", self.folder.0.join("index"))
            .env("GIT_OBJECT_DIRECTORY", self.folder.0.join("objects"))
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &self.objects);
        command
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
    let mut objects = now.objects.clone().into_os_string();
    objects.push(":");
    objects.push(then.folder.0.join("objects"));
    let mut diff = now.command(git);
    diff.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", objects);
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

/// The right to bring a run's source to its place, held as long as it lives.
pub(crate) struct Turn {
    _lock: Option<File>,
}

/// Takes the turn for `run`: two who bring its source to one place would take it from each other's tasks.
///
/// # Errors
/// The process that has the turn, if it says so. Where there is no place for a lock there is none.
pub(crate) fn take_turn(run: RunId, board: &Board) -> Result<Turn, Option<u32>> {
    let path = turn(board, run);
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    let opened = made.and_then(|()| {
        let mut options = File::options();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
    });
    let Ok(mut file) = opened else {
        return Ok(Turn { _lock: None });
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        // Who has just taken it may not have said who it is.
        drop(file.read_to_string(&mut pid));
        return Err(pid.trim().parse().ok());
    }
    // For a sentence to others only.
    drop(
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id())),
    );
    Ok(Turn { _lock: Some(file) })
}

fn turn(board: &Board, run: RunId) -> PathBuf {
    board.dir.join("sources").join(format!("{run}.lock"))
}

/// Removes the worktree that was made for `run`, if one was.
pub(crate) fn forget(run: RunId, board: &Board) {
    drop(fs::remove_file(turn(board, run)));
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

/// Makes sure that there is a commit to take worktrees of, and says what they leave out.
///
/// # Errors
/// When there is none, or no repository.
pub(crate) fn must_have_commit(recorded: &Recorded, ui: &Ui) -> Result<()> {
    let dir = &recorded.source.dir;
    let leave_out = "leave out `--clean` to run in the folder as it is";
    let fault = match &recorded.no_git {
        Some(NoGit::NoRepository) => Fault::usage(format!(
            "`--clean` needs a Git repository, and `{dir}` is in none"
        ))
        .help("make one: `git init && git add --all && git commit -m begin`"),
        Some(NoGit::NoProgram) => {
            Fault::usage("`--clean` needs the `git` program, and there is none on `PATH`")
                .help("install Git")
        }
        Some(NoGit::Refused(said)) => {
            Fault::usage(format!("`--clean` needs Git, which says: {said}"))
                .help("mend what it says")
        }
        None if recorded.source.commit.is_none() => Fault::usage(format!(
            "`--clean` needs a commit, and the repository of `{dir}` has none yet"
        ))
        .help("commit first: `git add --all && git commit -m begin`"),
        None => {
            note_changes(&recorded.source, ui);
            return Ok(());
        }
    };
    Err(fault.help(leave_out).into())
}

fn note_changes(source: &Source, ui: &Ui) {
    if source.dirty {
        ui.say("note: changes since the commit are left out by `--clean`");
    }
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
