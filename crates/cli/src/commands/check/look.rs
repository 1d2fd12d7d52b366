//! What is looked at: the files that are named, else those of the project, each with those that it refers to.
//!
//! What is wrong with one hides nothing of the others: a file that cannot be read and a lock file that is broken are told of
//! as faulty files among them.

use crate::dialect::{self, Dialect};
use crate::fault;
use crate::lock;
use crate::project::{self, PipelineFile, Project};
use crate::text;
use crate::uses::{Files, Loader, Look};
use anyhow::Result;
use pipeline::{Checked, Diagnostic, Severity, SourceFile, Span, Unsupported, codes};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

/// A file with those that it refers to, and everything that is said about them.
pub(super) struct Looked {
    pub files: Files,
    pub said: Vec<Diagnostic>,
    /// What a run would refuse.
    pub unsupported: Vec<Unsupported>,
    /// Why the file was not read.
    pub unread: Option<anyhow::Error>,
}

/// The files at `paths`, those of the project where there are none, and everything that is said about each.
///
/// # Errors
/// When there is no project, or no pipeline in it.
pub(super) fn look(paths: &[PathBuf], dialect: Option<Dialect>) -> Result<Vec<Looked>> {
    let mut looking = Looking {
        dialect,
        loaders: BTreeMap::new(),
        looked: Vec::new(),
    };
    if !paths.is_empty() {
        for path in paths {
            let name = path.display().to_string();
            let file = PipelineFile {
                path: path.clone(),
                name,
            };
            looking.at(&file, &project::top_of(path))?;
        }
        return Ok(looking.looked);
    }
    let project = Project::find()?;
    let files = project.must_have_files()?;
    for file in files {
        looking.at(file, &project.dir)?;
    }
    let mut looked = looking.looked;
    // Files that are given may be of several projects; those of one project have to be told apart.
    let names: Vec<(usize, String)> = (0..looked.len())
        .filter(|place| looked[*place].unread.is_none())
        .filter_map(|place| {
            let source = &looked[place].files.source;
            let is_ours = files.iter().any(|file| file.name == source.name);
            is_ours.then(|| (place, project::pipeline_name(source)))
        })
        .collect();
    for (place, name) in &names {
        let same = names.iter().filter(|(_, other)| other == name);
        let others: Vec<String> = same
            .filter(|(other, _)| other != place)
            .map(|(other, _)| format!("`{}`", looked[*other].files.source.name))
            .collect();
        if !others.is_empty() {
            let Looked { files, said, .. } = &mut looked[*place];
            said.push(same_name(&files.source, name, &others));
        }
    }
    Ok(looked)
}

impl Looked {
    /// One that cannot be read.
    fn unread(name: &str, error: anyhow::Error) -> Self {
        let source = SourceFile::new(name, "");
        let (message, help) = fault::told(&error);
        Self {
            said: vec![said_at(
                codes::UNREADABLE.code,
                &source,
                (Span::default(), 1),
                message,
                help,
            )],
            files: Files::alone(source),
            unsupported: Vec::new(),
            unread: Some(error),
        }
    }

    /// A lock file that cannot be used.
    fn broken(lock: lock::Broken) -> Self {
        let source = SourceFile::new(lock::NAME, lock.text);
        let line = u32::try_from(lock.line).unwrap_or(u32::MAX).max(1);
        let message = match lock.line {
            0 => format!("`{}` {}", lock::NAME, lock.message),
            _ => lock.message,
        };
        let place = (project::line_span(&source, line), line);
        let help = Some(lock.help.to_owned());
        Self {
            said: vec![said_at(
                codes::LOCK_FILE.code,
                &source,
                place,
                message,
                help,
            )],
            files: Files::alone(source),
            unsupported: Vec::new(),
            unread: None,
        }
    }
}

/// Files are looked at project by project.
struct Looking {
    dialect: Option<Dialect>,
    loaders: BTreeMap<PathBuf, Loader>,
    looked: Vec<Looked>,
}

impl Looking {
    fn at(&mut self, file: &PipelineFile, top: &Path) -> Result<()> {
        let known = dialect::must_be_known(&file.path, &file.name, self.dialect);
        let source = match known.map_err(Into::into).and_then(|()| file.read()) {
            Ok(source) => source,
            Err(error) => {
                self.looked.push(Looked::unread(&file.name, error));
                return Ok(());
            }
        };
        let files = self.loader(top).load(source)?;
        let Checked {
            diagnostics,
            unsupported,
            ..
        } = files.check();
        self.looked.push(Looked {
            files,
            said: diagnostics,
            unsupported,
            unread: None,
        });
        Ok(())
    }

    /// The loader of the project at `top`, with its lock file, which is told of where it is broken.
    fn loader(&mut self, top: &Path) -> &mut Loader {
        match self.loaders.entry(top.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let mut loader = Loader::new(top, Look::Offline);
                self.looked.extend(loader.read_lock().map(Looked::broken));
                new.insert(loader)
            }
        }
    }
}

fn same_name(source: &SourceFile, name: &str, others: &[String]) -> Diagnostic {
    let place = project::name_span(source);
    let message = format!(
        "pipeline `{}` is in {} too",
        text::plain(name),
        others.join(" and ")
    );
    let help = "give one of them another `name:`".to_owned();
    said_at(
        codes::DUPLICATE_NAME.code,
        source,
        place,
        message,
        Some(help),
    )
}

/// An error about a line.
fn said_at(
    code: &'static str,
    source: &SourceFile,
    (span, line): (Span, u32),
    message: String,
    help: Option<String>,
) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        file: source.name.clone(),
        span,
        line,
        column: 1,
        message,
        labels: Vec::new(),
        elsewhere: Vec::new(),
        help,
        notes: Vec::new(),
    }
}
