//! `formic schema`.

use crate::exit::Exit;
use crate::ui::Ui;
use anyhow::Result;

/// Print the JSON Schema of pipeline files, for editors
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Prints the schema, in lines for people unless one document was asked for.
pub(crate) fn run(_: &Args, ui: &Ui) -> Result<Exit> {
    let schema = pipeline::json_schema();
    if ui.wish.json {
        ui.document(&schema);
    } else {
        ui.data(format!("{schema:#}\n"));
    }
    Ok(Exit::Success)
}
