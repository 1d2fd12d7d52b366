//! Starting one command: where its program may be, and in words why it could not be started.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::cgroup::TreeGroup;
use crate::event::Phase;
use crate::sys::{self, Birth, Maker, Unborn};
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
        (Phase::Program, libc::E2BIG) => too_large(start),
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

/// Names what is too large for the kernel: one string that is, else the largest of all together.
fn too_large(start: &Start<'_>) -> String {
    let program = start.program.to_string_lossy();
    let most = most_of_one();
    let size = |entry: &&CStr| entry.count_bytes() + 1;
    let variable = start.envp.iter().copied().max_by_key(size);
    let argument = start.argv.iter().copied().max_by_key(size);
    let name = variable.map_or_else(String::new, |entry| {
        let name = entry.to_bytes().split(|byte| *byte == b'=').next();
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    });
    let value = variable.map_or(0, |entry| {
        entry.count_bytes().saturating_sub(name.len() + 1)
    });
    let help = "write the value into a file, or pass it as an artifact";
    if variable.is_some_and(|entry| size(&entry) > most) {
        let limit_kib = most >> 10;
        return format!(
            "the variable `{name}` of `{program}` has {value} bytes, and this system takes at most {limit_kib} KiB \
             in one with its name; {help}"
        );
    }
    if let Some(argument) = argument.filter(|argument| size(argument) > most) {
        let (found, limit_kib) = (argument.count_bytes(), most >> 10);
        return format!(
            "an argument of `{program}` has {found} bytes, and this system takes at most {limit_kib} KiB in one; {help}"
        );
    }
    let all: usize = start.argv.iter().chain(&start.envp).map(size).sum();
    format!(
        "arguments and environment of `{program}` are too large for this system with {all} bytes; the largest variable \
         is `{name}` with {value}: {help}"
    )
}

/// The most bytes of one argument, or of one variable with its name, with the zero at the end: `MAX_ARG_STRLEN` of
/// Linux, 32 pages.
fn most_of_one() -> usize {
    32 * sys::page_bytes()
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

    #[test]
    fn all_together_too_large_names_the_largest_variable() {
        let said = too_large(&start(c"x", &[c"A=1", c"LONG=12345", c"B=2"]));
        let expected = "arguments and environment of `x` are too large for this system with 21 bytes; the largest \
                        variable is `LONG` with 5: write the value into a file, or pass it as an artifact";
        assert_eq!(said, expected);
    }

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
