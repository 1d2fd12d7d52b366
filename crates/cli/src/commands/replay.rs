//! `formic replay`.

use crate::exit::Exit;
use crate::fault::Fault;
use crate::launch::{self, New, Options};
use crate::project::Project;
use crate::references;
use crate::repeat::Repeated;
use crate::source::Wanted;
use crate::ui::Ui;
use anyhow::Result;
use engine::rows::{Parent, ParentKind};
use model::ids::TaskNo;

/// Run one task again with its recorded inputs, in a clean worktree; nothing is published
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
    let repeated = Repeated::load(&project, Some(&args.run), ui)?;
    let run = repeated.run();
    let task = references::task(&repeated.tasks, &args.task, run)?;
    let only: Vec<TaskNo> = references::leaves(&repeated.tasks, task.no)
        .into_iter()
        .map(|task| task.no)
        .collect();
    if only.is_empty() {
        return Err(Fault::usage(format!(
            "task `{}` of run `{run}` consists of nothing",
            task.key
        ))
        .into());
    }
    let reused = repeated.earlier().for_replay(&only);
    ui.say(format!(
        "replay of `{}` of run {run}; nothing is published",
        task.key
    ));
    let new_run = launch::fresh()?;
    let source = if args.here {
        repeated.source_here(&project)
    } else {
        repeated.source(&project, new_run, Wanted::Worktree, ui)?
    };
    let new = New {
        run: new_run,
        plan: repeated.plan.clone(),
        source,
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
