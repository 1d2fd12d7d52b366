//! `formic replay`.

use crate::exit::Exit;
use crate::launch::{self, New, Options};
use crate::project::Project;
use crate::references;
use crate::repeat::{Repeated, not_repeated};
use crate::source::{Place, Wanted};
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use engine::rows::{Parent, ParentKind};

/// Run one task again with its recorded inputs, in a clean worktree; what it gives is not kept for others
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: the beginning of its id, or `@` for the newest one
    run: String,
    /// The task, such as `test[linux,3]`
    task: String,
    /// Take the working tree as it is
    #[arg(long)]
    here: bool,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Makes a run in which everything but the task is taken over.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    project.announce(ui);
    let repeated = Repeated::load(&project, Some(&args.run), "replay", ui)?;
    let run = repeated.run();
    let task = references::task(&repeated.tasks, &args.task, run)?;
    let reused = repeated.earlier().for_replay(task.no);
    let reused = reused.map_err(|refused| not_repeated(&refused))?;
    repeated.must_have(&reused)?;
    ui.say(format!(
        "replay of `{}` of run {run}: its commands run for real; outputs and artifacts are not kept for others",
        text::plain(&task.key)
    ));
    let new_run = launch::fresh()?;
    let place = if args.here {
        Place::default()
    } else {
        repeated.place(&project, new_run, Wanted::Worktree, ui)?
    };
    let new = New {
        run: new_run,
        plan: repeated.plan.clone(),
        source: repeated.source(&project),
        place,
        // The worktree holds the recorded changes too, which a checkout of the commit would not.
        clean: false,
        parent: Some(Parent {
            run,
            kind: ParentKind::Replay,
            reused,
        }),
    };
    launch::create(&repeated.board, new, &args.options, ui)
}
