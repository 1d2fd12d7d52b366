//! The `git` program, asked about other repositories: within bounds, never with a prompt, and whose fault its refusal is.
//!
//! It is told in every way that it knows to ask nobody. What asks all the same is not in the foreground of the terminal, so it
//! is stopped, and ends with the time.

use super::{Refused, Whose};
use crate::{git, text};
use anyhow::{Context as _, Result};
use exec::Cut;
use std::cell::Cell;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Time that one `git` may take. Shallow fetches of large repositories end within half a minute.
pub(super) const FETCH_TIME: Duration = Duration::from_secs(120);
/// Time to ask where tags point, which a run does each time.
pub(super) const ASK_TIME: Duration = Duration::from_secs(15);
/// Size of one bare repository. A shallow fetch of files below a mebibyte stays far under it.
const REPOSITORY_BYTES: u64 = 256 * 1024 * 1024;
/// Time between two looks at the size.
const LOOK_TIME: Duration = Duration::from_millis(500);

/// A `git` that talks to another repository.
pub(super) fn remote(dir: &Path) -> Command {
    let mut command = git::at(dir);
    command.args(["-c", "core.askPass=", "-c", "credential.interactive=false"]);
    command
        .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file")
        .env_remove("GIT_ASKPASS")
        .env_remove("SSH_ASKPASS")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env("GCM_INTERACTIVE", "never");
    if !has_own_ssh(dir) {
        command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
    }
    command
}

/// Whether the person says how `ssh` is called, with a key or a proxy of their own: then it is called so.
fn has_own_ssh(dir: &Path) -> bool {
    let is_set = |name| std::env::var_os(name).is_some();
    if is_set("GIT_SSH_COMMAND") || is_set("GIT_SSH") {
        return true;
    }
    let mut ask = git::at(dir);
    ask.args(["config", "--get", "core.sshCommand"]);
    matches!(bounded(&mut ask, ASK_TIME, None), Ok(Ok(_)))
}

/// What could not be fetched of `url`, and what was said.
pub(super) fn refused(url: &str, said: &str) -> Refused {
    without_answer(format!("cannot fetch `{url}`"), url, said)
}

/// As [`refused`], where only its tags were asked for.
pub(super) fn unasked(url: &str, said: &str) -> Refused {
    without_answer(format!("cannot ask `{url}` for its tags"), url, said)
}

fn without_answer(what: String, url: &str, said: &str) -> Refused {
    Refused {
        whose: whose(said),
        message: format!("{what}: git says: {said}"),
        help: format!("look whether `{}` works here", asking(url)),
    }
}

/// The command that asks a repository for what it has, as a shell takes it: the address is text of a file.
fn asking(url: &str) -> String {
    format!("git ls-remote {}", text::quoted(url))
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

/// As [`refused`], where it may be that the version is not there.
pub(super) fn refused_reference(url: &str, reference: &str, said: &str) -> Refused {
    if said.contains("couldn't find remote ref") || said.contains("not our ref") {
        return Refused {
            whose: Whose::User,
            message: format!("`{url}` has no tag, branch or commit `{reference}`"),
            help: format!("`{}` lists what it has", asking(url)),
        };
    }
    refused(url, said)
}

/// Runs `git` within a time, and while `growing` stays within its bound; what it printed, or what it said. When it is ended,
/// so is everything that it started, such as `ssh`.
///
/// # Errors
/// When it cannot be started.
pub(super) fn bounded(
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
    use rustix::event::{PollFd, PollFlags, Timespec};

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
    fn an_address_in_a_line_to_copy_runs_nothing() {
        let help = refused("https://h.invalid/$(id)", "not found").help;
        let expected = "look whether `git ls-remote 'https://h.invalid/$(id)'` works here";
        assert_eq!(help, expected);
        let help = refused_reference("https://h/;id", "v1", "couldn't find remote ref").help;
        assert_eq!(help, "`git ls-remote 'https://h/;id'` lists what it has");
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
        // What is killed closes its files a moment later: the end of the file, and not "try again" for a minute.
        if rustix::io::read(&alive, &mut [0; 1]) != Ok(0) {
            let mut closed = [PollFd::new(&alive, PollFlags::IN)];
            let minute = Timespec {
                tv_sec: 60,
                tv_nsec: 0,
            };
            assert_eq!(rustix::event::poll(&mut closed, Some(&minute)), Ok(1));
            assert!(closed[0].revents().contains(PollFlags::HUP));
        }
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
