//! `formic check`.

use crate::commands::explain::explained;
use crate::diagnostics;
use crate::dialect::{self, Dialect};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::findings;
use crate::project::{self, PipelineFile, Project};
use crate::text;
use crate::ui::Ui;
use crate::uses::{Files, Loader, Look};
use anyhow::Result;
use api::check::CheckDocument;
use pipeline::{Diagnostic, Severity, SourceFile, codes};
use std::path::PathBuf;

/// The code of two things with one name.
const SAME_NAME: &str = "E0305";

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
    let mut checked = Vec::new();
    for (files, said) in look(args, ui)? {
        if format == Format::Human {
            ui.raw(diagnostics::drawn(&files, &said, ui.has_color()));
        }
        findings::by_file(&files, said, &mut checked);
    }
    let document = CheckDocument::new(checked);
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
        sum_up(&document, ui);
    }
    Ok(if document.is_accepted() {
        Exit::Success
    } else {
        Exit::Red
    })
}

/// The files with those that they refer to, and everything that is said about each.
fn look(args: &Args, ui: &Ui) -> Result<Vec<(Files, Vec<Diagnostic>)>> {
    let mut looked = Vec::new();
    let mut look_at = |file: &PipelineFile, loader: &mut Loader| -> Result<()> {
        dialect::must_be_known(&file.path, &file.name, args.dialect)?;
        let files = loader.load(file.read()?)?;
        let said = files.check();
        looked.push((files, said));
        loader.write_lock(ui)
    };
    if !args.files.is_empty() {
        for path in &args.files {
            let name = path.display().to_string();
            let file = PipelineFile {
                path: path.clone(),
                name,
            };
            let mut loader = Loader::new(&project::top_of(path), Look::Pinned);
            look_at(&file, &mut loader)?;
        }
        return Ok(looked);
    }
    let project = Project::find()?;
    let files = project.must_have_files()?;
    let mut loader = Loader::new(&project.dir, Look::Pinned);
    for file in files {
        look_at(file, &mut loader)?;
    }
    // Files that are given may be of several projects; those of one project have to be told apart.
    let names: Vec<String> = files
        .iter()
        .zip(&looked)
        .map(|(file, (loaded, _))| project::pipeline_name(file, &loaded.source))
        .collect();
    for (place, (loaded, said)) in looked.iter_mut().enumerate() {
        let others: Vec<String> = (0..files.len())
            .filter(|other| *other != place && names[*other] == names[place])
            .map(|other| format!("`{}`", files[other].name))
            .collect();
        if !others.is_empty() {
            said.push(same_name(&loaded.source, &names[place], &others));
        }
    }
    Ok(looked)
}

fn same_name(source: &SourceFile, name: &str, others: &[String]) -> Diagnostic {
    let (span, line) = project::name_span(source);
    let name = text::plain(name);
    Diagnostic {
        code: SAME_NAME,
        severity: Severity::Error,
        file: source.name.clone(),
        span,
        line,
        column: 1,
        message: format!("pipeline `{name}` is in {} too", others.join(" and ")),
        labels: Vec::new(),
        elsewhere: Vec::new(),
        help: Some("give one of them another `name:`".to_owned()),
        notes: Vec::new(),
    }
}

fn sum_up(document: &CheckDocument, ui: &Ui) {
    for file in &document.files {
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
    let codes = document.files.iter().flat_map(|file| &file.errors);
    if let Some(first) = codes.map(|finding| &finding.code).next() {
        ui.say(format!(
            "help: `formic explain {first}` shows a wrong and a right example"
        ));
    }
}
