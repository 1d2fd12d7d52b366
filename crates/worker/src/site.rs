//! Where attempts run: their folders, scripts, environment, artifacts.
//!
//! An attempt's own folder lies in the state folder; its steps run in the source folder, or in a worktree of
//! their own for a clean run. Scripts are files, never arguments. Folders are used again (`folders`).

mod artifacts;
mod environment;
mod folders;
mod local;
mod masks;
mod ports;
mod tree;
mod workspaces;

pub use environment::{INHERITED, INHERITED_PREFIXES};
pub use folders::remove_worktrees;
pub use local::LocalSite;
pub use masks::MasksSeen;
pub use workspaces::Held;

use crate::listing::CutShort;
use crate::patterns;
use engine::rows::ArtifactRef;
use engine::steps::{Listing, Planned, Written};
use engine::work::Work;
use model::digest::Digest;
use model::ids::AttemptId;
use model::plan::Text;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Large content that attempts take and give.
pub trait Content: Send + Sync {
    /// Takes in content; returns its address and size.
    ///
    /// # Errors
    /// When it cannot be read or kept.
    fn put(&self, content: &mut dyn Read) -> io::Result<(Digest, u64)>;

    /// The content at an address.
    ///
    /// # Errors
    /// When it is not there.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>>;
}

/// What an attempt needs of the place it runs in.
pub trait Site: Send + Sync {
    /// Makes the folders, takes in artifacts, until `cut_short`.
    ///
    /// # Errors
    /// Whose fault it is, and what is wrong.
    fn prepare(&self, work: &Work, cut_short: &CutShort) -> Result<Prepared, Trouble>;

    /// Whether preparing is so little that it need not be done aside.
    fn is_light(&self, work: &Work) -> bool;

    /// Writes a step's script and gives the command that runs it.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    fn command(
        &self,
        at: &Prepared,
        work: &Work,
        planned: &Planned,
    ) -> Result<exec::Command, Trouble>;

    /// What a step wrote into its files.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    fn written(&self, at: &Prepared, index: u32) -> Result<Written, Trouble>;

    /// Texts that a command asks to hide and that are not among those `_seen`, while it runs.
    fn masks(&self, _at: &Prepared, _index: u32, _seen: &mut MasksSeen) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Whether one of the first `steps` steps wrote a summary.
    fn has_summary(&self, at: &Prepared, steps: u32) -> bool;

    /// Takes what the attempt gives to others.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    fn collect(&self, at: &Prepared, wanted: &Wanted) -> Result<Collected, Trouble>;

    /// What of the place decides what commands do, by name: the platform, tools that are found by name, the language. Part
    /// of the key under which a result is found again.
    fn surroundings(&self, _at: &Prepared, _work: &Work) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Puts artifacts where the steps would have left them; says what it replaced.
    ///
    /// # Errors
    /// As [`Site::prepare`]; some of the files may be in place then.
    fn restore(&self, at: &Prepared, artifacts: &[ArtifactRef]) -> Result<Vec<String>, Trouble>;

    /// Removes the attempt's folders.
    fn clean(&self, at: &Prepared);

    /// The files of the attempt's source, for expressions, until `_cut_short`; `None` where there are none. Those who ask
    /// it wait for the disk.
    fn listing(&self, _at: &Prepared, _cut_short: &CutShort) -> Option<Arc<dyn Listing>> {
        None
    }

    /// As many ports that nobody listens on and that no other attempt was told.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    fn free_ports(&self, _id: AttemptId, count: usize) -> Result<Vec<u16>, Trouble> {
        match count {
            0 => Ok(Vec::new()),
            _ => Err(Trouble::Platform("there are no ports here".to_owned())),
        }
    }

    /// Whether somebody takes connections on a port of this machine. Does not wait.
    fn accepts(&self, _port: u16) -> bool {
        false
    }
}

/// The place of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Which attempt.
    pub id: AttemptId,
    /// Its own folder.
    pub dir: PathBuf,
    /// The source that its steps run in.
    pub source: PathBuf,
    /// Whether the source is a worktree of its own.
    pub worktree: bool,
    /// Its workspaces by name; only those that are there.
    pub workspaces: BTreeMap<String, String>,
    /// The same workspaces, as the site keeps them apart.
    pub held: Vec<Held>,
    /// Remarks for the log.
    pub remarks: Vec<String>,
    /// What stood where the task writes further tasks before it began.
    pub stale: Option<Stale>,
}

/// Which file was there, and when it was last touched: any write of it changes this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Stale {
    /// What is at `path`, if anything is.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        let seen = std::fs::metadata(path).ok()?;
        Some(Self {
            device: seen.dev(),
            inode: seen.ino(),
            changed: (seen.ctime(), seen.ctime_nsec()),
        })
    }
}

/// What to collect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Artifacts.
    pub artifacts: Vec<WantedArtifact>,
    /// The file with generated tasks.
    pub generates: Option<String>,
    /// How many steps may have written a summary.
    pub steps: u32,
    /// Texts that the summary does not show.
    pub hidden: Vec<Vec<u8>>,
}

/// One artifact to collect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedArtifact {
    /// Its name.
    pub name: String,
    /// Patterns relative to the source.
    pub paths: Vec<String>,
    /// Patterns to leave out.
    pub exclude: Vec<String>,
    /// What it means that nothing matches.
    pub if_missing: model::plan::IfMissing,
}

/// What was collected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Artifacts.
    pub artifacts: Vec<ArtifactRef>,
    /// The file with generated tasks.
    pub generated: Option<Digest>,
    /// What steps wrote for people.
    pub summary: Option<Digest>,
    /// Remarks for the log.
    pub remarks: Vec<String>,
}

/// Something went wrong at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Because of what the pipeline says or a step did.
    User(String),
    /// Because of the platform.
    Platform(String),
}

/// The name of an attempt's processes.
#[must_use]
pub fn tree_key(id: AttemptId) -> exec::TreeKey {
    exec::TreeKey::new(id.to_string())
}

/// A text of a lease that names a folder: the board has computed it.
fn known(text: &Text) -> Result<&str, Trouble> {
    text.literal()
        .ok_or_else(|| Trouble::Platform("a folder came to the worker as an expression".to_owned()))
}

fn make_dir(path: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(path).map_err(|error| platform("create", path, &error))
}

/// `name` below `root`, refused when it leads out.
fn inside(root: &Path, name: &str) -> Result<PathBuf, Trouble> {
    if patterns::leads_out(name) {
        return Err(Trouble::User(format!(
            "`{name}` leads out of `{}`; name a path below it",
            root.display()
        )));
    }
    Ok(root.join(name))
}

/// Opens a file for reading, and waits for nobody should it have become a pipe: processes that a step left behind may
/// put one there at any moment.
fn open_at_once(path: &Path) -> io::Result<fs::File> {
    let mut how = fs::File::options();
    how.read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

fn platform(what: &str, path: &Path, error: &io::Error) -> Trouble {
    Trouble::Platform(format!("cannot {what} `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_become_a_pipe_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0.output");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let mut text = Vec::new();
        open_at_once(&path).unwrap().read_to_end(&mut text).unwrap();
        assert_eq!(text, b"");
    }
}
