//! A project in a folder of its own, and the program run in it with a cleared environment.
//!
//! Tests wait for lines of output or for fifos that tasks write to, never for time.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder with a project, a home and a state of its own.
pub(crate) struct World {
    folder: tempfile::TempDir,
}

/// What a command printed, and its exit code.
#[derive(Debug)]
#[must_use]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A command that goes on.
pub(crate) struct Going {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    said: String,
}

impl World {
    /// A project without Git that holds one pipeline.
    pub(crate) fn new(pipeline: &str) -> Self {
        let world = Self::empty();
        world.write("formic.yaml", pipeline);
        world
    }

    /// A folder that holds nothing.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder }
    }

    /// A project in Git, everything committed.
    pub(crate) fn with_git(pipeline: &str) -> Self {
        let world = Self::new(pipeline);
        world.git(&["init", "-q", "-b", "main", "."]);
        world.commit();
        world
    }

    /// Commits everything.
    pub(crate) fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "all"]);
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        self.clear(&mut git);
        git.args(["-c", "user.name=ada", "-c", "user.email=ada@localhost"]);
        let output = git.args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The project's folder.
    pub(crate) fn dir(&self) -> PathBuf {
        fs::canonicalize(self.folder.path().join("project")).unwrap()
    }

    /// The folder around the project.
    pub(crate) fn outside(&self) -> PathBuf {
        fs::canonicalize(self.folder.path()).unwrap()
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join("project").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the project.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir().join(name)).unwrap()
    }

    /// Makes a fifo outside of the project; its path, for a pipeline.
    pub(crate) fn fifo(&self, name: &str) -> String {
        let path = self.outside().join(name);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        path.display().to_string()
    }

    fn clear(&self, command: &mut Command) {
        command
            .current_dir(self.folder.path().join("project"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path().join("home"))
            .env("USER", "ada")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null());
    }

    /// The program, to be changed before it is run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_formic"));
        self.clear(&mut command);
        command.args(args);
        command
    }

    /// Runs the program to its end.
    pub(crate) fn formic(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &[&str]) -> Going {
        let mut command = self.command(args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Going {
            child,
            lines,
            said: String::new(),
        }
    }

    /// The newest run's document.
    pub(crate) fn document(&self) -> serde_json::Value {
        self.formic(&["show", "--json"]).ok().json()
    }

    /// The status of each task of the newest run, with its reason.
    pub(crate) fn statuses(&self) -> Vec<String> {
        statuses(&self.document())
    }

    /// The newest run's id.
    pub(crate) fn run_id(&self) -> String {
        self.document()["run"].as_str().unwrap().to_owned()
    }
}

/// `id status reason` of each task.
pub(crate) fn statuses(document: &serde_json::Value) -> Vec<String> {
    let tasks = document["tasks"].as_array().unwrap();
    let word = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    tasks
        .iter()
        .map(|task| {
            let words = [&task["id"], &task["status"], &task["reason"]].map(word);
            words.join(" ")
        })
        .collect()
}

impl Ran {
    /// Runs `command` to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    /// Makes sure of success.
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// Makes sure of the exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// Standard output as one document, and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.out.lines().count(), 1, "{}", self.out);
        serde_json::from_str(&self.out).unwrap()
    }

    /// Makes sure that standard error holds `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "`{text}` is not in\n{}", self.err);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Going {
    /// Waits for a line of standard error that holds `text`.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> &mut Self {
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).unwrap();
            self.said.push_str(&line);
            assert_ne!(read, 0, "ended before `{text}`:\n{}", self.said);
            if line.contains(text) {
                return self;
            }
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&mut self, name: &str) -> &mut Self {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
        self
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let mut out = String::new();
        let mut stdout = self.child.stdout.take().unwrap();
        self.lines.read_to_string(&mut self.said).unwrap();
        stdout.read_to_string(&mut out).unwrap();
        Ran {
            code: self.child.wait().unwrap().code(),
            out,
            err: self.said,
        }
    }
}

/// A command whose input and narration are a terminal.
pub(crate) struct Terminal {
    child: Child,
    screen: File,
    seen: Vec<u8>,
}

impl Terminal {
    /// Starts `command` at a terminal of its own.
    pub(crate) fn start(command: &mut Command) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
        let end = || File::options().read(true).write(true).open(&name).unwrap();
        command.stdin(end()).stderr(end()).stdout(Stdio::null());
        Self {
            child: command.spawn().unwrap(),
            screen: screen.into(),
            seen: Vec::new(),
        }
    }

    /// Waits until the screen shows `text`.
    pub(crate) fn until(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let mut bytes = [0; 4096];
            let count = self.screen.read(&mut bytes).unwrap();
            self.seen.extend_from_slice(&bytes[..count]);
        }
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.screen, "{line}").unwrap();
    }

    /// Waits for the end; the exit code.
    pub(crate) fn end(mut self) -> Option<i32> {
        // A terminal without programs cannot be read: that is its end.
        while matches!(self.screen.read(&mut [0; 4096]), Ok(1..)) {}
        self.child.wait().unwrap().code()
    }
}

/// Waits until somebody has written to a fifo and closed it; what was written.
pub(crate) fn heard(fifo: &str) -> String {
    let mut text = String::new();
    File::open(Path::new(fifo))
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// Lets whoever reads a fifo go on.
pub(crate) fn tell(fifo: &str) {
    fs::write(fifo, "go\n").unwrap();
}

/// Processes whose arguments hold `mark`.
pub(crate) fn processes_with(mark: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(mark))
        .collect()
}
