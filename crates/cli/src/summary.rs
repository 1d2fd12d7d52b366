//! A run as a tree for people: what needs a look first in full, what went well in as few lines as possible.

use crate::edge;
use crate::group;
use crate::label;
use crate::prompt::question;
use crate::references::short;
use crate::text;
use crate::told;
use crate::ui::{Paint, Ui};
use api::run::{Life, TaskDocument, WaitDocument, run_status};
use engine::rows::{
    AttemptResult, AttemptRow, Ended, ParentKind, RunHead, RunState, TaskKind, TaskRow, TaskState,
    tells_of_itself,
};
use model::ids::TaskNo;
use model::reason::Gate;
use model::source::{Difference, Source};
use model::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use store::RunSummary;

/// Lines of tasks that went well; more are summed up unless detail is asked for.
const QUIET_LINES: usize = 60;
/// Questions to people that are told at the end of a command.
const QUESTIONS: usize = 10;
/// Lines of tasks that need a look.
const LOUD_LINES: usize = 200;

/// The tasks of a run.
pub(crate) struct Rows<'a> {
    /// In order of their numbers.
    pub tasks: &'a [TaskRow],
    /// By task and number.
    pub attempts: &'a [AttemptRow],
    /// What people see beside the names.
    pub labels: BTreeMap<TaskNo, String>,
    /// What tasks wrote for people, by their id.
    pub summaries: Vec<(String, String)>,
}

/// The whole summary.
pub(crate) fn of_run(
    found: &RunSummary,
    rows: Rows<'_>,
    waits: &[WaitDocument],
    life: Life,
    ui: &Ui,
) -> String {
    let Rows {
        tasks,
        attempts,
        labels,
        summaries,
    } = rows;
    let status = run_status(&found.row, tasks, life);
    let mut page = head(found, status, ui);
    for wait in waits {
        let what = wait
            .task
            .as_deref()
            .map_or_else(|| "run".to_owned(), text::plain);
        let line = format!("  {what} {}", group::sentence(wait, found.head.id));
        let line = ui.paint_data(Paint::Attention, &line);
        writeln!(page, "{line}").expect("writing to a string cannot fail");
    }
    if !waits.is_empty() {
        page.push('\n');
    }
    let newest: BTreeMap<TaskNo, &AttemptRow> = attempts
        .iter()
        .map(|attempt| (attempt.task, attempt))
        .collect();
    let tree = Tree {
        tasks,
        newest,
        labels,
        status,
        life,
        ui,
    };
    tree.write(&mut page);
    for (key, summary) in summaries {
        page.push_str(&told::lines(&key, &summary));
    }
    let hints = hints(&found.head, status, tasks);
    if !hints.is_empty() {
        page.push('\n');
    }
    for hint in hints {
        writeln!(page, "next: {hint}").expect("writing to a string cannot fail");
    }
    page
}

fn head(found: &RunSummary, status: &str, ui: &Ui) -> String {
    let RunSummary { head, row, .. } = found;
    let now = edge::now();
    let took = row.ended_at.unwrap_or(now).since_ms(head.created_at);
    let word = ui.paint_data(Paint::of_status(status), status);
    let mut page = format!(
        "run {}  {}  {word}  {}\n",
        head.id,
        text::plain(&head.pipeline),
        text::duration(took)
    );
    let age = text::ago(now.since_ms(head.created_at));
    let mut line = |text: String| {
        let text = ui.paint_data(Paint::Dim, &format!("  {text}"));
        writeln!(page, "{text}").expect("writing to a string cannot fail");
    };
    line(format!(
        "{} · by {} · {age}",
        source(&head.source),
        text::plain(&head.by)
    ));
    if let Some(parent) = &head.parent {
        let what = match parent.kind {
            ParentKind::Retry => "retry",
            ParentKind::Replay => "replay",
        };
        line(format!("{what} of {}", parent.run));
    }
    if let Some(cancel) = &row.cancel {
        let by = text::plain(&cancel.by);
        line(format!("cancel ({}) asked by {by}", cancel.mode));
    }
    page.push('\n');
    page
}

/// The recorded source in a few words.
pub(crate) fn source(source: &Source) -> String {
    let commit = source.commit.as_deref();
    let commit = commit.map_or("no commit", |commit| commit.get(..7).unwrap_or(commit));
    let branch = source.branch.as_deref().map(text::plain);
    let branch = branch.map_or_else(String::new, |branch| format!(" ({branch})"));
    let changes = match (source.dirty, &source.difference) {
        (false, _) => "",
        (true, Difference::Kept { .. } | Difference::None) => " with changes",
        (true, Difference::TooLarge { .. }) => " with changes that are too large to be kept",
    };
    format!("{commit}{branch}{changes}")
}

/// What to do next.
pub(crate) fn hints(head: &RunHead, status: &str, tasks: &[TaskRow]) -> Vec<String> {
    let now = edge::now();
    let short = short(head.id);
    let again = again(head, tasks);
    match status {
        "failed" => {
            let failed = tasks.iter().filter(|task| {
                let failed = matches!(task.ended(), Some(Ended::Failed(_)));
                failed && !task.tolerated && task.reused_from.is_none()
            });
            // What ran has a log; what failed without an attempt is only told by the run.
            let (ran, not): (Vec<&TaskRow>, Vec<&TaskRow>) =
                failed.partition(|task| task.attempts > 0);
            let not = not.iter().any(|task| tells_of_itself(task, tasks));
            let logs = (!ran.is_empty()).then(|| format!("formic logs {short}"));
            let show = (not || ran.is_empty()).then(|| format!("formic show {short}"));
            show.into_iter().chain(logs).chain([again]).collect()
        }
        "canceled" => vec![again],
        "interrupted" => vec![format!("formic resume {short}")],
        "blocked" => {
            let first = tasks.iter().find(|task| can_be_answered(task, now));
            let approve =
                first.map(|task| format!("formic approve {short} {}", text::quoted(&task.key)));
            let resume = format!("formic resume {short}");
            approve.into_iter().chain([resume]).collect()
        }
        _ => Vec::new(),
    }
}

/// How to do it once more. A retry of a replay would find nothing to go on from.
fn again(head: &RunHead, tasks: &[TaskRow]) -> String {
    let repeated = |task: &&TaskRow| task.kind == TaskKind::Leaf && task.reused_from.is_none();
    match (&head.parent, tasks.iter().find(repeated)) {
        (Some(parent), Some(task)) if parent.kind == ParentKind::Replay => {
            format!(
                "formic replay {} {}",
                short(parent.run),
                text::quoted(&task.key)
            )
        }
        (Some(_) | None, _) => format!("formic retry {}", short(head.id)),
    }
}

/// Whether a task waits for a person, whose answer would not come too late.
fn can_be_answered(task: &TaskRow, now: Timestamp) -> bool {
    let waits = matches!(task.state, TaskState::Blocked(_));
    waits && task.timer_at.is_none_or(|at| now < at)
}

/// What the tasks of a run that only waits for people ask them, a line for each.
pub(crate) fn questions(status: &str, tasks: &[TaskRow]) -> Vec<String> {
    let now = edge::now();
    let waiting = tasks.iter().filter(|_| status == "blocked");
    let waiting = waiting.filter_map(|task| {
        let key = text::plain(&task.key);
        let asked = asked(task, now)?;
        Some(match task.state {
            TaskState::Blocked(Gate::Approval) => {
                format!("{key} asks: {} ({asked})", question(task))
            }
            TaskState::Blocked(Gate::Manual)
            | TaskState::Queued(_)
            | TaskState::Running
            | TaskState::Open
            | TaskState::Ended(_) => format!("{key} waits to be started ({asked})"),
        })
    });
    waiting.take(QUESTIONS).collect()
}

/// Since when a task asks a person, and for how long it will.
fn asked(task: &TaskRow, now: Timestamp) -> Option<String> {
    let TaskState::Blocked(_) = task.state else {
        return None;
    };
    let since = task.ready_at.map(|at| text::duration(now.since_ms(at)));
    let since = since.map(|since| format!("asked {since} ago"));
    let until = task.timer_at.map(|at| {
        if now < at {
            format!("{} left", text::duration(at.since_ms(now)))
        } else {
            let since = text::duration(now.since_ms(at));
            format!("its deadline passed {since} ago: nobody answered in time")
        }
    });
    let parts: Vec<String> = since.into_iter().chain(until).collect();
    Some(parts.join(", "))
}

struct Tree<'a> {
    tasks: &'a [TaskRow],
    newest: BTreeMap<TaskNo, &'a AttemptRow>,
    labels: BTreeMap<TaskNo, String>,
    /// The word of the run.
    status: &'a str,
    life: Life,
    ui: &'a Ui,
}

/// One line to be written.
struct Line {
    depth: usize,
    name: String,
    document: TaskDocument,
    detail: String,
}

impl Tree<'_> {
    fn write(&self, page: &mut String) {
        let mut children: BTreeMap<Option<TaskNo>, Vec<&TaskRow>> = BTreeMap::new();
        for task in self.tasks {
            children.entry(task.parent).or_default().push(task);
        }
        let mut lines = Vec::new();
        self.collect(&children, None, 0, &mut lines);
        let (mut quiet, mut loud) = (0, 0);
        let all = self.ui.wish.verbose > 0;
        let width = lines
            .iter()
            .map(|line| line.name.chars().count() + 2 * line.depth);
        let width = width.max().unwrap_or(0).min(40);
        for line in &lines {
            let counted = if is_fine(&line.document.status) {
                &mut quiet
            } else {
                &mut loud
            };
            *counted += 1;
            let bound = if is_fine(&line.document.status) {
                QUIET_LINES
            } else {
                LOUD_LINES
            };
            if all || *counted <= bound {
                self.line(line, width, page);
            }
        }
        let left_out = quiet.saturating_sub(QUIET_LINES) + loud.saturating_sub(LOUD_LINES);
        if left_out > 0 && !all {
            let what = text::count(left_out, "more task");
            writeln!(page, "  … {what}: formic show -v").expect("writing to a string cannot fail");
        }
    }

    fn collect(
        &self,
        children: &BTreeMap<Option<TaskNo>, Vec<&TaskRow>>,
        parent: Option<TaskNo>,
        depth: usize,
        lines: &mut Vec<Line>,
    ) {
        for task in children.get(&parent).into_iter().flatten() {
            let attempt = self.newest.get(&task.no).copied();
            let inside = children.get(&Some(task.no)).map_or(&[][..], Vec::as_slice);
            let mut document = TaskDocument::of(task, attempt, self.life);
            document.wait_with(self.status, task);
            if document.message.is_none() && !inside.is_empty() && failure(attempt).is_none() {
                document.message = api::run::failed_inside(task, self.tasks);
            }
            let mut detail = detail(task, attempt, &document);
            let own = self.failed_by_itself(task);
            if task.kind != TaskKind::Leaf && !inside.is_empty() && !own {
                let fine = inside.iter().filter(|row| self.is_fine(row)).count();
                detail = format!("{fine} of {} fine", inside.len());
                document.duration_ms = None;
            }
            let prefix = parent.map_or("", |parent| &*self.tasks[parent.index()].key);
            let name = task.key.strip_prefix(prefix).unwrap_or(&task.key);
            lines.push(Line {
                depth,
                name: label::beside(
                    self.labels.get(&task.no).map(String::as_str),
                    &text::plain(name.trim_start_matches('/')),
                ),
                document,
                detail,
            });
            // A matrix that went well is one line.
            let folded = task.kind == TaskKind::Matrix
                && !own
                && self.ui.wish.verbose == 0
                && inside.iter().all(|row| self.is_fine(row));
            if !folded {
                self.collect(children, Some(task.no), depth + 1, lines);
            }
        }
    }

    /// Whether a task failed although nothing in it did.
    fn failed_by_itself(&self, task: &TaskRow) -> bool {
        let failed = matches!(task.ended(), Some(Ended::Failed(_)));
        failed && tells_of_itself(task, self.tasks)
    }

    fn is_fine(&self, task: &TaskRow) -> bool {
        let attempt = self.newest.get(&task.no).copied();
        is_fine(api::run::task_status(task, attempt, self.life).0)
    }

    fn line(&self, line: &Line, width: usize, page: &mut String) {
        let document = &line.document;
        let word = match (document.status.as_str(), document.allowed_failure) {
            ("failed", true) => "allowed",
            ("succeeded", _) => "ok",
            (other, _) => other,
        };
        let word = self
            .ui
            .paint_data(Paint::of_status(&document.status), &format!("{word:<11}"));
        let name = format!("{}{}", "  ".repeat(line.depth), line.name);
        let took = document
            .duration_ms
            .map_or_else(String::new, text::duration);
        let text = format!("  {word}  {name:<width$}  {took:>7}  {}", line.detail);
        writeln!(page, "{}", text.trim_end()).expect("writing to a string cannot fail");
    }
}

fn is_fine(status: &str) -> bool {
    matches!(status, "succeeded" | "skipped")
}

/// What else there is to say about a task.
fn detail(task: &TaskRow, attempt: Option<&AttemptRow>, document: &TaskDocument) -> String {
    let mut parts = Vec::new();
    if let Some(reason) = &document.reason {
        parts.push(reason.clone());
    }
    let message = document.message.clone().or_else(|| failure(attempt));
    if document.status != "succeeded" {
        parts.extend(message.map(|message| text::line(&message)));
    }
    parts.extend(asked(task, edge::now()));
    if task.attempts > 1 {
        parts.push(text::count(task.attempts as usize, "attempt"));
    }
    if let Some(run) = &document.reused_from {
        parts.push(format!("from run {}", run.get(..4).unwrap_or(run)));
    }
    parts.join(" · ")
}

/// The message of a failed attempt.
pub(crate) fn failure(attempt: Option<&AttemptRow>) -> Option<String> {
    match &attempt?.end.as_ref()?.result {
        AttemptResult::Failed { message, .. } => Some(message.clone()),
        AttemptResult::Succeeded
        | AttemptResult::Reused
        | AttemptResult::Stopped
        | AttemptResult::Interrupted => None,
    }
}

/// Whether a run is over.
pub(crate) const fn has_ended(state: RunState) -> bool {
    matches!(state, RunState::Ended(_))
}
