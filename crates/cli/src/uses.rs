//! Pipelines together with the files that they refer to: loaded level by level, held against `formic.lock`.
//!
//! The `pipeline` crate says which files it misses; they are loaded here and handed in. Files of the project
//! stay inside its top folder, links included. Those of Git repositories come from the cache by their pinned
//! digest, else from `git`. A file that is not what the lock pins is not handed in: why stands at its `uses`.

mod local;
mod offline;
mod remote;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::fetch::{Cache, Refused};
use crate::lock::{self, LockFile};
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use model::digest::Digest;
use model::limits;
use pipeline::lock::Pin;
use pipeline::{
    Address, Checked, Compiled, Diagnostic, Failed, FailedKind, Loaded, Request, SourceFile,
    Sources,
};
use remote::file_changed;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A pipeline file and those that it refers to.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// The pipeline file.
    pub source: SourceFile,
    /// The others.
    pub sources: Sources,
}

/// How much is looked up anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Only what is here is looked at: nobody is asked, and nothing is written.
    Offline,
    /// What is pinned and at hand is believed, the network is used for the rest. But repositories are asked too whether
    /// a pinned tag still stands for its commit.
    Tags,
    /// Nothing is believed: every reference is resolved again.
    Anew,
}

/// What becomes of references that the lock file does not name yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unpinned {
    /// They are added.
    Pin,
    /// They are left alone: the files have faults.
    Leave,
}

/// Loads the files of one project.
#[derive(Debug)]
pub(crate) struct Loader {
    top: PathBuf,
    look: Look,
    /// With [`Look::Anew`]: the only reference that is fetched again, as a person names it.
    pub only: Option<String>,
    /// What is pinned; read when something refers to another file.
    lock: Option<LockFile>,
    cache: Option<Cache>,
    /// Pins that were found, by reference, whatever the lock says.
    pub found: BTreeMap<Address, Pin>,
    /// Whether the lock file cannot be read, so that nobody knows what is pinned.
    lock_is_broken: bool,
    /// Commits of tags that repositories were asked for.
    tags: BTreeMap<(String, String), Option<String>>,
    /// Commits that were fetched, by repository and version: further files of them are there.
    commits: BTreeMap<(String, String), String>,
    /// Hosts that did not answer.
    silent: BTreeSet<String>,
    /// Hosts of which nothing could be fetched, with the repository that was tried and what came of it.
    unreachable: BTreeMap<String, (String, Refused)>,
    /// References that could not be fetched through no fault of theirs, in the order in which they were tried.
    unreached: Vec<Unreached>,
    /// Sentences for people about who could not be asked.
    notes: Vec<String>,
}

/// A reference that could not be fetched now: it may be right, and the same may work later.
#[derive(Debug)]
struct Unreached {
    /// What its `uses` is told.
    message: String,
    /// The same with the reference.
    told: String,
    /// What to do.
    help: String,
}

impl Files {
    /// A file that refers to no others.
    pub(crate) const fn alone(source: SourceFile) -> Self {
        Self {
            source,
            sources: Sources::new(),
        }
    }

    /// Everything that is to be said about them, whatever they are run for.
    pub(crate) fn check(&self) -> Checked {
        pipeline::check_with(&self.source, &self.sources)
    }

    /// The plan for one request.
    pub(crate) fn compile(&self, request: &Request) -> Compiled {
        pipeline::compile_with(&self.source, &self.sources, request)
    }

    /// The bytes of the file that messages call `name`.
    pub(crate) fn text_of(&self, name: &str) -> &[u8] {
        if name == self.source.name {
            return &self.source.text;
        }
        let mut files = self.sources.files();
        files
            .find(|(address, _)| address.name() == name)
            .map_or(&[][..], |(_, bytes)| bytes)
    }
}

impl Loader {
    /// A loader for the project at `top`.
    pub(crate) fn new(top: &Path, look: Look) -> Self {
        Self {
            top: top.to_owned(),
            look,
            only: None,
            lock: None,
            cache: Cache::of_person(),
            found: BTreeMap::new(),
            lock_is_broken: false,
            tags: BTreeMap::new(),
            commits: BTreeMap::new(),
            silent: BTreeSet::new(),
            unreachable: BTreeMap::new(),
            unreached: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Reads the lock file. One that cannot be read is what comes back, and from then on nothing is said about pins.
    pub(crate) fn read_lock(&mut self) -> Option<lock::Broken> {
        match LockFile::read(&self.top) {
            Ok(lock) => {
                self.lock = Some(lock);
                None
            }
            Err(broken) => {
                self.lock = Some(LockFile::empty(&self.top));
                self.lock_is_broken = true;
                Some(broken)
            }
        }
    }

    /// The lock file.
    ///
    /// # Errors
    /// When it cannot be read, or is not as the program writes it.
    pub(crate) fn lock(&mut self) -> Result<&mut LockFile> {
        let lock = match self.lock.take() {
            Some(lock) => lock,
            None => LockFile::read(&self.top).map_err(lock::Broken::fault)?,
        };
        Ok(self.lock.insert(lock))
    }

    /// Loads what `source` refers to, directly and indirectly.
    ///
    /// # Errors
    /// When the lock file cannot be read, `git` cannot be started, or the cache folder cannot be used; and when a
    /// repository cannot be reached, unless the files have other errors: those can be mended at once, so they are told
    /// with it.
    pub(crate) fn load(&mut self, source: SourceFile) -> Result<Files> {
        let files = self.load_reached(source)?;
        self.must_be_reached(&files)?;
        Ok(files)
    }

    /// The same, where a repository that cannot be reached keeps nobody from the rest: [`Self::unloadable`] tells of it.
    ///
    /// # Errors
    /// When the lock file cannot be read, `git` cannot be started, or the cache folder cannot be used.
    pub(crate) fn load_reached(&mut self, source: SourceFile) -> Result<Files> {
        let mut files = Files::alone(source);
        if !may_refer(&files.source.text) {
            return Ok(files);
        }
        // Each turn finds the next level; a level that is too deep is refused by the checker.
        for _ in 0..=2 * limits::SCOPE_DEPTH + 1 {
            let Checked {
                diagnostics,
                missing,
                used,
                ..
            } = files.check();
            if missing.is_empty() {
                let unpinned = match diagnostics.iter().any(Diagnostic::is_error) {
                    true => Unpinned::Leave,
                    false => Unpinned::Pin,
                };
                match self.look {
                    Look::Offline => self.compare(&mut files, &used)?,
                    Look::Tags | Look::Anew => self.pin(&mut files, &used, unpinned)?,
                }
                return Ok(files);
            }
            for address in missing {
                // What has no place any more is refused by it.
                let loaded = if files.sources.is_full() {
                    Loaded::File(Vec::new())
                } else {
                    self.one(&address)?
                };
                files.sources.insert(address, loaded);
            }
        }
        Ok(files)
    }

    /// Refuses files with which nothing is wrong but that a repository could not be reached.
    fn must_be_reached(&self, files: &Files) -> Result<()> {
        let Some(first) = self.unreached.first() else {
            return Ok(());
        };
        let said = files.check().diagnostics;
        let mut errors = said.iter().filter(|each| each.is_error());
        if errors.any(|error| self.is_reached(&error.message)) {
            return Ok(());
        }
        let fault = Fault::new(Exit::Infrastructure, first.told.clone());
        Err(fault.help(first.help.clone()).into())
    }

    /// Whether a sentence is about something else than a repository that could not be reached.
    fn is_reached(&self, message: &str) -> bool {
        let mut unreached = self.unreached.iter();
        !unreached.any(|each| says(message, &each.message))
    }

    /// What cannot be pinned because files could not be loaded, each sentence with the places that refer to them. The
    /// platform's trouble if nothing else is wrong.
    pub(crate) fn unloadable(&self, all: &[Files]) -> Option<Fault> {
        let (mut messages, mut helps) = (Vec::new(), Vec::new());
        let mut exit = Exit::Infrastructure;
        for files in all {
            let said = files.check().diagnostics;
            for each in failed(files) {
                if self.is_reached(&each.message) {
                    exit = Exit::Usage;
                }
                let message = with_places(&each.message, &said);
                // Files of one repository can have one cause.
                if !messages.contains(&message) {
                    messages.push(message);
                }
                if !helps.contains(&each.help) {
                    helps.push(each.help.clone());
                }
            }
        }
        if messages.is_empty() {
            return None;
        }
        let fault = Fault::new(exit, messages.join("; "));
        Some(helps.into_iter().fold(fault, Fault::help))
    }

    /// Pins that are new are written into the lock file, and it is said who could not be asked.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write_lock(&mut self, ui: &Ui) -> Result<()> {
        for note in self.notes.drain(..) {
            ui.say(note);
        }
        match &mut self.lock {
            Some(lock) => lock.write_new(ui),
            None => Ok(()),
        }
    }

    /// Holds files of the project that tasks use against the lock; pins what is new in files that are right.
    fn pin(&mut self, files: &mut Files, used: &[Address], unpinned: Unpinned) -> Result<()> {
        let look = self.look;
        let found = self.found.clone();
        let lock = self.lock()?;
        let mut pins: Vec<(Address, Pin)> = Vec::new();
        let mut changed = Vec::new();
        for (address, bytes) in files.sources.files() {
            let pin = match address {
                Address::Git { .. } => match found.get(address) {
                    Some(pin) => pin.clone(),
                    None => continue,
                },
                Address::Local(_) if used.contains(address) => Pin {
                    commit: None,
                    digest: Digest::of(bytes),
                },
                Address::Local(_) => continue,
            };
            match lock.pin(address) {
                Some(pinned) if pinned.digest != pin.digest && look != Look::Anew => {
                    changed.push((address.clone(), pinned.clone(), pin));
                }
                Some(_) | None => pins.push((address.clone(), pin)),
            }
        }
        for (address, pinned, pin) in changed {
            let doubt = file_changed(&address, &pinned, &pin.digest);
            files.sources.doubt(&address, doubt);
        }
        let new: Vec<_> = pins
            .iter()
            .filter(|(address, _)| unpinned == Unpinned::Pin && lock.pin(address).is_none())
            .collect();
        for (address, pin) in new {
            if lock::is_ci() && look != Look::Anew {
                files.sources.doubt(address, offline::unpinned(address));
            } else {
                lock.add(address.clone(), pin.clone());
            }
        }
        self.found.extend(pins);
        Ok(())
    }

    /// The file at one address.
    fn one(&mut self, address: &Address) -> Result<Loaded> {
        match address {
            Address::Local(path) => Ok(local::local(&self.top, path)),
            Address::Git { .. } if self.look == Look::Offline => self.at_hand(address),
            Address::Git {
                url,
                path,
                reference,
            } => self.remote(address, url, path, reference),
        }
    }
}

/// Whether a file has a task called `name`, itself or by what it includes; what cannot be read has none.
pub(crate) fn has_task(top: &Path, source: &SourceFile, name: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![pipeline::outline(source)];
    while let Some(outline) = open.pop() {
        if outline.tasks.iter().any(|task| task == name) {
            return true;
        }
        for address in outline.includes {
            let Address::Local(path) = &address else {
                continue;
            };
            let is_new = seen.len() < limits::REFERENCED_FILES && !seen.contains(&address);
            if is_new && let Loaded::File(bytes) = local::local(top, path) {
                open.push(pipeline::outline(&SourceFile::new(path.as_str(), bytes)));
            }
            seen.insert(address);
        }
    }
    false
}

/// Whether a person means `address` by `name`: the reference, its path, its repository, or it without version.
pub(crate) fn means(address: &Address, name: &str) -> bool {
    let whole = address.to_string();
    if name == whole || name == address.path() {
        return true;
    }
    let Address::Git { url, .. } = address else {
        return false;
    };
    let without_version = whole.rsplit_once('@').map_or("", |(before, _)| before);
    name == without_version || name.strip_prefix("git+").unwrap_or(name) == url
}

/// The first digits of a commit.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn not_there(refused: Refused) -> Loaded {
    Loaded::Failed(Failed {
        kind: FailedKind::NotThere,
        message: refused.message,
        help: refused.help,
    })
}

/// Whether a file can refer to others, seen from its words alone: most do not, and need not be read twice. A key stands in
/// the file as it is, also behind an alias or a merge, unless one of its letters is escaped: `"\u0075ses"`.
fn may_refer(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.contains("uses") || text.contains("include") || text.contains('\\')
}

/// Whether a diagnostic says `message`, of which it may have cut what stands between backticks, and what is around it.
fn says(said: &str, message: &str) -> bool {
    let is_part = |(said, whole): (&str, &str)| {
        let cut = said.strip_suffix('…');
        said == whole || cut.is_some_and(|begin| whole.starts_with(begin))
    };
    let (said, whole) = (said.split('`'), message.split('`'));
    said.clone().count() == whole.clone().count() && said.zip(whole).all(is_part)
}

/// What is wrong with files that could not be loaded.
fn failed(files: &Files) -> impl Iterator<Item = &Failed> {
    files.sources.iter().filter_map(|(_, loaded)| match loaded {
        Loaded::Failed(failed) => Some(failed),
        Loaded::File(_) => None,
    })
}

/// A sentence about a file, with the places that refer to it.
fn with_places(message: &str, said: &[Diagnostic]) -> String {
    let places = said.iter().filter(|said| says(&said.message, message));
    let places: Vec<String> = places
        .map(|at| format!("{}:{}:{}", text::plain(&at.file), at.line, at.column))
        .collect();
    match places.as_slice() {
        [] => message.to_owned(),
        places => format!("{message} ({})", places.join(", ")),
    }
}
