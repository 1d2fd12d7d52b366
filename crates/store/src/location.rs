//! Where the state of a repository lies: the board, the blobs, the logs.
//!
//! `.formic/state/` in the repository, with a `.gitignore` of `*` inside; elsewhere if the person
//! says so; in the person's own state folder if the repository may not be written. Never on a network
//! file system: its locks and shared memory do not keep several processes apart. Nothing of the
//! environment is read here; [`Places`] is handed in.

pub mod network;

use model::digest::Digest;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What the environment says about places for state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// The value of `FORMIC_STATE`, if it is set and not empty.
    pub formic_state: Option<PathBuf>,
    /// The value of `XDG_STATE_HOME`, if it is set and not empty.
    pub xdg_state_home: Option<PathBuf>,
    /// The home folder.
    pub home: Option<PathBuf>,
}

/// The folder with the state of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    /// The folder, as an absolute path.
    pub dir: PathBuf,
    /// Why it is this one.
    pub origin: Origin,
}

/// Why a folder was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The usual place in the repository.
    Repository,
    /// `FORMIC_STATE` names it.
    Setting,
    /// The repository may not be written.
    Fallback,
    /// The board was begun there when the repository could not be written.
    Begun,
}

/// No folder can hold the state.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// It is on a network file system.
    #[error(
        "`{dir}` is on a network file system ({name}), which does not keep several processes apart; \
         set `FORMIC_STATE` to a folder on a local disk"
    )]
    Network {
        /// The folder.
        dir: PathBuf,
        /// The name of the file system.
        name: String,
    },
    /// The folder that `FORMIC_STATE` names cannot be used.
    #[error(
        "cannot use the folder `{dir}` that `FORMIC_STATE` names; set it to a folder that may be written, or unset it"
    )]
    Setting {
        /// The folder.
        dir: PathBuf,
        /// What was said.
        source: io::Error,
    },
    /// The repository may not be written, and nobody said where else to go.
    #[error(
        "`{dir}` may not be written, and neither `XDG_STATE_HOME` nor `HOME` is set; \
         set `FORMIC_STATE` to a folder that may be written"
    )]
    Nowhere {
        /// The usual place in the repository.
        dir: PathBuf,
    },
    /// The repository may not be written, and the state folder neither.
    #[error(
        "neither `{usual}` nor `{dir}` may be written; set `FORMIC_STATE` to a folder that may"
    )]
    Fallback {
        /// The usual place in the repository.
        usual: PathBuf,
        /// The place in the person's state folder.
        dir: PathBuf,
        /// What was said about the latter.
        source: io::Error,
    },
    /// There is no room to create it.
    #[error("no space is left on the disk for the folder `{dir}`; free some space")]
    Full {
        /// The folder.
        dir: PathBuf,
    },
    /// The usual place cannot be used for a reason that another place would not mend.
    #[error("cannot use the folder `{dir}`; set `FORMIC_STATE` to another folder")]
    Repository {
        /// The folder.
        dir: PathBuf,
        /// What was said.
        source: io::Error,
    },
}

impl StateDir {
    /// Finds the state folder of the repository at `repository` (an absolute path), and creates it.
    ///
    /// # Errors
    /// [`LocationError`], each with the next step.
    pub fn locate(repository: &Path, places: &Places) -> Result<Self, LocationError> {
        if let Some(setting) = &places.formic_state {
            return Self::from_setting(repository.join(setting));
        }
        let usual = repository.join(".formic").join("state");
        let is_fresh = !usual.join(BOARD).exists();
        if is_fresh && fallback(repository, places).is_some_and(|dir| dir.join(BOARD).exists()) {
            // Its runs are found there still.
            let there = Self::fall_back(repository, usual, places)?;
            let origin = Origin::Begun;
            return Ok(Self { origin, ..there });
        }
        match prepare(&usual) {
            Ok(()) => Self::checked(usual, Origin::Repository),
            Err(error) if is_protected(&error) => Self::fall_back(repository, usual, places),
            Err(error) if crate::error::is_full(&error) => Err(LocationError::Full { dir: usual }),
            Err(source) => Err(LocationError::Repository { dir: usual, source }),
        }
    }

    /// Whether there is a board at one of the places where [`Self::locate`] looks. Creates nothing.
    #[must_use]
    pub fn has_board(repository: &Path, places: &Places) -> bool {
        let has = |dir: PathBuf| dir.join(BOARD).exists();
        match &places.formic_state {
            Some(setting) => has(repository.join(setting)),
            None => {
                has(repository.join(".formic").join("state"))
                    || fallback(repository, places).is_some_and(has)
            }
        }
    }

    fn from_setting(dir: PathBuf) -> Result<Self, LocationError> {
        match prepare(&dir) {
            Ok(()) => Self::checked(dir, Origin::Setting),
            Err(error) if crate::error::is_full(&error) => Err(LocationError::Full { dir }),
            Err(source) => Err(LocationError::Setting { dir, source }),
        }
    }

    fn fall_back(
        repository: &Path,
        usual: PathBuf,
        places: &Places,
    ) -> Result<Self, LocationError> {
        let Some(dir) = fallback(repository, places) else {
            return Err(LocationError::Nowhere { dir: usual });
        };
        match prepare(&dir) {
            Ok(()) => Self::checked(dir, Origin::Fallback),
            Err(source) => Err(LocationError::Fallback { usual, dir, source }),
        }
    }

    fn checked(dir: PathBuf, origin: Origin) -> Result<Self, LocationError> {
        match network::name_of(&dir) {
            Some(name) => Err(LocationError::Network { dir, name }),
            None => Ok(Self { dir, origin }),
        }
    }

    /// Does what a run has to be able to do there: writes, syncs and removes a file as large as a young board.
    ///
    /// # Errors
    /// [`LocationError::Full`] where there is no room for it, [`LocationError::Repository`] for anything else.
    pub fn try_out(&self) -> Result<(), LocationError> {
        let probe = self.dir.join(format!("probe-{}", std::process::id()));
        let written = write_synced(&probe);
        // Half of one is removed too.
        let removed = fs::remove_file(&probe);
        match written.and(removed) {
            Ok(()) => Ok(()),
            Err(error) if crate::error::is_full(&error) => Err(LocationError::Full {
                dir: self.dir.clone(),
            }),
            Err(source) => Err(LocationError::Repository {
                dir: self.dir.clone(),
                source,
            }),
        }
    }

    /// The board's file.
    #[must_use]
    pub fn board(&self) -> PathBuf {
        self.dir.join(BOARD)
    }

    /// The folder of blobs.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.dir.join("blobs")
    }

    /// The folder of log segments.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }
}

/// About what the file of a new board, its log and its index take together.
const YOUNG_BOARD_BYTES: usize = 256 << 10;

fn write_synced(path: &Path) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(&vec![0; YOUNG_BOARD_BYTES])?;
    file.sync_all()
}

/// The board's file in the folder with the state.
const BOARD: &str = "board.sqlite";

/// The place for a repository that may not be written; none where the environment names no home.
fn fallback(repository: &Path, places: &Places) -> Option<PathBuf> {
    let at_home = |home: &PathBuf| home.join(".local").join("state");
    let state_home = places.xdg_state_home.clone();
    let state_home = state_home.or_else(|| places.home.as_ref().map(at_home))?;
    Some(state_home.join("formic").join(folder_name(repository)))
}

/// Creates the folder, sees that it may be written, and hides it from Git.
fn prepare(dir: &Path) -> io::Result<()> {
    crate::folders::create(dir)?;
    access(dir, Access::WRITE_OK | Access::EXEC_OK)?;
    let ignore = dir.join(".gitignore");
    match ignore.exists() {
        true => Ok(()),
        false => fs::write(ignore, "*\n"),
    }
}

fn is_protected(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::ROFS | Errno::ACCESS | Errno::PERM)
    )
}

/// A name for the state of a repository outside of it: readable, and different for different paths.
fn folder_name(repository: &Path) -> String {
    let path = repository.as_os_str().as_encoded_bytes();
    let last = repository.file_name().unwrap_or_default();
    let readable: String = last
        .to_string_lossy()
        .chars()
        .map(|each| match each {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => each,
            _ => '_',
        })
        .take(40)
        .collect();
    format!("{readable}-{}", &Digest::of(path).to_hex()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_repositories_of_one_name_have_two_folders() {
        let one = folder_name(Path::new("/home/ada/shop"));
        let two = folder_name(Path::new("/home/bob/shop"));
        assert!(one.starts_with("shop-") && two.starts_with("shop-"));
        assert_ne!(one, two);
    }

    #[test]
    fn a_strange_name_becomes_a_plain_one() {
        let name = folder_name(Path::new("/srv/a b/ü?x"));
        assert!(name.starts_with("__x-"), "{name}");
        assert!(folder_name(Path::new("/")).starts_with('-'));
    }

    #[test]
    fn a_board_that_was_begun_elsewhere_is_found_when_the_repository_may_be_written_again() {
        let repository = tempfile::tempdir().unwrap();
        let home = tempfile::tempdir().unwrap();
        let places = Places {
            xdg_state_home: Some(home.path().to_owned()),
            ..Places::default()
        };
        assert!(!StateDir::has_board(repository.path(), &places));
        let usual = StateDir::locate(repository.path(), &places).unwrap();
        assert_eq!(usual.origin, Origin::Repository);
        let elsewhere = fallback(repository.path(), &places).unwrap();
        fs::create_dir_all(&elsewhere).unwrap();
        fs::write(elsewhere.join("board.sqlite"), "").unwrap();
        assert!(StateDir::has_board(repository.path(), &places));
        let found = StateDir::locate(repository.path(), &places).unwrap();
        assert_eq!((found.origin, &found.dir), (Origin::Begun, &elsewhere));
        // A board in the repository comes first: it is the newer one.
        fs::write(usual.board(), "").unwrap();
        let found = StateDir::locate(repository.path(), &places).unwrap();
        assert_eq!(found, usual);
    }
}
