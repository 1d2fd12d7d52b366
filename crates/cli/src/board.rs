//! The board of a project: rows, blobs and logs in one folder, opened clear of what dead processes left.
//!
//! `FORMIC_STATE` may give several projects one board. Then what is meant without an id is always of this project,
//! and a run of another one is gone on with from its own folder only: its tasks would work in the wrong tree.
//!
//! On a disk that is full a board can be read still; whoever wants to write is told what may be deleted.

use crate::edge;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::project::{self, Project, must_be_text};
use crate::source;
use crate::text;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use api::run::Life;
use engine::rows::{RunHead, RunState, Snapshot};
use model::digest::Digest;
use model::ids::RunId;
use model::plan::{Fragment, Plan};
use model::time::Timestamp;
use server::Fatal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::location::Origin;
use store::owner::{Proc, process};
use store::{
    DiskBlobs, LogStore, Owner, Places, Retention, RunFilter, RunSummary, SqliteStore, StateDir,
    Store as _, StoreError,
};

/// An open board.
pub(crate) struct Board {
    /// The rows.
    pub store: Arc<SqliteStore>,
    /// Large content.
    pub blobs: Arc<DiskBlobs>,
    /// What tasks printed.
    pub logs: LogStore,
    /// The folder of all of it.
    pub dir: PathBuf,
    /// Names the board in the marks that every process of a task carries.
    pub state_id: String,
    /// The project's folder, as runs record it.
    project: String,
    /// Whether other projects may have runs here.
    is_shared: bool,
}

impl Board {
    /// Opens the project's board, and creates it if there is none.
    ///
    /// # Errors
    /// When it cannot be used, or processes of a dead `formic` cannot be killed.
    pub(crate) fn open(project: &Project, ui: &Ui) -> Result<Self> {
        let state = StateDir::locate(&project.dir, &places())?;
        let dir = state.dir.display();
        match state.origin {
            Origin::Repository | Origin::Setting => {}
            Origin::Fallback => ui.say(format!(
                "the project may not be written, so the board is in `{dir}`"
            )),
            Origin::Begun => ui.say(format!(
                "the board is in `{dir}`, where it was begun when the project could not be written"
            )),
        }
        match Self::open_in(&state, project, ui) {
            Ok(board) if board.store.is_alone() => {
                board.make_room(ui);
                drop(board);
                let opened = Self::open_in(&state, project, ui)?;
                let full = opened.store.is_alone().then(|| opened.full());
                full.map_or(Ok(opened), |full| Err(full.into()))
            }
            opened => opened,
        }
    }

    /// Opens the project's board if there is one; creates nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_existing(project: &Project, ui: &Ui) -> Result<Option<Self>> {
        let places = places();
        if !StateDir::has_board(&project.dir, &places) {
            return Ok(None);
        }
        let state = StateDir::locate(&project.dir, &places)?;
        if state.board().exists() {
            Self::open_in(&state, project, ui).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Opens the project's board, which has to have runs.
    ///
    /// # Errors
    /// As [`Self::open`]; a fault when there is no board.
    pub(crate) fn must_exist(project: &Project, ui: &Ui) -> Result<Self> {
        Self::open_existing(project, ui)?.ok_or_else(|| no_runs(project).into())
    }

    fn open_in(state: &StateDir, project: &Project, ui: &Ui) -> Result<Self> {
        let dir = std::fs::canonicalize(&state.dir)
            .with_context(|| format!("cannot use the folder `{}`", state.dir.display()))?;
        must_be_text(&dir)?;
        let state_id = Digest::of(dir.as_os_str().as_encoded_bytes()).to_hex()[..16].to_owned();
        let board = Self {
            store: Arc::new(opened(&state.board())?),
            blobs: Arc::new(DiskBlobs::open(&state.blobs())?),
            logs: LogStore::open(&state.logs())?,
            dir,
            state_id,
            project: project.dir.display().to_string(),
            is_shared: state.origin == Origin::Setting,
        };
        board.clear(ui)?;
        Ok(board)
    }

    /// The option by which a command finds this project from the current folder; none where it does so by itself.
    pub(crate) fn way(&self) -> Option<String> {
        project::way_to(Path::new(&self.project))
    }

    /// Whether a run is of this project. A folder inside of the board's is nobody's own.
    pub(crate) fn is_ours(&self, head: &RunHead) -> bool {
        let dir = &head.source.dir;
        !self.is_shared || *dir == self.project || Path::new(dir).starts_with(&self.dir)
    }

    /// The folder of the other project that a run has to be gone on with from; `None` for a run of this one, and
    /// for one whose folder is not there any more.
    pub(crate) fn other_project<'h>(&self, head: &'h RunHead) -> Option<&'h Path> {
        let dir = Path::new(&head.source.dir);
        (!self.is_ours(head) && dir.is_dir()).then_some(dir)
    }

    /// The runs of this project that pass `filter`, newest first.
    ///
    /// # Errors
    /// When the board cannot be read.
    pub(crate) fn runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>> {
        if !self.is_shared {
            return Ok(self.store.run_list(filter)?);
        }
        let all = RunFilter {
            limit: None,
            ..filter.clone()
        };
        let mut runs = self.store.run_list(&all)?;
        runs.retain(|run| self.is_ours(&run.head));
        runs.truncate(filter.limit.unwrap_or(usize::MAX));
        Ok(runs)
    }

    /// Removes what needs no room to be removed. Nobody may write anyway, so trouble is not told.
    pub(crate) fn make_room(&self, ui: &Ui) {
        let swept = store::sweep_unnamed(&*self.store, &*self.blobs, &self.logs, edge::now());
        let freed = swept.map_or(0, |swept| swept.bytes);
        if freed > 0 {
            let size = text::size(freed);
            ui.say(format!(
                "no space was left on the disk: removed {size} that no run names"
            ));
        }
    }

    /// The fault that nothing can be written here, and what may be deleted by hand.
    fn full(&self) -> Fault {
        let dir = self.dir.display();
        let message = format!("no space is left on the disk of `{dir}`, so nothing can be run");
        may_be_deleted(Fault::new(Exit::Infrastructure, message), &self.dir)
    }

    /// Kills what a dead `formic` left behind.
    fn clear(&self, ui: &Ui) -> Result<()> {
        let killed = exec::leftovers::sweep(&self.state_id)
            .context("cannot clear the machine of what an earlier formic left")?;
        server::remove_worktrees(&self.dir);
        match killed.len() {
            0 => {}
            1 => ui.say("killed 1 process that an earlier formic had left behind"),
            many => ui.say(format!(
                "killed {many} processes that an earlier formic had left behind"
            )),
        }
        Ok(())
    }

    /// Removes old runs, what no run names any more, and folders that ended runs left behind.
    ///
    /// # Errors
    /// When the board or the disk fails.
    pub(crate) fn sweep(&self) -> Result<()> {
        store::sweep(
            &*self.store,
            &*self.blobs,
            &self.logs,
            &Retention::default(),
            edge::now(),
        )?;
        self.sweep_folders()
    }

    /// Removes the shared folders and worktrees of runs that have ended, which their own process did not live to do.
    /// One that has not ended may be gone on with, whoever owns it. What cannot be removed is only in the way.
    fn sweep_folders(&self) -> Result<()> {
        for run in self.runs_with("workspaces") {
            // They are made for a run on the board: without one it was removed.
            if self.has_ended(run)?.unwrap_or(true) {
                let folder = self.dir.join("workspaces").join(run.as_str());
                drop(std::fs::remove_dir_all(folder));
            }
        }
        for run in self.runs_with("sources") {
            // One that is not on the board is about to be: its worktree is made first.
            if self.has_ended(run)? == Some(true) {
                source::forget(run, self);
            }
        }
        Ok(())
    }

    /// The runs that have a folder of their own in the folder called `name`.
    fn runs_with(&self, name: &str) -> impl Iterator<Item = RunId> {
        let entries = std::fs::read_dir(self.dir.join(name));
        let entries = entries.into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    }

    /// Whether a run has ended; `None` when the board has it not.
    fn has_ended(&self, run: RunId) -> Result<Option<bool>> {
        let found = self.store.run_fetch(run)?;
        Ok(found.map(|found| matches!(found.row.state, RunState::Ended(_))))
    }

    /// This process as an owner of runs; its lease ends at `until`.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(crate) fn owner(until: Timestamp) -> Result<Owner> {
        process::this_process(edge::random()?, until)
            .context("cannot see this process in `/proc`, which formic needs")
    }

    /// Whether `owner` lives, as far as can be known from here.
    pub(crate) fn is_alive(owner: &Owner) -> bool {
        owner.is_alive(edge::now(), &Proc)
    }

    /// Whether somebody works on the run.
    pub(crate) fn life(summary: &RunSummary) -> Life {
        if summary.owner.as_ref().is_some_and(Self::is_alive) {
            Life::Owned
        } else {
            Life::Abandoned
        }
    }

    /// The head, row and owner of a run that is there.
    ///
    /// # Errors
    /// When it was removed meanwhile, or the board cannot be read.
    pub(crate) fn summary(&self, run: RunId) -> Result<RunSummary> {
        let found = self.store.run_fetch(run)?;
        found.ok_or_else(|| Fault::nothing(format!("the board has no run `{run}`")).into())
    }

    /// The plan of a run as it was created.
    ///
    /// # Errors
    /// When its blob is gone or written by a newer program.
    pub(crate) fn plan(&self, head: &RunHead) -> Result<Plan> {
        server::load::plan(&*self.blobs, head).map_err(|fatal| Self::unreadable(head.id, fatal))
    }

    /// What the tasks of a run generated, in order.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub(crate) fn fragments(&self, snapshot: &Snapshot) -> Result<Vec<Fragment>> {
        server::load::fragments(&*self.blobs, snapshot)
            .map_err(|fatal| Self::unreadable(snapshot.head.id, fatal))
    }

    /// The plan of a run with what its tasks have generated.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub(crate) fn plan_so_far(&self, run: RunId) -> Result<Plan> {
        let Some(snapshot) = self.store.run_load(run)? else {
            return Err(StoreError::NoRun(run).into());
        };
        let mut plan = self.plan(&snapshot.head)?;
        for fragment in self.fragments(&snapshot)? {
            plan.append(fragment);
        }
        Ok(plan)
    }

    /// Adds what a person can do to the error that a run cannot be read.
    pub(crate) fn unreadable(run: RunId, fatal: Fatal) -> anyhow::Error {
        match fatal {
            Fatal::Blob(gone) => {
                let message = format!("the plan of run `{run}` is not on the board any more");
                let fault = Fault::new(Exit::Infrastructure, message).help(
                    "something deleted it there; `formic run` makes a new run, and `formic show` still tells of this one",
                );
                anyhow::Error::from(gone).context(fault)
            }
            fatal @ (Fatal::Store(_)
            | Fatal::Log(_)
            | Fatal::Damaged { .. }
            | Fatal::Corrupt { .. }
            | Fatal::PlanTooLarge { .. }
            | Fatal::Claim(_)) => fatal.into(),
        }
    }
}

/// The board in the file `path`; to be read only where the disk is full.
fn opened(path: &Path) -> Result<SqliteStore, StoreError> {
    match SqliteStore::open(path) {
        Err(full @ StoreError::Full { .. }) => {
            SqliteStore::open_alone(path).map_err(|error| {
                // If it cannot be had alone either, that it is full is what matters.
                let is_unbegun = matches!(error, StoreError::Unbegun { .. });
                if is_unbegun { error } else { full }
            })
        }
        opened => opened,
    }
}

/// Adds to the fault that a disk is full what may be deleted of the state in `dir`.
pub(crate) fn may_be_deleted(full: Fault, dir: &Path) -> Fault {
    let dir = dir.display();
    full.help("free some space; `formic ls`, `show` and `logs` work meanwhile").help(format!(
        "while no formic runs, `attempts`, `workspaces` and `tmp` in `{dir}` may be deleted; with the whole folder \
         all runs and their artifacts go"
    ))
}

/// The fault that a project has no runs.
pub(crate) fn no_runs(project: &Project) -> Fault {
    Fault::nothing(format!(
        "there are no runs in `{}` yet",
        project.dir.display()
    ))
    .help("`formic run` starts one; `-C DIR` goes to another project")
}

/// What the environment says about places for state.
pub(crate) fn places() -> Places {
    let path = |name| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    Places {
        formic_state: path("FORMIC_STATE"),
        xdg_state_home: path("XDG_STATE_HOME"),
        home: path("HOME"),
    }
}
