//! What is said about references when nobody is asked for anything: only what is here is looked at, and nothing is written.
//!
//! Whoever checks where they work is told what the next run, or CI, will want; in CI the same is an error, since there
//! nobody can give it any more.

use super::{Files, Loader};
use crate::lock::{self, NAME};
use anyhow::Result;
use model::digest::Digest;
use pipeline::{Address, Failed, FailedKind, Loaded};

impl Loader {
    /// A file of a Git repository, if it is pinned and was fetched before.
    pub(super) fn at_hand(&mut self, address: &Address) -> Result<Loaded> {
        let Some(pin) = self.lock()?.pin(address).cloned() else {
            return Ok(Loaded::Failed(self.unpinned_remote(address)));
        };
        let bytes = self
            .cache
            .as_ref()
            .and_then(|cache| cache.content(&pin.digest));
        Ok(match bytes {
            Some(bytes) => {
                self.found.insert(address.clone(), pin);
                Loaded::File(bytes)
            }
            None => Loaded::Failed(Failed {
                kind: FailedKind::NotFetched,
                message: format!(
                    "`{}` was not fetched here, so it was not looked into",
                    address.name()
                ),
                help: "`formic plan` fetches what is not at hand; `formic check` uses no network"
                    .to_owned(),
            }),
        })
    }

    /// Says of files of the project that tasks use whether they are pinned, and as they are.
    pub(super) fn compare(&mut self, files: &mut Files, used: &[Address]) -> Result<()> {
        if self.lock_is_broken {
            return Ok(());
        }
        let mut doubts = Vec::new();
        for (address, bytes) in files.sources.files() {
            if !used.contains(address) || !matches!(address, Address::Local(_)) {
                continue;
            }
            let digest = Digest::of(bytes);
            match self.lock()?.pin(address) {
                Some(pin) if pin.digest == digest => {}
                Some(pin) => {
                    doubts.push((address.clone(), super::file_changed(address, pin, &digest)));
                }
                None => doubts.push((address.clone(), unpinned(address))),
            }
        }
        for (address, doubt) in doubts {
            files.sources.doubt(&address, doubt);
        }
        Ok(())
    }

    fn unpinned_remote(&self, address: &Address) -> Failed {
        if self.lock_is_broken {
            return Failed {
                kind: FailedKind::NotFetched,
                message: format!(
                    "`{}` was not looked into, since `{NAME}` cannot be read",
                    address.name()
                ),
                help: format!("mend `{NAME}` first"),
            };
        }
        let mut failed = unpinned(address);
        if failed.kind == FailedKind::NotYetPinned {
            failed.message = format!("{}, so it was not looked into", failed.message);
            failed.help = format!("`formic lock` fetches and pins it; commit `{NAME}`");
        }
        failed
    }
}

/// What is said of a file that the lock file does not pin.
pub(super) fn unpinned(address: &Address) -> Failed {
    let name = address.name();
    if lock::is_ci() {
        return Failed {
            kind: FailedKind::Unpinned,
            message: format!("`{NAME}` does not pin `{name}`, and is not written in CI"),
            help: format!("run `formic lock` where you work, and commit `{NAME}`"),
        };
    }
    Failed {
        kind: FailedKind::NotYetPinned,
        message: format!("`{NAME}` does not pin `{name}` yet"),
        help: format!("`formic lock` pins it, and so does the next `formic run`; commit `{NAME}`"),
    }
}
