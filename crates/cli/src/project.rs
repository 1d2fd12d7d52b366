//! Where the pipelines are: the nearest folder with `.formic/*.yaml` or `formic.yaml`, up to the Git root.

use crate::fault::Fault;
use anyhow::{Context as _, Result};
use pipeline::SourceFile;
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// The folder that pipelines run in, and their files.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder, absolute and without links.
    pub dir: PathBuf,
    /// The pipeline files by name; none where there is only a board, or nothing.
    pub files: Vec<PipelineFile>,
}

/// A pipeline file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PipelineFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in messages: its path from the project's folder.
    pub name: String,
}

impl Project {
    /// The project of the current folder. It may have no pipelines, and is then the current folder.
    ///
    /// # Errors
    /// When the current folder is gone or a folder cannot be listed.
    pub(crate) fn find() -> Result<Self> {
        let here = std::env::current_dir()
            .and_then(fs::canonicalize)
            .with_context(|| {
                Fault::usage("the current folder does not exist any more")
                    .help("go to a folder that exists, or name one with `-C DIR`")
            })?;
        let mut folders: Vec<&Path> = here.ancestors().collect();
        // Without Git nothing says where a project ends, so nothing above is looked at.
        let root = folders.iter().position(|dir| dir.join(".git").exists());
        folders.truncate(root.unwrap_or(0) + 1);
        let mut board_only = None;
        for dir in folders {
            let files = pipeline_files(dir)?;
            if !files.is_empty() {
                let dir = dir.to_owned();
                return Ok(Self { dir, files });
            }
            if board_only.is_none() && dir.join(".formic").is_dir() {
                board_only = Some(dir.to_owned());
            }
        }
        Ok(Self {
            dir: board_only.unwrap_or(here),
            files: Vec::new(),
        })
    }

    /// Its files, or the fault that there are none.
    ///
    /// # Errors
    /// When there is no pipeline file.
    pub(crate) fn must_have_files(&self) -> Result<&[PipelineFile]> {
        if self.files.is_empty() {
            return Err(Fault::usage(format!(
                "there is no pipeline in `{}`: neither `formic.yaml` nor `.formic/*.yaml`",
                self.dir.display()
            ))
            .help("write one, name one with `--file FILE`, or go to a project with `-C DIR`")
            .into());
        }
        Ok(&self.files)
    }

    /// The file `path` as it is called here.
    pub(crate) fn named(&self, path: &Path) -> PipelineFile {
        let absolute = fs::canonicalize(path);
        let inside = absolute
            .as_deref()
            .ok()
            .and_then(|path| path.strip_prefix(&self.dir).ok());
        PipelineFile {
            path: path.to_owned(),
            name: inside.unwrap_or(path).display().to_string(),
        }
    }
}

impl PipelineFile {
    /// Its bytes under its name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(&self) -> Result<SourceFile> {
        let cannot = || {
            Fault::usage(format!("cannot read `{}`", self.name))
                .help("check the name and the permissions of the file")
        };
        // One byte more than allowed: the checker says what the bound is.
        let bound = model::limits::PIPELINE_FILE_BYTES as u64 + 1;
        let mut text = Vec::new();
        fs::File::open(&self.path)
            .and_then(|file| file.take(bound).read_to_end(&mut text))
            .with_context(cannot)?;
        Ok(SourceFile::new(self.name.clone(), text))
    }

    /// The name that its pipeline has unless the file says another one.
    pub(crate) fn stem(&self) -> String {
        let stem = self.path.file_stem().unwrap_or(OsStr::new("pipeline"));
        stem.to_string_lossy().into_owned()
    }
}

fn pipeline_files(dir: &Path) -> Result<Vec<PipelineFile>> {
    let mut found = Vec::new();
    for name in ["formic.yaml", "formic.yml"] {
        let path = dir.join(name);
        if path.is_file() {
            let name = name.to_owned();
            found.push(PipelineFile { path, name });
        }
    }
    let folder = dir.join(".formic");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(found);
        }
        Err(error) => {
            let fault = Fault::usage(format!("cannot list `{}`", folder.display()));
            return Err(error).context(fault);
        }
    };
    let mut inside: Vec<PipelineFile> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_yaml(path) && path.is_file())
        .map(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!(".formic/{file}");
            PipelineFile { path, name }
        })
        .collect();
    inside.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    found.extend(inside);
    Ok(found)
}

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    matches!(extension, Some("yaml" | "yml"))
}
