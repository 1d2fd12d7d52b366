//! What people see while a run goes on: one line for each thing that happens, failures in full, and a last word.
//!
//! Written to standard error; standard output stays free for data. Nothing here decides anything.

use crate::drive::End;
use crate::edge;
use crate::group;
use crate::heartbeat::Heartbeat;
use crate::label;
use crate::log;
use crate::prompt::question;
use crate::references::short;
use crate::summary;
use crate::text;
use crate::ui::{self, Paint, Ui};
use api::attempt::AttemptWords;
use api::event::EventDocument;
use api::run::WaitDocument;
use engine::machine::Machine;
use engine::rows::{AttemptRow, Changes, Ended, EventRow, TaskRow, TaskState, Transition};
use model::ids::{AttemptNo, RunId, TaskNo};
use model::reason::{Gate, QueueReason};
use model::time::Timestamp;
use std::collections::BTreeMap;
use store::RunSummary;

/// Lines of a failed task's log that are shown.
const TAIL_LINES: usize = 20;
/// A failure is told again at the end when so many lines came after it; else it is still in sight.
const LINES_IN_SIGHT: usize = 10;
/// Tasks named in one line; of more their number is said.
const NAMES_IN_A_LINE: usize = 3;
/// Failed tasks shown in full at the end; the others are named.
const FAILED_IN_FULL: usize = 5;

/// The narrator of one run.
pub(crate) struct Narrator<'a> {
    ui: &'a Ui,
    /// Whether transitions are printed for machines.
    events: bool,
    run: RunId,
    /// What is said before anything else, once the run is known to be this process's.
    introduction: Vec<String>,
    /// What the shown clock counts from.
    since: Timestamp,
    beat: Heartbeat,
    /// How it goes on, if it had been left.
    goes_on: Option<String>,
    failed: Vec<Failed>,
    lines_since_failure: usize,
    printer: log::Printer,
    /// The last output of tasks that run.
    tails: BTreeMap<TaskNo, log::Tail>,
}

/// A failed task, for the last word.
struct Failed {
    key: String,
    why: String,
    lines: Vec<String>,
}

impl<'a> Narrator<'a> {
    /// A narrator of `run` from now on, who begins with `introduction`.
    pub(crate) fn new(run: RunId, introduction: Vec<String>, events: bool, ui: &'a Ui) -> Self {
        let now = edge::now();
        Self {
            ui,
            events,
            run,
            introduction,
            since: now,
            beat: Heartbeat::new(run, now, ui),
            goes_on: None,
            failed: Vec::new(),
            lines_since_failure: 0,
            printer: log::Printer::default(),
            tails: BTreeMap::new(),
        }
    }

    /// The run.
    pub(crate) const fn run(&self) -> RunId {
        self.run
    }

    /// The run had been left, and these tasks with it.
    pub(crate) fn goes_on(&mut self, interrupted: &[String]) {
        let (first, more) = interrupted.split_at(interrupted.len().min(NAMES_IN_A_LINE));
        let first: Vec<String> = first
            .iter()
            .map(|key| format!("`{}`", text::plain(key)))
            .collect();
        let mut names = first.join(", ");
        if !more.is_empty() {
            names = format!("{names} and {} more", more.len());
        }
        self.goes_on = Some(match interrupted.len() {
            0 => "goes on; nothing was interrupted".to_owned(),
            1 => format!("goes on; {names} was interrupted and starts again, idempotent or not"),
            _ => format!("goes on; {names} were interrupted and start again, idempotent or not"),
        });
    }

    /// Says what the run, or a task of it, waits for in a group.
    pub(crate) fn waits(&mut self, wait: &WaitDocument) {
        let what = wait
            .task
            .as_deref()
            .map_or_else(|| "run".to_owned(), text::plain);
        self.line(&what, &group::sentence(wait, self.run), Paint::Attention);
    }

    /// Says that so many tasks were told to end, and how long that may take.
    pub(crate) fn interrupted(&mut self, running: usize) {
        if running == 0 {
            return;
        }
        let tasks = text::count(running, "task");
        let most = text::duration(model::limits::GRACE_MS);
        let how = format!("is left: waits for {tasks} to end, {most} at most");
        self.line("run", &how, Paint::Attention);
    }

    /// Tells what a durable change means.
    pub(crate) fn changed(&mut self, changes: &Changes, machine: &Machine) {
        for line in std::mem::take(&mut self.introduction) {
            self.ui.say(line);
        }
        self.beat.sees(machine);
        for event in &changes.events {
            if self.events {
                let document = EventDocument::of(self.run, event, machine.tasks(), changes);
                self.ui.document(&document);
            }
            self.tell(event, changes, machine);
        }
    }

    /// Takes in output as it comes, and shows it if so much detail was asked for.
    pub(crate) fn output(&mut self, task: TaskNo, key: &str, bytes: &[u8]) {
        if self.ui.wish.verbose > 0 {
            self.printer.frame(key, bytes, &|line| self.ui.raw(line));
            self.beat.was_said();
        } else {
            self.tails.entry(task).or_default().add(bytes);
        }
    }

    fn tell(&mut self, event: &EventRow, changes: &Changes, machine: &Machine) {
        match &event.what {
            Transition::TaskEnded { task, ended } => {
                let row = machine.row(*task);
                if machine.tells_of_itself(*task) && self.matters(row, machine) {
                    self.task_ended(row, *ended, changes, machine);
                }
            }
            Transition::AttemptEnded { task, attempt } => {
                self.attempt_ended(machine.row(*task), *attempt, changes, machine);
            }
            Transition::TaskMoved { task, state } => self.task_moved(*task, *state, machine),
            Transition::Started { task, .. } if self.ui.wish.verbose > 0 => {
                self.line(&text::plain(&machine.row(*task).key), "started", Paint::Dim);
            }
            Transition::CancelAsked { mode, by } => {
                let by = text::plain(by);
                self.line(
                    "run",
                    &format!("is canceled ({mode}) by {by}"),
                    Paint::Attention,
                );
            }
            Transition::TakenOver { .. } => {
                let how = self.goes_on.clone().unwrap_or_else(|| "goes on".to_owned());
                self.line("run", &how, Paint::Attention);
            }
            Transition::Approved { task, by } => {
                let key = label::named(machine.row(*task), machine);
                self.line(
                    &key,
                    &format!("approved by {}", text::plain(by)),
                    Paint::Dim,
                );
            }
            Transition::Generated { task, tasks } if self.matters(machine.row(*task), machine) => {
                let key = label::named(machine.row(*task), machine);
                let what = format!("generated {}", text::count(*tasks as usize, "task"));
                self.line(&key, &what, Paint::Dim);
            }
            Transition::Started { .. }
            | Transition::Generated { .. }
            | Transition::Reused { .. }
            | Transition::Rejected { .. }
            | Transition::RunCreated
            | Transition::RunAdmitted
            | Transition::RunEnded(_)
            | Transition::Leased { .. } => {}
        }
    }

    /// Whether what becomes of a task is told without being asked for: a replay tells of what it repeats.
    fn matters(&self, row: &TaskRow, machine: &Machine) -> bool {
        self.ui.wish.verbose > 0 || machine.head().counts(row)
    }

    fn task_ended(&mut self, row: &TaskRow, ended: Ended, changes: &Changes, machine: &Machine) {
        let key = label::named(row, machine);
        let took = row.started_at.zip(row.ended_at);
        let took = took.map_or_else(String::new, |(from, to)| {
            format!(" ({})", text::duration(to.since_ms(from)))
        });
        let from = row.reused_from.map(short);
        let may = if row.tolerated { ", and may" } else { "" };
        let tail = self.tails.remove(&row.no);
        match ended {
            Ended::Succeeded => match from {
                Some(from) => self.line(&key, &format!("ok, from run {from}"), Paint::Dim),
                None => self.line(&key, &format!("ok{took}"), Paint::Good),
            },
            Ended::Skipped(cause) => {
                self.line(&key, &format!("skipped: {cause}"), Paint::Dim);
            }
            Ended::Canceled(cause) => {
                self.line(&key, &format!("canceled: {cause}"), Paint::Attention);
            }
            Ended::Failed(kind) if from.is_some() => {
                let from = from.unwrap_or_default();
                self.line(
                    &key,
                    &format!("failed{may} ({kind}), from run {from}"),
                    Paint::Dim,
                );
            }
            Ended::Failed(kind) => {
                let attempt = of_task(changes, row.no);
                let why = row.note.as_deref().map(str::to_owned);
                let why = why.or_else(|| summary::failure(attempt));
                let why = why.or_else(|| api::run::failed_inside(row, machine.tasks()));
                let why = why.map_or_else(|| kind.to_string(), |why| text::line(&why));
                let word = if row.tolerated { "failed" } else { "FAILED" };
                self.line(&key, &format!("{word}{may}{took}: {why}"), Paint::Bad);
                let lines = tail.unwrap_or_default().lines(TAIL_LINES);
                self.show(&lines);
                if !row.tolerated {
                    if self.failed.is_empty() {
                        self.lines_since_failure = 0;
                    }
                    self.failed.push(Failed { key, why, lines });
                }
            }
        }
    }

    fn attempt_ended(
        &mut self,
        row: &TaskRow,
        attempt: AttemptNo,
        changes: &Changes,
        machine: &Machine,
    ) {
        self.tails.remove(&row.no);
        let of_task = changes
            .attempts
            .iter()
            .find(|each| each.task == row.no && each.attempt == attempt);
        let words = of_task.and_then(AttemptWords::of);
        let key = label::named(row, machine);
        let why = match words {
            Some(AttemptWords {
                status: "failed",
                reason,
                message,
            }) => message.map_or_else(|| reason.unwrap_or("lost").to_owned(), |m| text::line(&m)),
            Some(words) => {
                let text = format!("attempt {} {}", attempt.0, words.status);
                return self.line(&key, &text, Paint::Attention);
            }
            None => "lost".to_owned(),
        };
        // It may have begun again by the time this is told.
        let next = match (row.state, row.timer_at) {
            (TaskState::Queued(QueueReason::Backoff), Some(at)) => {
                format!(", again in {}", text::duration(at.since_ms(edge::now())))
            }
            _ => ", again".to_owned(),
        };
        let text = format!("attempt {} failed: {why}{next}", attempt.0);
        self.line(&key, &text, Paint::Attention);
    }

    fn task_moved(&mut self, task: TaskNo, state: TaskState, machine: &Machine) {
        let row = machine.row(task);
        let key = label::named(row, machine);
        match state {
            TaskState::Blocked(Gate::Approval) => {
                let left = match row.timer_at {
                    Some(at) => format!(" within {}", text::duration(at.since_ms(edge::now()))),
                    None => String::new(),
                };
                let how = format!(
                    "waits for approval: {} (formic approve {} {}{left})",
                    question(row),
                    short(self.run),
                    text::quoted(&row.key)
                );
                self.line(&key, &how, Paint::Attention);
            }
            TaskState::Blocked(Gate::Manual) => {
                let how = format!(
                    "waits to be started (formic approve {} {})",
                    short(self.run),
                    text::quoted(&row.key)
                );
                self.line(&key, &how, Paint::Attention);
            }
            TaskState::Queued(QueueReason::Resources | QueueReason::Placement) => {
                let why = row.note.as_deref().unwrap_or("for room");
                self.line(&key, &format!("waits: {}", text::plain(why)), Paint::Dim);
            }
            TaskState::Queued(reason) if self.ui.wish.verbose > 0 => {
                self.line(&key, &format!("waits: {reason}"), Paint::Dim);
            }
            TaskState::Queued(_) | TaskState::Running | TaskState::Open | TaskState::Ended(_) => {}
        }
    }

    fn show(&self, lines: &[String]) {
        if self.ui.wish.verbose == 0 && self.is_shown() {
            for line in lines {
                self.ui.say(format!("    {line}"));
            }
        }
    }

    /// The last word: what failed, how it ended, what to do next.
    pub(crate) fn finish(&mut self, status: &str, found: &RunSummary, hints: &[String], end: End) {
        self.beat.stop();
        self.printer.end(&|line| self.ui.raw(line));
        if self.lines_since_failure > LINES_IN_SIGHT && self.is_shown() {
            self.ui.say("");
            for failed in self.failed.iter().take(FAILED_IN_FULL) {
                self.ui.say(self.ui.paint(
                    Paint::Bad,
                    &format!("{} failed: {}", failed.key, failed.why),
                ));
                for line in &failed.lines {
                    self.ui.say(format!("    {line}"));
                }
            }
            let more = self.failed.iter().skip(FAILED_IN_FULL);
            let more: Vec<&str> = more.map(|failed| failed.key.as_str()).collect();
            if !more.is_empty() {
                self.ui.say(format!("also failed: {}", more.join(", ")));
            }
        }
        let RunSummary { head, row, .. } = found;
        let counts = row.counts;
        let end_at = row.ended_at.unwrap_or_else(edge::now);
        let mut took = text::duration(end_at.since_ms(head.created_at));
        if self.goes_on.is_some() {
            let leg = text::duration(end_at.since_ms(self.since));
            took = format!("{took}, {leg} of it since it went on");
        }
        let mut parts = Vec::new();
        for (count, word) in [
            (counts.succeeded, "ok"),
            (counts.failed, "failed"),
            (counts.skipped, "skipped"),
            (counts.canceled, "canceled"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        let word = self.ui.paint(Paint::of_status(status), status);
        let pipeline = text::plain(&head.pipeline);
        let counts = parts.join(", ");
        let counts = if counts.is_empty() {
            "nothing ended".to_owned()
        } else {
            counts
        };
        self.ui.tell(format!(
            "{pipeline} {word} in {took}: {counts}  (run {})",
            head.id
        ));
        if end == End::Lost {
            self.ui.tell("another formic has taken the run over");
        }
        for hint in hints {
            self.ui.say(format!("next: {hint}"));
        }
    }

    /// Says a line that begins with the run and the time.
    fn line(&mut self, what: &str, text: &str, paint: Paint) {
        let now = edge::now();
        self.beat.was_said();
        if !self.is_shown() {
            return;
        }
        self.lines_since_failure += 1;
        let (run, clock) = (short(self.run), text::clock(now.since_ms(self.since)));
        let painted = self.ui.paint(paint, text);
        self.ui.say(format!("[{run}] {clock} {what:<16} {painted}"));
    }

    fn is_shown(&self) -> bool {
        match self.ui.wish.progress {
            ui::Progress::None => false,
            ui::Progress::Auto | ui::Progress::Plain => !self.ui.wish.quiet,
        }
    }
}

/// The newest attempt of a task among what changed.
fn of_task(changes: &Changes, task: TaskNo) -> Option<&AttemptRow> {
    changes
        .attempts
        .iter()
        .rfind(|attempt| attempt.task == task)
}

/// Tasks that wait for a person, with what is asked.
pub(crate) fn questions(machine: &Machine) -> BTreeMap<TaskNo, (String, String)> {
    if machine.run().counts.blocked == 0 || machine.has_ended() {
        return BTreeMap::new();
    }
    machine
        .tasks()
        .iter()
        .filter(|row| row.state == TaskState::Blocked(Gate::Approval))
        .map(|row| (row.no, (text::plain(&row.key), question(row))))
        .collect()
}
