//! `formic eval`: expressions in, values out, a JSON line each.
//!
//! One line never ends the stream: whatever is wrong with it, also that it is empty, is its answer.

use crate::exit::Exit;
use crate::fault::Fault;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use expr::{Dialect, Error, request};
use std::io::{self, BufRead, BufReader, Read as _};

/// Longest line of a request, in bytes: sixteen times the longest text that an expression may make, so that contexts
/// fit and a stream without line breaks does not fill the memory.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// Evaluate expressions: JSON lines in, one JSON line out for each
///
/// Each line of standard input is `{"expr": TEXT, "contexts": {NAME: VALUE}, "check": BOOLEAN}`. A value is plain JSON,
/// or `{"type": …, "value": …}` as in the answers. `"check": false` skips the type checker. Other keys are left alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The language of the expressions
    #[arg(long, value_name = "NAME", default_value = "cel", value_parser = dialect)]
    dialect: Dialect,
}

/// Answers every line until the end of standard input, or until nobody reads the answers.
pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut line = Vec::new();
    while !ui.is_unread() {
        line.clear();
        let cannot = || Fault::usage("cannot read standard input");
        let length = next_line(&mut input, &mut line).with_context(cannot)?;
        if length == 0 {
            break;
        }
        let answer = if length > MAX_LINE_BYTES {
            let message = format!("the line has {length} bytes; at most {MAX_LINE_BYTES} are read");
            request::refusal(&Error::limit(message))
        } else {
            request::answer(args.dialect, &line)
        };
        ui.data(format!("{answer}\n"));
        // Whoever sends one line at a time waits for its answer now.
        if input.buffer().is_empty() {
            ui.flush();
        }
    }
    Ok(Exit::Success)
}

fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::from_name(name).ok_or_else(|| "expected `cel`, the only one so far".to_owned())
}

/// Reads one line, keeps its first bytes, and gives its whole length; 0 at the end.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    let kept = MAX_LINE_BYTES as u64 + 1;
    let mut length = input.by_ref().take(kept).read_until(b'\n', line)?;
    if length > MAX_LINE_BYTES && line.last() != Some(&b'\n') {
        length += input.skip_until(b'\n')?;
    }
    Ok(length)
}
