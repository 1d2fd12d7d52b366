//! `formic resume`.

use crate::act;
use crate::board::Board;
use crate::edge;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::launch::{self, Options};
use crate::project::Project;
use crate::references::{self, short};
use crate::repeat::Repeated;
use crate::source::{self, Wanted};
use crate::ui::Ui;
use anyhow::Result;
use api::run::Life;
use engine::rows::RunState;
use model::ids::RunId;
use model::reason::{CancelCause, CancelMode};
use std::path::{Path, PathBuf};
use store::{Command, RunFilter, Store as _};

/// Go on with a run that was interrupted or waits for a person
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: the beginning of its id, or `@` for the newest one; the newest that has not ended when absent
    run: Option<String>,
    /// Take the working tree and the pipeline as they are in a new run that reuses nothing; this one is canceled
    #[arg(long)]
    here: bool,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Takes the run over, on its recorded source.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let board = Board::must_exist(&project, ui)?;
    let run = match &args.run {
        Some(named) => references::run(&board, Some(named))?,
        None => living(&board)?,
    };
    let found = board.summary(run)?;
    if let RunState::Ended(_) = found.row.state {
        return Err(Fault::usage(format!(
            "run `{run}` has ended, and ended runs never change"
        ))
        .help(format!(
            "`formic retry {}` makes a new run of what did not succeed",
            short(run)
        ))
        .into());
    }
    if Board::life(&found) == Life::Owned {
        let owner = found.owner.map_or(0, |owner| owner.pid);
        return Err(
            Fault::usage(format!("run `{run}` goes on in process {owner}"))
                .help(format!("`formic logs -f {}` follows it", short(run)))
                .into(),
        );
    }
    project.announce(ui);
    if args.here {
        return anew(&project, &board, run, args, ui);
    }
    let recorded = &found.head.source;
    let place = source::find_again(recorded, run, &project.dir, Wanted::Any, &board)?;
    if let Some(note) = &place.note {
        ui.say(format!("note: {note}"));
    }
    let dir = PathBuf::from(place.source.dir);
    let moved = (dir != Path::new(&recorded.dir)).then_some(dir);
    launch::take_over(&board, run, moved, &args.options, ui)
}

/// Ends the run where it is and begins it anew in the tree as it is: results of another tree would prove nothing.
fn anew(project: &Project, board: &Board, run: RunId, args: &Args, ui: &Ui) -> Result<Exit> {
    let command = Command::Cancel {
        mode: CancelMode::Now,
        cause: CancelCause::Person,
        by: edge::person(),
    };
    act::send(board, run, &command)?;
    ui.say(format!(
        "note: run {run} is canceled without its `finally`; a new one takes the tree as it is and reuses nothing"
    ));
    let repeated = Repeated::load(project, Some(run.as_str()), ui)?;
    repeated.here(project, &args.options, ui)
}

/// The newest run that has not ended and that nobody works on.
fn living(board: &Board) -> Result<RunId> {
    let filter = RunFilter {
        living: true,
        ..RunFilter::default()
    };
    let runs = board.store.run_list(&filter)?;
    let abandoned = runs.iter().find(|run| Board::life(run) == Life::Abandoned);
    abandoned.map(|run| run.head.id).ok_or_else(|| {
        Fault::nothing("there is no run to go on with")
            .help("`formic ls` shows the runs; `formic retry` repeats one that has ended")
            .into()
    })
}
