//! `formic check`.
//!
//! It looks at what is here: nobody is asked for anything, and nothing is written. A file that cannot be read is told of
//! among the others, so that it hides nothing of what is wrong with them.

mod look;

use crate::commands::explain::explained;
use crate::diagnostics;
use crate::dialect::Dialect;
use crate::exit::Exit;
use crate::fault::{self, Fault};
use crate::findings;
use crate::project::Project;
use crate::text;
use crate::ui::{Paint, Ui};
use anyhow::Result;
use api::check::{CheckDocument, CheckedFile};
use look::Looked;
use pipeline::{Unsupported, codes};
use std::fs;
use std::path::{Path, PathBuf};

/// Check pipeline files without running anything
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files to check; all pipelines of the project when absent
    files: Vec<PathBuf>,
    /// The form of what is found; `--json` is short for `--format json`
    #[arg(long, value_name = "FORM", value_enum)]
    format: Option<Format>,
    /// The language of the files; guessed by their paths when absent
    #[arg(long, value_name = "NAME", value_enum)]
    dialect: Option<Dialect>,
}

/// What `check` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Drawings for people
    Human,
    /// One document, as docs/json.md describes it
    Json,
    /// One SARIF 2.1.0 log, for code scanners
    Sarif,
    /// A line for each finding, which GitHub Actions shows at its place
    Github,
}

impl Args {
    /// Whether the one document on standard output was asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Some(Format::Json)
    }
}

/// Checks every file and says everything that is wrong with it.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let format = match (args.format, ui.wish.json) {
        (Some(Format::Json) | None, true) => Format::Json,
        (None, false) => Format::Human,
        (Some(format), false) => format,
        (Some(_), true) => {
            return Err(
                Fault::usage("`--json` and another `--format` exclude each other")
                    .help("`--json` is short for `--format json`")
                    .into(),
            );
        }
    };
    let looked = look::look(&args.files, args.dialect)?;
    let mut checked = Vec::new();
    let mut is_unread = false;
    let mut later = Vec::new();
    for each in looked {
        let Looked {
            files,
            said,
            unsupported,
            unread,
        } = each;
        if format == Format::Human {
            ui.raw(match &unread {
                Some(error) => fault::human(error, |word| ui.paint(Paint::Bad, word)),
                None => diagnostics::drawn(&files, &said, ui.has_color()),
            });
        }
        is_unread |= unread.is_some();
        findings::by_file(&files, said, &unsupported, &mut checked);
        later.extend(unsupported);
    }
    // A file that several refer to is told of once.
    later.sort_unstable();
    later.dedup();
    let mut document = CheckDocument::new(checked);
    if matches!(format, Format::Sarif | Format::Github) {
        name_from_top(&mut document, args.files.is_empty());
    }
    match format {
        Format::Human => {}
        Format::Json => ui.document(&document),
        Format::Sarif => {
            let explain = |code: &str| codes::find(code).map(explained);
            let log = api::sarif::log(&document, env!("CARGO_PKG_VERSION"), &explain);
            ui.document(&log);
        }
        Format::Github => ui.data(api::github::annotations(&document)),
    }
    if matches!(format, Format::Human | Format::Github) {
        sum_up(&document, &later, ui);
    }
    Ok(match (is_unread, document.is_accepted()) {
        (true, _) => Exit::Usage,
        (false, true) => Exit::Success,
        (false, false) => Exit::Red,
    })
}

/// Names files from the top of the repository, where forges look for them; one that is in none keeps its name, and a link
/// to a file has its own.
fn name_from_top(document: &mut CheckDocument, is_project: bool) {
    let mut bases = vec![PathBuf::new()];
    bases.extend(Project::find().map(|project| project.dir));
    if is_project {
        bases.reverse();
    }
    let from_top = |name: &str| {
        let mut paths = bases.iter().map(|base| base.join(name));
        let path = paths.find(|path| path.is_file())?;
        let folder = path.parent()?;
        let is_here = folder.as_os_str().is_empty();
        let folder = fs::canonicalize(if is_here { Path::new(".") } else { folder }).ok()?;
        let path = folder.join(path.file_name()?);
        let mut around = path.ancestors().skip(1);
        let top = around.find(|folder| folder.join(".git").exists())?;
        Some(path.strip_prefix(top).ok()?.to_str()?.to_owned())
    };
    for file in &mut document.files {
        if let Some(name) = from_top(&file.file) {
            file.file = name;
        }
    }
}

fn sum_up(document: &CheckDocument, later: &[Unsupported], ui: &Ui) {
    let is_read = |file: &&CheckedFile| {
        !file
            .errors
            .iter()
            .any(|each| each.code == codes::UNREADABLE.code)
    };
    for file in document.files.iter().filter(is_read) {
        let (errors, warnings) = (file.errors.len(), file.warnings.len());
        let mut verdict = match (file.accepted, errors) {
            (true, _) => "ok".to_owned(),
            (false, 0) => "errors in files that it refers to".to_owned(),
            (false, errors) => text::count(errors, "error"),
        };
        if warnings > 0 {
            verdict = format!("{verdict}, {}", text::count(warnings, "warning"));
        }
        ui.say(format!("{}: {verdict}", file.file));
    }
    // What is an error of the file already was drawn.
    for each in later.iter().filter(|each| each.task.is_some()) {
        let Unsupported {
            file, line, key, ..
        } = each;
        ui.say(format!(
            "note: this version of Formic cannot run `{key}` ({file}:{line})"
        ));
    }
    let read = document.files.iter().filter(is_read);
    let codes = read.flat_map(|file| &file.errors);
    if let Some(first) = codes.map(|finding| &finding.code).next() {
        ui.say(format!(
            "help: `formic explain {first}` shows a wrong and a right example"
        ));
    }
}
