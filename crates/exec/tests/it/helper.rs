//! A rig that runs shell commands and collects what is told of them, and the waiting for processes to end.
//! Nothing here sleeps: every wait is for an event, with a bound that only a hang reaches.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::time::Duration;

use exec::{
    Cgroups, Command, ExecEvent, Executor as _, Exit, Limits, NotStarted, Options, OutputState,
    ProcessExecutor, StepRef, Stream, TreeKey, Usage,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Far beyond what any of these takes.
const HANG: Duration = Duration::from_secs(60);

/// With control groups, which this machine may not have, and without.
pub(crate) const BOTH_WAYS: [Cgroups; 2] = [Cgroups::WherePossible, Cgroups::Never];

pub(crate) fn options(cgroups: Cgroups) -> Options {
    Options {
        spawner_program: env!("CARGO_BIN_EXE_formic-spawner").into(),
        cgroups,
        ..Options::new("it")
    }
}

/// A command of the tree `it/1`: a script under bash.
pub(crate) fn bash(script: &str) -> Command {
    Command {
        tree: tree(),
        program: "bash".into(),
        args: ["--noprofile", "--norc", "-c", script]
            .map(OsString::from)
            .to_vec(),
        env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
        cwd: "/".into(),
        is_last: false,
        keep_stderr_apart: false,
        limits: Limits::default(),
    }
}

pub(crate) fn tree() -> TreeKey {
    TreeKey::new("it/1")
}

/// What was told of a command.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) pid: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) has_output_ended: bool,
    pub(crate) exit: Option<Exit>,
    pub(crate) usage: Usage,
    pub(crate) is_oom_killed: bool,
    pub(crate) output_at_exit: Option<OutputState>,
    pub(crate) refused: Option<NotStarted>,
}

impl Told {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The number on the last whole line of the output.
    pub(crate) fn number(&self) -> Option<i32> {
        let text = self.text();
        let (whole, _) = text.rsplit_once('\n')?;
        whole.lines().last()?.parse().ok()
    }
}

/// An executor and all that it told.
pub(crate) struct Rig {
    pub(crate) executor: ProcessExecutor,
    pub(crate) told: BTreeMap<StepRef, Told>,
    pub(crate) gone: BTreeMap<TreeKey, (u32, Usage)>,
    pub(crate) lost: Option<String>,
    next: u64,
}

impl Rig {
    pub(crate) fn new(cgroups: Cgroups) -> Self {
        Self::with(options(cgroups))
    }

    pub(crate) fn with(options: Options) -> Self {
        let executor = ProcessExecutor::launch(options).unwrap();
        Self {
            executor,
            told: BTreeMap::new(),
            gone: BTreeMap::new(),
            lost: None,
            next: 1,
        }
    }

    pub(crate) fn start(&mut self, command: Command) -> StepRef {
        let id = StepRef(self.next);
        self.next += 1;
        self.told.insert(id, Told::default());
        self.executor.start(id, command);
        id
    }

    /// Takes one event; output is given back at once.
    pub(crate) async fn step(&mut self) {
        let event = tokio::time::timeout(HANG, self.executor.next_event())
            .await
            .expect("an event comes");
        if let ExecEvent::Output { id, bytes, .. } = &event {
            self.executor.output_taken(*id, bytes.len());
        }
        self.note(event);
    }

    pub(crate) fn note(&mut self, event: ExecEvent) {
        match event {
            ExecEvent::Started { id, pid } => self.of(id).pid = Some(pid),
            ExecEvent::Output { id, stream, bytes } => {
                assert!(!bytes.is_empty(), "no empty output is told");
                let told = self.of(id);
                assert!(!told.has_output_ended, "no output comes after its end");
                match stream {
                    Stream::Stdout => told.stdout.extend(bytes),
                    Stream::Stderr => told.stderr.extend(bytes),
                }
            }
            ExecEvent::OutputEnd { id } => {
                let told = self.of(id);
                assert!(!told.has_output_ended, "the end of output is told once");
                told.has_output_ended = true;
            }
            ExecEvent::Exited {
                id,
                exit,
                usage,
                oom_killed,
                output,
            } => {
                let told = self.of(id);
                assert_eq!(told.exit, None, "an end is told once");
                assert_eq!(told.has_output_ended, output == OutputState::Ended);
                assert!(told.pid.is_some(), "a start is told first");
                (told.exit, told.usage, told.is_oom_killed) = (Some(exit), usage, oom_killed);
                told.output_at_exit = Some(output);
            }
            ExecEvent::NotStarted { id, cause } => self.of(id).refused = Some(cause),
            ExecEvent::TreeGone {
                tree,
                killed,
                usage,
            } => {
                self.gone.insert(tree, (killed, usage));
            }
            ExecEvent::SpawnerLost { cause } => self.lost = Some(cause),
        }
    }

    fn of(&mut self, id: StepRef) -> &mut Told {
        self.told
            .get_mut(&id)
            .expect("only of commands that were started")
    }

    pub(crate) async fn until(&mut self, is_reached: impl Fn(&Self) -> bool) {
        while !is_reached(self) {
            self.step().await;
        }
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&mut self, command: Command) -> &Told {
        let id = self.start(command);
        self.until(|rig| rig.told[&id].exit.is_some() || rig.told[&id].refused.is_some())
            .await;
        &self.told[&id]
    }

    /// Waits for the number that a script prints as a sign that it is ready.
    pub(crate) async fn number_of(&mut self, id: StepRef) -> i32 {
        self.until(|rig| rig.told[&id].number().is_some() || rig.told[&id].refused.is_some())
            .await;
        self.told[&id].number().expect("the script prints a number")
    }

    /// Finishes the tree `it/1` and returns how many were killed.
    pub(crate) async fn finish(&mut self) -> u32 {
        self.executor.finish(&tree());
        self.until(|rig| rig.gone.contains_key(&tree())).await;
        self.gone.remove(&tree()).unwrap().0
    }
}

/// A handle on a process that can be waited for, whoever's child it is.
pub(crate) struct Watched(i32, OwnedFd);

impl Watched {
    pub(crate) fn pid(&self) -> i32 {
        self.0
    }

    pub(crate) fn new(pid: i32) -> Self {
        Self(
            pid,
            pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap(),
        )
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.wait(&Timespec::default())
    }

    /// Waits until the process has ended.
    pub(crate) fn ends(&self) {
        let hang = Timespec {
            tv_sec: HANG.as_secs().cast_signed(),
            tv_nsec: 0,
        };
        assert!(self.wait(&hang), "process {} ends", self.0);
    }

    fn wait(&self, timeout: &Timespec) -> bool {
        poll(&mut [PollFd::new(&self.1, PollFlags::IN)], Some(timeout)).unwrap() > 0
    }
}

/// The parent of a process.
pub(crate) fn parent(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat[stat.rfind(')').unwrap() + 2..]
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}

/// Whether trees are killed by control group here; says so if not.
pub(crate) fn has_groups() -> bool {
    let has = exec::capabilities().tree_kill == exec::TreeKill::ControlGroup;
    if !has {
        not_run("no control groups");
    }
    has
}

/// Says that this machine cannot do what a case is about.
#[expect(clippy::print_stdout, reason = "a case that is not run must be seen")]
pub(crate) fn not_run(why: &str) {
    println!("not run on this machine: {why}");
}
