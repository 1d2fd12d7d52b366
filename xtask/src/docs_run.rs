//! Runs what the docs show: every `formic` command and every YAML block, so that no page can rot.
//!
//! Fenced blocks of our own pages:
//! - `console`: each line that begins with `$ ` is run by bash in a scratch copy of the sample project, one copy per page, in
//!   order, so that a page reads as one session. It must succeed, or end with the code of a trailing `# exit N`. Lines below
//!   a command must occur in its output in this order; `…` stands for any text, and for any lines when it is alone.
//! - `yaml`: a whole pipeline file, which `formic check` must accept.
//! - `LANGUAGE PATH`: a file of the page's own project, written there for the commands behind it; the page then begins in an
//!   empty Git repository in place of the sample. Pipelines among them must be accepted too.
//! - `no-run: REASON` after the language: not run, but counted and listed.
//! - Anything else must not hold a line that begins with `formic` or `$ formic`: it would be a command that nobody runs.
//!
//! Collecting is pure and total; only [`run_page`] starts processes. It gives them no input and does not bound their time:
//! that is the business of whoever runs the suite.

mod page;
mod session;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

pub use page::{Block, BlockKind, Fault, collect};
pub use session::{PageReport, run_page};

use crate::tree;

/// The sample project that commands are run in, from the root.
pub const SAMPLE: &str = "examples/shop";

/// Our pages: the Markdown files of the root and of `docs/`, in order of their names.
///
/// # Errors
/// When a folder cannot be listed.
pub fn pages(root: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    let mut folders = vec![root.join("docs")];
    pages.extend(markdown_in(root)?.0);
    while let Some(folder) = folders.pop() {
        let (files, inner) = markdown_in(&folder)?;
        pages.extend(files);
        folders.extend(inner);
    }
    pages.sort();
    Ok(pages)
}

fn markdown_in(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    Ok((files, folders))
}

/// Runs every page and gives one report, with scratch copies under `scratch`.
///
/// # Errors
/// When a page cannot be read or a scratch copy cannot be made. What fails inside a page is in the report.
pub fn run_all(root: &Path, formic: &Path, scratch: &Path) -> Result<PageReport> {
    let mut total = PageReport::default();
    for (index, page) in pages(root)?.iter().enumerate() {
        let text = fs::read_to_string(page)
            .with_context(|| format!("cannot read `{}`", page.display()))?;
        let name = page.strip_prefix(root).unwrap_or(page).to_string_lossy();
        let (blocks, faults) = collect(&name, &text);
        total.failures.extend(faults.iter().map(Fault::to_string));
        let folder = scratch.join(index.to_string());
        total.add(run_page(&blocks, formic, &root.join(SAMPLE), &folder)?);
    }
    Ok(total)
}

/// The page that is made from the definitions of the language, from the root.
pub const REFERENCE: &str = "docs/language.md";

/// `cargo xtask docs [--formic PATH] [--write]`.
///
/// # Errors
/// When there is no `formic` to run, or a page cannot be read or written.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let root = tree::root()?;
    let formic = match arguments {
        [] => default_program(&root),
        [flag] if flag == "--write" => return write_reference(&root),
        [flag, path] if flag == "--formic" => PathBuf::from(path),
        _ => bail!("`cargo xtask docs` takes nothing, `--write`, or `--formic PATH`"),
    };
    let formic = fs::canonicalize(&formic).with_context(|| {
        format!(
            "there is no program `{}`: run `cargo build --workspace --bins`",
            formic.display()
        )
    })?;
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let report = run_all(&root, &formic, scratch.path())?;
    print!("{report}");
    Ok(if report.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Makes the reference of the language again.
fn write_reference(root: &Path) -> Result<ExitCode> {
    let page = root.join(REFERENCE);
    fs::write(&page, pipeline::reference_markdown())
        .with_context(|| format!("cannot write `{}`", page.display()))?;
    println!("{REFERENCE} is what the definitions say");
    Ok(ExitCode::SUCCESS)
}

fn default_program(root: &Path) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("debug/formic")
}
