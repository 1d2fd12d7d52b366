//! What a run runs on: recorded when it is created, found again when it goes on.
//!
//! The digest is that of the Git tree that holds exactly the tracked files and the untracked ones that are
//! not ignored ([`tree`]): a tree's id is a hash over path, mode and content of all of them. With the difference to the
//! commit the same can be made again elsewhere ([`place`]), for one process at a time ([`turn`]).

mod place;
mod tree;
mod turn;

pub(crate) use place::{Place, Wanted, find_again, forget, has_worktree};
pub(crate) use turn::take_turn;

use crate::board::Board;
use crate::fault::Fault;
use crate::git::{Found, Git};
use crate::text;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use model::limits::SOURCE_DIFF_BYTES;
use model::source::{Difference, Source};
use std::path::Path;
use store::BlobStore as _;
use tree::{Seen, Spooled, digest_of, look};

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
        source.commit = self.status.commit;
        source.branch = self.status.branch;
        source.dirty = self.status.dirty;
        source.tree = Some(digest_of(&self.tree));
        Ok(Recorded {
            source,
            notes,
            no_git: None,
        })
    }
}

/// Makes sure that there is a commit to take worktrees of, and says what they leave out. The pipeline, which comes from
/// the files `own`, is not among that.
///
/// # Errors
/// When there is none, or no repository.
pub(crate) fn must_have_commit(recorded: &Recorded, own: &[String], ui: &Ui) -> Result<()> {
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
            note_changes(&recorded.source, own, ui);
            return Ok(());
        }
    };
    Err(fault.help(leave_out).into())
}

fn note_changes(source: &Source, own: &[String], ui: &Ui) {
    let changed = match Git::find(Path::new(&source.dir)) {
        // It is only a note: where Git refuses, the run says why.
        Ok(Found::Repository(git)) => git.differing(&source.dir, own).unwrap_or_default(),
        Ok(Found::NoProgram | Found::NoRepository | Found::Refused(_)) | Err(_) => Vec::new(),
    };
    let names: Vec<String> = changed.iter().map(|name| text::plain(name)).collect();
    let names = names.join("`, `");
    match (source.dirty, changed.is_empty()) {
        (false, true) => {}
        (true, true) => ui.say("note: changes since the commit are left out by `--clean`"),
        (_, false) => ui.say(format!(
            "note: changes since the commit are left out by `--clean`, but the pipeline is as it is here, not as in the \
             commit: `{names}`"
        )),
    }
}
