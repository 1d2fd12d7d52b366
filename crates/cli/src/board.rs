//! The board of a project: rows, blobs and logs in one folder, opened clear of what dead processes left.

use crate::edge;
use crate::fault::Fault;
use crate::project::Project;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use api::run::Life;
use engine::rows::{RunHead, Snapshot};
use model::digest::Digest;
use model::ids::RunId;
use model::plan::{Fragment, Plan};
use model::time::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use store::location::Origin;
use store::owner::{Proc, process};
use store::{
    BlobStore as _, DiskBlobs, LogStore, Owner, Places, Retention, RunSummary, SqliteStore,
    StateDir, Store as _,
};

/// A plan or fragment is JSON of at most this size. A plan of the largest run takes a few hundred bytes for
/// each of its 200,000 tasks.
const PLAN_BYTES: usize = 512 * 1024 * 1024;

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
        Self::open_in(&state, ui)
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
            Self::open_in(&state, ui).map(Some)
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

    fn open_in(state: &StateDir, ui: &Ui) -> Result<Self> {
        let dir = std::fs::canonicalize(&state.dir)
            .with_context(|| format!("cannot use the folder `{}`", state.dir.display()))?;
        let state_id = Digest::of(dir.as_os_str().as_encoded_bytes()).to_hex()[..16].to_owned();
        let board = Self {
            store: Arc::new(SqliteStore::open(&state.board())?),
            blobs: Arc::new(DiskBlobs::open(&state.blobs())?),
            logs: LogStore::open(&state.logs())?,
            dir,
            state_id,
        };
        board.clear(ui)?;
        Ok(board)
    }

    /// Kills what a dead `formic` left behind.
    fn clear(&self, ui: &Ui) -> Result<()> {
        let killed = exec::leftovers::sweep(&self.state_id)
            .context("cannot clear the machine of what an earlier formic left")?;
        match killed.len() {
            0 => {}
            1 => ui.say("killed 1 process that an earlier formic had left behind"),
            many => ui.say(format!(
                "killed {many} processes that an earlier formic had left behind"
            )),
        }
        Ok(())
    }

    /// Removes old runs, and what no run names any more.
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
        Ok(())
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
        let bytes = self.blobs.read(&head.plan, PLAN_BYTES)?;
        let plan: Plan = serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "the plan of run `{}` was written by another formic",
                head.id
            )
        })?;
        Ok(plan)
    }

    /// What the tasks of a run generated, in order.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub(crate) fn fragments(&self, snapshot: &Snapshot) -> Result<Vec<Fragment>> {
        let references = snapshot.fragments.iter();
        references
            .map(|reference| {
                let bytes = self.blobs.read(&reference.digest, PLAN_BYTES)?;
                serde_json::from_slice(&bytes).context("a generated plan cannot be read")
            })
            .collect()
    }
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
