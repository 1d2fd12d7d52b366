//! What is Git's and what is Formic's own below a source: never looked into, never part of an artifact, never written.
//!
//! Git's is whatever has a part `.git` in its path, a file or a folder at any depth. Formic's is the folder of its state
//! where that lies below the source, and `.formic/state` of any project below it. Links are no way around: who is about
//! to go through one asks with the path that it leads to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What is not the pipeline's below one source.
#[derive(Debug, Clone, Default)]
pub(crate) struct Own {
    /// The source without links.
    source: PathBuf,
    /// The folder of Formic's state, relative to the source; `None`: it lies elsewhere.
    state: Option<PathBuf>,
}

/// Why a path is not the pipeline's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It is Git's.
    Git,
    /// It is Formic's.
    Formic,
    /// It is not below the source.
    Outside,
}

impl Own {
    /// What is not the pipeline's below `source`, when Formic's state is in `state`.
    pub(crate) fn below(source: &Path, state: &Path) -> Self {
        let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let source = whole(source);
        let state = whole(state).strip_prefix(&source).map(Path::to_owned).ok();
        Self { source, state }
    }

    /// Why a path relative to the source is not the pipeline's.
    pub(crate) fn closed(&self, path: &Path) -> Option<Closed> {
        if path.iter().any(|part| part == ".git") {
            return Some(Closed::Git);
        }
        let parts: Vec<_> = path.iter().filter(|part| *part != ".").collect();
        let is_usual = parts.windows(2).any(|two| two == [".formic", "state"]);
        let is_state = |state: &PathBuf| parts.starts_with(&state.iter().collect::<Vec<_>>());
        if is_usual || self.state.as_ref().is_some_and(is_state) {
            return Some(Closed::Formic);
        }
        None
    }

    /// Why a folder is not the pipeline's when links are followed.
    ///
    /// # Errors
    /// When the disk cannot tell.
    pub(crate) fn closed_folder(&self, folder: &Path) -> io::Result<Option<Closed>> {
        Ok(match self.resolved(folder)? {
            Some(inside) => self.closed(&inside),
            None => Some(Closed::Outside),
        })
    }

    /// A folder without links, relative to the source; `None`: it is not below it. What is not there yet counts from
    /// the nearest folder above it that is.
    ///
    /// # Errors
    /// When the disk cannot tell.
    pub(crate) fn resolved(&self, folder: &Path) -> io::Result<Option<PathBuf>> {
        for above in folder.ancestors() {
            let found = match fs::canonicalize(above) {
                Ok(found) => found,
                Err(error) if is_away(&error) => continue,
                Err(error) => return Err(error),
            };
            let rest = folder.strip_prefix(above).unwrap_or(Path::new(""));
            let inside = found.strip_prefix(&self.source).ok();
            return Ok(inside.map(|inside| inside.join(rest)));
        }
        Ok(None)
    }
}

impl Closed {
    /// Says it behind the name of the path.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Git => "is Git's own",
            Self::Formic => "is in the folder of Formic's state",
            Self::Outside => "leads out of the source",
        }
    }
}

fn is_away(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_and_the_state_are_closed_at_any_depth() {
        let dir = tempfile::tempdir().unwrap();
        let own = Own::below(dir.path(), &dir.path().join("boards/here"));
        for (path, closed) in [
            (".git", Some(Closed::Git)),
            ("lib/.git/config", Some(Closed::Git)),
            ("./.formic/state", Some(Closed::Formic)),
            ("sub/.formic/state/board.db", Some(Closed::Formic)),
            ("boards/here/logs", Some(Closed::Formic)),
            ("boards/there", None),
            (".formic/ci.yaml", None),
            (".gitignore", None),
            ("", None),
        ] {
            assert_eq!(own.closed(Path::new(path)), closed, "{path}");
        }
    }

    #[test]
    fn a_link_is_no_way_around() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source");
        fs::create_dir_all(source.join(".git/hooks")).unwrap();
        std::os::unix::fs::symlink(".git", source.join("x")).unwrap();
        std::os::unix::fs::symlink("..", source.join("up")).unwrap();
        let own = Own::below(&source, &dir.path().join("state"));
        let closed = |path: &str| own.closed_folder(&source.join(path)).unwrap();
        assert_eq!(closed("x/hooks/new"), Some(Closed::Git));
        assert_eq!(closed("up/new"), Some(Closed::Outside));
        assert_eq!(closed("new/file"), None);
        assert_eq!(closed("new/.git"), Some(Closed::Git));
    }
}
