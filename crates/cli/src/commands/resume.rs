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
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use api::run::Life;
use engine::rows::RunState;
use model::ids::RunId;
use model::reason::{CancelCause, CancelMode};
use store::{Command, RunFilter};

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
        Some(named) => references::own_run(&board, Some(named), "resume")?,
        None => living(&board)?,
    };
    let found = board.summary(run)?;
    if let RunState::Ended(_) = found.row.state {
        return Err(launch::has_ended(run).into());
    }
    if Board::life(&found) == Life::Owned {
        let pid = found.owner.map_or(0, |owner| owner.pid);
        return Err(launch::is_owned(run, Some(pid)).into());
    }
    let _turn = source::take_turn(run, &board).map_err(|pid| launch::is_owned(run, pid))?;
    project.announce(ui);
    if args.here {
        return anew(&project, board, run, args, ui);
    }
    let recorded = &found.head.source;
    let here = format!("formic resume --here {}", short(run));
    let wanted = Wanted::Any { here: &here };
    let place = source::find_again(recorded, run, &project.dir, wanted, &board)?;
    for note in &place.notes {
        ui.say(format!("note: {note}"));
    }
    launch::take_over(&board, run, place, &args.options, ui)
}

/// Ends the run where it is and begins it anew in the tree as it is: results of another tree would prove nothing.
/// It is ended only when the new one can begin.
fn anew(project: &Project, board: Board, run: RunId, args: &Args, ui: &Ui) -> Result<Exit> {
    let repeated = Repeated::of(board, run)?;
    let new = repeated.here(project, &args.options, ui)?;
    let board = &repeated.board;
    let command = Command::Cancel {
        mode: CancelMode::Now,
        cause: CancelCause::Person,
        by: edge::person(),
    };
    act::send(board, run, &command)?;
    ui.say(format!(
        "note: run {run} is canceled without its `finally`; a new one takes the tree as it is and reuses nothing"
    ));
    launch::create(board, new, &args.options, ui)
}

/// The newest run that has not ended and that nobody works on.
fn living(board: &Board) -> Result<RunId> {
    let filter = RunFilter {
        living: true,
        ..RunFilter::default()
    };
    let runs = board.runs(&filter)?;
    let abandoned = runs.iter().find(|run| Board::life(run) == Life::Abandoned);
    abandoned.map(|run| run.head.id).ok_or_else(|| {
        let Some(owned) = runs.first() else {
            return Fault::nothing("there is no run to go on with")
                .help("`formic ls` shows the runs; `formic retry` repeats one that has ended")
                .into();
        };
        let run = owned.head.id;
        let process = launch::process(owned.owner.as_ref().map(|owner| owner.pid));
        let more = match runs.len() - 1 {
            0 => String::new(),
            more => format!(", and {} elsewhere too", text::count(more, "other run")),
        };
        let message =
            format!("there is no run to go on with: run `{run}` goes on in {process}{more}");
        let help = format!("`formic logs -f {}` follows it", short(run));
        Fault::nothing(message).help(help).into()
    })
}
