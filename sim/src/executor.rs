//! An executor without processes: commands take simulated time, print, end with their script's exit code, or when
//! they are told to, and leave processes behind. Keeps the promises of [`exec::Executor`] on the order of events.

use crate::random::Random;
use crate::script::Script;
use crate::site::Files;
use exec::{
    Command, ExecEvent, Exit, NotStarted, OutputState, Phase, StepRef, Stream, TreeKey, Usage,
};
use model::ids::{AttemptId, WorkerId};
use std::collections::{BTreeMap, BTreeSet};

/// Output that a command may have out without it being given back: two lines or three.
const WINDOW_BYTES: usize = 100;

/// Something that comes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// The program runs, or cannot.
    Begin(StepRef),
    /// It prints a line.
    Print(StepRef),
    /// It ends by itself or by a signal.
    End(StepRef, Option<i32>),
    /// The tree is gone.
    Gone(TreeKey),
}

/// What follows from a call.
#[derive(Debug, Default)]
pub struct Told {
    /// What comes by itself, after so many milliseconds.
    pub later: Vec<(u64, Due)>,
    /// What the worker is told now.
    pub events: Vec<ExecEvent>,
}

/// See the module.
#[derive(Debug)]
pub struct FakeExecutor {
    commands: BTreeMap<StepRef, Running>,
    /// The attempts of all commands that were ever started.
    attempts: BTreeMap<StepRef, AttemptId>,
    /// Processes left behind, by their attempt.
    left: BTreeMap<TreeKey, u32>,
    finishing: BTreeSet<TreeKey>,
    random: Random,
    /// Whether starting a command may fail.
    pub fails: bool,
}

#[derive(Debug)]
struct Running {
    attempt: AttemptId,
    worker: WorkerId,
    tree: TreeKey,
    script: Script,
    index: u32,
    is_last: bool,
    began: bool,
    printed: u64,
    out_bytes: usize,
    waits_for_room: bool,
}

impl FakeExecutor {
    /// An executor that runs nothing yet.
    #[must_use]
    pub const fn new(random: Random) -> Self {
        Self {
            commands: BTreeMap::new(),
            attempts: BTreeMap::new(),
            left: BTreeMap::new(),
            finishing: BTreeSet::new(),
            random,
            fails: false,
        }
    }

    /// Attempts that have commands, with their workers' names.
    #[must_use]
    pub fn living(&self) -> BTreeSet<(AttemptId, WorkerId)> {
        let commands = self.commands.values().filter(|command| command.began);
        commands
            .map(|command| (command.attempt, command.worker.clone()))
            .collect()
    }

    /// Whether an attempt has processes, left-over ones included.
    #[must_use]
    pub fn lives(&self, attempt: AttemptId, tree: &TreeKey) -> bool {
        let command = |command: &Running| command.began && command.attempt == attempt;
        self.left.contains_key(tree) || self.commands.values().any(command)
    }

    /// Whether nothing runs and nothing was left.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.commands.is_empty() && self.left.is_empty()
    }

    /// The attempt of a command, also when that has ended.
    #[must_use]
    pub fn attempt(&self, id: StepRef) -> Option<AttemptId> {
        self.attempts.get(&id).copied()
    }

    /// The attempt of a command that has not ended, the name of its worker at its start, and its script.
    #[must_use]
    pub fn script(&self, id: StepRef) -> Option<(AttemptId, &WorkerId, &Script)> {
        let command = self.commands.get(&id)?;
        Some((command.attempt, &command.worker, &command.script))
    }

    /// As [`exec::Executor::start`].
    pub fn start(
        &mut self,
        worker: &WorkerId,
        (id, command): (StepRef, &Command),
        files: &Files,
        told: &mut Told,
    ) {
        let words: Vec<String> = command
            .args
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let tree = command.tree.clone();
        let attempt = files.attempts[&tree];
        if self.finishing.contains(&tree) {
            let cause = refused(Phase::Request, "its tree is being ended");
            told.events.push(ExecEvent::NotStarted { id, cause });
            return;
        }
        let running = Running {
            attempt,
            worker: worker.clone(),
            tree,
            script: Script::read(&words[1]),
            index: words[0].parse().expect("the site wrote a number"),
            is_last: command.is_last,
            began: false,
            printed: 0,
            out_bytes: 0,
            waits_for_room: false,
        };
        self.commands.insert(id, running);
        self.attempts.insert(id, attempt);
        told.later.push((self.random.range(1, 4), Due::Begin(id)));
    }

    /// As [`exec::Executor::terminate`].
    pub fn terminate(&mut self, id: StepRef, told: &mut Told) {
        if self
            .commands
            .get(&id)
            .is_some_and(|command| !command.script.is_stubborn)
        {
            let after_ms = self.random.range(4, 30);
            told.later.push((after_ms, Due::End(id, Some(15))));
        }
    }

    /// As [`exec::Executor::kill`].
    pub fn kill(&mut self, id: StepRef, told: &mut Told) {
        if self.commands.contains_key(&id) {
            let after_ms = self.random.range(4, 8);
            told.later.push((after_ms, Due::End(id, Some(9))));
        }
    }

    /// As [`exec::Executor::finish`].
    pub fn finish(&mut self, tree: &TreeKey, told: &mut Told) {
        if !self.finishing.insert(tree.clone()) {
            return;
        }
        let of_tree = self.commands.iter();
        let ids: Vec<StepRef> = of_tree
            .filter(|(_, command)| command.tree == *tree)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            told.later.push((4, Due::End(id, Some(9))));
        }
        let after_ms = self.random.range(5, 12);
        told.later.push((after_ms, Due::Gone(tree.clone())));
    }

    /// As [`exec::Executor::output_taken`].
    pub fn output_taken(&mut self, id: StepRef, size_bytes: usize, told: &mut Told) {
        if let Some(command) = self.commands.get_mut(&id) {
            command.out_bytes = command.out_bytes.saturating_sub(size_bytes);
            if std::mem::take(&mut command.waits_for_room) {
                told.later.push((1, Due::Print(id)));
            }
        }
    }

    /// What comes by itself has come. `files` takes what a command wrote when it ended well.
    pub fn due(&mut self, due: Due, files: &mut Files, told: &mut Told) {
        match due {
            Due::Begin(id) => self.begin(id, told),
            Due::Print(id) => self.print(id, told),
            Due::End(id, signal) => self.end(id, signal, files, told),
            Due::Gone(tree) => {
                self.left.remove(&tree);
                self.finishing.remove(&tree);
                told.events.push(ExecEvent::TreeGone {
                    tree,
                    killed: 0,
                    usage: Usage::default(),
                });
            }
        }
    }

    fn begin(&mut self, id: StepRef, told: &mut Told) {
        let fails = self.fails && self.random.chance(20);
        let Some(command) = self.commands.get_mut(&id) else {
            return;
        };
        if fails {
            let (tree, is_last) = (command.tree.clone(), command.is_last);
            self.commands.remove(&id);
            let cause = refused(Phase::Fork, "no process can be made");
            told.events.push(ExecEvent::NotStarted { id, cause });
            if is_last {
                self.finish(&tree, told);
            }
            return;
        }
        command.began = true;
        told.events.push(ExecEvent::Started { id, pid: 1 });
        told.later.push((command.pause_ms(), command.next(id)));
    }

    fn print(&mut self, id: StepRef, told: &mut Told) {
        let Some(command) = self.commands.get_mut(&id) else {
            return;
        };
        if command.out_bytes >= WINDOW_BYTES {
            command.waits_for_room = true;
            return;
        }
        command.printed += 1;
        let line = format!(
            "{} step {} line {}\n",
            command.attempt, command.index, command.printed
        );
        command.out_bytes += line.len();
        told.events.push(ExecEvent::Output {
            id,
            stream: Stream::Stdout,
            bytes: line.into_bytes(),
        });
        told.later.push((command.pause_ms(), command.next(id)));
    }

    fn end(&mut self, id: StepRef, signal: Option<i32>, files: &mut Files, told: &mut Told) {
        let Some(command) = self.commands.remove(&id) else {
            return;
        };
        if !command.began {
            // It is ended before it runs: its start is told first all the same.
            told.events.push(ExecEvent::Started { id, pid: 1 });
        }
        let exit = match signal {
            Some(signal) => Exit::Signal(signal),
            None => Exit::Code(command.exit_code(files)),
        };
        if exit == Exit::Code(0) {
            let values = command.script.sets.iter();
            let values = values.map(|(name, value)| {
                let value = match value.as_str() {
                    "#" => command.script.made(files.source),
                    value => value.replace('@', &command.attempt.to_string()),
                };
                (name.clone(), value)
            });
            let key = (command.attempt, command.index);
            files.written.insert(key, values.collect());
        }
        if command.script.leaves_process {
            *self.left.entry(command.tree.clone()).or_default() += 1;
        }
        told.events.push(ExecEvent::OutputEnd { id });
        told.events.push(ExecEvent::Exited {
            id,
            exit,
            usage: Usage::default(),
            oom_killed: false,
            output: OutputState::Ended,
        });
        if command.is_last {
            self.finish(&command.tree, told);
        }
    }
}

impl Running {
    /// Time between two lines, or between the last one and the end.
    fn pause_ms(&self) -> u64 {
        self.script.run_ms / (self.script.prints + 1) + 1
    }

    fn next(&self, id: StepRef) -> Due {
        if self.printed < self.script.prints {
            Due::Print(id)
        } else {
            Due::End(id, None)
        }
    }

    fn exit_code(&self, files: &mut Files) -> i32 {
        if self.script.exit_code != 0 {
            return self.script.exit_code;
        }
        let key = (self.attempt.run, self.attempt.task, self.index);
        let failures = files.failures.entry(key).or_default();
        if *failures < self.script.fails_first {
            *failures += 1;
            return 75;
        }
        0
    }
}

fn refused(phase: Phase, text: &str) -> NotStarted {
    NotStarted {
        phase,
        errno: 0,
        text: text.to_owned(),
    }
}
