//! Starting one command: where its program may be, and in words why it could not be started.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::cgroup::TreeGroup;
use crate::event::Phase;
use crate::sys::{Birth, Maker, Unborn};
use crate::wire::Start;

/// Where programs are looked for without a `PATH`.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin";

/// Why a command was not started.
pub(super) struct Refusal {
    pub(super) phase: Phase,
    pub(super) errno: i32,
    pub(super) text: String,
}

/// Starts a command; returns its process.
pub(super) fn launch(
    maker: &mut Maker,
    start: &Start<'_>,
    fds: &[OwnedFd],
    group: &TreeGroup,
) -> Result<i32, Refusal> {
    let (Some(stdout), Some(stderr)) = (fds.first(), fds.last()) else {
        let text = "the request came without an output".to_owned();
        return Err(Refusal {
            phase: Phase::Streams,
            errno: 0,
            text,
        });
    };
    let candidates = candidates(start);
    let programs: Vec<&CStr> = candidates.iter().map(CString::as_c_str).collect();
    let programs = from_first_there(&programs);
    let join = group.to_enter();
    let birth = Birth {
        stdout: stdout.as_fd(),
        stderr: stderr.as_fd(),
        group: group.birthplace(),
        join: &join,
        file_size_bytes: start.limits.file_size_bytes,
        cwd: start.cwd,
        programs,
        argv: &start.argv,
        envp: &start.envp,
    };
    maker.make(&birth).map_err(|unborn| Refusal {
        phase: unborn.phase,
        errno: unborn.errno,
        text: explain(start, programs, unborn),
    })
}

/// The paths a program may be at: itself if it is a path, else in each directory of its `PATH`.
fn candidates(start: &Start<'_>) -> Vec<CString> {
    let program = start.program.to_bytes();
    if program.contains(&b'/') {
        return vec![start.program.to_owned()];
    }
    search_path(start)
        .split(|byte| *byte == b':')
        .filter_map(|directory| {
            let directory = if directory.is_empty() {
                b"."
            } else {
                directory
            };
            CString::new([directory, b"/", program].concat()).ok()
        })
        .collect()
}

/// Without the first ones that are certainly not there: looking is a third of the cost of trying to execute, and
/// while the new process tries, this one stands still. All of them if none is there, for the message.
fn from_first_there<'a>(programs: &'a [&'a CStr]) -> &'a [&'a CStr] {
    let may_be_there = |path: &&CStr| {
        // A relative one means something else in the command's directory.
        let is_absolute = path.to_bytes().starts_with(b"/");
        !is_absolute || access(*path, Access::EXISTS) != Err(Errno::NOENT)
    };
    let first = programs.iter().position(may_be_there).unwrap_or(0);
    &programs[first..]
}

fn search_path<'a>(start: &Start<'a>) -> &'a [u8] {
    start
        .envp
        .iter()
        .find_map(|entry| entry.to_bytes().strip_prefix(b"PATH="))
        .unwrap_or(DEFAULT_PATH)
}

fn explain(start: &Start<'_>, programs: &[&CStr], unborn: Unborn) -> String {
    let program = start.program.to_string_lossy();
    let cwd = start.cwd.to_string_lossy();
    let cause = std::io::Error::from_raw_os_error(unborn.errno);
    match (unborn.phase, unborn.errno) {
        (Phase::WorkingDirectory, libc::ENOENT) => {
            format!("working directory `{cwd}` does not exist")
        }
        (Phase::WorkingDirectory, libc::ENOTDIR) => {
            format!("working directory `{cwd}` is not a directory")
        }
        (Phase::WorkingDirectory, libc::EACCES) => {
            format!("no permission to enter working directory `{cwd}`")
        }
        (Phase::WorkingDirectory, _) => format!("cannot enter working directory `{cwd}`: {cause}"),
        (Phase::Program, libc::ENOENT) => {
            match programs.iter().find(|path| exists(path, start.cwd)) {
                Some(path) => {
                    format!(
                        "`{}` is there, but the interpreter it names is not",
                        path.to_string_lossy()
                    )
                }
                None if program.contains('/') => format!("program `{program}` does not exist"),
                None => {
                    let path = String::from_utf8_lossy(search_path(start));
                    format!("command `{program}` was not found in PATH `{path}`")
                }
            }
        }
        (Phase::Program, libc::EACCES) => format!("no permission to execute `{program}`"),
        (Phase::Program, libc::ENOEXEC) => {
            format!(
                "`{program}` is neither a program for this machine nor a script with a `#!` line"
            )
        }
        (Phase::Program, libc::E2BIG) => {
            format!("arguments and environment of `{program}` are too large for this system")
        }
        (Phase::Program, _) => format!("cannot execute `{program}`: {cause}"),
        (Phase::Fork, libc::EAGAIN) => {
            format!("cannot start `{program}`: the limit on processes is reached")
        }
        (Phase::Fork, _) => format!("cannot make a process for `{program}`: {cause}"),
        (Phase::Cgroup, _) => format!("cannot put `{program}` into its control group: {cause}"),
        (Phase::Streams, _) => format!("cannot connect the output of `{program}`: {cause}"),
        (Phase::Limit, _) => format!("cannot limit the file size of `{program}`: {cause}"),
        (Phase::Request | Phase::Ending | Phase::Spawner | Phase::Pipe, _) => {
            format!("cannot start `{program}`: {cause}")
        }
    }
}

fn exists(path: &CStr, cwd: &CStr) -> bool {
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    Path::new(OsStr::from_bytes(cwd.to_bytes()))
        .join(path)
        .exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Limits;

    fn start<'a>(program: &'a CStr, envp: &[&'a CStr]) -> Start<'a> {
        let limits = Limits::default();
        Start {
            id: 1,
            tree: "t",
            is_last: false,
            limits,
            cwd: c"/",
            program,
            argv: vec![program],
            envp: envp.to_vec(),
        }
    }

    #[test]
    fn name_is_looked_up_in_the_path_of_the_command() {
        let found = candidates(&start(c"x", &[c"PATH=/a::/b"]));
        assert_eq!(
            found,
            [c"/a/x".to_owned(), c"./x".to_owned(), c"/b/x".to_owned()]
        );
        assert_eq!(candidates(&start(c"x", &[])).len(), 3);
    }

    #[test]
    fn path_is_taken_as_it_is() {
        assert_eq!(
            candidates(&start(c"./x", &[c"PATH=/a"])),
            [c"./x".to_owned()]
        );
    }
}
