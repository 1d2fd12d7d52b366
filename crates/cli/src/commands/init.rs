//! `formic init`.

use crate::detect::{self, Folder};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::ordinary;
use crate::project::Project;
use crate::text;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where it is written, from the project's folder.
const PIPELINE: &str = ".formic/ci.yaml";
const SCHEMA: &str = ".formic/schema.json";

/// Largest file that is looked into, in bytes: manifests are far smaller.
const MAX_LOOK_BYTES: usize = 1024 * 1024;

/// Write a first pipeline for this project, and what editors need to check it
///
/// Looks at what the project is made of (Rust, Go, Node.js, Python, Maven, Gradle, Make), asks nothing, and never
/// overwrites a file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Writes both files or none.
pub(crate) fn run(_: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    if let Some(there) = project.files.first() {
        return Err(Fault::usage(format!("there is a pipeline already: `{}`", there.name))
            .help("run it with `formic run`, or remove it first")
            .help(format!(
                "for editors write `formic schema > {SCHEMA}`, and `# yaml-language-server: $schema=PATH` as its first line"
            ))
            .into());
    }
    let all = detect::detect(&OnDisk(&project.dir));
    let text = detect::pipeline(&all, "schema.json");
    let schema = format!("{:#}\n", pipeline::json_schema());
    write_all(&project.dir, &[(PIPELINE, &text), (SCHEMA, &schema)])?;
    let found: Vec<api::init::Found> = all
        .iter()
        .map(|found| api::init::Found {
            name: found.name.to_owned(),
            file: found.file.clone(),
        })
        .collect();
    if ui.wish.json {
        let written = vec![PIPELINE.to_owned(), SCHEMA.to_owned()];
        ui.document(&api::init::InitDocument::new(found, written));
    } else {
        say(&found, &text, ui);
    }
    Ok(Exit::Success)
}

fn say(found: &[api::init::Found], text: &str, ui: &Ui) {
    if found.is_empty() {
        ui.say("found nothing that says how this project is built: the task `hello` is for you to change");
    }
    for each in found {
        ui.say(format!("found {} ({})", each.name, each.file));
    }
    let lines = text::count(text.lines().count(), "line");
    ui.say(format!("wrote {PIPELINE} ({lines}) and {SCHEMA}"));
    ui.say("next: `formic run`");
}

/// Writes new files; when one cannot be written, none is left.
fn write_all(dir: &Path, files: &[(&str, &str)]) -> Result<()> {
    let mut written: Vec<PathBuf> = Vec::new();
    for (name, text) in files {
        let path = dir.join(name);
        let result = write_new(&path, text);
        if result.is_ok() {
            written.push(path);
            continue;
        }
        for path in &written {
            // The first error is the one to tell.
            drop(fs::remove_file(path));
        }
        let fault = Fault::usage(format!("cannot write `{name}`")).help(
            "nothing was written; check the folder's permissions, or remove the file that is there",
        );
        return result.context(fault);
    }
    Ok(())
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::File::create_new(path)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file is worse than none; the error of writing is the one to tell.
        drop(fs::remove_file(path));
    }
    written
}

/// Most entries of a folder that are looked at.
const MAX_NAMES: usize = 1_000;

struct OnDisk<'a>(&'a Path);

impl Folder for OnDisk<'_> {
    fn has(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }

    fn text(&self, path: &str) -> Option<String> {
        let bytes = ordinary::read(&self.0.join(path), MAX_LOOK_BYTES).ok()?;
        String::from_utf8(bytes).ok()
    }

    fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(path)).into_iter().flatten();
        let names = entries.flatten().take(MAX_NAMES);
        names
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }
}
