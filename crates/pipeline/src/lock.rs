//! `formic.lock`: what each reference to a file stood for when it was last looked up.
//!
//! A small part of TOML, a line for each fact, sorted, so that a change of it can be read and merged. It is
//! written by the program and read again by it; what a hand has changed and cannot be read is an error with
//! its line. The file says nothing about where contents are kept.

use crate::address::{Address, without_user};
use model::digest::Digest;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What the first line of a file says to those who open it.
const HEAD: &str =
    "# What pipelines use, pinned. `formic lock` looks it up again and shows what has changed.\n";
/// The version of the form.
const VERSION: &str = "version = 1";

/// The pins of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// By reference.
    pub pins: BTreeMap<Address, Pin>,
}

/// What one reference stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The commit, for a file of a Git repository.
    pub commit: Option<String>,
    /// The digest of the file's bytes.
    pub digest: Digest,
}

/// Why a lock file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LockFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

/// A difference between two lock files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The reference.
    pub address: Address,
    /// What it stood for, if it was there.
    pub old: Option<Pin>,
    /// What it stands for, if it is still used.
    pub new: Option<Pin>,
}

const AGAIN: &str =
    "restore the file from Git, or remove it and run `formic lock` to write it anew";

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// At the first line that says nothing that the program writes.
    pub fn parse(text: &str) -> Result<Self, LockFault> {
        let mut reading = Reading {
            lock: Self::default(),
            open: None,
            versioned: false,
        };
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                reading.line(number, line)?;
            }
        }
        reading.close()?;
        if !reading.versioned && !reading.lock.pins.is_empty() {
            return Err(fault(1, "the file has no version", AGAIN));
        }
        Ok(reading.lock)
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}{VERSION}\n");
        for (address, pin) in &self.pins {
            let written = match &pin.commit {
                Some(commit) => write!(
                    text,
                    "\n[[file]]\nreference = \"{address}\"\ncommit = \"{commit}\"\ndigest = \"{}\"\n",
                    pin.digest
                ),
                None => write!(
                    text,
                    "\n[[file]]\nreference = \"{address}\"\ndigest = \"{}\"\n",
                    pin.digest
                ),
            };
            written.expect("writing to a string cannot fail");
        }
        text
    }

    /// What `new` has otherwise, by reference.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<Change> {
        let mut addresses: Vec<&Address> = self.pins.keys().chain(new.pins.keys()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let changes = addresses.into_iter().map(|address| Change {
            address: address.clone(),
            old: self.pins.get(address).cloned(),
            new: new.pins.get(address).cloned(),
        });
        changes.filter(|change| change.old != change.new).collect()
    }
}

/// A file that is being read.
struct Reading {
    lock: Lock,
    open: Option<Open>,
    versioned: bool,
}

/// An entry that is being read, and the line that begins it.
#[derive(Default)]
struct Open {
    line: usize,
    reference: Option<Address>,
    commit: Option<String>,
    digest: Option<Digest>,
}

impl Reading {
    fn line(&mut self, number: usize, line: &str) -> Result<(), LockFault> {
        if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
            .iter()
            .any(|mark| line.starts_with(mark))
        {
            return Err(fault(
                number,
                "a conflict of a merge is left here",
                "keep the entries of both sides without the marks, then run `formic lock`",
            ));
        }
        if line == "[[file]]" {
            self.close()?;
            self.open = Some(Open {
                line: number,
                ..Open::default()
            });
            return Ok(());
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(unknown(number, line));
        };
        let (key, value) = (key.trim(), value.trim());
        let Some(open) = &mut self.open else {
            return match (key, value) {
                ("version", "1") if !self.versioned => {
                    self.versioned = true;
                    Ok(())
                }
                ("version", _) if !self.versioned => Err(fault(
                    number,
                    format!(
                        "the file is of version {}; this program reads version 1",
                        short(value)
                    ),
                    "use the version of Formic that wrote it, or remove it and run `formic lock`",
                )),
                (_, _) => Err(unknown(number, line)),
            };
        };
        let text = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|text| !text.contains(['"', '\\']));
        let Some(text) = text else {
            return Err(fault(
                number,
                format!("the value of `{}` is no text in quotes", short(key)),
                AGAIN,
            ));
        };
        match key {
            "reference" if open.reference.is_none() => {
                without_user(text).map_err(|bad| fault(number, bad.message, AGAIN))?;
                let address = Address::parse_whole(text)
                    .ok()
                    .filter(|address| address.to_string() == text);
                open.reference = Some(address.ok_or_else(|| {
                    fault(number, format!("`{}` is no reference", short(text)), AGAIN)
                })?);
            }
            "commit" if open.commit.is_none() => {
                let hex = text
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                if !hex || !matches!(text.len(), 40 | 64) {
                    return Err(fault(
                        number,
                        format!("`{}` is no commit; expected 40 hex digits", short(text)),
                        AGAIN,
                    ));
                }
                open.commit = Some(text.to_owned());
            }
            "digest" if open.digest.is_none() => {
                open.digest = Some(text.parse().map_err(|_| {
                    fault(
                        number,
                        format!(
                            "`{}` is no digest; expected `sha256:` and 64 hex digits",
                            short(text)
                        ),
                        AGAIN,
                    )
                })?);
            }
            "reference" | "commit" | "digest" => {
                return Err(fault(
                    number,
                    format!("`{key}` stands twice in one entry"),
                    AGAIN,
                ));
            }
            _ => return Err(unknown(number, line)),
        }
        Ok(())
    }

    /// Ends the entry that is being read.
    fn close(&mut self) -> Result<(), LockFault> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let missing = |key: &str| fault(open.line, format!("the entry has no `{key}`"), AGAIN);
        let address = open.reference.ok_or_else(|| missing("reference"))?;
        let digest = open.digest.ok_or_else(|| missing("digest"))?;
        if matches!(address, Address::Git { .. }) != open.commit.is_some() {
            return Err(match open.commit {
                None => fault(
                    open.line,
                    "the entry of a Git repository has no `commit`",
                    AGAIN,
                ),
                Some(_) => fault(
                    open.line,
                    "the entry of a file of the project has a `commit`",
                    AGAIN,
                ),
            });
        }
        let pin = Pin {
            commit: open.commit,
            digest,
        };
        if self.lock.pins.insert(address.clone(), pin).is_some() {
            return Err(fault(
                open.line,
                format!("`{address}` stands twice"),
                "remove the entry that is out of date, or both and run `formic lock`",
            ));
        }
        Ok(())
    }
}

fn fault(line: usize, message: impl Into<String>, help: &'static str) -> LockFault {
    LockFault {
        line,
        message: message.into(),
        help,
    }
}

fn unknown(line: usize, text: &str) -> LockFault {
    fault(
        line,
        format!("`{}` means nothing in a lock file", short(text)),
        AGAIN,
    )
}

fn short(text: &str) -> String {
    text.chars()
        .take(60)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn said(text: &str) -> String {
        let fault = Lock::parse(text).unwrap_err();
        format!("{} {}", fault.line, fault.message)
    }

    fn entry(lines: &str) -> String {
        format!("version = 1\n[[file]]\n{lines}")
    }

    fn lock() -> Lock {
        let git = Address::parse_whole("git+https://h/r//scan.yaml@v1").unwrap();
        let local = Address::parse_whole("./ci/scan.yaml").unwrap();
        let pin = |commit: Option<&str>| Pin {
            commit: commit.map(str::to_owned),
            digest: DIGEST.parse().unwrap(),
        };
        Lock {
            pins: [(git, pin(Some(COMMIT))), (local, pin(None))].into(),
        }
    }

    #[test]
    fn a_lock_reads_back_as_it_was_written() {
        let text = lock().to_text();
        assert_eq!(Lock::parse(&text), Ok(lock()));
        assert_eq!(Lock::parse(&text.replace('\n', "\r\n")), Ok(lock()));
        let expected = format!(
            "{HEAD}version = 1\n\n[[file]]\nreference = \"./ci/scan.yaml\"\ndigest = \"{DIGEST}\"\n\n\
             [[file]]\nreference = \"git+https://h/r//scan.yaml@v1\"\ncommit = \"{COMMIT}\"\ndigest = \"{DIGEST}\"\n"
        );
        assert_eq!(text, expected);
        assert_eq!(Lock::parse(""), Ok(Lock::default()));
    }

    #[test]
    fn what_a_hand_broke_is_told_with_its_line() {
        let good = format!("reference = \"./a.yaml\"\ndigest = \"{DIGEST}\"\n");
        let cases = [
            (
                "version = 2\n".to_owned(),
                "1 the file is of version 2; this program reads version 1",
            ),
            ("[[file]]\n".to_owned() + &good, "1 the file has no version"),
            (
                "version = 1\nfoo\n".to_owned(),
                "2 `foo` means nothing in a lock file",
            ),
            (
                entry("digest = \"sha256:12\"\n"),
                "3 `sha256:12` is no digest; expected `sha256:` and 64 hex digits",
            ),
            (
                entry("reference = ./a.yaml\n"),
                "3 the value of `reference` is no text in quotes",
            ),
            (
                entry("reference = \"./a/../b\"\n"),
                "3 `./a/../b` is no reference",
            ),
            (
                entry("reference = \"git+https://token@h/r//a@v1\"\n"),
                "3 the name of a user or a token stands in the address of `h`",
            ),
            (
                entry("reference = \"././b\"\n"),
                "3 `././b` is no reference",
            ),
            (
                entry("reference = \"./a.yaml\"\n"),
                "2 the entry has no `digest`",
            ),
            (
                entry(&format!("digest = \"{DIGEST}\"\n")),
                "2 the entry has no `reference`",
            ),
            (
                entry("commit = \"main\"\n"),
                "3 `main` is no commit; expected 40 hex digits",
            ),
            (
                entry(&format!("{good}commit = \"{COMMIT}\"\n")),
                "2 the entry of a file of the project has a `commit`",
            ),
            (
                entry(&good.replace("./a.yaml", "git+https://h/r//a@v1")),
                "2 the entry of a Git repository has no `commit`",
            ),
            (
                entry(&format!("{good}{good}")),
                "5 `reference` stands twice in one entry",
            ),
            (
                entry(&format!("{good}[[file]]\n{good}")),
                "5 `./a.yaml` stands twice",
            ),
            (
                entry(&format!("{good}<<<<<<< HEAD\n")),
                "5 a conflict of a merge is left here",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(said(&text), expected, "{text}");
        }
    }

    #[test]
    fn changes_are_what_came_went_and_differs() {
        let (old, mut new) = (lock(), lock());
        let local = Address::parse_whole("./ci/scan.yaml").unwrap();
        let added = Address::parse_whole("./ci/more.yaml").unwrap();
        let pin = new.pins.remove(&local).unwrap();
        new.pins.insert(added.clone(), pin.clone());
        let changes = old.changes(&new);
        let expected = [
            Change {
                address: added,
                old: None,
                new: Some(pin.clone()),
            },
            Change {
                address: local,
                old: Some(pin),
                new: None,
            },
        ];
        assert_eq!(changes, expected);
        assert_eq!(old.changes(&old), []);
    }
}
