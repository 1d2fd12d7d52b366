//! Where the pipelines are: the nearest folder with `.formic/*.yaml` or `formic.yaml`, from the current folder up.
//!
//! Git says where a project ends. Without it the search ends at the home folder, and before the first folder that
//! somebody else could have put a file into: what is run there would be theirs.

use crate::fault::Fault;
use crate::ordinary::{self, Kind, Unread};
use crate::text;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use pipeline::{SourceFile, Span};
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The folder that pipelines run in, and their files.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder, absolute and without links.
    pub dir: PathBuf,
    /// The pipeline files by name; none where there is only a board, or nothing.
    pub files: Vec<PipelineFile>,
    /// Whether it is not that of the current folder, but of one above, or of another file.
    pub is_above: bool,
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
    /// When the current folder is gone, a folder cannot be listed, or the name of the project's folder is no text.
    pub(crate) fn find() -> Result<Self> {
        let here = std::env::current_dir()
            .and_then(fs::canonicalize)
            .with_context(|| {
                Fault::usage("the current folder does not exist any more")
                    .help("go to a folder that exists, or name one with `-C DIR`")
            })?;
        let mut board_only = None;
        for dir in searched(&here) {
            let files = pipeline_files(dir)?;
            if !files.is_empty() {
                must_be_text(dir)?;
                return Ok(Self {
                    is_above: dir != here,
                    dir: dir.to_owned(),
                    files,
                });
            }
            if board_only.is_none() && dir.join(".formic").is_dir() {
                board_only = Some(dir.to_owned());
            }
        }
        let dir = board_only.unwrap_or_else(|| here.clone());
        must_be_text(&dir)?;
        Ok(Self {
            is_above: dir != here,
            dir,
            files: Vec::new(),
        })
    }

    /// The project that `file` belongs to, that of the current folder where it belongs to none or there is no file.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub(crate) fn of(file: Option<&Path>) -> Result<Self> {
        let Some(dir) = file.and_then(owner_of) else {
            return Self::find();
        };
        must_be_text(&dir)?;
        let here = std::env::current_dir().and_then(fs::canonicalize).ok();
        Ok(Self {
            is_above: here.as_deref() != Some(&dir),
            files: pipeline_files(&dir)?,
            dir,
        })
    }

    /// Says where things happen, if that is not the current folder.
    pub(crate) fn announce(&self, ui: &Ui) {
        if self.is_above {
            ui.say(format!("project {}", self.dir.display()));
        }
    }

    /// Its files, or the fault that there are none.
    ///
    /// # Errors
    /// When there is no pipeline file.
    pub(crate) fn must_have_files(&self) -> Result<&[PipelineFile]> {
        if self.files.is_empty() {
            if let Some(fault) = self.unusable() {
                return Err(fault.into());
            }
            return Err(Fault::usage(format!(
                "there is no pipeline in `{}`: neither `formic.yaml` nor `.formic/*.yaml`",
                self.dir.display()
            ))
            .help(
                "`formic init` writes a first one; name another file with `--file FILE`, or go to a project with `-C DIR`",
            )
            .into());
        }
        Ok(&self.files)
    }

    /// What has the name of a pipeline file and is none.
    fn unusable(&self) -> Option<Fault> {
        let here = std::env::current_dir().and_then(fs::canonicalize).ok()?;
        let folders = searched(&here);
        let named = folders
            .iter()
            .flat_map(|dir| NAMES.map(|name| dir.join(name)));
        let path = named.into_iter().find(|path| is_there(path))?;
        let fault = match fs::metadata(&path) {
            Ok(seen) if seen.is_dir() => Fault::usage(format!(
                "`{}` is a folder; a pipeline is a file",
                path.display()
            ))
            .help("move it away, or put pipelines into `.formic/NAME.yaml`"),
            Ok(_) => Fault::usage(format!(
                "`{}` is no ordinary file, so no pipeline is read from it",
                path.display()
            ))
            .help("move it away and write a file, or name one with `--file FILE`"),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let target = fs::read_link(&path).unwrap_or_default();
                Fault::usage(format!(
                    "`{}` is a link to `{}`, which does not exist",
                    path.display(),
                    target.display()
                ))
                .help("mend the link, or write the file that it leads to")
            }
            Err(error) => Fault::usage(format!("cannot read `{}`: {error}", path.display()))
                .help("check the permissions of the file and of the folders that it leads through"),
        };
        Some(fault)
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
            name: inside
                .filter(|inside| !inside.as_os_str().is_empty())
                .unwrap_or(path)
                .display()
                .to_string(),
        }
    }
}

impl PipelineFile {
    /// Its bytes under its name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(&self) -> Result<SourceFile> {
        // One byte more than allowed: the checker says what the bound is.
        let read = ordinary::read(&self.path, model::limits::PIPELINE_FILE_BYTES);
        let text = match read {
            Ok(text) => text,
            Err(Unread::Other(Kind::Folder)) => {
                return Err(Fault::usage(format!(
                    "`{}` is a folder; a pipeline is a file",
                    self.name
                ))
                .help("name a file, or go to the project with `-C DIR`")
                .into());
            }
            Err(unread) => {
                let name = format!("`{}`", self.name);
                return Err(unread.fault(&name, "a pipeline is a file"));
            }
        };
        Ok(SourceFile::new(self.name.clone(), text))
    }
}

/// The folder of the project that a file belongs to: the nearest one around it with pipelines, else the top of its
/// repository. None of a file in neither, or in no folder, such as a pipe.
fn owner_of(file: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(file).ok()?;
    let folders = searched(real.parent()?);
    let has_pipelines = |dir: &&&Path| pipeline_files(dir).is_ok_and(|files| !files.is_empty());
    let repository = || folders.last().filter(|dir| dir.join(".git").exists());
    let found = folders.iter().find(has_pipelines).or_else(repository);
    found.map(|dir| (*dir).to_owned())
}

/// The folder that paths in a file count from: that of [`Project::of`].
pub(crate) fn top_of(file: &Path) -> PathBuf {
    Project::of(Some(file)).map_or_else(|_| PathBuf::from("/"), |project| project.dir)
}

/// The option by which a command finds the project in `dir` from the current folder: `-C web`; none where it does so by
/// itself.
pub(crate) fn way_to(dir: &Path) -> Option<String> {
    if Project::find().is_ok_and(|found| found.dir == dir) {
        return None;
    }
    let here = std::env::current_dir().and_then(fs::canonicalize).ok();
    let below = here.and_then(|here| dir.strip_prefix(here).ok());
    let shown = below.unwrap_or(dir).display().to_string();
    // A folder may be called as an option is.
    let shown = match shown.starts_with('-') {
        true => format!("./{shown}"),
        false => shown,
    };
    Some(format!("-C {}", text::quoted(&shown)))
}

/// The files that a project has at its top.
const NAMES: [&str; 2] = ["formic.yaml", "formic.yml"];

/// Refuses a folder whose path is not UTF-8: plans, scripts and documents name it as text.
///
/// # Errors
/// A fault that names it.
pub(crate) fn must_be_text(dir: &Path) -> Result<()> {
    if dir.to_str().is_some() {
        return Ok(());
    }
    let shown = format!("{dir:?}");
    let shown = shown.trim_matches('"');
    let fault = Fault::usage(format!("the path of the folder `{shown}` is not UTF-8"));
    Err(fault
        .help("give the folder another name, or go to a copy elsewhere with `-C DIR`")
        .into())
}

/// The folders in which a project is looked for, the nearest first.
fn searched(here: &Path) -> Vec<&Path> {
    let all: Vec<&Path> = here.ancestors().collect();
    if let Some(root) = all.iter().position(|dir| dir.join(".git").exists()) {
        return all[..=root].to_vec();
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.and_then(|home| fs::canonicalize(home).ok());
    let mut folders = Vec::new();
    for dir in all {
        if dir != here && !is_ours(dir) {
            break;
        }
        folders.push(dir);
        if home.as_deref() == Some(dir) {
            break;
        }
    }
    folders
}

/// Whether nobody but this user can put files into a folder.
fn is_ours(dir: &Path) -> bool {
    const OTHERS_WRITE: u32 = 0o002;
    let us = rustix::process::geteuid().as_raw();
    fs::metadata(dir).is_ok_and(|seen| seen.uid() == us && seen.mode() & OTHERS_WRITE == 0)
}

/// The name of a file's pipeline: what the file says, else the file's own. A file with faults has a name too.
pub(crate) fn pipeline_name(source: &SourceFile) -> String {
    let name = pipeline::outline(source).name;
    let name = name.filter(|name| !name.is_empty());
    name.unwrap_or_else(|| name_by_letters(source))
}

/// The same of a file that is not even YAML.
fn name_by_letters(source: &SourceFile) -> String {
    let text = String::from_utf8_lossy(&source.text);
    let value = text.lines().find_map(|line| line.strip_prefix("name:"));
    let value = value.unwrap_or_default();
    let value = value.split(" #").next().unwrap_or_default().trim();
    let value = value.trim_matches(['"', '\'']);
    if value.is_empty() {
        source.stem().to_owned()
    } else {
        value.to_owned()
    }
}

/// The line that names the pipeline, with its number; the first characters of a file without one.
pub(crate) fn name_span(source: &SourceFile) -> (Span, u32) {
    let lines = (1..).zip(source.text.split(|byte| *byte == b'\n'));
    let mut named = lines.filter(|(_, line)| line.starts_with(b"name:"));
    let number = named.next().map(|(number, _)| number);
    number.map_or((Span::default(), 1), |number| {
        (line_span(source, number), number)
    })
}

/// The characters of the line with this number; nothing where there is no such line.
pub(crate) fn line_span(source: &SourceFile, number: u32) -> Span {
    let mut start = 0;
    for (each, line) in (1..).zip(source.text.split_inclusive(|byte| *byte == b'\n')) {
        if each == number {
            let end = start + line.trim_ascii_end().len();
            return Span { start, end };
        }
        start += line.len();
    }
    Span::default()
}

fn pipeline_files(dir: &Path) -> Result<Vec<PipelineFile>> {
    let inside = files_inside(&dir.join(".formic"))?;
    // Whatever else has the name does not make a folder a project; in one it is told of when it is read.
    let is_one = |path: &Path| path.is_file() || !inside.is_empty() && is_there(path);
    let named = NAMES.map(|name| PipelineFile {
        path: dir.join(name),
        name: name.to_owned(),
    });
    let mut found: Vec<PipelineFile> = named
        .into_iter()
        .filter(|file| is_one(&file.path))
        .collect();
    found.extend(inside);
    Ok(found)
}

/// What has the name of a pipeline file in the folder `.formic`, by name. What is no file is told of when it is read; hidden
/// ones are those of editors and other programs.
fn files_inside(folder: &Path) -> Result<Vec<PipelineFile>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => {
            let fault = Fault::usage(format!("cannot list `{}`", folder.display()));
            return Err(error).context(fault);
        }
    };
    let mut inside: Vec<PipelineFile> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_yaml(path) && !is_hidden(path))
        .map(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!(".formic/{file}");
            PipelineFile { path, name }
        })
        .collect();
    inside.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(inside)
}

/// Whether something has this name, be it a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}

fn is_yaml(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    matches!(extension, Some("yaml" | "yml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_also_in_a_file_with_faults() {
        let name = |text: &str| pipeline_name(&SourceFile::new(".formic/ci.yaml", text));
        assert_eq!(name("# ci\nname: \"shop\" # ours\ntasks: 5\n"), "shop");
        assert_eq!(name("name: shop # ours\ntasks: [\n"), "shop");
        assert_eq!(name("tasks:\n  name: {run: x}\n"), "ci");
        let other = SourceFile::new("ci.txt", "tasks: [\n");
        assert_eq!(pipeline_name(&other), "ci.txt");
    }

    #[test]
    fn a_name_is_what_the_file_says_however_it_is_written() {
        let name = |text: &str| pipeline_name(&SourceFile::new(".formic/ci.yaml", text));
        assert_eq!(name("{name: shop, tasks: {a: {run: x}}}"), "shop");
        assert_eq!(name("\"name\" : 'it''s # ours'\n"), "it's # ours");
        assert_eq!(name("name: >-\n  the\n  shop\n"), "the shop");
    }

    #[test]
    fn the_line_of_a_name_is_found_by_its_bytes() {
        let source = SourceFile::new("ci.yaml", "# é\nname: shop\n");
        assert_eq!(name_span(&source), (Span { start: 5, end: 15 }, 2));
    }
}
