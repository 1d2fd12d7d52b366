//! Files of Git repositories, fetched by the `git` program and kept by their digest.
//!
//! Below the cache folder (`$XDG_CACHE_HOME/formic`, else `~/.cache/formic`) are bare repositories by the digest of
//! their address, and the contents of files by their own. A content is looked up by digest first, so what
//! is pinned and was fetched once needs no network. Nothing of it is state: the folder may be removed.
//!
//! Bounds: time for each `git`, size of what it fetches, size of a file. `git` is never asked to prompt, and
//! only the usual ways to reach a repository are open to it.

use crate::git;
use crate::ordinary;
use anyhow::{Context as _, Result};
use exec::Cut;
use model::digest::Digest;
use model::limits;
use rustix::fs::FlockOperation;
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Time that one `git` may take. Shallow fetches of large repositories end within half a minute.
const FETCH_TIME: Duration = Duration::from_secs(120);
/// Time to ask where tags point, which a run does each time.
const ASK_TIME: Duration = Duration::from_secs(15);
/// Size of one bare repository. A shallow fetch of files below a mebibyte stays far under it.
const REPOSITORY_BYTES: u64 = 256 * 1024 * 1024;
/// Time between two looks at the size.
const LOOK_TIME: Duration = Duration::from_millis(500);

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
    let mut show = git::at(repository);
    // A file above the filter's bound was not fetched, and is not asked for now.
    show.env("GIT_NO_LAZY_FETCH", "1");
    show.args(["cat-file", "blob", object]);
    match bounded(&mut show, FETCH_TIME, None)? {
        Ok(bytes) if bytes.len() <= limits::PIPELINE_FILE_BYTES => Ok(Ok(Some(bytes))),
        Ok(_) | Err(_) => Ok(Err(format!(
            "has more than {} bytes",
            limits::PIPELINE_FILE_BYTES
        ))),
    }
}

/// Ways to write the path of one file: the ending may be left out.
pub(crate) fn candidates(path: &str) -> Vec<String> {
    let mut candidates = vec![path.to_owned()];
    if !path.ends_with(".yaml") && !path.ends_with(".yml") {
        candidates.push(format!("{path}.yaml"));
    }
    candidates
}

/// A `git` that talks to another repository.
fn remote(dir: &Path) -> Command {
    let mut command = git::at(dir);
    command.args(["-c", "core.askPass=", "-c", "credential.interactive=false"]);
    command
        .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file")
        .env_remove("GIT_ASKPASS")
        .env_remove("SSH_ASKPASS")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env("GCM_INTERACTIVE", "never");
    if std::env::var_os("GIT_SSH_COMMAND").is_none() {
        command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
    }
    command
}

fn refused(url: &str, said: &str) -> Refused {
    without_answer(format!("cannot fetch `{url}`"), url, said)
}

fn unasked(url: &str, said: &str) -> Refused {
    without_answer(format!("cannot ask `{url}` for its tags"), url, said)
}

fn without_answer(what: String, url: &str, said: &str) -> Refused {
    Refused {
        whose: whose(said),
        message: format!("{what}: git says: {said}"),
        help: format!("look whether `git ls-remote {url}` works here"),
    }
}

/// What Git, a server or `ssh` says when the address is wrong or the person may not read there. All else is trouble
/// that the user's file is not the cause of.
const OF_USER: [&str; 14] = [
    "not found",
    "does not exist",
    "does not appear to be a git repository",
    "not a git repository",
    "could not read Username",
    "could not read Password",
    "Authentication failed",
    "Permission denied",
    "returned error: 401",
    "returned error: 403",
    "Host key verification failed",
    "not allowed",
    "URL rejected",
    TOO_LARGE,
];
/// In the message of a repository that is larger than its bound.
const TOO_LARGE: &str = "the repository has more than";
/// What is said where there is no program.
const NO_GIT: &str = "there is no `git` program here";

fn whose(said: &str) -> Whose {
    if said != NO_GIT && OF_USER.iter().any(|each| said.contains(each)) {
        Whose::User
    } else {
        Whose::Platform
    }
}

fn refused_reference(url: &str, reference: &str, said: &str) -> Refused {
    if said.contains("couldn't find remote ref") || said.contains("not our ref") {
        return Refused {
            whose: Whose::User,
            message: format!("`{url}` has no tag, branch or commit `{reference}`"),
            help: format!("`git ls-remote {url}` lists what it has"),
        };
    }
    refused(url, said)
}

/// Runs `git` within a time, and while `growing` stays within its bound; what it printed, or what it said. When it is ended,
/// so is everything that it started, such as `ssh`.
fn bounded(
    command: &mut Command,
    time: Duration,
    growing: Option<&Path>,
) -> Result<Result<Vec<u8>, String>> {
    let looked = Cell::new(Instant::now());
    let fits = || {
        if looked.get().elapsed() < LOOK_TIME {
            return true;
        }
        let fits = growing.is_none_or(|dir| size(dir) <= REPOSITORY_BYTES);
        looked.set(Instant::now());
        fits
    };
    match exec::run_aside(command, time, &fits) {
        Ok(output) => Ok(spoken(&output)),
        Err(Cut::NotRun(error)) if error.kind() == ErrorKind::NotFound => {
            Ok(Err(NO_GIT.to_owned()))
        }
        Err(Cut::NotRun(error)) => Err(error).context("cannot run `git`"),
        Err(cut @ Cut::TooLong(_)) => Ok(Err(cut.to_string())),
        Err(Cut::NotWanted) => Ok(Err(format!("{TOO_LARGE} {REPOSITORY_BYTES} bytes"))),
    }
}

fn spoken(output: &Output) -> Result<Vec<u8>, String> {
    if output.status.success() {
        Ok(output.stdout.clone())
    } else {
        Err(last_words(output))
    }
}

/// What Git says; where that is only that it could not read, what `ssh` or the server said before.
fn last_words(output: &Output) -> String {
    let said = git::last_words(output);
    if !said.starts_with("Could not read from remote repository") {
        return said;
    }
    let all = String::from_utf8_lossy(&output.stderr);
    let first = all.lines().map(str::trim).find(|line| !line.is_empty());
    first.map_or(said, |line| line.trim_start_matches("ERROR: ").to_owned())
}

/// Bytes of the files below `dir`.
fn size(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    let sizes = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let seen = entry.metadata().ok()?;
        Some(if seen.is_dir() {
            size(&entry.path())
        } else {
            seen.len()
        })
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_fails_is_not_the_users_and_a_wrong_address_is() {
        let platform = [
            "unable to access 'https://h/r/': Could not resolve host: h",
            "unable to access 'https://h/r/': Failed to connect to h port 443 after 1 ms: Couldn't connect to server",
            "unable to access 'https://h/r/': The requested URL returned error: 503",
            "ssh: connect to host h port 22: Connection refused",
            "it took longer than 120 seconds",
            NO_GIT,
        ];
        let user = [
            "repository 'https://h/r/' not found",
            "'/nowhere' does not appear to be a git repository",
            "could not read Username for 'https://h': terminal prompts disabled",
            "git@h: Permission denied (publickey).",
        ];
        assert!(platform.iter().all(|said| whose(said) == Whose::Platform));
        assert!(user.iter().all(|said| whose(said) == Whose::User));
    }

    #[test]
    fn what_git_has_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("alive");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
        let alive = rustix::fs::open(&fifo, flags, rustix::fs::Mode::empty()).unwrap();
        let mut git = Command::new("sh");
        git.args(["-c", "sleep 600 >\"$0\" & wait"]).arg(&fifo);
        let said = bounded(&mut git, Duration::from_millis(100), None).unwrap();
        assert_eq!(said, Err("it took longer than 0 seconds".to_owned()));
        // Open to write by nobody any more: the end of the file, not "try again".
        assert_eq!(rustix::io::read(&alive, &mut [0; 1]), Ok(0));
    }

    #[test]
    fn of_ssh_the_line_that_tells_the_cause_is_kept() {
        use std::os::unix::process::ExitStatusExt as _;
        let output = Output {
            status: std::process::ExitStatus::from_raw(128 << 8),
            stdout: Vec::new(),
            stderr: b"ssh: connect to host h port 22: Connection refused\r\nfatal: Could not read from remote repository.\n".to_vec(),
        };
        let expected = "ssh: connect to host h port 22: Connection refused";
        assert_eq!(last_words(&output), expected);
    }
}
