//! One run in a folder of its own: run, kill, look, resume.

use super::ledger;
use super::moment::{Extent, Moment};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What a board can be doing, in the order of the histogram.
pub(super) const STATES: [&str; 5] = ["leased", "running", "reporting", "generating", "finally"];

/// Tasks at once.
const SLOTS: &str = "3";
/// How often the ledger is looked at while a moment is waited for.
const LOOK: Duration = Duration::from_micros(200);

/// What a kill met.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) states: Vec<&'static str>,
    /// The run had not ended.
    pub(super) is_before_end: bool,
    /// When all processes were gone.
    pub(super) gone_ms: u64,
}

/// The undisturbed run.
pub(super) struct Undisturbed {
    pub(super) document: Value,
    pub(super) extent: Extent,
}

/// A folder with the fixture and a board of its own.
pub(super) struct Project {
    formic: PathBuf,
    pub(super) dir: PathBuf,
    folder: TempDir,
}

impl Project {
    pub(super) fn new(formic: &Path, fixture: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("formic-kill-").tempdir()?;
        let dir = fs::canonicalize(folder.path())?;
        for entry in fs::read_dir(fixture)? {
            let entry = entry?;
            fs::copy(entry.path(), dir.join(entry.file_name()))?;
        }
        Ok(Self {
            formic: formic.to_owned(),
            dir,
            folder,
        })
    }

    /// Leaves the folder for a person to look at.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// Goes through the run without a kill.
    pub(super) fn undisturbed(&self) -> Result<Undisturbed> {
        let mut going = self.start()?;
        self.wait_for_first_row(&mut going)?;
        let begin = Instant::now();
        let ended = going.wait()?;
        let took = begin.elapsed();
        ensure!(ended.success(), "`formic run` ended with {ended}");
        let ledger = self.ledger()?;
        ledger::check(&ledger)?;
        Ok(Undisturbed {
            document: self.document()?,
            extent: Extent {
                took,
                ends: ledger::ends(&ledger),
            },
        })
    }

    /// Runs and kills.
    pub(super) fn kill_at(&self, moment: &Moment) -> Result<Met> {
        let mut going = self.start()?;
        self.wait_for_first_row(&mut going)?;
        let wait = match moment {
            Moment::After(time) => *time,
            Moment::AfterEnds(count, time) => {
                self.wait_for(&mut going, &|ledger| ledger::ends(ledger) >= *count)?;
                *time
            }
            Moment::AfterLine(line, time) => {
                self.wait_for(&mut going, &|ledger| ledger.contains(line))?;
                *time
            }
        };
        std::thread::sleep(wait);
        going.kill()?;
        going.wait()?;
        Ok(Met {
            states: Vec::new(),
            is_before_end: true,
            gone_ms: 0,
        })
    }

    /// What the board was doing, by the rows, the events that were told, and the ledger.
    pub(super) fn look(&self, met: &mut Met) -> Result<()> {
        let told = fs::read_to_string(self.dir.join("events"))?;
        // A line that was cut off was about to be told.
        let told = told
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        let told: Vec<Value> = told.collect();
        let document = self.document()?;
        met.is_before_end = document["status"] == "interrupted";
        if !met.is_before_end {
            return Ok(());
        }
        let attempts = |event: &str| -> BTreeSet<String> {
            let of_kind = told.iter().filter(|line| line["event"] == event);
            of_kind
                .filter_map(|line| Some(format!("{} {}", line["task"].as_str()?, line["attempt"])))
                .collect()
        };
        let (leased, started) = (attempts("leased"), attempts("started"));
        // One that succeeded is told by the end of its task alone.
        let mut ended = attempts("attempt_ended");
        ended.extend(attempts("task_ended"));
        let generating = told.iter().filter(|line| line["reason"] == "generating");
        let generating: Vec<&str> = generating
            .filter_map(|line| line["task"].as_str())
            .collect();
        let is_live = |attempt: &&String| {
            let task = attempt.rsplit_once(' ').map_or("", |(task, _)| task);
            !ended.contains(*attempt) && !generating.contains(&task)
        };
        let live: BTreeSet<&String> = leased.iter().filter(is_live).collect();
        let ledger = self.ledger()?;
        let reported = |attempt: &&&String| ledger.contains(&format!("end {attempt}\n"));
        let in_finally = |attempt: &String| {
            ["report ", "tidy "]
                .iter()
                .any(|task| attempt.starts_with(task))
        };
        let tasks = document["tasks"]
            .as_array()
            .context("a document without tasks")?;
        let mut add = |state, is_met: bool| {
            if is_met {
                met.states.push(state);
            }
        };
        add(
            "leased",
            live.iter().any(|attempt| !started.contains(*attempt)),
        );
        add(
            "running",
            live.iter().any(|attempt| started.contains(*attempt)),
        );
        add("reporting", live.iter().any(|attempt| reported(&attempt)));
        add(
            "generating",
            tasks.iter().any(|task| task["reason"] == "generating"),
        );
        add("finally", leased.iter().any(in_finally));
        Ok(())
    }

    pub(super) fn resume(&self) -> Result<()> {
        let output = self.formic(&["resume", "-j", SLOTS]).output()?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            bail!("`formic resume` ended with {}:\n{told}", output.status);
        }
        Ok(())
    }

    /// The run as `formic show` tells it.
    pub(super) fn document(&self) -> Result<Value> {
        let output = self.formic(&["show", "@", "--json"]).output()?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            let told = String::from_utf8_lossy(&output.stderr);
            format!("`formic show` ended with {}: {told}", output.status)
        })
    }

    /// What the tasks wrote; nothing before the first has begun.
    pub(super) fn ledger(&self) -> Result<String> {
        let path = self.dir.join("ledger");
        if !path.exists() {
            return Ok(String::new());
        }
        Ok(fs::read_to_string(path)?)
    }

    fn start(&self) -> Result<Child> {
        let events = File::create(self.dir.join("events"))?;
        let mut command = self.formic(&["run", "-j", SLOTS, "--events"]);
        command.stdout(events).stderr(Stdio::null());
        Ok(command.spawn()?)
    }

    fn formic(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.formic);
        command
            .args(arguments)
            .current_dir(&self.dir)
            .env("FORMIC_STATE", self.dir.join("state"))
            .stdin(Stdio::null());
        command
    }

    fn wait_for_first_row(&self, going: &mut Child) -> Result<()> {
        let events = self.dir.join("events");
        loop {
            if fs::metadata(&events).is_ok_and(|events| events.len() > 0) {
                return Ok(());
            }
            if let Some(ended) = going.try_wait()? {
                bail!("`formic run` ended with {ended} before it told anything");
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until the ledger is as wanted, or the run is over.
    fn wait_for(&self, going: &mut Child, is_there: &dyn Fn(&str) -> bool) -> Result<()> {
        while !is_there(&self.ledger()?) && going.try_wait()?.is_none() {
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

/// What must not depend on a kill: how the run and its tasks ended, and what they gave.
pub(super) fn essence(document: &Value) -> Value {
    let tasks = document["tasks"].as_array().into_iter().flatten();
    let tasks = tasks.map(|task| {
        let kept = [
            "status",
            "reason",
            "allowed_failure",
            "outputs",
            "artifacts",
        ];
        let kept = kept.map(|name| (name.to_owned(), task[name].clone()));
        let id = task["id"].as_str().unwrap_or_default().to_owned();
        (id, Value::Object(kept.into_iter().collect()))
    });
    let tasks: serde_json::Map<String, Value> = tasks.collect();
    json!({ "status": document["status"], "tasks": tasks })
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = if self.is_before_end {
            self.states.join(", ")
        } else {
            "the run was over".to_owned()
        };
        write!(f, "{states}")
    }
}
