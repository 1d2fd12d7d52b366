//! A place for attempts without a disk: scripts travel in the command, what commands write is kept in memory.

use crate::plans;
use engine::rows::ArtifactRef;
use engine::steps::{FileKind, ListedFile, Listing, Planned, Run, Written};
use engine::work::Work;
use exec::{Command, Limits, TreeKey};
use model::digest::Digest;
use model::ids::{AttemptId, RunId, TaskNo};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{BlobStore, MemoryBlobs};
use worker::Site;
use worker::listing::CutShort;
use worker::site::{Collected, Prepared, Trouble, Wanted, tree_key};

/// What commands of one attempt wrote, and who they are.
#[derive(Debug, Default)]
pub struct Files {
    /// Attempts by the name of their processes.
    pub attempts: BTreeMap<TreeKey, AttemptId>,
    /// Values by attempt and number of the step.
    pub written: BTreeMap<(AttemptId, u32), Vec<(String, String)>>,
    /// How often a command of a task has failed on purpose, by the number of the step.
    pub failures: BTreeMap<(RunId, TaskNo, u32), u32>,
    /// Decides what fails: drawn anew by the world before each step of a worker.
    pub weather: u64,
    /// Whether places may fail to be made.
    pub fails: bool,
    /// The content of the only file of the source.
    pub source: u64,
}

/// The source: one file, `src`.
#[derive(Debug)]
struct Source(FakeSite);

impl Listing for Source {
    fn matching(&self, _: &[&str]) -> Result<Vec<ListedFile>, String> {
        Ok(vec![ListedFile {
            path: "src".to_owned(),
            kind: FileKind::Plain,
            size_bytes: 8,
        }])
    }

    fn digest(&self, _: &ListedFile) -> Result<Digest, String> {
        Ok(Digest::of(&self.0.files().source.to_be_bytes()))
    }
}

/// See the module. Clones share their files.
#[derive(Debug, Clone, Default)]
pub struct FakeSite {
    files: Arc<Mutex<Files>>,
    blobs: MemoryBlobs,
}

impl FakeSite {
    /// A place that keeps what is collected in `blobs`.
    #[must_use]
    pub fn new(blobs: MemoryBlobs) -> Self {
        Self {
            files: Arc::default(),
            blobs,
        }
    }

    /// What there is.
    pub fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site for FakeSite {
    fn prepare(&self, work: &Work, _: &CutShort) -> Result<Prepared, Trouble> {
        let mut files = self.files();
        files.attempts.insert(tree_key(work.id), work.id);
        if files.fails && files.weather.is_multiple_of(50) {
            return Err(Trouble::Platform(
                "the disk of the simulator is moody".to_owned(),
            ));
        }
        Ok(Prepared {
            id: work.id,
            dir: PathBuf::from("/nowhere"),
            source: PathBuf::from("/nowhere"),
            worktree: false,
            workspaces: BTreeMap::new(),
            held: Vec::new(),
            remarks: Vec::new(),
            stale: None,
        })
    }

    fn is_light(&self, work: &Work) -> bool {
        !(work.token.0 + u64::from(work.id.task.0)).is_multiple_of(3)
    }

    fn command(&self, at: &Prepared, _: &Work, planned: &Planned) -> Result<Command, Trouble> {
        let Run::Script { text, .. } = &planned.run else {
            return Err(Trouble::User("only scripts are simulated".to_owned()));
        };
        Ok(Command {
            tree: tree_key(at.id),
            program: "sim".into(),
            args: vec![planned.index.to_string().into(), text.into()],
            env: Vec::new(),
            cwd: at.dir.clone(),
            is_last: planned.is_last,
            keep_stderr_apart: false,
            limits: Limits::default(),
        })
    }

    fn written(&self, at: &Prepared, index: u32) -> Result<Written, Trouble> {
        let outputs = self.files().written.get(&(at.id, index)).cloned();
        Ok(Written {
            outputs: outputs.unwrap_or_default().into_iter().collect(),
            ..Written::default()
        })
    }

    fn collect(&self, _: &Prepared, wanted: &Wanted) -> Result<Collected, Trouble> {
        let mut collected = Collected::default();
        for artifact in &wanted.artifacts {
            let digest = self.blobs.put_bytes(artifact.name.as_bytes());
            collected.artifacts.push(ArtifactRef {
                name: artifact.name.clone(),
                digest: digest.map_err(|error| Trouble::Platform(error.to_string()))?,
                size_bytes: 1,
                files: 1,
            });
        }
        if let Some(file) = &wanted.generates {
            let text = plans::generated(file);
            let digest = self.blobs.put_bytes(text.as_bytes());
            collected.generated =
                Some(digest.map_err(|error| Trouble::Platform(error.to_string()))?);
        }
        Ok(collected)
    }

    fn listing(&self, _: &Prepared, _: &CutShort) -> Option<Arc<dyn Listing>> {
        Some(Arc::new(Source(self.clone())))
    }

    fn restore(&self, at: &Prepared, _: &[ArtifactRef]) -> Result<Vec<String>, Trouble> {
        let files = self.files();
        if files.fails && files.weather.is_multiple_of(7) {
            return Err(Trouble::Platform(format!(
                "the disk of the simulator cannot hold what {} gives",
                at.id
            )));
        }
        Ok(Vec::new())
    }

    fn has_summary(&self, _: &Prepared, _: u32) -> bool {
        false
    }

    fn clean(&self, at: &Prepared) {
        self.files().written.retain(|(id, _), _| *id != at.id);
    }
}
