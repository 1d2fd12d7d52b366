//! The site on this machine: its folders, its workspaces, its ports.

use super::folders::{self, Folders};
use super::ports::{self, Ports};
use super::workspaces::{Held, Workspaces};
use super::{
    Collected, Content, MasksSeen, Prepared, Site, Stale, Trouble, Wanted, artifacts, environment,
    inside, masks, open_at_once, platform, tree, tree_key,
};
use crate::contract;
use crate::listing::{CutShort, Files};
use crate::mask::Masks;
use crate::own::Own;
use crate::patterns;
use engine::rows::ArtifactRef;
use engine::steps::{Listing, Planned, Run, Written};
use engine::work::Work;
use model::digest::Digest;
use model::ids::AttemptId;
use model::limits;
use model::plan::{Body, Text};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A site on this machine.
pub struct LocalSite {
    /// The folder of Formic's state.
    root: PathBuf,
    content: Arc<dyn Content>,
    /// The environment of the process that started the worker.
    pub(super) environment: BTreeMap<OsString, OsString>,
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
            root,
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
    fn make_place(
        &self,
        work: &Work,
        dir: PathBuf,
        cut_short: &CutShort,
    ) -> Result<Prepared, Trouble> {
        let source = self
            .source
            .clone()
            .unwrap_or_else(|| PathBuf::from(&work.source.dir));
        let source = if work.clean {
            tree::worktree(&source, work, &dir, cut_short)?
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
            stale: None,
        };
        // Paths are resolved only for those that need it: most tasks take nothing in.
        if !work.task.artifacts_in.is_empty() {
            let own = Own::below(&prepared.source, &self.root);
            for wanted in &work.task.artifacts_in {
                // In a shared tree two tasks may take in the same files.
                let alone = (!work.clean).then(|| self.taking_in.lock());
                let remarks = artifacts::take_in(&*self.content, work, wanted, &prepared, &own)?;
                drop(alone);
                prepared.remarks.extend(remarks);
            }
        }
        prepared.held = self.workspaces.enter(work, &prepared.dir)?;
        prepared.workspaces = prepared.held.iter().map(Held::named).collect();
        // A name that is computed is known only when the steps are over.
        if let Some(Text::Literal(file)) = &work.task.generates {
            let path = inside(&prepared.source, file);
            prepared.stale = path.ok().and_then(|path| Stale::at(&path));
        }
        Ok(prepared)
    }
}

impl Site for LocalSite {
    fn prepare(&self, work: &Work, cut_short: &CutShort) -> Result<Prepared, Trouble> {
        if let Body::Steps(steps) = &work.task.body {
            contract::known(&steps.contract).map_err(Trouble::Platform)?;
        }
        let name = work.id.to_string();
        let dir = self.folders.take(&name);
        let dir =
            dir.map_err(|error| platform("create a folder in", self.folders.root(), &error))?;
        let place = self.make_place(work, dir.clone(), cut_short);
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
        let cwd = match &planned.working_dir {
            Some(dir) => working_dir(at, work, planned, dir)?,
            None => at.source.clone(),
        };
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

    fn masks(&self, at: &Prepared, index: u32, seen: &mut MasksSeen) -> Vec<Vec<u8>> {
        masks::read_new(&at.dir.join(format!("{index}.mask")), seen)
    }

    fn has_summary(&self, at: &Prepared, steps: u32) -> bool {
        (0..steps).any(|index| at.dir.join(format!("{index}.summary")).exists())
    }

    fn collect(&self, at: &Prepared, wanted: &Wanted) -> Result<Collected, Trouble> {
        let mut collected = Collected::default();
        for held in &at.held {
            collected.remarks.extend(self.workspaces.check(held)?);
        }
        if !wanted.artifacts.is_empty() {
            let own = Own::below(&at.source, &self.root);
            for artifact in &wanted.artifacts {
                artifacts::give_out(&*self.content, artifact, at, &own, &mut collected)?;
            }
        }
        if let Some(file) = &wanted.generates {
            let path = inside(&at.source, file)?;
            if leaves(&at.source, &path) {
                return Err(Trouble::User(format!(
                    "`generates` names `{file}`, which is a link out of the source; write the tasks into a file of it"
                )));
            }
            if at.stale.is_some() && Stale::at(&path) == at.stale {
                return Err(Trouble::User(format!(
                    "`generates` names `{file}`, which was there before the task began, and no step wrote it"
                )));
            }
            let content =
                read_file(&path, file, limits::PIPELINE_FILE_BYTES)?.ok_or_else(|| {
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
        collected.summary = self.summary(at, wanted)?;
        Ok(collected)
    }

    fn listing(&self, at: &Prepared, cut_short: &CutShort) -> Option<Arc<dyn Listing>> {
        let files = Files::below(at.source.clone(), &self.root, cut_short.clone());
        Some(Arc::new(files))
    }

    fn free_ports(&self, id: AttemptId, count: usize) -> Result<Vec<u16>, Trouble> {
        self.ports.take(id, count)
    }

    fn accepts(&self, port: u16) -> bool {
        ports::accepts(port)
    }

    fn surroundings(&self, _: &Prepared, work: &Work) -> BTreeMap<String, String> {
        environment::deciding(&self.environment, &self.shell, work)
    }

    fn restore(&self, at: &Prepared, artifacts: &[ArtifactRef]) -> Result<Vec<String>, Trouble> {
        let own = Own::below(&at.source, &self.root);
        let alone = self.taking_in.lock();
        let mut remarks = Vec::new();
        for artifact in artifacts {
            let found = artifacts::put_back(&*self.content, artifact, at, &own)?;
            remarks.extend(found);
        }
        drop(alone);
        Ok(remarks)
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
    fn summary(&self, at: &Prepared, wanted: &Wanted) -> Result<Option<Digest>, Trouble> {
        let mut summary = String::new();
        for index in 0..wanted.steps {
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
        let mut masks = Masks::default();
        // They are what an attempt hides already.
        masks.add(wanted.hidden.iter().cloned()).ok();
        let (digest, _) = self
            .content
            .put(&mut masks.text(&summary).as_bytes())
            .map_err(|error| platform("keep the summary of", &at.dir, &error))?;
        Ok(Some(digest))
    }
}

/// The folder that a step runs in: one of the source, or of a workspace.
fn working_dir(
    at: &Prepared,
    work: &Work,
    planned: &Planned,
    dir: &str,
) -> Result<PathBuf, Trouble> {
    let folder = at.source.join(dir);
    if matches!(&work.task.body, Body::Steps(steps) if steps.anywhere) {
        return Ok(folder);
    }
    let roots = at.workspaces.values().map(Path::new).chain([&*at.source]);
    for root in roots {
        // Of a folder that is not there the executor says so.
        let resolved = Own::below(root, &at.dir).resolved(&folder);
        if resolved.is_ok_and(|inside| inside.is_some_and(|inside| !patterns::leads_out(inside))) {
            return Ok(folder);
        }
    }
    Err(Trouble::User(format!(
        "step `{}`: `working_dir: {dir}` leads out of the source `{}`; name a folder below it",
        planned.name,
        at.source.display()
    )))
}

/// The text of the file that a step knows by `variable`, empty when there is none.
fn read_text(path: &Path, variable: &str) -> Result<String, Trouble> {
    let most = contract::most_bytes(variable);
    let bytes = read_file(path, &format!("${variable}"), most)?.unwrap_or_default();
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        Trouble::User(format!(
            "line {line} of `${variable}` is not UTF-8; write text there, and other bytes into an artifact"
        ))
    })
}

/// Whether what is at `path` is elsewhere than below `root`, behind links.
fn leaves(root: &Path, path: &Path) -> bool {
    let real = fs::canonicalize(path).and_then(|path| Ok((path, fs::canonicalize(root)?)));
    real.is_ok_and(|(path, root)| !path.starts_with(root))
}

/// What a step wrote into a file that it knows as `name`, if it did. Only plain files are opened: a pipe would
/// never end.
fn read_file(path: &Path, name: &str, most: usize) -> Result<Option<Vec<u8>>, Trouble> {
    let failed = |error: &io::Error| platform("read", path, error);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    if !metadata.is_file() {
        return Err(Trouble::User(format!("`{name}` is not a plain file")));
    }
    let file = open_at_once(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    if bytes.len() > most {
        return Err(Trouble::User(format!(
            "`{name}` has {} bytes; at most {most} are read",
            metadata.len().max(bytes.len() as u64)
        )));
    }
    Ok(Some(bytes))
}
