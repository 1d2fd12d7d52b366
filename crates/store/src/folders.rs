//! Folders whose names survive a crash: a new name is durable when the folder that it is in was synced.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Creates a folder with those above it, and makes their names durable. Costs nothing when it is there.
///
/// # Errors
/// When it cannot be created, or the disk fails.
pub(crate) fn create(dir: &Path) -> io::Result<()> {
    let missing = missing(dir);
    fs::create_dir_all(dir)?;
    for new in missing {
        if let Some(above) = new.parent() {
            File::open(if above == Path::new("") {
                Path::new(".")
            } else {
                above
            })?
            .sync_all()?;
        }
    }
    Ok(())
}

/// The folders on the way to `dir`, itself included, that are not there; the lowest first.
fn missing(dir: &Path) -> Vec<PathBuf> {
    dir.ancestors()
        .take_while(|above| *above != Path::new("") && !above.exists())
        .map(Path::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_new_folder_has_its_name_made_durable_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (low, high) = (dir.path().join("a/b/c"), dir.path().join("a"));
        assert_eq!(missing(&low), [low.clone(), dir.path().join("a/b"), high]);
        create(&low).unwrap();
        assert_eq!(missing(&low), Vec::<PathBuf>::new());
        create(&low).unwrap();
    }
}
