//! `formic.lock` beside the pipelines: read before they are, written when they use something new.
//!
//! A pin is never replaced here: only `formic lock` does that. Where the tree may not be written a pin that is missing is an
//! error; in CI it is one at its `uses`, and nothing comes here, since nobody would commit it.

use crate::fault::Fault;
use crate::ordinary::{self, Unread};
use crate::text;
use crate::ui::Ui;
use anyhow::{Context as _, Result};
use model::limits;
use pipeline::Address;
use pipeline::lock::{Lock, Pin};
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// What the file is called.
pub(crate) const NAME: &str = "formic.lock";

/// The lock file of a project.
#[derive(Debug)]
pub(crate) struct LockFile {
    path: PathBuf,
    /// What it says.
    pub lock: Lock,
    /// Pins that it has not yet.
    fresh: Lock,
}

/// Why a lock file cannot be used.
#[derive(Debug)]
pub(crate) struct Broken {
    /// The line, from 1; 0 where it is the whole file.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: &'static str,
    /// The file, as far as it is text.
    pub text: String,
}

impl Broken {
    fn whole(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            line: 0,
            message: message.into(),
            help,
            text: String::new(),
        }
    }

    /// It, as what ends a command that cannot do without.
    pub(crate) fn fault(self) -> anyhow::Error {
        let message = match self.line {
            0 => format!("`{NAME}` {}", self.message),
            line => format!("`{NAME}` line {line}: {}", self.message),
        };
        Fault::usage(message).help(self.help).into()
    }
}

impl LockFile {
    /// Reads the lock file of the project at `top`; without one nothing is pinned.
    ///
    /// # Errors
    /// When it cannot be read, or is not as the program writes it.
    pub(crate) fn read(top: &Path) -> Result<Self, Broken> {
        let mut file = Self::empty(top);
        if let Some(text) = text_of(&file.path)? {
            file.lock = Lock::parse(&text).map_err(|fault| Broken {
                line: fault.line,
                message: fault.message,
                help: fault.help,
                text,
            })?;
        }
        Ok(file)
    }

    /// The lock file of the project at `top` as if it pinned nothing.
    pub(crate) fn empty(top: &Path) -> Self {
        Self {
            path: top.join(NAME),
            lock: Lock::default(),
            fresh: Lock::default(),
        }
    }

    /// What is pinned for `address`, by the file or since it was read.
    pub(crate) fn pin(&self, address: &Address) -> Option<&Pin> {
        let pinned = self.lock.pins.get(address);
        pinned.or_else(|| self.fresh.pins.get(address))
    }

    /// Remembers a pin that is to be written.
    pub(crate) fn add(&mut self, address: Address, pin: Pin) {
        if !self.lock.pins.contains_key(&address) {
            self.fresh.pins.insert(address, pin);
        }
    }

    /// Writes the pins that are new.
    ///
    /// # Errors
    /// When it may not be written.
    pub(crate) fn write_new(&mut self, ui: &Ui) -> Result<()> {
        let Some((first, _)) = self.fresh.pins.first_key_value() else {
            return Ok(());
        };
        let unpinned = |why: &str| {
            let first = text::plain(&first.to_string());
            let more = match self.fresh.pins.len() - 1 {
                0 => String::new(),
                more => format!(" and {}", text::count(more, "more reference")),
            };
            Fault::usage(format!("`{NAME}` does not pin `{first}`{more}, and {why}")).help(format!(
                "run `formic lock` where you work, and commit `{NAME}`"
            ))
        };
        let mut whole = self.lock.clone();
        whole.pins.extend(self.fresh.pins.clone());
        self.write(&whole)
            .with_context(|| unpinned("cannot be written"))?;
        let count = text::count(self.fresh.pins.len(), "reference");
        ui.say(format!("note: `{NAME}` pins {count} more; commit it"));
        self.fresh = Lock::default();
        self.lock = whole;
        Ok(())
    }

    /// Writes `lock` in place of what the file says.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn write(&self, lock: &Lock) -> std::io::Result<()> {
        let unfinished = self
            .path
            .with_extension(format!("lock.{}", std::process::id()));
        let written = File::create(&unfinished).and_then(|mut file| {
            file.write_all(lock.to_text().as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &self.path)
        });
        if written.is_err() {
            drop(fs::remove_file(&unfinished));
        }
        written
    }
}

/// The text of a lock file, if there is one.
fn text_of(path: &Path) -> Result<Option<String>, Broken> {
    let bytes = match ordinary::read(path, limits::LOCK_FILE_BYTES) {
        Ok(bytes) => bytes,
        Err(Unread::Refused(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(Unread::Refused(error)) => {
            return Err(Broken::whole(
                format!("cannot be read: {error}"),
                "check the permissions of the file, or restore it from Git",
            ));
        }
        Err(Unread::Other(kind)) => {
            return Err(Broken::whole(
                format!("is {}; a file with pins was expected", kind.as_str()),
                "move it away and run `formic lock`",
            ));
        }
    };
    if bytes.len() > limits::LOCK_FILE_BYTES {
        return Err(Broken::whole(
            format!("has more than {} bytes", limits::LOCK_FILE_BYTES),
            "remove it and run `formic lock` to write it anew",
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Broken::whole(
            "is not UTF-8 text",
            "restore it from Git, or remove it and run `formic lock`",
        )),
    }
}

/// Whether this runs in another CI system, or in a task.
pub(crate) fn is_ci() -> bool {
    let value = std::env::var_os("CI").unwrap_or_default();
    !matches!(value.to_str(), Some("" | "0" | "false"))
}
