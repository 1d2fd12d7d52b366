//! `formic retry`.

use crate::exit::Exit;
use crate::launch::{self, New, Options};
use crate::project::Project;
use crate::references::{self, short};
use crate::repeat::{Repeated, not_repeated};
use crate::source::Wanted;
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use engine::rows::{Parent, ParentKind};

/// Make a new run of what did not succeed in an earlier one, and of what comes after it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The run: the beginning of its id, or `@` for the newest one
    run: Option<String>,
    /// Run this task again too, whatever it came to
    #[arg(long, value_name = "TASK", conflicts_with = "here")]
    from: Option<String>,
    /// Take the working tree and the pipeline as they are, and reuse nothing
    #[arg(long)]
    here: bool,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Makes the new run and drives it.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    project.announce(ui);
    let repeated = Repeated::load(&project, args.run.as_deref(), "retry", ui)?;
    if args.here {
        let new = repeated.here(&project, &args.options, ui)?;
        return launch::create(&repeated.board, new, &args.options, ui);
    }
    let run = repeated.run();
    let from = match &args.from {
        Some(key) => Some(references::task(&repeated.tasks, key, run)?.no),
        None => None,
    };
    let reused = repeated.earlier().for_retry(from);
    let reused = reused.map_err(|refused| not_repeated(&refused))?;
    repeated.must_have(&reused)?;
    ui.say(format!(
        "retry of run {run}: {} taken over",
        text::count(reused.len(), "finished result")
    ));
    let parent = Parent {
        run,
        kind: ParentKind::Retry,
        reused,
    };
    let new_run = launch::fresh()?;
    let here = format!("formic retry --here {}", short(run));
    let wanted = Wanted::Any { here: &here };
    let new = New {
        run: new_run,
        plan: repeated.plan.clone(),
        source: repeated.source(&project),
        place: repeated.place(&project, new_run, wanted, ui)?,
        clean: repeated.head().clean,
        parent: Some(parent),
    };
    launch::create(&repeated.board, new, &args.options, ui)
}
