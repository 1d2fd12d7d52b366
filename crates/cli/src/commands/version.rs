//! `formic version`.

use crate::exit::Exit;
use crate::ui::Ui;
use anyhow::Result;
use api::version::VersionDocument;

/// Print the version
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Prints the version of the program and of what it writes.
pub(crate) fn run(_: &Args, ui: &Ui) -> Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    if ui.wish.json {
        ui.document(&VersionDocument::new(version));
    } else {
        ui.data(format!("formic {version}\n"));
    }
    Ok(Exit::Success)
}
