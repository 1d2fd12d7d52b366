//! `formic explain`.

use crate::exit::Exit;
use crate::fault::Fault;
use crate::text;
use crate::ui::{Paint, Ui};
use anyhow::Result;
use api::explain::{ExplainDocument, ExplainedCode};
use expr::check::nearest;
use pipeline::codes::{self, Code};

/// Explain an error or warning, with a wrong and a right example
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code, such as E0301; all of them in one line each when absent
    code: Option<String>,
}

/// Prints one entry, or the list.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let wanted = match &args.code {
        Some(code) => vec![find(code)?],
        None => codes::ALL.to_vec(),
    };
    if ui.wish.json {
        let codes = wanted.into_iter().map(explained);
        ui.document(&ExplainDocument::new(codes.collect()));
    } else if args.code.is_some() {
        ui.data(entry(wanted[0], ui));
    } else {
        for code in wanted {
            ui.data(format!("{}  {}\n", code.code, code.meaning));
        }
    }
    Ok(Exit::Success)
}

fn find(code: &str) -> Result<&'static Code> {
    codes::find(code).ok_or_else(|| {
        let fault = Fault::nothing(format!("there is no code `{}`", text::plain(code)));
        let upper = code.to_ascii_uppercase();
        let near = nearest(&upper, codes::ALL.iter().map(|code| code.code));
        fault
            .help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`formic explain` lists all codes".to_owned(),
            })
            .into()
    })
}

fn entry(code: &Code, ui: &Ui) -> String {
    let strong = |text: &str| ui.paint_data(Paint::Strong, text);
    let indented =
        |text: &str| -> String { text.lines().map(|line| format!("    {line}\n")).collect() };
    format!(
        "{}: {}\n\nwrong:\n{}\nright:\n{}",
        strong(code.code),
        code.meaning,
        indented(code.wrong),
        indented(code.right)
    )
}

/// A code as it leaves the program.
pub(crate) fn explained(code: &Code) -> ExplainedCode {
    ExplainedCode {
        code: code.code.to_owned(),
        meaning: code.meaning.to_owned(),
        wrong: code.wrong.to_owned(),
        right: code.right.to_owned(),
    }
}
