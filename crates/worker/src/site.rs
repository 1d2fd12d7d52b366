//! Where attempts run: their folders, scripts, environment, artifacts.
//!
//! An attempt's own folder lies in the state folder; its steps run in the source folder, or in a worktree of
//! their own for a clean run. Scripts are files, never arguments. Folders are used again (`folders`).

mod artifacts;
mod environment;
mod folders;
mod ports;
mod tree;
mod workspaces;

pub use environment::{INHERITED, INHERITED_PREFIXES};
pub use workspaces::Held;

use crate::contract;
use crate::listing::Files;
use engine::rows::ArtifactRef;
use engine::steps::{Listing, Planned, Run, Written};
use engine::work::Work;
use folders::Folders;
use model::digest::Digest;
use model::ids::AttemptId;
use model::limits;
use model::plan::Text;
use ports::Ports;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use workspaces::Workspaces;

/// Large content that attempts take and give.
pub trait Content: Send + Sync {
    /// Takes in content; returns its address and size.
    ///
    /// # Errors
    /// When it cannot be read or kept.
    fn put(&self, content: &mut dyn Read) -> io::Result<(Digest, u64)>;

    /// The content at an address.
    ///
    /// # Errors
    /// When it is not there.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>>;
}

/// What an attempt needs of the place it runs in.
pub trait Site: Send + Sync {
    /// Makes the folders, takes in artifacts.
    ///
    /// # Errors
    /// Whose fault it is, and what is wrong.
    fn prepare(&self, work: &Work) -> Result<Prepared, Trouble>;

    /// Whether preparing is so little that it need not be done aside.
    fn is_light(&self, work: &Work) -> bool;

    /// Writes a step's script and gives the command that runs it.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    fn command(
        &self,
        at: &Prepared,
        work: &Work,
        planned: &Planned,
    ) -> Result<exec::Command, Trouble>;

    /// What a step wrote into its files.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    fn written(&self, at: &Prepared, index: u32) -> Result<Written, Trouble>;

    /// Whether one of the first `steps` steps wrote a summary.
    fn has_summary(&self, at: &Prepared, steps: u32) -> bool;

    /// Takes what the attempt gives to others.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    fn collect(&self, at: &Prepared, wanted: &Wanted) -> Result<Collected, Trouble>;

    /// Removes the attempt's folders.
    fn clean(&self, at: &Prepared);

    /// The files of the attempt's source, for expressions; `None` where there are none.
    fn listing(&self, _at: &Prepared) -> Option<Arc<dyn Listing>> {
        None
    }

    /// As many ports that nobody listens on and that no other attempt was told.
    ///
    /// # Errors
    /// As [`Site::prepare`].
    fn free_ports(&self, _id: AttemptId, count: usize) -> Result<Vec<u16>, Trouble> {
        match count {
            0 => Ok(Vec::new()),
            _ => Err(Trouble::Platform("there are no ports here".to_owned())),
        }
    }

    /// Whether somebody takes connections on a port of this machine. Does not wait.
    fn accepts(&self, _port: u16) -> bool {
        false
    }
}

/// The place of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Which attempt.
    pub id: AttemptId,
    /// Its own folder.
    pub dir: PathBuf,
    /// The source that its steps run in.
    pub source: PathBuf,
    /// Whether the source is a worktree of its own.
    pub worktree: bool,
    /// Its workspaces by name; only those that are there.
    pub workspaces: BTreeMap<String, String>,
    /// The same workspaces, as the site keeps them apart.
    pub held: Vec<Held>,
    /// Remarks for the log.
    pub remarks: Vec<String>,
}

/// What to collect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Artifacts.
    pub artifacts: Vec<WantedArtifact>,
    /// The file with generated tasks.
    pub generates: Option<String>,
    /// How many steps may have written a summary.
    pub steps: u32,
}

/// One artifact to collect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedArtifact {
    /// Its name.
    pub name: String,
    /// Patterns relative to the source.
    pub paths: Vec<String>,
    /// Patterns to leave out.
    pub exclude: Vec<String>,
    /// What it means that nothing matches.
    pub if_missing: model::plan::IfMissing,
}

/// What was collected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Artifacts.
    pub artifacts: Vec<ArtifactRef>,
    /// The file with generated tasks.
    pub generated: Option<Digest>,
    /// What steps wrote for people.
    pub summary: Option<Digest>,
    /// Remarks for the log.
    pub remarks: Vec<String>,
}

/// Something went wrong at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Because of what the pipeline says or a step did.
    User(String),
    /// Because of the platform.
    Platform(String),
}

/// A site on this machine.
pub struct LocalSite {
    content: Arc<dyn Content>,
    /// The environment of the process that started the worker.
    environment: BTreeMap<OsString, OsString>,
    /// Folders of attempts.
    folders: Folders,
    /// Folders that the tasks of a run share.
    workspaces: Workspaces,
    /// Ports of services.
    ports: Ports,
    /// Held while files are taken into the tree that all tasks share.
    // Taking in looks first and writes then; nobody may write between the two.
    taking_in: Mutex<()>,
    /// The default shell: `bash` if there is one, else `sh`.
    shell: Vec<String>,
    /// Where the source is, when not where it was recorded.
    source: Option<PathBuf>,
}

impl LocalSite {
    /// A site that keeps its folders below `root`.
    #[must_use]
    pub fn new(
        root: PathBuf,
        content: Arc<dyn Content>,
        environment: BTreeMap<OsString, OsString>,
    ) -> Self {
        let shell = environment::default_shell(&environment);
        Self {
            folders: Folders::new(root.join("attempts")),
            workspaces: Workspaces::new(root.join("workspaces")),
            ports: Ports::default(),
            taking_in: Mutex::default(),
            content,
            environment,
            shell,
            source: None,
        }
    }

    /// The same, with the source in another folder than the recorded one.
    #[must_use]
    pub fn with_source(mut self, source: Option<PathBuf>) -> Self {
        self.source = source;
        self
    }
}

impl LocalSite {
    fn make_place(&self, work: &Work, dir: PathBuf) -> Result<Prepared, Trouble> {
        let source = self
            .source
            .clone()
            .unwrap_or_else(|| PathBuf::from(&work.source.dir));
        let source = if work.clean {
            tree::worktree(&source, work, &dir)?
        } else {
            source
        };
        let mut prepared = Prepared {
            id: work.id,
            dir,
            source,
            worktree: work.clean,
            workspaces: BTreeMap::new(),
            held: Vec::new(),
            remarks: Vec::new(),
        };
        for wanted in &work.task.artifacts_in {
            // In a shared tree two tasks may take in the same files.
            let alone = (!work.clean).then(|| self.taking_in.lock());
            let remarks = artifacts::take_in(&*self.content, work, wanted, &prepared)?;
            drop(alone);
            prepared.remarks.extend(remarks);
        }
        prepared.held = self.workspaces.enter(work, &prepared.dir)?;
        prepared.workspaces = prepared.held.iter().map(Held::named).collect();
        Ok(prepared)
    }
}

impl Site for LocalSite {
    fn prepare(&self, work: &Work) -> Result<Prepared, Trouble> {
        let name = work.id.to_string();
        let dir = self.folders.take(&name);
        let dir =
            dir.map_err(|error| platform("create a folder in", self.folders.root(), &error))?;
        let place = self.make_place(work, dir.clone());
        if place.is_err() {
            if work.clean {
                tree::remove(&dir.join(tree::FOLDER));
            }
            // What cannot be removed is only in the way.
            drop(fs::remove_dir_all(&dir));
        }
        place
    }

    fn is_light(&self, work: &Work) -> bool {
        let looks = work.workspaces.iter().any(|binding| binding.read_only);
        !work.clean && !looks && work.task.artifacts_in.is_empty()
    }

    fn command(
        &self,
        at: &Prepared,
        work: &Work,
        planned: &Planned,
    ) -> Result<exec::Command, Trouble> {
        let argv = match &planned.run {
            Run::Command(argv) => argv.clone(),
            Run::Script { text, shell, args } => {
                let extension = shell.as_ref().map_or("", |shell| shell.extension.as_str());
                let name = format!("{}{extension}", planned.index);
                let file = folders::put_script(&at.dir, &name, text)
                    .map_err(|error| platform("write a script in", &at.dir, &error))?;
                let file = file.to_string_lossy();
                let template = shell.as_ref().map_or(&self.shell, |shell| &shell.argv);
                template
                    .iter()
                    .map(|word| word.replace("{file}", &file))
                    .chain(args.iter().cloned())
                    .collect()
            }
        };
        let Some((program, args)) = argv.split_first() else {
            return Err(Trouble::User(format!(
                "step `{}` names no program",
                planned.name
            )));
        };
        let cwd = planned
            .working_dir
            .as_ref()
            .map_or_else(|| at.source.clone(), |dir| at.source.join(dir));
        let memory = work.task.resources.memory_bytes;
        Ok(exec::Command {
            tree: tree_key(work.id),
            program: program.into(),
            args: args.iter().map(Into::into).collect(),
            env: self.step_env(at, work, planned),
            cwd,
            is_last: planned.is_last,
            keep_stderr_apart: planned.keep_streams_apart,
            limits: exec::Limits {
                memory_bytes: (memory > 0).then_some(memory),
                ..exec::Limits::default()
            },
        })
    }

    fn written(&self, at: &Prepared, index: u32) -> Result<Written, Trouble> {
        let read = |what: &str, variable: &str| {
            read_text(&at.dir.join(format!("{index}.{what}")), variable)
        };
        contract::written(
            &read("output", "FORMIC_OUTPUT")?,
            &read("env", "FORMIC_ENV")?,
            &read("path", "FORMIC_PATH")?,
            &read("mask", "FORMIC_MASK")?,
        )
        .map_err(Trouble::User)
    }

    fn has_summary(&self, at: &Prepared, steps: u32) -> bool {
        (0..steps).any(|index| at.dir.join(format!("{index}.summary")).exists())
    }

    fn collect(&self, at: &Prepared, wanted: &Wanted) -> Result<Collected, Trouble> {
        let mut collected = Collected::default();
        for held in &at.held {
            collected.remarks.extend(self.workspaces.check(held)?);
        }
        for artifact in &wanted.artifacts {
            artifacts::give_out(&*self.content, artifact, at, &mut collected)?;
        }
        if let Some(file) = &wanted.generates {
            let path = inside(&at.source, file)?;
            let content = read_file(&path, limits::PIPELINE_FILE_BYTES)?.ok_or_else(|| {
                Trouble::User(format!(
                    "`generates` names `{file}`, and no step wrote that file"
                ))
            })?;
            let (digest, _) = self
                .content
                .put(&mut content.as_slice())
                .map_err(|error| platform("keep", &path, &error))?;
            collected.generated = Some(digest);
        }
        collected.summary = self.summary(at, wanted.steps)?;
        Ok(collected)
    }

    fn listing(&self, at: &Prepared) -> Option<Arc<dyn Listing>> {
        Some(Arc::new(Files::below(at.source.clone())))
    }

    fn free_ports(&self, id: AttemptId, count: usize) -> Result<Vec<u16>, Trouble> {
        self.ports.take(id, count)
    }

    fn accepts(&self, port: u16) -> bool {
        ports::accepts(port)
    }

    fn clean(&self, at: &Prepared) {
        self.ports.give_back(at.id);
        self.workspaces.leave(&at.held);
        if at.worktree {
            tree::remove(&at.source);
        }
        self.folders.give_back(&at.dir);
    }
}

impl LocalSite {
    fn summary(&self, at: &Prepared, steps: u32) -> Result<Option<Digest>, Trouble> {
        let mut summary = String::new();
        for index in 0..steps {
            let file = at.dir.join(format!("{index}.summary"));
            if file.exists() {
                summary.push_str(&read_text(&file, "FORMIC_SUMMARY")?);
            }
        }
        if summary.is_empty() {
            return Ok(None);
        }
        if summary.len() > limits::SUMMARY_BYTES {
            let (found, most) = (summary.len(), limits::SUMMARY_BYTES);
            return Err(Trouble::User(format!(
                "the summary has {found} bytes; at most {most} are kept"
            )));
        }
        let (digest, _) = self
            .content
            .put(&mut summary.as_bytes())
            .map_err(|error| platform("keep the summary of", &at.dir, &error))?;
        Ok(Some(digest))
    }
}

/// The name of an attempt's processes.
#[must_use]
pub fn tree_key(id: AttemptId) -> exec::TreeKey {
    exec::TreeKey::new(id.to_string())
}

/// The most that is read of a file that a step writes for the worker; the contract has the limit of each.
const READ_BYTES: usize = 4 * limits::OUTPUTS_BYTES;

/// The text of the file that a step knows by `variable`, empty when there is none.
fn read_text(path: &Path, variable: &str) -> Result<String, Trouble> {
    let bytes = read_file(path, READ_BYTES)?.unwrap_or_default();
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        Trouble::User(format!(
            "line {line} of `${variable}` is not UTF-8; write text there, and other bytes into an artifact"
        ))
    })
}

/// What a step wrote into a file, if it did. Only plain files are opened: a pipe would never end.
fn read_file(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Trouble> {
    let failed = |error: &io::Error| platform("read", path, error);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let place = path.display();
    if !metadata.is_file() {
        return Err(Trouble::User(format!("`{place}` is not a plain file")));
    }
    let file = fs::File::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    if bytes.len() > most {
        return Err(Trouble::User(format!(
            "`{place}` has more than {most} bytes; that is the most that is read"
        )));
    }
    Ok(Some(bytes))
}

/// A text of a lease that names a folder: the board has computed it.
fn known(text: &Text) -> Result<&str, Trouble> {
    text.literal()
        .ok_or_else(|| Trouble::Platform("a folder came to the worker as an expression".to_owned()))
}

fn make_dir(path: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(path).map_err(|error| platform("create", path, &error))
}

/// `name` below `root`, refused when it leads out.
fn inside(root: &Path, name: &str) -> Result<PathBuf, Trouble> {
    let leads_out = Path::new(name).components().any(|part| {
        !matches!(
            part,
            std::path::Component::Normal(_) | std::path::Component::CurDir
        )
    });
    if leads_out {
        return Err(Trouble::User(format!(
            "`{name}` leads out of `{}`",
            root.display()
        )));
    }
    Ok(root.join(name))
}

fn platform(what: &str, path: &Path, error: &io::Error) -> Trouble {
    Trouble::Platform(format!("cannot {what} `{}`: {error}", path.display()))
}
