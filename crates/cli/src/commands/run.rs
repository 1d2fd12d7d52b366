//! `formic run`.

use crate::board::Board;
use crate::exit::Exit;
use crate::launch::{self, New, Options};
use crate::project::Project;
use crate::select;
use crate::source;
use crate::ui::Ui;
use anyhow::Result;
use model::source::Source;
use pipeline::Request;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Run a pipeline here, or one task and what it needs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A pipeline, a task of the only pipeline, or PIPELINE/TASK; the only pipeline when absent
    target: Option<String>,
    /// Set a param of the pipeline
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Give each task its own worktree of the commit, as a server does
    #[arg(long)]
    clean: bool,
    /// The pipeline file; the project's files when absent
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Chooses, checks, records the source, then runs.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let params = select::params(&args.params)?;
    let chosen = select::choose(&project, args.file.as_deref(), args.target.as_deref())?;
    // Before there is a board: a file with faults leaves nothing behind.
    chosen.check(&params, ui)?;
    let board = Board::open(&project, ui)?;
    let recorded = source::record(&project.dir, &board)?;
    for note in &recorded.notes {
        ui.say(format!("note: {note}"));
    }
    if args.clean {
        source::must_have_commit(&recorded.source, ui)?;
    }
    let request = Request {
        signal: manual(&recorded.source),
        params,
    };
    let new = New {
        run: launch::fresh()?,
        plan: chosen.plan(&request, ui)?,
        source: recorded.source,
        parent: None,
        clean: args.clean,
    };
    launch::create(&board, new, &args.options, ui)
}

/// The signal of a run that a person asked for.
pub(crate) fn manual(source: &Source) -> BTreeMap<String, Value> {
    let text = |text: &Option<String>| json!(text.as_deref().unwrap_or_default());
    [
        ("kind", json!("manual")),
        ("branch", text(&source.branch)),
        ("commit", text(&source.commit)),
        ("dirty", json!(source.dirty)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
