//! Files of Git repositories, fetched by the `git` program and kept by their digest.
//!
//! Below the cache folder (`$XDG_CACHE_HOME/formic`, else `~/.cache/formic`) are bare repositories by the digest of
//! their address, and the contents of files by their own. A content is looked up by digest first, so what
//! is pinned and was fetched once needs no network. Nothing of it is state: the folder may be removed.
//!
//! Bounds: time for each `git`, size of what it fetches, size of a file. `git` is never asked to prompt, and
//! only the usual ways to reach a repository are open to it.

mod program;

use crate::git;
use crate::ordinary;
use anyhow::{Context as _, Result};
use model::digest::Digest;
use model::limits;
use program::{ASK_TIME, FETCH_TIME, bounded, refused, refused_reference, remote, unasked};
use rustix::fs::FlockOperation;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where fetched things are kept.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    dir: PathBuf,
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The commit that the reference stood for.
    pub commit: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Why a file could not be fetched: whose fault it is, what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub whose: Whose,
    pub message: String,
    pub help: String,
}

/// What a repository says about a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tag {
    /// It stands for this commit.
    Commit(String),
    /// There is no such tag.
    None,
    /// The repository did not answer, or does not want to.
    Unasked(Refused),
}

/// Whose fault it is that a file could not be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The reference names what is not there, or what this person may not have.
    User,
    /// The network, the machine, or the other end: the same may work later.
    Platform,
}

impl Cache {
    /// The cache of this person; `None` when there is no place for one.
    pub(crate) fn of_person() -> Option<Self> {
        let path = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let dir = path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")))?;
        Some(Self {
            dir: dir.join("formic"),
        })
    }

    /// The content with this digest, if it was kept and is whole.
    pub(crate) fn content(&self, digest: &Digest) -> Option<Vec<u8>> {
        let bytes = ordinary::read(&self.place(digest), limits::PIPELINE_FILE_BYTES).ok()?;
        (Digest::of(&bytes) == *digest).then_some(bytes)
    }

    /// Keeps a content. That it cannot is no fault: it is fetched again.
    pub(crate) fn keep(&self, bytes: &[u8]) {
        let place = self.place(&Digest::of(bytes));
        let Some(folder) = place.parent() else { return };
        let kept = fs::create_dir_all(folder).and_then(|()| {
            let unfinished = folder.join(format!(".new-{}", std::process::id()));
            File::create(&unfinished)?.write_all(bytes)?;
            fs::rename(&unfinished, &place)
        });
        drop(kept);
    }

    fn place(&self, digest: &Digest) -> PathBuf {
        self.dir.join("files").join(digest.to_hex())
    }

    /// Fetches the file at `path` of the version `reference`; of the commit `known` if that was fetched just now.
    ///
    /// # Errors
    /// When the cache folder cannot be used; what Git refuses is a [`Refused`] inside.
    pub(crate) fn fetch(
        &self,
        url: &str,
        reference: &str,
        path: &str,
        known: Option<&str>,
    ) -> Result<Result<Fetched, Refused>> {
        let name = format!("{}.git", Digest::of(url.as_bytes()).to_hex());
        let repository = self.dir.join("git").join(name);
        let cannot = || format!("cannot use the cache folder `{}`", self.dir.display());
        fs::create_dir_all(&repository).with_context(cannot)?;
        let lock = File::create(repository.with_extension("lock")).with_context(cannot)?;
        // Another `formic` may fetch into it now; the wait is bounded by its bounds.
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).with_context(cannot)?;
        if !repository.join("HEAD").exists() {
            let mut init = git::at(&repository);
            init.args(["init", "--bare", "--quiet"]);
            if let Err(said) = bounded(&mut init, FETCH_TIME, None)? {
                return Ok(Err(refused(url, &said)));
            }
        }
        let commit = match known {
            Some(commit) => Ok(commit.to_owned()),
            None => commit(&repository, url, reference)?,
        };
        let found = match commit {
            Ok(commit) => find(&repository, url, reference, commit, path)?,
            Err(refused) => Err(refused),
        };
        drop(lock);
        if let Ok(fetched) = &found {
            self.keep(&fetched.bytes);
        }
        Ok(found)
    }

    /// What the tag `reference` of a repository stands for.
    ///
    /// # Errors
    /// When `git` cannot be started.
    pub(crate) fn tag(&self, url: &str, reference: &str) -> Result<Tag> {
        if let Err(error) = fs::create_dir_all(&self.dir) {
            let dir = self.dir.display();
            return Ok(Tag::Unasked(Refused {
                whose: Whose::Platform,
                message: format!("cannot use the cache folder `{dir}`: {error}"),
                help: "check its permissions".to_owned(),
            }));
        }
        let mut ask = remote(&self.dir);
        let tag = format!("refs/tags/{reference}");
        ask.args(["ls-remote", "--quiet", url, &tag, &format!("{tag}^{{}}")]);
        let printed = match bounded(&mut ask, ASK_TIME, None)? {
            Ok(printed) => String::from_utf8_lossy(&printed).into_owned(),
            Err(said) => return Ok(Tag::Unasked(unasked(url, &said))),
        };
        let mut found = Tag::None;
        for line in printed.lines() {
            if let Some((object, name)) = line.split_once('\t') {
                // A tag with a message of its own is an object that names the commit.
                let peeled = name.ends_with("^{}");
                if peeled || found == Tag::None {
                    found = Tag::Commit(object.to_owned());
                }
            }
        }
        Ok(found)
    }
}

/// Fetches the version `reference`; the commit that it stands for.
fn commit(repository: &Path, url: &str, reference: &str) -> Result<Result<String, Refused>> {
    let mut fetch = remote(repository);
    fetch.args(["fetch", "--quiet", "--depth=1", "--no-tags", "--force"]);
    fetch.args([
        "--filter=blob:limit=1m",
        "--no-recurse-submodules",
        url,
        reference,
    ]);
    if let Err(said) = bounded(&mut fetch, FETCH_TIME, Some(repository))? {
        return Ok(Err(refused_reference(url, reference, &said)));
    }
    let mut parse = git::at(repository);
    parse.args(["rev-parse", "--verify", "--quiet", "FETCH_HEAD^{commit}"]);
    Ok(match bounded(&mut parse, FETCH_TIME, None)? {
        Ok(printed) => Ok(git::word(&printed)),
        Err(said) => Err(refused(url, &said)),
    })
}

/// The file at `path` of a commit that was fetched.
fn find(
    repository: &Path,
    url: &str,
    reference: &str,
    commit: String,
    path: &str,
) -> Result<Result<Fetched, Refused>> {
    for candidate in candidates(path) {
        match file(repository, &commit, &candidate)? {
            Ok(Some(bytes)) => return Ok(Ok(Fetched { commit, bytes })),
            Ok(None) => {}
            Err(message) => {
                return Ok(Err(Refused {
                    whose: Whose::User,
                    message: format!("`{path}` at `{reference}` of `{url}` {message}"),
                    help: "name a file with a pipeline or a task".to_owned(),
                }));
            }
        }
    }
    Ok(Err(Refused {
        whose: Whose::User,
        message: format!("`{url}` has no file `{path}` at `{reference}`"),
        help: "mend the path behind `//`; it counts from the top of the repository".to_owned(),
    }))
}

/// The file at exactly `path` of a commit, if there is one.
fn file(repository: &Path, commit: &str, path: &str) -> Result<Result<Option<Vec<u8>>, String>> {
    let mut list = git::at(repository);
    list.args(["ls-tree", "-z", "--full-tree", commit, "--", path]);
    let printed = match bounded(&mut list, FETCH_TIME, None)? {
        Ok(printed) => String::from_utf8_lossy(&printed).into_owned(),
        Err(said) => return Ok(Err(format!("cannot be read: {said}"))),
    };
    // MODE TYPE OBJECT<TAB>PATH
    let Some((facts, _)) = printed.split_once('\t') else {
        return Ok(Ok(None));
    };
    let mut facts = facts.split(' ');
    match (facts.next(), facts.next()) {
        (Some("100644" | "100755"), Some("blob")) => {}
        (_, Some("tree")) => return Ok(Ok(None)),
        (_, _) => return Ok(Err("is no ordinary file".to_owned())),
    }
    let Some(object) = facts.next() else {
        return Ok(Ok(None));
    };
    let show = |what: &str| {
        let mut show = git::at(repository);
        // A file above the filter's bound was not fetched, and is not asked for now.
        show.env("GIT_NO_LAZY_FETCH", "1");
        show.args(["cat-file", what, object]);
        bounded(&mut show, FETCH_TIME, None)
    };
    // Servers may take no filter, so that any file is here.
    let size = show("-s")?.ok();
    let size = size.and_then(|printed| git::word(&printed).parse::<usize>().ok());
    if size.is_none_or(|size| size > limits::PIPELINE_FILE_BYTES) {
        let most = limits::PIPELINE_FILE_BYTES;
        return Ok(Err(format!("has more than {most} bytes")));
    }
    Ok(match show("blob")? {
        Ok(bytes) => Ok(Some(bytes)),
        Err(said) => Err(format!("cannot be read: {said}")),
    })
}

/// Ways to write the path of one file: the ending may be left out.
pub(crate) fn candidates(path: &str) -> Vec<String> {
    let mut candidates = vec![path.to_owned()];
    if !path.ends_with(".yaml") && !path.ends_with(".yml") {
        candidates.push(format!("{path}.yaml"));
    }
    candidates
}
