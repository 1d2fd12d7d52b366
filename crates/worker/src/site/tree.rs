//! Worktrees: for a clean run each task has a checkout of the commit of its own.

use super::{Trouble, platform};
use crate::listing::CutShort;
use engine::work::Work;
use exec::Cut;
use model::limits;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The worktree's folder in the attempt's.
pub(super) const FOLDER: &str = "tree";
/// Variables by which a hook of Git tells its children of another repository or index.
const OF_HOOKS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// Makes the worktree of an attempt inside its folder.
pub(super) fn worktree(
    source: &Path,
    work: &Work,
    dir: &Path,
    cut_short: &CutShort,
) -> Result<PathBuf, Trouble> {
    let Some(commit) = &work.source.commit else {
        return Err(Trouble::User(format!(
            "a clean run needs a commit, and `{}` has none; commit first or leave out `--clean`",
            source.display()
        )));
    };
    let git = |dir: &Path, args: &[&str]| git(dir, args, cut_short);
    let root = git(source, &["rev-parse", "--show-toplevel"])?;
    let prefix = git(source, &["rev-parse", "--show-prefix"])?;
    let tree = dir.join(FOLDER);
    let tree_text = tree.to_string_lossy();
    if tree.exists() {
        remove(&tree);
    }
    let args = [
        "worktree",
        "add",
        "--quiet",
        "--detach",
        "--force",
        &*tree_text,
        commit,
    ];
    git(Path::new(root.trim_end()), &args)?;
    Ok(tree.join(prefix.trim_end()))
}

/// Removes the worktree that `source` lies in.
pub(super) fn remove(source: &Path) {
    let git = |dir: &Path, args: &[&str]| git(dir, args, &CutShort::default());
    // Twice: one that was not made to its end is locked.
    let remove = ["worktree", "remove", "--force", "--force"];
    let removed = git(source, &["rev-parse", "--show-toplevel"]).and_then(|root| {
        let args: Vec<&str> = remove.into_iter().chain([root.trim_end()]).collect();
        git(source, &args)
    });
    if removed.is_err() {
        forget(source);
    }
}

/// Takes a worktree that Git cannot remove from the list of its repository. `git worktree prune` would take others too.
fn forget(tree: &Path) {
    let named = |path: &Path, before: &str| {
        let text = fs::read_to_string(path).ok()?;
        Some(PathBuf::from(text.trim_end().strip_prefix(before)?))
    };
    let own = tree.join(".git");
    let Some(entry) = named(&own, "gitdir: ") else {
        return;
    };
    // Only what says itself that it is about this one.
    if named(&entry.join("gitdir"), "").as_deref() == Some(&*own) {
        // The attempt's folder goes in any case.
        drop(fs::remove_dir_all(entry));
    }
}

/// The files below `dir` that Git tracks and that are not what it has, relative to `dir`. None outside of a
/// repository: there nobody tracks anything.
pub(super) fn changed(dir: &Path) -> Result<BTreeSet<PathBuf>, Trouble> {
    let is_tracked = dir.ancestors().any(|dir| dir.join(".git").exists());
    if !is_tracked {
        return Ok(BTreeSet::new());
    }
    let listed = git(
        dir,
        &["ls-files", "--modified", "-z", "."],
        &CutShort::default(),
    )?;
    let names = listed.split('\0').filter(|name| !name.is_empty());
    Ok(names.map(PathBuf::from).collect())
}

/// Runs Git as long as somebody waits for it, and no longer than it may take.
fn git(dir: &Path, args: &[&str], cut_short: &CutShort) -> Result<String, Trouble> {
    let mut command = Command::new("git");
    for name in OF_HOOKS {
        command.env_remove(name);
    }
    command
        .arg("-C")
        .arg(dir)
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "advice.detachedHead=false",
        ])
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0");
    let limit = Duration::from_millis(limits::GIT_MS);
    let output = match exec::run_aside(&mut command, limit, &|| !cut_short.is_due()) {
        Ok(output) => output,
        Err(Cut::NotRun(error)) => return Err(platform("run `git` in", dir, &error)),
        Err(cut @ (Cut::TooLong(_) | Cut::NotWanted)) => {
            let (args, dir) = (args.join(" "), dir.display());
            return Err(Trouble::Platform(format!(
                "`git {args}` in `{dir}` was ended: {cut}"
            )));
        }
    };
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().last().unwrap_or("no message").to_owned();
    Err(Trouble::Platform(format!(
        "`git {}` failed in `{}`: {said}",
        args.join(" "),
        dir.display()
    )))
}
