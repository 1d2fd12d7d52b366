//! `formic check`.

use crate::diagnostics;
use crate::documents::{CheckDocument, CheckedFile, Finding, Unsupported};
use crate::exit::Exit;
use crate::project::{PipelineFile, Project};
use crate::text;
use crate::ui::Ui;
use anyhow::Result;
use pipeline::{Diagnostic, SourceFile};
use std::path::PathBuf;

/// Check pipeline files without running anything
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files to check; all pipelines of the project when absent
    files: Vec<PathBuf>,
}

/// Checks every file and draws everything that is wrong with it.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let project = Project::find()?;
    let files: Vec<PipelineFile> = if args.files.is_empty() {
        project.must_have_files()?.to_vec()
    } else {
        let given = |path: &PathBuf| PipelineFile {
            path: path.clone(),
            name: path.display().to_string(),
        };
        args.files.iter().map(given).collect()
    };
    let mut checked = Vec::new();
    for file in &files {
        let source = file.read()?;
        let said = pipeline::check(&source);
        if !ui.wish.json {
            draw(&source, &said, ui);
        }
        checked.push(document(&source, said));
    }
    let red = checked.iter().any(|file| !file.accepted);
    if ui.wish.json {
        ui.document(&CheckDocument {
            schema: "formic.check/v1",
            files: checked,
        });
    } else {
        sum_up(&checked, ui);
    }
    Ok(if red { Exit::Red } else { Exit::Success })
}

fn draw(source: &SourceFile, said: &[Diagnostic], ui: &Ui) {
    ui.raw(diagnostics::drawn(source, said, ui.has_color()));
}

fn sum_up(checked: &[CheckedFile], ui: &Ui) {
    for file in checked {
        let (errors, warnings) = (file.errors.len(), file.warnings.len());
        let mut verdict = if file.accepted {
            "ok".to_owned()
        } else {
            text::count(errors, "error")
        };
        if warnings > 0 {
            verdict = format!("{verdict}, {}", text::count(warnings, "warning"));
        }
        ui.say(format!("{}: {verdict}", file.file));
    }
    let codes = checked.iter().flat_map(|file| &file.errors);
    if let Some(first) = codes.map(|finding| finding.code).next() {
        ui.say(format!(
            "help: `formic explain {first}` shows a wrong and a right example"
        ));
    }
}

fn document(source: &SourceFile, said: Vec<Diagnostic>) -> CheckedFile {
    let unsupported = said
        .iter()
        .filter(|each| each.code == "E0901")
        .map(|each| Unsupported {
            key: marked(source, each),
            line: each.line,
        })
        .collect();
    let (errors, warnings): (Vec<_>, Vec<_>) = said.into_iter().partition(Diagnostic::is_error);
    CheckedFile {
        file: source.name.clone(),
        accepted: errors.is_empty(),
        errors: errors.into_iter().map(finding).collect(),
        warnings: warnings.into_iter().map(finding).collect(),
        unsupported,
    }
}

/// The characters that a diagnostic is about.
fn marked(source: &SourceFile, diagnostic: &Diagnostic) -> String {
    let (start, end) = (diagnostic.span.start, diagnostic.span.end);
    let bytes = source.text.get(start..end).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

fn finding(diagnostic: Diagnostic) -> Finding {
    Finding {
        code: diagnostic.code,
        line: diagnostic.line,
        col: diagnostic.column,
        message: diagnostic.message,
        help: diagnostic.help,
    }
}
