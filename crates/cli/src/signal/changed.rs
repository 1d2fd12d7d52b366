//! The files that a signal says have changed: what Git knows of them, counted from the folder of the project.

use crate::fault::Fault;
use crate::git::{self, Found, Git};
use crate::text;
use anyhow::Result;
use model::limits;
use std::collections::BTreeSet;
use std::path::Path;

/// The files below `dir` that differ from where the history left `reference`, from `dir`; untracked ones too.
pub(super) fn since(dir: &Path, reference: &str) -> Result<Vec<String>> {
    let shown = text::plain(reference);
    let no_git = |why: &str| {
        Fault::usage(format!("`--since {shown}` asks Git, and {why}"))
            .help("leave it out, or give `changed_files` in a payload")
    };
    let git = match Git::find(dir)? {
        Found::Repository(git) => git,
        Found::NoProgram => return Err(no_git("there is no `git` program").into()),
        Found::NoRepository => return Err(no_git("this is no Git repository").into()),
        Found::Refused(said) => return Err(no_git(&format!("git says {said}")).into()),
    };
    let commit = format!("{reference}^{{commit}}");
    let mut resolve = git.command();
    resolve.args([
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &commit,
    ]);
    let Ok(commit) = git::run(&mut resolve) else {
        return Err(Fault::usage(format!(
            "`--since {shown}`: Git knows no commit of this name"
        ))
        .help("name a branch, a tag or a commit that is here; `git fetch` gets more of them")
        .into());
    };
    let commit = git::word(&commit);
    let mut base = git.command();
    base.args(["merge-base", &commit, "HEAD"]);
    // Without a common commit everything since the named one counts.
    let base = git::run(&mut base).map_or(commit, |base| git::word(&base));
    let inside = dir.strip_prefix(&git.root).unwrap_or(Path::new(""));
    let folder = match inside.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => inside.display().to_string(),
    };
    let mut tracked = git.command();
    tracked.args([
        "diff",
        "--name-only",
        "--no-renames",
        "--no-ext-diff",
        "-z",
        &base,
        "--",
        &folder,
    ]);
    let mut untracked = git.command();
    untracked.args([
        "ls-files",
        "--others",
        "--exclude-standard",
        "--full-name",
        "-z",
        "--",
        &folder,
    ]);
    let mut files = Vec::new();
    for printed in [git::run(&mut tracked)?, git::run(&mut untracked)?] {
        for name in printed
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
        {
            let name = String::from_utf8_lossy(name).into_owned();
            let path = Path::new(&name).strip_prefix(inside);
            files.push(path.map_or(name.clone(), |path| path.display().to_string()));
        }
    }
    files.sort_unstable();
    files.dedup();
    if files.len() > limits::CHANGED_FILES {
        let (found, most) = (files.len(), limits::CHANGED_FILES);
        return Err(Fault::usage(format!(
            "{found} files have changed since `{shown}`; a signal has at most {most}"
        ))
        .help("name a later commit")
        .into());
    }
    Ok(files)
}

/// Those of the files that lie below `dir`, from there; `files` count from the top of the repository. Without a repository
/// nobody knows where `dir` is in it, and `None` says so.
pub(super) fn below(dir: &Path, files: BTreeSet<String>) -> Result<Option<Vec<String>>> {
    let inside = match Git::find(dir)? {
        Found::Repository(git) => dir.strip_prefix(&git.root).map(Path::to_owned).ok(),
        Found::NoProgram | Found::NoRepository | Found::Refused(_) => None,
    };
    let Some(inside) = inside else {
        return Ok(None);
    };
    let below = |file: &String| {
        let path = Path::new(file).strip_prefix(&inside).ok()?;
        Some(path.display().to_string())
    };
    Ok(Some(files.iter().filter_map(below).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_from_the_top_are_not_known_where_no_repository_is_found() {
        let files = below(Path::new("/"), ["web/src/a".to_owned()].into());
        assert_eq!(files.unwrap(), None);
    }
}
