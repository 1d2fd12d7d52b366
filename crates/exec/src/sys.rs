//! The calls that no safe crate offers: making a process, reaping one with its resource use, and what a
//! process must do to itself to become a spawner.
//!
//! All `unsafe` of the project is here and in `sys/birth.rs`. Everything but [`watch_in_runtime`] and
//! [`die_with_thread`] is for the spawner alone, which has one thread.

#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper; each block says why it is sound"
)]

mod birth;

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::ptr;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub(crate) use birth::{Birth, Maker, Unborn};

use crate::event::{Exit, Usage};

/// Turns the calling process into a spawner: keeps only the socket that is its standard input, adopts
/// orphans, and heeds no signal, so that neither a terminal nor a service manager ends it before its
/// executor. Returns the socket.
pub(crate) fn take_over() -> io::Result<OwnedFd> {
    let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    let null = rustix::fs::open(
        "/dev/null",
        rustix::fs::OFlags::RDWR,
        rustix::fs::Mode::empty(),
    )?;
    for standard in 0..=2 {
        // SAFETY: dup2 only replaces what 0, 1 and 2 refer to. Nothing owns those in a process that is
        // about to be a spawner: std's handles for them neither close nor remember anything.
        check(unsafe { libc::dup2(null.as_raw_fd(), standard) })?;
    }
    drop(null);
    close_all_but(socket.as_raw_fd())?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    reset_signals()?;
    Ok(socket)
}

/// The size of a page of memory, in bytes.
pub(crate) fn page_bytes() -> usize {
    // SAFETY: sysconf only reads a constant of the system.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // It cannot fail for this name; the least page of all systems would do all the same.
    usize::try_from(bytes).unwrap_or(4096)
}

/// Has the kernel kill what `command` starts when the thread that starts it has ended, and with it this process.
pub(crate) fn die_with_thread(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt as _;
    let parent = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: between fork and exec only two system calls are made, which allocate nothing and take no lock.
    unsafe {
        command.pre_exec(move || {
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            // It may have ended before it was asked for.
            if libc::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

fn close_all_but(keep: RawFd) -> io::Result<()> {
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2 && *fd != keep)
        .collect();
    for fd in open {
        // SAFETY: this runs before anything else in the process, so whatever is open was inherited and
        // has no owner here. One of them was the listing itself and is closed by now: an error, ignored.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// Blocks every signal and forgets inherited habits (such as a shell's ignored SIGINT, or SIGPIPE, which
/// Rust ignores), so that a new process, which only unblocks them, has them all as a login shell would.
fn reset_signals() -> io::Result<()> {
    let all = full_set();
    // SAFETY: the set is initialised; the old one is not asked for.
    check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut()) })?;
    // All zeroes is the kernel's "default" for any processor's layout of this structure, which is shorter.
    let default = [0_u64; 8];
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: the default installs no code. The kernel is asked directly because libc refuses to touch
        // the two signals that it keeps for itself; it needs them only for threads, of which there are none.
        // Refused for SIGKILL and SIGSTOP, which have no other habit.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null::<u64>(),
                SIGNAL_SET_BYTES,
            );
        }
    }
    Ok(())
}

/// The size of the kernel's own signal set, which is not libc's.
const SIGNAL_SET_BYTES: usize = 8;

fn full_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the set that it is given.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// Lets the current runtime tell when a descriptor can be read.
pub(crate) fn watch_in_runtime(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` always gives the same descriptor and keeps it open while the `AsyncFd` owns it.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// A descriptor that can be read whenever a child has ended.
pub(crate) fn child_signals() -> io::Result<OwnedFd> {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set before it is used; signalfd only reads it.
    let fd = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    check(fd)?;
    // SAFETY: the descriptor was just made and has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The number of some child that has ended, leaving it to be looked at until it is [`reap`]ed.
pub(crate) fn ended_child() -> Option<i32> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: waitid writes the structure, which is valid as zeroes too, as it stays if no child has ended;
    // then its si_pid, present in every variant for children, is 0.
    let pid = unsafe {
        if libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), flags) != 0 {
            return None;
        }
        info.assume_init().si_pid()
    };
    (pid > 0).then_some(pid)
}

/// Takes the end of a child, after which its number may be used again.
pub(crate) fn reap(pid: i32) -> Option<(Exit, Usage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both places are valid for writing, and all zeroes is a valid rusage.
    let usage = unsafe {
        if libc::wait4(pid, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) != pid {
            return None;
        }
        usage.assume_init()
    };
    let exit = if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    };
    let usage = Usage {
        cpu_user_us: microseconds(usage.ru_utime),
        cpu_system_us: microseconds(usage.ru_stime),
        memory_peak_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
    };
    Some((exit, usage))
}

fn microseconds(time: libc::timeval) -> u64 {
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(time.tv_usec).unwrap_or(0)
}

/// The error of a call that returns a negative number for one.
fn check(returned: libc::c_int) -> io::Result<()> {
    if returned < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
