//! Runs a plan as `formic run` does: a board on disk, one worker, real processes. Nothing is simulated.
//!
//! A folder for each run holds the source, the board and a home. Tasks share the source, or have a worktree of
//! its one commit each.
#![expect(clippy::unwrap_used, reason = "tests")]

use api::protocol::Chunk;
use api::run::{Life, RunDocument, TaskDocument};
use engine::machine::Machine;
use engine::rows::{AttemptRow, Changes, RunHead};
use model::digest::Digest;
use model::ids::{AttemptId, RunId};
use model::plan::Plan;
use model::source::Source;
use server::local::{Blocked, End, Local, Place, Settings, Start, Watcher};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use store::owner::{Proc, process};
use store::{DiskBlobs, LogStore, SqliteStore};

/// What a run came to.
pub(crate) struct Outcome {
    /// The document that `formic run --json` would print.
    pub(crate) document: RunDocument,
    /// What each task printed, by its id.
    pub(crate) output: BTreeMap<String, String>,
}

impl Outcome {
    /// The task with this id.
    pub(crate) fn task(&self, id: &str) -> &TaskDocument {
        let found = self.document.tasks.iter().find(|task| task.id == id);
        found.unwrap_or_else(|| panic!("no task `{id}`:\n{self}"))
    }

    /// What the task printed.
    pub(crate) fn printed(&self, id: &str) -> &str {
        self.output.get(id).map_or("", String::as_str)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "run {}", self.document.status)?;
        for task in &self.document.tasks {
            let reason = task.reason.as_deref().unwrap_or("");
            let message = task.message.as_deref().unwrap_or("");
            writeln!(f, "  {} {} {reason} {message}", task.id, task.status)?;
            for step in &task.steps {
                writeln!(f, "    {} {} {:?}", step.name, step.status, step.exit_code)?;
            }
            for line in self.printed(&task.id).lines() {
                writeln!(f, "    | {line}")?;
            }
        }
        Ok(())
    }
}

/// Runs a plan in an empty folder that its tasks share.
pub(crate) fn run(plan: Plan) -> Outcome {
    Folder::new(&[]).run(plan)
}

/// Runs a plan in a fresh Git repository of one commit with these files; each task has a worktree of its own.
pub(crate) fn run_clean(plan: Plan, files: &[(&str, &str)]) -> Outcome {
    Folder::new(files).run_clean(plan)
}

/// A source and the board of its runs.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// A source of these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.source()).unwrap();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    /// Where the source is.
    pub(crate) fn source(&self) -> PathBuf {
        self.0.path().join("source")
    }

    /// A place beside the source.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file of the source.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = self.source().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Runs a plan; its tasks share the source.
    pub(crate) fn run(&self, plan: Plan) -> Outcome {
        let recorded = Source {
            dir: self.source().to_string_lossy().into_owned(),
            ..Source::default()
        };
        run_in(self.0.path(), plan, recorded, false)
    }

    /// Runs a plan on a commit of the source as it is; each task has a worktree of its own.
    pub(crate) fn run_clean(&self, plan: Plan) -> Outcome {
        let source = self.source();
        git(&source, &["init", "-q", "-b", "main"]);
        git(&source, &["add", "-A"]);
        git(
            &source,
            &["commit", "-q", "--allow-empty", "-m", "one more"],
        );
        let commit = git(&source, &["rev-parse", "HEAD"]);
        let recorded = Source {
            dir: source.to_string_lossy().into_owned(),
            commit: Some(commit.trim().to_owned()),
            branch: Some("main".to_owned()),
            ..Source::default()
        };
        run_in(self.0.path(), plan, recorded, true)
    }
}

fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["-c", "user.name=e2e", "-c", "user.email=e2e@localhost"])
        .args(["-c", "commit.gpgsign=false"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn run_in(dir: &Path, plan: Plan, source: Source, clean: bool) -> Outcome {
    let state = dir.join("state");
    let home = dir.join("home");
    for folder in [&state, &home] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let nonce = server::local::random().unwrap();
    let place = Place {
        store: Arc::new(SqliteStore::open(&state.join("board.sqlite")).unwrap()),
        blobs: Arc::new(DiskBlobs::open(&state.join("blobs")).unwrap()),
        logs: LogStore::open(&state.join("logs")).unwrap(),
        dir: state,
        owner: process::this_process(nonce, model::time::Timestamp(0)).unwrap(),
        alive: Box::new(|owner, now| owner.is_alive(now, &Proc)),
    };
    let mut environment: BTreeMap<OsString, OsString> = BTreeMap::new();
    environment.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
    environment.insert("HOME".into(), home.into());
    environment.insert("LANG".into(), "C.UTF-8".into());
    let settings = Settings {
        slots: 4,
        capacity: None,
        take_in: None,
        labels: None,
        grace_ms: 10_000,
        environment,
        source: None,
        exec: exec::Options {
            spawner_program: env!("CARGO_BIN_EXE_e2e-spawner").into(),
            ..exec::Options::new(format!("e2e-{nonce:x}"))
        },
    };
    let head = RunHead {
        id: RunId::from_random(nonce),
        pipeline: plan.name.clone(),
        plan: Digest::of(b""),
        created_at: model::time::Timestamp(0),
        source,
        by: "e2e".to_owned(),
        parent: None,
        clean,
        expected_ms: BTreeMap::new(),
    };
    let start = Start::New {
        head: Box::new(head),
        plan: Box::new(plan),
    };
    let mut seen = Seen::default();
    let end = Local::new().run(place, start, settings, &mut seen).unwrap();
    let outcome = Outcome {
        document: seen.document.expect("a run changes at least once"),
        output: seen.output,
    };
    assert_eq!(end, End::Ended, "{outcome}");
    outcome
}

/// Keeps what is told of a run.
#[derive(Default)]
struct Seen {
    attempts: Vec<AttemptRow>,
    document: Option<RunDocument>,
    output: BTreeMap<String, String>,
}

impl Watcher for Seen {
    fn changed(&mut self, changes: &Changes, machine: &Machine) {
        self.attempts.extend(changes.attempts.iter().cloned());
        self.document = Some(RunDocument::of(
            machine.head(),
            machine.run(),
            machine.tasks(),
            &self.attempts,
            Life::Owned,
        ));
    }

    fn output(&mut self, _id: AttemptId, key: &str, chunks: &[Chunk]) {
        let text = self.output.entry(key.to_owned()).or_default();
        for chunk in chunks {
            text.push_str(&String::from_utf8_lossy(&chunk.bytes));
        }
    }

    fn blocked(&mut self, _machine: &Machine) -> Blocked {
        Blocked::Leave
    }

    fn interrupted(&mut self, _machine: &Machine) {}

    fn broken(&mut self, cause: &str) {
        panic!("the spawner is gone: {cause}");
    }
}
