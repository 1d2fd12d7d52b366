//! The `git` program, asked without prompts, hooks or the caller's own Git variables.

use anyhow::{Context as _, Result, bail};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Variables by which a hook or an alias points Git somewhere else.
const FOREIGN: [&str; 11] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_LITERAL_PATHSPECS",
];

/// A repository with a working tree.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    /// The top folder of the working tree.
    pub root: PathBuf,
    /// The folder with this tree's index.
    pub git_dir: PathBuf,
}

/// What Git says of a working tree.
#[derive(Debug, Default)]
pub(crate) struct Status {
    /// The commit that is checked out; none before the first.
    pub commit: Option<String>,
    /// The branch; none where a commit is checked out without one.
    pub branch: Option<String>,
    /// Whether a file differs from the commit, untracked ones too.
    pub dirty: bool,
}

/// What was found around a folder.
#[derive(Debug)]
pub(crate) enum Found {
    /// A repository.
    Repository(Git),
    /// There is no `git` program.
    NoProgram,
    /// The folder is in no repository.
    NoRepository,
    /// Git does not want to; its words.
    Refused(String),
}

impl Git {
    /// Looks for the repository of `dir`.
    ///
    /// # Errors
    /// When `git` is there and cannot be started.
    pub(crate) fn find(dir: &Path) -> Result<Found> {
        let mut command = at(dir);
        command.args(["rev-parse", "--show-toplevel", "--absolute-git-dir"]);
        let output = match command.output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::NoProgram),
            Err(error) => return Err(error).context("cannot start `git`"),
        };
        if output.status.success() {
            let mut lines = output.stdout.split(|byte| *byte == b'\n');
            let mut path = || Some(PathBuf::from(OsStr::from_bytes(lines.next()?)));
            return match (path(), path()) {
                (Some(root), Some(git_dir)) => Ok(Found::Repository(Self { root, git_dir })),
                _ => Ok(Found::Refused("it printed no folders".to_owned())),
            };
        }
        let said = last_words(&output);
        if said.contains("not a git repository") || said.contains("must be run in a work tree") {
            return Ok(Found::NoRepository);
        }
        Ok(Found::Refused(said))
    }

    /// A `git` command in the working tree.
    pub(crate) fn command(&self) -> Command {
        at(&self.root)
    }

    /// Asks for commit, branch and changes of the working tree.
    ///
    /// # Errors
    /// When Git refuses.
    pub(crate) fn status(&self) -> Result<Status> {
        let mut command = self.command();
        command.args([
            "status",
            "--porcelain=v2",
            "--branch",
            "--untracked-files=normal",
            "-z",
        ]);
        let printed = run(&mut command)?;
        let mut status = Status::default();
        for entry in printed.split(|byte| *byte == 0) {
            let entry = String::from_utf8_lossy(entry);
            if let Some(commit) = entry.strip_prefix("# branch.oid ") {
                status.commit = (commit != "(initial)").then(|| commit.to_owned());
            } else if let Some(branch) = entry.strip_prefix("# branch.head ") {
                status.branch = (branch != "(detached)").then(|| branch.to_owned());
            } else if !entry.is_empty() && !entry.starts_with("# ") {
                status.dirty = true;
            }
        }
        Ok(status)
    }

    /// Those of `files`, which are named from the folder `dir`, that are not as in the commit; ignored ones too. A file
    /// outside of the repository is none.
    ///
    /// # Errors
    /// When Git refuses.
    pub(crate) fn differing(&self, dir: &str, files: &[String]) -> Result<Vec<String>> {
        let inside = |file: &&String| {
            let path = Path::new(dir).join(file);
            path.strip_prefix(&self.root).map(Path::to_owned).ok()
        };
        let mut command = self.command();
        command
            .env("GIT_LITERAL_PATHSPECS", "1")
            .args(["status", "--porcelain", "--no-renames", "-z"])
            .args(["--untracked-files=all", "--ignored=matching", "--"])
            .args(files.iter().filter_map(|file| inside(&file)));
        let printed = run(&mut command)?;
        // Two letters and a space, then a file, or an ignored folder.
        let entries = printed.split(|byte| *byte == 0);
        let entries: Vec<&Path> = entries
            .filter_map(|entry| Some(Path::new(OsStr::from_bytes(entry.get(3..)?))))
            .collect();
        let differs = |file: &&String| {
            let path = inside(file);
            path.is_some_and(|path| entries.iter().any(|entry| path.starts_with(entry)))
        };
        Ok(files.iter().filter(differs).cloned().collect())
    }
}

/// Runs a prepared `git` command and gives what it printed.
///
/// # Errors
/// When it fails, with its last line.
pub(crate) fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().context("cannot start `git`")?;
    if !output.status.success() {
        let verb = verb(command);
        bail!("`git {verb}` failed: {}", last_words(&output));
    }
    Ok(output.stdout)
}

/// The first word of what was printed, as one that fits an argument.
pub(crate) fn word(printed: &[u8]) -> String {
    String::from_utf8_lossy(printed).trim().to_owned()
}

/// A `git` command in a folder.
pub(crate) fn at(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(dir)
        // Neither hooks nor a monitor program of the repository are run by looking at it.
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.fsmonitor=false",
        ])
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
}

/// The verb of a command made by [`at`].
fn verb(command: &Command) -> String {
    let mut arguments = command.get_args();
    let mut found = OsStr::new("");
    while let Some(argument) = arguments.next() {
        if argument == "-C" || argument == "-c" {
            arguments.next();
        } else {
            found = argument;
            break;
        }
    }
    found.to_string_lossy().into_owned()
}

/// The line in which Git says what is wrong.
pub(crate) fn last_words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said
        .lines()
        .find(|line| line.starts_with("fatal:") || line.starts_with("error:"))
        .or_else(|| said.lines().last())
        .unwrap_or("it said nothing");
    line.trim_start_matches("fatal: ")
        .trim_start_matches("error: ")
        .to_owned()
}
