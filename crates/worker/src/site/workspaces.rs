//! Workspaces: folders of a run that its tasks share, made when the first task needs them.
//!
//! A task that has one read-only runs with the same rights as others, so the folder is looked at before and after it:
//! who changed it fails. That needs a folder in which nobody else writes meanwhile; when somebody does, it cannot be
//! told who changed what, and the log says so.

use super::{Trouble, inside, known, make_dir, platform};
use engine::work::{Work, WorkspaceBinding};
use model::plan::WorkspaceKind;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The workspaces of the runs that this process works on.
pub(super) struct Workspaces {
    root: PathBuf,
    // Attempts enter and leave on several threads, each for microseconds.
    writers: Mutex<BTreeMap<PathBuf, Writers>>,
}

/// Who may write in a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Writers {
    /// Attempts that do now.
    now: u32,
    /// Attempts that ever did.
    ever: u64,
}

/// A workspace as an attempt has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    name: String,
    /// The folder that the attempt sees.
    path: PathBuf,
    /// The folder of the whole workspace, by which attempts meet.
    whole: PathBuf,
    /// What a read-only one held before the attempt; `None`: it may be written.
    seal: Option<Arc<Seal>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seal {
    files: BTreeMap<PathBuf, Stamp>,
    /// How many attempts had ever written there; `None` while one did.
    ever: Option<u64>,
}

/// What changes when a file or folder is changed. The time of a change of its entry cannot be set by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size_bytes: u64,
    changed_ns: (i64, i64),
}

impl Workspaces {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            writers: Mutex::default(),
        }
    }

    /// The workspaces of an attempt that are there, made if they are new. `dir` is the attempt's own folder. Each
    /// has to be given back by [`Self::leave`].
    pub(super) fn enter(&self, work: &Work, dir: &Path) -> Result<Vec<Held>, Trouble> {
        // Before anything is made or looked at, so that nobody else is blamed for it.
        let wholes = self.count_in(work);
        let entered = self.make_all(work, dir);
        if entered.is_err() {
            self.count_out(wholes.iter());
        }
        entered
    }

    fn make_all(&self, work: &Work, dir: &Path) -> Result<Vec<Held>, Trouble> {
        let mut held = Vec::new();
        for (binding, whole) in self.bound(work) {
            let path = make(&whole, binding, dir)?;
            let name = binding.name.clone();
            let seal = binding
                .read_only
                .then(|| Arc::new(self.seal(&whole, &path)));
            held.push(Held {
                name,
                path,
                whole,
                seal,
            });
        }
        Ok(held)
    }

    /// The bindings of workspaces that are there, with their folders.
    fn bound<'w>(&self, work: &'w Work) -> impl Iterator<Item = (&'w WorkspaceBinding, PathBuf)> {
        let run = self.root.join(work.id.run.as_str());
        let bindings = work.workspaces.iter();
        bindings.filter_map(move |binding| Some((binding, run.join(binding.folder.as_ref()?))))
    }

    /// Counts an attempt as a writer of what it may write; returns that.
    fn count_in(&self, work: &Work) -> Vec<PathBuf> {
        let mut writers = self.writers();
        let written = self.bound(work).filter(|(binding, _)| !binding.read_only);
        let wholes: Vec<PathBuf> = written.map(|(_, whole)| whole).collect();
        for whole in &wholes {
            let writers = writers.entry(whole.clone()).or_default();
            writers.now += 1;
            writers.ever += 1;
        }
        wholes
    }

    fn count_out<'p>(&self, wholes: impl Iterator<Item = &'p PathBuf>) {
        let mut writers = self.writers();
        for whole in wholes {
            if let Some(writers) = writers.get_mut(whole) {
                writers.now = writers.now.saturating_sub(1);
            }
        }
    }

    /// Gives back what an attempt has.
    pub(super) fn leave(&self, held: &[Held]) {
        let written = held.iter().filter(|held| !held.is_read_only());
        self.count_out(written.map(|held| &held.whole));
    }

    /// Looks whether an attempt kept its hands off what it may only read; a remark when that cannot be told.
    ///
    /// # Errors
    /// The attempt's fault when it did not.
    pub(super) fn check(&self, held: &Held) -> Result<Option<String>, Trouble> {
        let Some(seal) = &held.seal else {
            return Ok(None);
        };
        let after = self.seal(&held.whole, &held.path);
        let Some(changed) = difference(&seal.files, &after.files) else {
            return Ok(None);
        };
        let (name, changed) = (&held.name, changed.display());
        if seal.ever.is_some() && seal.ever == after.ever {
            return Err(Trouble::User(format!(
                "workspace `{name}` is read-only for this task, and `{changed}` in it was changed; write elsewhere, \
                 or take `read_only` away"
            )));
        }
        Ok(Some(format!(
            "workspace `{name}` is read-only for this task; `{changed}` in it was changed, by this task or another \
             one that ran meanwhile"
        )))
    }

    fn seal(&self, whole: &Path, path: &Path) -> Seal {
        let writers = self.writers().get(whole).copied().unwrap_or_default();
        Seal {
            files: stamps(path),
            ever: (writers.now == 0).then_some(writers.ever),
        }
    }

    fn writers(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Writers>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Its name and the path of its folder.
    pub(super) fn named(&self) -> (String, String) {
        let path = self.path.to_string_lossy().into_owned();
        (self.name.clone(), path)
    }

    /// Whether the attempt may only read it.
    #[must_use]
    pub(crate) fn is_read_only(&self) -> bool {
        self.seal.is_some()
    }
}

/// Everything below a folder, and the folder. What cannot be read or goes meanwhile is not there.
fn stamps(folder: &Path) -> BTreeMap<PathBuf, Stamp> {
    let mut stamps = BTreeMap::new();
    let mut left = vec![PathBuf::new()];
    while let Some(path) = left.pop() {
        let place = folder.join(&path);
        let Ok(metadata) = fs::symlink_metadata(&place) else {
            continue;
        };
        if metadata.is_dir() {
            let entries = fs::read_dir(&place).into_iter().flatten().flatten();
            left.extend(entries.map(|entry| path.join(entry.file_name())));
        }
        let stamp = Stamp {
            inode: metadata.ino(),
            size_bytes: metadata.len(),
            changed_ns: (metadata.ctime(), metadata.ctime_nsec()),
        };
        stamps.insert(path, stamp);
    }
    stamps
}

/// The path that best tells what was changed: a file before the folder that it came into.
fn difference<'a>(
    before: &'a BTreeMap<PathBuf, Stamp>,
    after: &'a BTreeMap<PathBuf, Stamp>,
) -> Option<&'a Path> {
    let changed = after
        .iter()
        .filter(|(path, stamp)| before.get(*path) != Some(stamp));
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let all = changed.map(|(path, _)| path).chain(gone);
    all.max_by_key(|path| path.components().count())
        .map(PathBuf::as_path)
}

/// Makes the folder that a binding leads to.
fn make(whole: &Path, binding: &WorkspaceBinding, dir: &Path) -> Result<PathBuf, Trouble> {
    match &binding.kind {
        WorkspaceKind::Files(files) => make_filled(whole, files, dir)?,
        WorkspaceKind::Empty | WorkspaceKind::Caller | WorkspaceKind::Absent => make_dir(whole)?,
    }
    let mut path = whole.to_owned();
    for sub_path in &binding.sub_paths {
        path = inside(&path, known(sub_path)?)?;
        make_dir(&path)?;
    }
    Ok(path)
}

/// Makes a folder with files as one deed: tasks that need it at the same time find it whole or not at all.
fn make_filled(path: &Path, files: &BTreeMap<String, String>, dir: &Path) -> Result<(), Trouble> {
    if path.exists() {
        return Ok(());
    }
    let draft = dir.join("workspace");
    make_dir(&draft)?;
    for (name, text) in files {
        let file = inside(&draft, name)?;
        if let Some(parent) = file.parent() {
            make_dir(parent)?;
        }
        fs::write(&file, text).map_err(|error| platform("write", &file, &error))?;
    }
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    match fs::rename(&draft, path) {
        // Somebody was faster.
        Err(_) if path.exists() => {
            fs::remove_dir_all(&draft).map_err(|error| platform("remove", &draft, &error))
        }
        Err(error) => Err(platform("create", path, &error)),
        Ok(()) => Ok(()),
    }
}
