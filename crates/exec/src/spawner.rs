//! The spawner: a small process with one thread that starts, adopts, reaps and kills for an executor.
//!
//! Why a process of its own: making a process is cheap from a small one; a parent-death signal fires when
//! the *thread* that made a process ends, and spares grandchildren; and only a parent that outlives the
//! executor can kill everything when the executor is killed. (The commands themselves have that signal all the
//! same, for the moment in which both are killed.) It is a subreaper, so whoever loses a parent
//! among its descendants becomes its child, however often it forked and whatever session it is in.
//!
//! It has one loop over two descriptors: the executor's socket and the signal that a child has ended. When
//! the socket closes it kills all its descendants, removes its control groups and exits. It decides nothing
//! else: no clock, no retry, no reading of output, which goes from the process to the executor directly.
//!
//! How the processes of a tree are found: by the tree's control group if it has one; always also as
//! descendants of its commands, and, among the orphans that the spawner adopted, by a session that one of its
//! commands led or by the attempt in their environment. An orphan with none of these marks is left alone
//! until the spawner ends.

mod launch;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::cgroup::Groups;
use crate::event::Phase;
use crate::leftovers::{OWNER_ENV, STATE_ID_ENV};
use crate::packet::{self, Buffer, Received, Wait};
use crate::proc::{self, OwnChildren, Owner};
use crate::sys::{self, Maker};
use crate::wire::{self, Replies, Reply, Request};
use launch::Refusal;
use tree::{Tree, kill};

/// The name it goes by: its `argv[0]`.
pub const SPAWNER_NAME: &str = "formic-spawner";
/// Says that a process is to be a spawner, and of which version; and whether it may make control groups.
const ASKED_ENV: &str = "FORMIC_SPAWNER";
const ASKED_WITH_GROUPS: &str = "1 groups";
const ASKED_WITHOUT_GROUPS: &str = "1";

/// Turns the process into a spawner if it was started as one, and then never returns. To be called first
/// in `main`, before any thread is started.
pub fn run_if_asked() {
    if std::env::args_os().next().as_deref() != Some(OsStr::new(SPAWNER_NAME)) {
        return;
    }
    let Some(asked) = std::env::var_os(ASKED_ENV) else {
        return;
    };
    let has_served = serve(&asked).is_ok();
    std::process::exit(if has_served { 0 } else { 70 });
}

/// The environment that makes a process of the same program a spawner.
pub(crate) fn environment(
    state_id: &str,
    owner: Owner,
    with_groups: bool,
) -> [(&'static str, String); 3] {
    let asked = if with_groups {
        ASKED_WITH_GROUPS
    } else {
        ASKED_WITHOUT_GROUPS
    };
    [
        (ASKED_ENV, asked.to_owned()),
        (STATE_ID_ENV, state_id.to_owned()),
        (OWNER_ENV, owner.to_string()),
    ]
}

fn serve(asked: &OsString) -> io::Result<()> {
    let socket = sys::take_over()?;
    let variable =
        |name| std::env::var(name).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    let owner_text = variable(OWNER_ENV)?;
    let owner: Owner = owner_text
        .parse()
        .map_err(|()| io::ErrorKind::InvalidInput)?;
    let (signals, maker) = (sys::child_signals()?, Maker::new()?);
    // Last of what can fail: nobody would remove them.
    let groups = if asked == ASKED_WITH_GROUPS {
        let name = crate::cgroup::base_name(&variable(STATE_ID_ENV)?, owner);
        Groups::prepare(&name, &[owner.pid, proc::own_pid()])
    } else {
        Groups::none()
    };
    let mut spawner = Spawner {
        socket,
        signals,
        maker,
        groups,
        owner_text,
        children: OwnChildren::open(),
        replies: Replies::new(),
        due: None,
        commands: HashMap::new(),
        pids: HashMap::new(),
        trees: BTreeMap::new(),
    };
    let served = spawner.serve();
    spawner.end();
    served
}

struct Spawner {
    socket: OwnedFd,
    signals: OwnedFd,
    maker: Maker,
    groups: Groups,
    /// As in the environment of every process we start.
    owner_text: String,
    children: OwnChildren,
    /// Told in one packet.
    replies: Replies,
    /// When that is sent; `None` if it is empty.
    due: Option<Instant>,
    /// Commands that have not ended, by process. One entry for each child that is not an orphan.
    commands: HashMap<i32, Started>,
    /// Their processes, by the executor's number.
    pids: HashMap<u64, i32>,
    /// Trees that have not ended, by attempt.
    trees: BTreeMap<String, Tree>,
}

/// A command that has not ended.
struct Started {
    id: u64,
    tree: String,
    /// Its end is that of the tree.
    is_last: bool,
}

/// Requests handled before children are looked at again, so that neither starves.
const REQUESTS_AT_ONCE: u32 = 16;
/// How long the start of a command may wait for company. Far below what a person sees.
const START_PATIENCE: Duration = Duration::from_millis(4);
/// How often trees that are being killed are looked at, besides whenever a child ends.
const RECHECK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};
/// How often everything is killed again at the end; with [`RECHECK`] between, half a minute. What is alive
/// after that cannot be killed by anyone (it waits for a dead disk, say).
const LAST_ROUNDS_MAX: u32 = 6_000;

impl Spawner {
    /// Serves until the executor is gone. An error means the same: it cannot be reached or understood.
    fn serve(&mut self) -> io::Result<()> {
        let mut buffer = Buffer::new();
        loop {
            let is_closing = self.trees.values().any(Tree::is_closing);
            let is_waiting = is_closing || !self.replies.is_empty();
            let mut fds = [
                PollFd::new(&self.socket, PollFlags::IN),
                PollFd::new(&self.signals, PollFlags::IN),
            ];
            match poll(&mut fds, is_waiting.then_some(&RECHECK)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            let [asked, ended] = fds.map(|fd| !fd.revents().is_empty());
            if ended {
                self.reap()?;
            }
            if asked && !self.answer(&mut buffer)? {
                return Ok(());
            }
            self.close_trees()?;
            if self.due.is_some_and(|due| Instant::now() >= due) {
                self.send()?;
            }
        }
    }

    /// Handles what was asked; whether the executor is still there.
    fn answer(&mut self, buffer: &mut Buffer) -> io::Result<bool> {
        for _ in 0..REQUESTS_AT_ONCE {
            let (message, fds) = match packet::receive(self.socket.as_fd(), buffer)? {
                Received::Message(message, fds) => (message, fds),
                Received::Nothing => return Ok(true),
                Received::Closed => return Ok(false),
            };
            match wire::read_request(message).ok_or(io::ErrorKind::InvalidData)? {
                Request::Start(start) => self.start(&start, &fds)?,
                Request::Terminate { id } => self.terminate(id),
                Request::Kill { id } => self.kill(id),
                Request::Finish { tree } => self.trees.entry(tree.to_owned()).or_default().close(),
            }
        }
        Ok(true)
    }

    fn start(&mut self, start: &wire::Start<'_>, fds: &[OwnedFd]) -> io::Result<()> {
        let id = start.id;
        let tree = self.trees.entry(start.tree.to_owned()).or_default();
        if tree.is_closing() {
            let text = format!("attempt `{}` is being ended", start.tree);
            return self.tell(&Reply::NotStarted {
                id,
                phase: Phase::Ending,
                errno: 0,
                text,
            });
        }
        let group = tree.group(&mut self.groups, &start.limits);
        match launch::launch(&mut self.maker, start, fds, group) {
            Ok(pid) => {
                tree.sessions.push(pid);
                self.pids.insert(id, pid);
                let command = Started {
                    id,
                    tree: start.tree.to_owned(),
                    is_last: start.is_last,
                };
                self.commands.insert(pid, command);
                self.tell(&Reply::Started { id, pid })
            }
            Err(Refusal { phase, errno, text }) => {
                if start.is_last {
                    tree.close();
                }
                self.tell(&Reply::NotStarted {
                    id,
                    phase,
                    errno,
                    text,
                })
            }
        }
    }

    fn terminate(&self, id: u64) {
        let Some(group) = self
            .pids
            .get(&id)
            .and_then(|pid| rustix::process::Pid::from_raw(*pid))
        else {
            return;
        };
        for signal in [rustix::process::Signal::TERM, rustix::process::Signal::CONT] {
            // It is our unreaped child, so its number is its own; at worst the group is all zombies.
            rustix::process::kill_process_group(group, signal).ok();
        }
    }

    fn kill(&self, id: u64) {
        let Some(leader) = self.pids.get(&id).copied() else {
            return;
        };
        for pid in proc::closure(leader) {
            kill(pid);
        }
        // What had lost its parent but not its session is among the orphans.
        for pid in self.orphans().into_iter().flat_map(proc::closure) {
            if proc::stat(pid).is_some_and(|stat| stat.session == leader) {
                kill(pid);
            }
        }
    }

    /// Takes the ends of all children that have ended.
    fn reap(&mut self) -> io::Result<()> {
        let mut signals = [0; 1024];
        while rustix::io::read(&self.signals, &mut signals).is_ok_and(|size| size == signals.len())
        {
        }
        while let Some(pid) = sys::ended_child() {
            let Some(command) = self.commands.remove(&pid) else {
                self.reap_orphan(pid);
                continue;
            };
            self.pids.remove(&command.id);
            let (exit, usage) = sys::reap(pid).ok_or(io::ErrorKind::NotFound)?;
            let tree = self.trees.get_mut(&command.tree);
            let oom_killed = tree.is_some_and(|tree| {
                tree.usage.add(usage);
                if command.is_last {
                    tree.close();
                }
                tree.oom_killed()
            });
            self.tell(&Reply::Exited {
                id: command.id,
                exit,
                usage,
                oom_killed,
            })?;
            self.forget_sessions();
        }
        Ok(())
    }

    fn reap_orphan(&mut self, pid: i32) {
        let session = proc::stat(pid).map_or(0, |stat| stat.session);
        let cgroups = proc::cgroups(pid);
        let tree = self
            .trees
            .values_mut()
            .find(|tree| tree.sessions.contains(&session) || tree.holds(&cgroups));
        if let (Some((_, usage)), Some(tree)) = (sys::reap(pid), tree) {
            tree.usage.add(usage);
        }
        self.forget_sessions();
    }

    /// Forgets the sessions that nobody is in, whose numbers may be used again.
    fn forget_sessions(&mut self) {
        let adopted: Vec<i32> = self.orphans().into_iter().flat_map(proc::closure).collect();
        let living: Vec<i32> = adopted
            .into_iter()
            .filter_map(|pid| Some(proc::stat(pid)?.session))
            .collect();
        for tree in self.trees.values_mut() {
            tree.sessions
                .retain(|session| self.commands.contains_key(session) || living.contains(session));
        }
    }

    /// Children that we did not start, living or dead.
    fn orphans(&self) -> Vec<i32> {
        self.children
            .list()
            .into_iter()
            .filter(|pid| !self.commands.contains_key(pid))
            .collect()
    }

    /// Kills what is left of trees that are being ended, and tells of those that nothing is left of.
    fn close_trees(&mut self) -> io::Result<()> {
        let closing: Vec<String> = self
            .trees
            .iter()
            .filter(|(_, tree)| tree.is_closing())
            .map(|(name, _)| name.clone())
            .collect();
        for name in closing {
            let commands: Vec<i32> = self
                .commands
                .iter()
                .filter(|(_, command)| command.tree == name)
                .map(|(pid, _)| *pid)
                .collect();
            let orphans = self.orphans();
            let Some(tree) = self.trees.get_mut(&name) else {
                continue;
            };
            if tree.kill(&name, &self.owner_text, &commands, &orphans) {
                continue;
            }
            if let Some(tree) = self.trees.remove(&name) {
                let (killed, usage) = tree.end(&mut self.groups);
                self.tell(&Reply::TreeGone {
                    tree: name,
                    killed,
                    usage,
                })?;
            }
        }
        Ok(())
    }

    /// Kills all descendants and removes all groups.
    fn end(&mut self) {
        for _ in 0..LAST_ROUNDS_MAX {
            self.groups.kill_all();
            let children = self.children.list();
            for pid in children.iter().flat_map(|child| proc::closure(*child)) {
                kill(pid);
            }
            while let Some(pid) = sys::ended_child() {
                sys::reap(pid);
            }
            if self.children.list().is_empty() {
                break;
            }
            let mut fds = [PollFd::new(&self.signals, PollFlags::IN)];
            // Woken by the next end, or by time.
            poll(&mut fds, Some(&RECHECK)).ok();
            let mut signals = [0; 1024];
            rustix::io::read(&self.signals, &mut signals).ok();
        }
        self.groups.remove();
    }

    /// Writes a reply into the packet that is sent next: at the end of the turn, but a start that has
    /// nothing to go with waits for a moment, in which a short command ends. So the executor is woken once
    /// for it and not three times.
    fn tell(&mut self, reply: &Reply) -> io::Result<()> {
        let patience = match reply {
            Reply::Started { .. } => START_PATIENCE,
            Reply::NotStarted { .. } | Reply::Exited { .. } | Reply::TreeGone { .. } => {
                Duration::ZERO
            }
        };
        let due = Instant::now() + patience;
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        self.replies.push(reply);
        if self.replies.is_full() {
            self.send()
        } else {
            Ok(())
        }
    }

    fn send(&mut self) -> io::Result<()> {
        self.due = None;
        packet::send(self.socket.as_fd(), self.replies.packet(), &[], Wait::Yes)?;
        self.replies.clear();
        Ok(())
    }
}
