//! An earlier run that has ended, as `retry` and `replay` need it.

use crate::board::Board;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::launch::{self, New, Options};
use crate::project::Project;
use crate::references::{self, short};
use crate::select::{self, Choice};
use crate::signal::Asked;
use crate::source::{self, Place, Wanted};
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use engine::repeat::{Earlier, NotRepeated};
use engine::rows::{AttemptRow, Parent, ParentKind, Reused, RunHead, RunState, Snapshot, TaskRow};
use model::Json;
use model::ids::RunId;
use model::plan::Plan;
use model::source::Source;
use server::load::missing_artifact;
use std::collections::BTreeMap;
use std::path::Path;
use store::{Store as _, StoreError};

/// The rows and the plan of an ended run.
pub(crate) struct Repeated {
    /// The board that it is on.
    pub board: Board,
    /// Its plan as it was created.
    pub plan: Plan,
    /// Its tasks.
    pub tasks: Vec<TaskRow>,
    head: RunHead,
    attempts: Vec<AttemptRow>,
    /// The plan with everything that was generated.
    whole: Plan,
}

impl Repeated {
    /// Loads the run that `named` means, for the command `verb`.
    ///
    /// # Errors
    /// When there is none, or it has not ended, or it is of another project.
    pub(crate) fn load(
        project: &Project,
        named: Option<&str>,
        verb: &str,
        ui: &Ui,
    ) -> Result<Self> {
        let board = Board::must_exist(project, ui)?;
        let run = references::own_run(&board, named, verb)?;
        if !matches!(board.summary(run)?.row.state, RunState::Ended(_)) {
            let short = short(run);
            return Err(Fault::usage(format!("run `{run}` has not ended"))
                .help(format!(
                    "`formic resume {short}` goes on, `formic cancel {short}` ends it"
                ))
                .into());
        }
        Self::of(board, run)
    }

    /// The same of a run that may still be living.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn of(board: Board, run: RunId) -> Result<Self> {
        let Some(snapshot) = board.store.run_load(run)? else {
            return Err(StoreError::NoRun(run).into());
        };
        let plan = board.plan(&snapshot.head)?;
        let mut whole = plan.clone();
        for fragment in board.fragments(&snapshot)? {
            whole.append(fragment);
        }
        let Snapshot {
            head,
            tasks,
            attempts,
            ..
        } = snapshot;
        Ok(Self {
            board,
            plan,
            tasks,
            head,
            attempts,
            whole,
        })
    }

    /// Its id.
    pub(crate) const fn run(&self) -> RunId {
        self.head.id
    }

    /// The part of it that never changed.
    pub(crate) const fn head(&self) -> &RunHead {
        &self.head
    }

    /// Its rows, to choose what is taken over.
    pub(crate) fn earlier(&self) -> Earlier<'_> {
        Earlier {
            head: &self.head,
            plan: &self.whole,
            tasks: &self.tasks,
            attempts: &self.attempts,
        }
    }

    /// Where its recorded source is for the new run `run`.
    ///
    /// # Errors
    /// When it cannot be had any more.
    pub(crate) fn place(
        &self,
        project: &Project,
        run: RunId,
        wanted: Wanted<'_>,
        ui: &Ui,
    ) -> Result<Place> {
        let recorded = &self.head.source;
        let place = source::find_again(recorded, run, &project.dir, wanted, &self.board)?;
        for note in &place.notes {
            ui.say(format!("note: {note}"));
        }
        Ok(place)
    }

    /// Makes sure that the files of results which are taken over are on the board still.
    ///
    /// # Errors
    /// When an artifact is gone; its task has to run again.
    pub(crate) fn must_have(&self, reused: &BTreeMap<String, Reused>) -> Result<()> {
        let Some((key, artifact)) = missing_artifact(&*self.board.blobs, reused)? else {
            return Ok(());
        };
        let (run, task) = (short(self.run()), text::quoted(key));
        let message = format!(
            "artifact `{}` of task `{}` is not on the board any more: something deleted it in `{}`",
            text::plain(&artifact.name),
            text::plain(key),
            self.board.dir.join("blobs").display()
        );
        Err(Fault::new(Exit::Infrastructure, message)
            .help(format!("`formic retry --from {task} {run}` makes it again"))
            .help(format!(
                "`formic retry --here {run}` runs everything again in the tree as it is"
            ))
            .into())
    }

    /// Its recorded source, as one of this project's folder.
    pub(crate) fn source(&self, project: &Project) -> Source {
        Source {
            dir: project.dir.display().to_string(),
            ..self.head.source.clone()
        }
    }

    /// A new run of the same pipeline, or the same task of it, with the same params and signal, of the tree as it
    /// is, that reuses nothing. It is not created yet.
    ///
    /// # Errors
    /// When the pipeline file or the task is gone, or the file has a fault, or this machine cannot run it, or the board fails.
    pub(crate) fn here(&self, project: &Project, options: &Options, ui: &Ui) -> Result<New> {
        let file = project.dir.join(Path::new(&self.plan.file));
        let choice = select::choose(project, Some(&file), None, None, &Asked::default())?;
        let Choice::One(chosen) = choice else {
            unreachable!("a file that is named is the one that is meant");
        };
        let recorded = source::record(&project.dir, &self.board)?;
        for note in &recorded.notes {
            ui.say(format!("note: {note}"));
        }
        if self.head.clean {
            ui.say(format!(
                "note: run {} was made with `--clean`; the tasks of this one share the folder as it is",
                short(self.run())
            ));
        }
        let params = self.plan.params.iter();
        let params = params.map(|(name, value)| (name.clone(), written(value)));
        let (then, now) = (&self.head.source, &recorded.source);
        let asked = Asked::again(&self.plan.signal, params.collect(), then, now);
        let new = New {
            run: launch::fresh()?,
            plan: chosen.limited_to(&self.plan).plan(&asked.request(), ui)?,
            source: recorded.source,
            place: Place::default(),
            clean: false,
            parent: Some(Parent {
                run: self.run(),
                kind: ParentKind::Retry,
                reused: BTreeMap::new(),
            }),
        };
        launch::must_fit(&new.plan, options)?;
        Ok(new)
    }
}

/// The fault that nothing is repeated, and what can be done instead.
pub(crate) fn not_repeated(refused: &NotRepeated) -> Fault {
    let fault = Fault::usage(text::plain(&refused.to_string()));
    match refused {
        NotRepeated::Replay { parent, .. } => fault.help(format!(
            "`formic retry {}` repeats the run that it comes from",
            short(*parent)
        )),
        NotRepeated::NothingToDo(run) => fault
            .help("`--from TASK` runs a task and what comes after it again")
            .help(format!("`formic show {}` shows what happened", short(*run))),
        NotRepeated::Empty { .. } => fault,
        NotRepeated::ReplayOfOther { parent, key, .. } => fault.help(format!(
            "`formic replay {} {}` repeats it with the inputs of the run that it comes from",
            short(*parent),
            text::quoted(key)
        )),
    }
}

/// A param's value as `--param` takes it.
fn written(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            value.to_string()
        }
    }
}
