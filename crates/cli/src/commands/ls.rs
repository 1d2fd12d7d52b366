//! `formic ls`.

use crate::board::Board;
use crate::edge;
use crate::exit::Exit;
use crate::project::Project;
use crate::summary::has_ended;
use crate::text;
use crate::ui::{Paint, Ui};
use anyhow::Result;
use api::list::{ListDocument, ListedRun};
use api::run::run_status;
use engine::rows::{RunState, TaskRow};
use std::collections::BTreeSet;
use store::{RunFilter, RunSummary, Store as _};

/// List the runs of this project, the newest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only runs of this pipeline
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Only runs that have not ended
    #[arg(long)]
    living: bool,
    /// At most so many; those that have not ended are shown in any case
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,
    /// All of them
    #[arg(short, long, conflicts_with = "limit")]
    all: bool,
}

/// Prints a table, or one document.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let board = Board::open_existing(&project, ui)?;
    let filter = RunFilter {
        pipeline: args.pipeline.clone(),
        living: args.living,
        limit: None,
    };
    let limit = if args.all { usize::MAX } else { args.limit };
    let (mut runs, mut left_out, mut others) = (Vec::new(), 0, Vec::new());
    if let Some(board) = &board {
        let all = board.store.run_list(&filter)?;
        let (ours, of_others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|run| board.is_ours(&run.head));
        for (place, summary) in ours.into_iter().enumerate() {
            if place < limit || !has_ended(summary.row.state) {
                runs.push(listed(board, summary)?);
            } else {
                left_out += 1;
            }
        }
        others = of_others;
    }
    if ui.wish.json {
        ui.document(&ListDocument::new(runs).beside(left_out > 0, others.len()));
        return Ok(Exit::Success);
    }
    if runs.is_empty() && left_out == 0 {
        ui.say("no runs; `formic run` starts one");
    } else {
        table(&runs, ui);
    }
    if left_out > 0 {
        ui.say(format!("… and {left_out} more: formic ls --all"));
    }
    tell_others(&others, ui);
    Ok(Exit::Success)
}

/// Says that other projects have runs on the same board.
fn tell_others(others: &[RunSummary], ui: &Ui) {
    let dirs: BTreeSet<&str> = others
        .iter()
        .map(|run| run.head.source.dir.as_str())
        .collect();
    let Some(first) = dirs.first() else { return };
    let first = text::plain(first);
    let more = match dirs.len() - 1 {
        0 => String::new(),
        more => format!(" and {}", text::count(more, "other project")),
    };
    let runs = text::count(others.len(), "run");
    ui.say(format!(
        "note: {runs} of `{first}`{more} on this board: formic -C DIR ls"
    ));
}

fn listed(board: &Board, summary: RunSummary) -> Result<ListedRun> {
    let life = Board::life(&summary);
    let RunSummary { head, row, .. } = summary;
    // Only of a living run do the tasks decide the word.
    let tasks: Vec<TaskRow> = match row.state {
        RunState::Ended(_) => Vec::new(),
        RunState::Queued(_) | RunState::Running => board.store.run_tasks(head.id)?,
    };
    let status = run_status(&row, &tasks, life);
    Ok(ListedRun::of(&head, &row, status).asking(&tasks))
}

fn table(runs: &[ListedRun], ui: &Ui) {
    let now = edge::now();
    let widest = runs.iter().map(|run| run.pipeline.chars().count()).max();
    let width = widest.unwrap_or(0).clamp(8, 24);
    let head = format!(
        "{:<12}  {:<width$}  {:<11}  {:>9}  {:>7}  {:<15}  SOURCE",
        "RUN", "PIPELINE", "STATUS", "OK/TASKS", "TOOK", "CREATED"
    );
    ui.data(format!("{}\n", ui.paint_data(Paint::Dim, &head)));
    for run in runs {
        let tasks = format!("{}/{}", run.succeeded, run.tasks);
        let took = run.duration_ms.map_or_else(String::new, text::duration);
        let created = model::time::Timestamp(run.created_at_ms);
        let age = text::ago(now.since_ms(created));
        let status = ui.paint_data(
            Paint::of_status(&run.status),
            &format!("{:<11}", run.status),
        );
        let source = source(run);
        let pipeline = text::plain(&run.pipeline);
        let line = format!(
            "{}  {pipeline:<width$}  {status}  {tasks:>9}  {took:>7}  {age:<15}  {source}",
            run.run
        );
        ui.data(format!("{}\n", line.trim_end()));
    }
}

fn source(run: &ListedRun) -> String {
    let commit = run
        .commit
        .as_deref()
        .map_or("", |commit| commit.get(..7).unwrap_or(commit));
    match &run.branch {
        Some(branch) => format!("{commit} {}", text::plain(branch)),
        None => commit.to_owned(),
    }
}
