//! Pipelines together with the files that they refer to: loaded level by level, held against `formic.lock`.
//!
//! The `pipeline` crate says which files it misses; they are loaded here and handed in. Files of the project
//! stay inside its top folder, links included. Those of Git repositories come from the cache by their pinned
//! digest, else from `git`. A file that is not what the lock pins is not handed in: why stands at its `uses`.

use crate::exit::Exit;
use crate::fault::Fault;
use crate::fetch::{self, Cache, Fetched, Refused, Whose};
use crate::lock::LockFile;
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
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
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
    /// What is pinned and at hand is believed; the network is used for the rest only.
    Pinned,
    /// Repositories are asked too whether a pinned tag still stands for its commit.
    Tags,
    /// Nothing is believed: every reference is resolved again.
    Anew,
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
    /// Commits of tags that repositories were asked for.
    tags: BTreeMap<(String, String), Option<String>>,
    /// Commits that were fetched, by repository and version: further files of them are there.
    commits: BTreeMap<(String, String), String>,
}

impl Files {
    /// A file that refers to no others.
    pub(crate) const fn alone(source: SourceFile) -> Self {
        Self {
            source,
            sources: Sources::new(),
        }
    }

    /// Everything that is wrong with them, whatever they are run for.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        self.checked().diagnostics
    }

    fn checked(&self) -> Checked {
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
            tags: BTreeMap::new(),
            commits: BTreeMap::new(),
        }
    }

    /// The lock file.
    ///
    /// # Errors
    /// When it cannot be read, or is not as the program writes it.
    pub(crate) fn lock(&mut self) -> Result<&mut LockFile> {
        let lock = match self.lock.take() {
            Some(lock) => lock,
            None => LockFile::read(&self.top)?,
        };
        Ok(self.lock.insert(lock))
    }

    /// Loads what `source` refers to, directly and indirectly.
    ///
    /// # Errors
    /// When the lock file cannot be read, `git` cannot be started, a repository cannot be reached, or the cache folder
    /// cannot be used.
    pub(crate) fn load(&mut self, source: SourceFile) -> Result<Files> {
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
            } = files.checked();
            if missing.is_empty() {
                let is_right = !diagnostics.iter().any(Diagnostic::is_error);
                self.pin(&mut files, &used, is_right)?;
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

    /// Pins that are new are written into the lock file.
    ///
    /// # Errors
    /// When it cannot be written, or is not written because this is CI.
    pub(crate) fn write_lock(&mut self, ui: &Ui) -> Result<()> {
        match &mut self.lock {
            Some(lock) => lock.write_new(ui),
            None => Ok(()),
        }
    }

    /// Holds files of the project that tasks use against the lock; pins what is new in files that are right.
    fn pin(&mut self, files: &mut Files, used: &[Address], is_right: bool) -> Result<()> {
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
            let why = format!(
                "`{}` was changed: `formic.lock` pins {}, the file is {}",
                address.name(),
                pinned.digest,
                pin.digest
            );
            files.sources.refuse(&address, has_changed(&address, why));
        }
        for (address, pin) in &pins {
            if is_right {
                lock.add(address.clone(), pin.clone());
            }
        }
        self.found.extend(pins);
        Ok(())
    }

    /// The file at one address.
    fn one(&mut self, address: &Address) -> Result<Loaded> {
        match address {
            Address::Local(path) => Ok(local(&self.top, path)),
            Address::Git {
                url,
                path,
                reference,
            } => self.remote(address, url, path, reference),
        }
    }

    /// A file of a Git repository: the pinned content if it is at hand, else what `git` fetches.
    fn remote(
        &mut self,
        address: &Address,
        url: &str,
        path: &str,
        reference: &str,
    ) -> Result<Loaded> {
        let Some(cache) = self.cache.clone() else {
            return Ok(not_there(Refused {
                whose: Whose::User,
                message: format!("there is no place to keep `{}`", address.name()),
                help: "set `XDG_CACHE_HOME` to a folder that may be written".to_owned(),
            }));
        };
        let pinned = self.lock()?.pin(address).cloned();
        let is_meant = self.only.as_ref().is_none_or(|name| means(address, name));
        let pinned = pinned.filter(|_| self.look != Look::Anew || !is_meant);
        if let Some(pin) = &pinned
            && let Some(bytes) = cache.content(&pin.digest)
            && !self.has_moved(&cache, url, reference, pin)?
        {
            self.found.insert(address.clone(), pin.clone());
            return Ok(Loaded::File(bytes));
        }
        let fetched = match self.fetch(&cache, url, reference, path)? {
            Ok(fetched) => fetched,
            Err(refused) if refused.whose == Whose::Platform => {
                return Err(not_now(address, refused).into());
            }
            Err(refused) => return Ok(not_there(refused)),
        };
        let Fetched { commit, bytes } = fetched;
        let digest = Digest::of(&bytes);
        match pinned {
            // A branch moves by nature, and what it moved past is what was agreed on.
            Some(pin) if pin.digest != digest || pin.commit.as_deref() != Some(commit.as_str()) => {
                self.other_commit(&cache, address, pin, commit, digest)
            }
            Some(pin) => {
                self.found.insert(address.clone(), pin);
                Ok(Loaded::File(bytes))
            }
            None => {
                let commit = Some(commit);
                self.found.insert(address.clone(), Pin { commit, digest });
                Ok(Loaded::File(bytes))
            }
        }
    }

    /// Fetches a file, its repository once for all files of one version.
    fn fetch(
        &mut self,
        cache: &Cache,
        url: &str,
        reference: &str,
        path: &str,
    ) -> Result<Result<Fetched, Refused>> {
        let key = (url.to_owned(), reference.to_owned());
        let known = self.commits.get(&key).map(String::as_str);
        let found = cache.fetch(url, reference, path, known)?;
        if let Ok(fetched) = &found {
            self.commits.insert(key, fetched.commit.clone());
        }
        Ok(found)
    }

    /// The reference stands for another commit than the pinned one.
    fn other_commit(
        &mut self,
        cache: &Cache,
        address: &Address,
        pin: Pin,
        commit: String,
        digest: Digest,
    ) -> Result<Loaded> {
        let Address::Git {
            url,
            path,
            reference,
        } = address
        else {
            unreachable!("only files of repositories have commits");
        };
        let old = pin.commit.clone().unwrap_or_default();
        let is_tag = self.tag(cache, url, reference)?.is_some();
        if !is_tag
            && let Ok(Fetched { bytes, .. }) = self.fetch(cache, url, &old, path)?
            && Digest::of(&bytes) == pin.digest
        {
            self.found.insert(address.clone(), pin);
            return Ok(Loaded::File(bytes));
        }
        let why = format!(
            "`{}` has moved: `formic.lock` pins {} of commit {}, it is {digest} of commit {} now",
            address.name(),
            pin.digest,
            short(&old),
            short(&commit)
        );
        Ok(Loaded::Failed(has_changed(address, why)))
    }

    /// Whether a tag stands for another commit than the pinned one, if repositories are asked at all.
    fn has_moved(&mut self, cache: &Cache, url: &str, reference: &str, pin: &Pin) -> Result<bool> {
        if self.look != Look::Tags {
            return Ok(false);
        }
        let now = self.tag(cache, url, reference)?;
        Ok(now.is_some() && now != pin.commit)
    }

    /// The commit of a tag, asked for once.
    fn tag(&mut self, cache: &Cache, url: &str, reference: &str) -> Result<Option<String>> {
        let key = (url.to_owned(), reference.to_owned());
        if let Some(known) = self.tags.get(&key) {
            return Ok(known.clone());
        }
        let is_commit = matches!(reference.len(), 40 | 64)
            && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        let tag = if is_commit {
            None
        } else {
            cache.tag(url, reference)?
        };
        self.tags.insert(key, tag.clone());
        Ok(tag)
    }
}

/// Whether a person means `address` by `name`: the reference, its path, its repository, or it without version.
pub(crate) fn means(address: &Address, name: &str) -> bool {
    let whole = address.to_string();
    let without_version = whole.rsplit_once('@').map_or("", |(before, _)| before);
    let repository = match address {
        Address::Local(_) => "",
        Address::Git { url, .. } => url,
    };
    name == whole
        || name == address.path()
        || (matches!(address, Address::Git { .. }) && [without_version, repository].contains(&name))
}

/// The first digits of a commit.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn has_changed(address: &Address, message: String) -> Failed {
    let name = address.to_string();
    Failed {
        kind: FailedKind::Changed,
        message,
        help: format!("if that is meant, `formic lock --update '{name}'` pins what it is now"),
    }
}

/// Trouble that is not in the file: the reference may be right, and the same may work later.
fn not_now(address: &Address, refused: Refused) -> Fault {
    let (name, message) = (text::plain(&address.to_string()), refused.message);
    Fault::new(Exit::Infrastructure, format!("{message} (for `{name}`)")).help(refused.help)
}

fn not_there(refused: Refused) -> Loaded {
    Loaded::Failed(Failed {
        kind: FailedKind::NotThere,
        message: refused.message,
        help: refused.help,
    })
}

/// Whether a file can refer to others, seen from its words alone: most do not, and need not be read twice.
fn may_refer(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.contains("uses") || text.contains("include")
}

/// A file of the project at `top`.
fn local(top: &Path, path: &str) -> Loaded {
    let candidates = fetch::candidates(path);
    for candidate in &candidates {
        let place = top.join(candidate);
        let real = match fs::canonicalize(&place) {
            Ok(real) => real,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                continue;
            }
            Err(error) => return unreadable(path, &error.to_string()),
        };
        let inside = fs::canonicalize(top).is_ok_and(|top| real.starts_with(top));
        if !inside {
            return not_there(Refused {
                whose: Whose::User,
                message: format!("`{path}` is a link that leaves the project"),
                help: "put the file itself into the project".to_owned(),
            });
        }
        if !real.is_file() {
            continue;
        }
        return match fetch::read_bounded(&real) {
            Ok(bytes) => Loaded::File(bytes),
            Err(error) => unreadable(path, &error.to_string()),
        };
    }
    let near = nearest_file(top, path);
    not_there(Refused {
        whose: Whose::User,
        message: format!("there is no file `{path}` in the project"),
        help: match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "write the file, or mend the path: it counts from the project's top, `{}`",
                text::plain(&top.display().to_string())
            ),
        },
    })
}

fn unreadable(path: &str, why: &str) -> Loaded {
    not_there(Refused {
        whose: Whose::User,
        message: format!("cannot read `{path}`: {why}"),
        help: "check the permissions of the file".to_owned(),
    })
}

/// The file beside the missing one whose name is nearest to its name.
fn nearest_file(top: &Path, path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let entries = fs::read_dir(top.join(folder)).ok()?;
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml") || name.ends_with(".yml"))
        .collect();
    let near = text::nearest(name, names.iter().map(String::as_str))?;
    Some(match folder {
        "" => format!("./{near}"),
        folder => format!("./{folder}/{near}"),
    })
}

/// What cannot be pinned because a file could not be loaded.
pub(crate) fn unloadable(files: &Files) -> Option<Fault> {
    let failed = files.sources.iter().find_map(|(_, loaded)| match loaded {
        Loaded::Failed(failed) => Some(failed),
        Loaded::File(_) => None,
    })?;
    Some(Fault::usage(failed.message.clone()).help(failed.help.clone()))
}
