//! Prints, as one JSON document, how long `check` and `plan` of hostile files of up to a mebibyte take, and the most memory.
//!
//! `hostile` measures each file and command in a process of its own; `hostile NAME COMMAND` measures one in this process.
//! `plan` is everything to the last byte of its document. Called by `cargo xtask bench hostile`. The limits are a second and
//! 256 MiB; nothing is judged here.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for developers"
)]

mod plans;
mod shelf;
mod texts;

use std::hint::black_box;
use std::io::{self, Write};
use std::process::Command;
use std::time::Instant;

use api::plan::PlanDocument;
use engine::preview::{Known, preview};
use pipeline::{Address, Request, SourceFile, Sources, check_with, compile_with};
use serde_json::{Value as Json, json};
use shelf::{Hostile, Shelf};

const COMMANDS: [&str; 2] = ["check", "plan"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [name, command] => println!("{}", measure(name, command)),
        _ => println!("{}", json!({ "files": all() })),
    }
}

fn shelf(wanted: &str) -> Shelf {
    let mut shelf = Shelf::new(wanted);
    texts::put(&mut shelf);
    plans::put(&mut shelf);
    shelf
}

fn all() -> Vec<Json> {
    let own = std::env::current_exe().unwrap();
    let one = |name: &str, command: &str| {
        let output = Command::new(&own).args([name, command]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(
            |_| json!({ "file": name, "command": command, "ended": output.status.to_string() }),
        )
    };
    let names = shelf("").names;
    let names = names.iter();
    let all = names.flat_map(|name| COMMANDS.map(|command| one(name, command)));
    all.collect()
}

fn measure(name: &str, command: &str) -> Json {
    let Hostile { text, used } = shelf(name).found.unwrap();
    let bytes = text.len();
    let file = SourceFile::new("f.yaml", text);
    let mut sources = Sources::new();
    for (path, text) in used {
        sources.insert_file(Address::Local(path.to_owned()), text);
    }
    let begin = Instant::now();
    let (said, written) = match command {
        "check" => (check_with(&file, &sources).diagnostics.len(), 0),
        _ => planned(&file, &sources),
    };
    let took_ms = begin.elapsed().as_secs_f64() * 1e3;
    json!({
        "file": name,
        "command": command,
        "bytes": bytes,
        "said": said,
        "written": written,
        "took_ms": took_ms,
        "peak_bytes": peak_bytes(),
    })
}

/// How much is said about a file, and the bytes of the document of its plan.
fn planned(file: &SourceFile, sources: &Sources) -> (usize, usize) {
    let compiled = compile_with(file, sources, &Request::default());
    let said = compiled.diagnostics.len();
    let Some(plan) = compiled.plan else {
        return (said, 0);
    };
    let planned = preview(&plan, &Known::default());
    let document = PlanDocument::of(&plan, Ok(String::new()), &planned);
    let mut written = Counted(0);
    serde_json::to_writer(&mut written, black_box(&document)).unwrap();
    (said, written.0)
}

/// Takes everything and keeps how much it was.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += black_box(bytes).len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most memory that this process ever had.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}
