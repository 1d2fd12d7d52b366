//! Worktrees: for a clean run each task has a checkout of the commit of its own.

use super::{Trouble, platform};
use engine::work::Work;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The worktree's folder in the attempt's.
pub(super) const FOLDER: &str = "tree";
/// Variables by which a hook of Git tells its children of another repository or index.
const OF_HOOKS: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// Makes the worktree of an attempt inside its folder.
pub(super) fn worktree(source: &Path, work: &Work, dir: &Path) -> Result<PathBuf, Trouble> {
    let Some(commit) = &work.source.commit else {
        return Err(Trouble::User(format!(
            "a clean run needs a commit, and `{}` has none; commit first or leave out `--clean`",
            source.display()
        )));
    };
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
    // The attempt's folder goes in any case; `git worktree prune` forgets the rest.
    drop(
        git(source, &["rev-parse", "--show-toplevel"])
            .and_then(|root| git(source, &["worktree", "remove", "--force", root.trim_end()])),
    );
}

/// The files below `dir` that Git tracks and that are not what it has, relative to `dir`. None outside of a
/// repository: there nobody tracks anything.
pub(super) fn changed(dir: &Path) -> Result<BTreeSet<PathBuf>, Trouble> {
    let is_tracked = dir.ancestors().any(|dir| dir.join(".git").exists());
    if !is_tracked {
        return Ok(BTreeSet::new());
    }
    let listed = git(dir, &["ls-files", "--modified", "-z", "."])?;
    let names = listed.split('\0').filter(|name| !name.is_empty());
    Ok(names.map(PathBuf::from).collect())
}

fn git(dir: &Path, args: &[&str]) -> Result<String, Trouble> {
    let mut command = Command::new("git");
    for name in OF_HOOKS {
        command.env_remove(name);
    }
    let output = command
        .arg("-C")
        .arg(dir)
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "advice.detachedHead=false",
        ])
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| platform("run `git` in", dir, &error))?;
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
