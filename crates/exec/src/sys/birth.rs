//! Making a process, as fast as the kernel can.
//!
//! The new process borrows the memory of the spawner and runs on a stack of its own until it executes its
//! program, while the spawner stands still (`CLONE_VM | CLONE_VFORK`, as in `posix_spawn`): no page table is
//! copied. It is born inside its control group (`CLONE_INTO_CGROUP`); moving it there later would make the
//! whole system wait. Where the kernel or a filter refuses that, and on processors for which the jump to the
//! other stack is not written here, the classic `clone` with copied memory does the same work.
//!
//! Its process dies with the spawner's thread, whatever ends that: the kernel sees to it. It does not for what the
//! process starts, nor for a program that runs with other rights than the one that started it (set-user-ID).
//!
//! Until its program runs, the process makes only system calls: it allocates nothing, takes no lock, cannot
//! panic, and never returns. What fails is written to a page that both share in either way.

#![expect(
    unsafe_code,
    reason = "no safe crate makes a process inside a control group"
)]

use std::ffi::{CStr, c_char};
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::ptr::{self, NonNull};

use crate::event::Phase;

/// Everything a new process needs, ready to be handed to the kernel.
pub(crate) struct Birth<'a> {
    /// Becomes standard output.
    pub(crate) stdout: BorrowedFd<'a>,
    /// Becomes standard error.
    pub(crate) stderr: BorrowedFd<'a>,
    /// The control group (version 2) to be born in, as its directory and its `cgroup.procs`.
    pub(crate) group: Option<(BorrowedFd<'a>, BorrowedFd<'a>)>,
    /// The `cgroup.procs` of groups to enter before the program starts.
    pub(crate) join: &'a [BorrowedFd<'a>],
    pub(crate) file_size_bytes: Option<u64>,
    pub(crate) cwd: &'a CStr,
    /// Paths to try, in order.
    pub(crate) programs: &'a [&'a CStr],
    pub(crate) argv: &'a [&'a CStr],
    pub(crate) envp: &'a [&'a CStr],
}

/// Why there is no process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unborn {
    pub(crate) phase: Phase,
    pub(crate) errno: i32,
}

/// Makes processes. Owns the stack they start on and the page they report through.
pub(crate) struct Maker {
    /// Lowest address of the stack; below it lies a page that cannot be touched.
    stack: NonNull<u8>,
    report: NonNull<Report>,
    /// Our process, the parent of all that are made.
    parent: libc::pid_t,
    /// The kernel has `clone3` with groups. Forgotten when it first says it has not.
    has_clone3: bool,
}

/// What went wrong, written by the new process. Zeroes mean that nothing did.
#[repr(C)]
struct Report {
    failed: i32,
    errno: i32,
}

/// The new process's view of a [`Birth`]: raw, as the kernel wants it.
struct Orders {
    stdout: RawFd,
    stderr: RawFd,
    join: *const RawFd,
    join_count: usize,
    file_size: *const libc::rlimit,
    cwd: *const c_char,
    /// These three end in a null pointer.
    programs: *const *const c_char,
    argv: *const *const c_char,
    envp: *const *const c_char,
    parent: libc::pid_t,
    report: *mut Report,
}

/// Deep enough for a few system calls; the child's deepest frame is under 1 KiB, signals are blocked or
/// fatal.
const STACK_BYTES: usize = 64 << 10;
/// At least the page of every supported processor.
const GUARD_BYTES: usize = 64 << 10;

/// Not in every libc's headers. The kernel's value.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

const FAILED_JOIN: i32 = 1;
const FAILED_STREAMS: i32 = 2;
const FAILED_LIMIT: i32 = 3;
const FAILED_DIRECTORY: i32 = 4;
const FAILED_PROGRAM: i32 = 5;

impl Maker {
    /// Sets aside the stack and the page, for as long as the process lives.
    pub(crate) fn new() -> io::Result<Self> {
        let stack = map(GUARD_BYTES + STACK_BYTES, libc::MAP_PRIVATE)?;
        // SAFETY: the range is the lower part of the mapping just made, which nothing uses yet.
        if unsafe { libc::mprotect(stack.as_ptr().cast(), GUARD_BYTES, libc::PROT_NONE) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            // SAFETY: within the mapping, which is longer than its guard.
            stack: unsafe { stack.add(GUARD_BYTES) },
            report: map(size_of::<Report>(), libc::MAP_SHARED)?.cast(),
            parent: crate::proc::own_pid(),
            has_clone3: true,
        })
    }

    /// Makes a process that runs the program, in a session and a process group of its own. When this
    /// returns, the program has been started, or nothing is left of the attempt.
    pub(crate) fn make(&mut self, birth: &Birth<'_>) -> Result<i32, Unborn> {
        let programs = null_ended(birth.programs);
        let argv = null_ended(birth.argv);
        let envp = null_ended(birth.envp);
        let file_size = birth.file_size_bytes.map(|bytes| libc::rlimit {
            rlim_cur: bytes,
            rlim_max: bytes,
        });
        let mut join: Vec<RawFd> = birth.join.iter().map(|fd| fd.as_raw_fd()).collect();
        let mut orders = Orders {
            stdout: birth.stdout.as_raw_fd(),
            stderr: birth.stderr.as_raw_fd(),
            join: join.as_ptr(),
            join_count: join.len(),
            file_size: file_size.as_ref().map_or(ptr::null(), ptr::from_ref),
            cwd: birth.cwd.as_ptr(),
            programs: programs.as_ptr(),
            argv: argv.as_ptr(),
            envp: envp.as_ptr(),
            parent: self.parent,
            report: self.report.as_ptr(),
        };
        // SAFETY: the page is mapped for writing, and no process that could write it lives: each of them
        // has executed its program or ended before the call below returned.
        unsafe {
            self.report.write_volatile(Report {
                failed: 0,
                errno: 0,
            })
        };
        let born = match self.clone3(birth.group.map(|(directory, _)| directory), &orders) {
            // The group cannot be entered from here. Trees are found without groups too.
            Err(libc::EACCES | libc::EBUSY | libc::ENODEV) => self.clone3(None, &orders),
            Err(libc::ENOSYS | libc::EINVAL | libc::E2BIG | libc::EOPNOTSUPP | libc::EPERM) => {
                self.has_clone3 = false;
                if let Some((_, procs)) = birth.group {
                    join.push(procs.as_raw_fd());
                    (orders.join, orders.join_count) = (join.as_ptr(), join.len());
                }
                classic_clone(&orders)
            }
            other => other,
        };
        let pid = born.map_err(|errno| Unborn {
            phase: Phase::Fork,
            errno,
        })?;
        // SAFETY: as above; the new process has stopped using the page.
        let report = unsafe { self.report.read_volatile() };
        let phase = match report.failed {
            0 => return Ok(pid),
            FAILED_JOIN => Phase::Cgroup,
            FAILED_STREAMS => Phase::Streams,
            FAILED_LIMIT => Phase::Limit,
            FAILED_DIRECTORY => Phase::WorkingDirectory,
            _ => Phase::Program,
        };
        // It has ended, and nobody else is told of it.
        // SAFETY: no status is asked for; the number is that of our own unreaped child.
        while unsafe { libc::waitpid(pid, ptr::null_mut(), 0) } < 0
            && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
        {}
        Err(Unborn {
            phase,
            errno: report.errno,
        })
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn clone3(&self, group: Option<BorrowedFd<'_>>, orders: &Orders) -> Result<i32, i32> {
        if !self.has_clone3 {
            return Err(libc::ENOSYS);
        }
        let mut flags = u64::from((libc::CLONE_VM | libc::CLONE_VFORK).unsigned_abs());
        let mut cgroup = 0;
        if let Some(group) = group {
            flags |= CLONE_INTO_CGROUP;
            cgroup = u64::try_from(group.as_raw_fd()).expect("an open descriptor is not negative");
        }
        // SAFETY: all zeroes is a valid clone_args.
        let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
        args.flags = flags;
        args.exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
        args.stack = self.stack.as_ptr() as u64;
        args.stack_size = STACK_BYTES as u64;
        args.cgroup = cgroup;
        // SAFETY: the stack is ours and idle, as no earlier child still runs on it (see `make`). The child
        // runs `live`, which never returns and reads only `orders`; what those point to outlives the call,
        // since this thread, the only one, stands still until the child has executed or ended.
        let returned = unsafe { clone3_onto(&args, live, orders) };
        if returned < 0 {
            return Err(i32::try_from(-returned).expect("error numbers are small"));
        }
        Ok(i32::try_from(returned).expect("process numbers are small"))
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn clone3(&self, _group: Option<BorrowedFd<'_>>, _orders: &Orders) -> Result<i32, i32> {
        Err(libc::ENOSYS)
    }
}

/// `clone3` whose child calls `entry(orders)` on the stack in `args`. The compiler sees one return, the
/// parent's: the child leaves through `entry` before the end of the block.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
unsafe fn clone3_onto(
    args: &libc::clone_args,
    entry: unsafe extern "C" fn(*const Orders) -> !,
    orders: *const Orders,
) -> i64 {
    let returned: i64;
    // SAFETY: the caller vouches for the arguments. The registers named are kept by the system call, and
    // the parent's stack is not touched; the child's is aligned as its top is the end of a mapping.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => returned,
            in("rdi") ptr::from_ref(args),
            in("rsi") size_of::<libc::clone_args>(),
            in("r12") entry,
            in("r13") orders,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x21",
            "blr x20",
            "brk 1",
            "2:",
            in("x8") libc::SYS_clone3,
            inlateout("x0") ptr::from_ref(args) => returned,
            in("x1") size_of::<libc::clone_args>(),
            in("x20") entry,
            in("x21") orders,
        );
    }
    returned
}

/// `clone` with copied memory; the parent waits all the same, so that the report is there when it returns.
fn classic_clone(orders: &Orders) -> Result<i32, i32> {
    let flags = libc::c_long::from(libc::CLONE_VFORK | libc::SIGCHLD);
    // SAFETY: without CLONE_VM the child has a copy of everything, also of this stack, so returning twice
    // is harmless; it goes straight to `live`, whose orders are in its own copy.
    unsafe {
        let returned = libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0);
        if returned == 0 {
            live(orders);
        }
        if returned < 0 {
            return Err(io::Error::last_os_error()
                .raw_os_error()
                .unwrap_or(libc::EAGAIN));
        }
        Ok(i32::try_from(returned).expect("process numbers are small"))
    }
}

/// The life of the new process until its program takes over.
///
/// # Safety
/// To be called in a new process only, with orders whose pointers are good.
unsafe extern "C" fn live(orders: *const Orders) -> ! {
    // SAFETY: the caller vouches for the pointers. Each call is one that may be made between making a
    // process and executing its program; none of them allocates or locks. `errno` may be the spawner's own,
    // which is at rest and does not rely on it.
    unsafe {
        let orders = &*orders;
        libc::setsid();
        // Refused by nobody but a filter; then it is found by the next look at what was left behind.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != orders.parent {
            // The spawner was killed before it was said that we die with it.
            libc::_exit(127);
        }
        for place in 0..orders.join_count {
            if libc::write(*orders.join.add(place), c"0".as_ptr().cast(), 1) != 1 {
                fail(orders, FAILED_JOIN, *libc::__errno_location());
            }
        }
        // Standard input is the spawner's own: /dev/null. All else is closed by executing.
        if libc::dup2(orders.stdout, 1) < 0 || libc::dup2(orders.stderr, 2) < 0 {
            fail(orders, FAILED_STREAMS, *libc::__errno_location());
        }
        if !orders.file_size.is_null() && libc::setrlimit(libc::RLIMIT_FSIZE, orders.file_size) != 0
        {
            fail(orders, FAILED_LIMIT, *libc::__errno_location());
        }
        if libc::chdir(orders.cwd) != 0 {
            fail(orders, FAILED_DIRECTORY, *libc::__errno_location());
        }
        let none: libc::sigset_t = std::mem::zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        let mut errno = libc::ENOENT;
        let mut program = orders.programs;
        while !(*program).is_null() {
            libc::execve(*program, orders.argv, orders.envp);
            match *libc::__errno_location() {
                // As a shell does: a file that may not be executed is told of only if no other is found.
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => errno = libc::EACCES,
                other => fail(orders, FAILED_PROGRAM, other),
            }
            program = program.add(1);
        }
        fail(orders, FAILED_PROGRAM, errno)
    }
}

/// # Safety
/// As [`live`].
unsafe fn fail(orders: &Orders, failed: i32, errno: i32) -> ! {
    // SAFETY: the page is mapped in this process too, and the other side reads it only after the end.
    unsafe {
        orders.report.write_volatile(Report { failed, errno });
        libc::_exit(127)
    }
}

fn null_ended(texts: &[&CStr]) -> Vec<*const c_char> {
    texts
        .iter()
        .map(|text| text.as_ptr())
        .chain([ptr::null()])
        .collect()
}

fn map(size_bytes: usize, sharing: libc::c_int) -> io::Result<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size_bytes,
            access,
            sharing | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(address.cast()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use rustix::process::{Pid, WaitOptions, waitpid};

    use super::*;

    /// With what this kernel has, and as if it had not.
    fn both_ways(check: impl Fn(&mut Maker, BorrowedFd<'_>)) {
        let null = std::fs::File::open("/dev/null").expect("every system has it");
        for has_clone3 in [true, false] {
            let mut maker = Maker {
                has_clone3,
                ..Maker::new().expect("memory for a stack")
            };
            check(&mut maker, null.as_fd());
        }
    }

    fn birth<'a>(output: BorrowedFd<'a>, cwd: &'a CStr, programs: &'a [&'a CStr]) -> Birth<'a> {
        Birth {
            stdout: output,
            stderr: output,
            group: None,
            join: &[],
            file_size_bytes: None,
            cwd,
            programs,
            argv: &[c"sh", c"-c", c"exit 7"],
            envp: &[],
        }
    }

    #[test]
    fn program_runs_from_the_first_path_that_has_it() {
        both_ways(|maker, output| {
            let programs = [c"/no/such/sh", c"/dev/null/sh", c"/bin/sh"];
            let pid = maker
                .make(&birth(output, c"/", &programs))
                .expect("it is there");
            let (_, status) = waitpid(Pid::from_raw(pid), WaitOptions::empty())
                .expect("it is a child")
                .expect("it was waited for");
            assert_eq!(status.exit_status(), Some(7));
        });
    }

    #[test]
    fn failure_is_told_with_its_phase_and_leaves_no_process() {
        both_ways(|maker, output| {
            let programs: [&CStr; 2] = [c"/etc/passwd", c"/no/such/sh"];
            for (cwd, phase, errno) in [
                (c"/no/such/place", Phase::WorkingDirectory, libc::ENOENT),
                (c"/", Phase::Program, libc::EACCES),
            ] {
                let unborn = maker
                    .make(&birth(output, cwd, &programs))
                    .expect_err("it cannot run");
                assert_eq!((unborn.phase, unborn.errno), (phase, errno));
            }
        });
    }
}
