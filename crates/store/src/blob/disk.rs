//! Blobs as files: `ab/cdef…` as given, or `ab/cdef….zst` when that is clearly smaller.
//!
//! - A file under its final name is whole and synced. Content goes to a file in `new/` first and is
//!   synced there, by whoever puts it: that takes long when it is large. [`BlobStore::sync`] moves
//!   these files to their names and syncs the folders, which never takes long.
//! - A `.zst` file begins with a frame that decompressors skip and that holds the size as given.
//! - Putting what is there already only renews its time, so that a sweep that looked before does not
//!   remove it. The lock file keeps a renewal and a removal apart.

mod content;

use super::{BlobError, BlobStore, Kept, Stored};
use content::{Failure, Form, Verified};
use model::digest::{Digest, DigestWriter};
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
/// Files in `new/` that are older belong to processes that died.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

/// Blobs in a folder.
#[derive(Debug)]
pub struct DiskBlobs {
    dir: PathBuf,
    /// Locked by files and by threads: a file's lock belongs to all threads that share the file.
    lock: Mutex<File>,
    pending: Mutex<Pending>,
    /// With the process id, names files in `new/`.
    counter: AtomicU64,
}

/// What was put and is not synced.
#[derive(Debug, Default)]
struct Pending {
    files: BTreeMap<Digest, New>,
    /// Folders with names that another process may not have synced yet.
    folders: BTreeSet<PathBuf>,
    /// Folders of blobs whose own names were synced by this handle.
    named: BTreeSet<PathBuf>,
}

impl Pending {
    /// The names in `folder`, which is in `dir`, have to be made durable. Another process may have made the folder and
    /// died before its name was.
    fn must_sync(&mut self, folder: PathBuf, dir: &Path) {
        if self.named.insert(folder.clone()) {
            self.folders.insert(dir.to_owned());
        }
        self.folders.insert(folder);
    }
}

/// A file in `new/`.
#[derive(Debug, Clone)]
struct New {
    path: PathBuf,
    form: Form,
}

impl DiskBlobs {
    /// Uses the folder `dir`, and creates it if there is none.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(dir: &Path) -> Result<Self, BlobError> {
        let failed = |source| fault(dir, source);
        crate::folders::create(&dir.join("new")).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("lock"))
            .map_err(failed)?;
        Ok(Self {
            dir: dir.to_owned(),
            lock: Mutex::new(lock),
            pending: Mutex::default(),
            counter: AtomicU64::new(0),
        })
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, File> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of a blob.
    fn folder(&self, digest: &Digest) -> PathBuf {
        self.dir.join(&digest.to_hex()[..2])
    }

    fn path(&self, digest: &Digest, form: Form) -> PathBuf {
        let hex = digest.to_hex();
        let suffix = match form {
            Form::AsGiven => "",
            Form::Compressed => ".zst",
        };
        self.dir
            .join(&hex[..2])
            .join(format!("{}{suffix}", &hex[2..]))
    }

    /// The file of a blob that can be read through this handle.
    fn find(&self, digest: &Digest) -> io::Result<Option<(File, Form)>> {
        let new = self.pending().files.get(digest).cloned();
        let kept = [Form::AsGiven, Form::Compressed].map(|form| (self.path(digest, form), form));
        let places = new.map(|new| (new.path, new.form)).into_iter().chain(kept);
        for (path, form) in places {
            match File::open(path) {
                Ok(file) => return Ok(Some((file, form))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Renews the time of a blob that is there for everybody.
    fn renew_kept(&self, digest: &Digest) -> io::Result<bool> {
        let lock = self.lock();
        lock.lock_shared()?;
        let renewed = self.renew_locked(digest);
        lock.unlock()?;
        renewed
    }

    fn renew_locked(&self, digest: &Digest) -> io::Result<bool> {
        for form in [Form::AsGiven, Form::Compressed] {
            match OpenOptions::new().write(true).open(self.path(digest, form)) {
                Ok(file) => {
                    file.set_modified(SystemTime::now())?;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn write_new(&self, content: &mut dyn Read) -> Result<(Stored, New), BlobError> {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{:p}-{count}", std::process::id(), self);
        let path = self.dir.join("new").join(name);
        let failed = |source| fault(&self.dir, source);
        let mut file = File::create_new(&path).map_err(failed)?;
        let written = content::write_content(&mut file, content).and_then(|written| {
            file.sync_data().map_err(Failure::Disk)?;
            Ok(written)
        });
        written
            .map(|(stored, form)| {
                let path = path.clone();
                (stored, New { path, form })
            })
            .map_err(|error| {
                // The file is worthless; if it stays, a sweep removes it.
                drop(fs::remove_file(&path));
                match error {
                    Failure::Content(source) => BlobError::Content(source),
                    Failure::Disk(source) => failed(source),
                }
            })
    }

    fn sync_pending(&self, pending: &mut Pending) -> io::Result<()> {
        while let Some((digest, new)) = pending.files.first_key_value() {
            let folder = self.folder(digest);
            fs::create_dir_all(&folder)?;
            fs::rename(&new.path, self.path(digest, new.form))?;
            pending.files.pop_first();
            pending.must_sync(folder, &self.dir);
        }
        while let Some(folder) = pending.folders.first() {
            File::open(folder)?.sync_all()?;
            pending.folders.pop_first();
        }
        Ok(())
    }

    fn list_folder(&self, prefix: &str, kept: &mut Vec<Kept>) -> io::Result<()> {
        for entry in fs::read_dir(self.dir.join(prefix))? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let rest = name.strip_suffix(".zst").unwrap_or(name);
            let Ok(digest) = format!("sha256:{prefix}{rest}").parse() else {
                continue;
            };
            match entry.metadata() {
                Ok(metadata) => kept.push(Kept {
                    digest,
                    rest_bytes: metadata.len(),
                    put_at: timestamp(metadata.modified()?),
                }),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Removes what processes left in `new/` that died a day ago or earlier.
    fn remove_left_behind(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.dir.join("new"))? {
            let entry = entry?;
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.map(|at| at.elapsed().unwrap_or_default());
            if age.is_ok_and(|age| age > LEFT_BEHIND) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn remove_locked(&self, digest: &Digest, unused_since: Timestamp) -> io::Result<bool> {
        let mut gone = true;
        for form in [Form::AsGiven, Form::Compressed] {
            let path = self.path(digest, form);
            match fs::metadata(&path) {
                Ok(metadata) if timestamp(metadata.modified()?) >= unused_since => gone = false,
                Ok(_) => fs::remove_file(path)?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(gone)
    }
}

impl BlobStore for DiskBlobs {
    fn put(&self, content: &mut dyn Read) -> Result<Stored, BlobError> {
        let (stored, new) = self.write_new(content)?;
        let failed = |source| fault(&self.dir, source);
        let there = self.renew_kept(&stored.digest).map_err(failed)?;
        let mut pending = self.pending();
        if there {
            pending.must_sync(self.folder(&stored.digest), &self.dir);
        } else if let Some(double) = pending.files.insert(stored.digest, new.clone()) {
            drop(pending);
            fs::remove_file(double.path).map_err(failed)?;
            return Ok(stored);
        }
        drop(pending);
        if there {
            fs::remove_file(new.path).map_err(failed)?;
        }
        Ok(stored)
    }

    fn sync(&self) -> Result<(), BlobError> {
        let mut pending = self.pending();
        self.sync_pending(&mut pending)
            .map_err(|source| fault(&self.dir, source))
    }

    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError> {
        let failed = |source| fault(&self.dir, source);
        let Some((file, form)) = self.find(digest).map_err(failed)? else {
            return Err(BlobError::Missing {
                digest: *digest,
                place: self.dir.clone(),
            });
        };
        let content: Box<dyn Read + Send> = match form {
            Form::AsGiven => Box::new(file),
            Form::Compressed => Box::new(zstd::Decoder::new(file).map_err(failed)?),
        };
        Ok(Box::new(Verified {
            content: BufReader::new(content),
            digest: *digest,
            seen: Some(DigestWriter::new()),
        }))
    }

    fn size_bytes(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        let failed = |source| fault(&self.dir, source);
        let Some((mut file, form)) = self.find(digest).map_err(failed)? else {
            return Ok(None);
        };
        let size = match form {
            Form::AsGiven => file.metadata().map(|metadata| metadata.len()),
            Form::Compressed => content::read_size_frame(&mut file),
        };
        size.map(Some).map_err(failed)
    }

    fn renew(&self, digest: &Digest) -> Result<bool, BlobError> {
        self.renew_kept(digest)
            .map_err(|source| fault(&self.dir, source))
    }

    fn list(&self) -> Result<Vec<Kept>, BlobError> {
        let failed = |source| fault(&self.dir, source);
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if let Some(prefix) = name.to_str().filter(|name| name.len() == 2) {
                self.list_folder(prefix, &mut kept).map_err(failed)?;
            }
        }
        self.remove_left_behind().map_err(failed)?;
        kept.sort_unstable_by_key(|each| each.digest);
        Ok(kept)
    }

    fn remove(&self, digest: &Digest, unused_since: Timestamp) -> Result<bool, BlobError> {
        let failed = |source| fault(&self.dir, source);
        let lock = self.lock();
        lock.lock().map_err(failed)?;
        let removed = self.remove_locked(digest, unused_since);
        lock.unlock().map_err(failed)?;
        removed.map_err(failed)
    }
}

fn timestamp(at: SystemTime) -> Timestamp {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn fault(place: &Path, source: io::Error) -> BlobError {
    let place = place.to_owned();
    if crate::error::is_full(&source) {
        BlobError::Full { place }
    } else {
        BlobError::Io { place, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_names_what_was_put_and_does_not_touch_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = DiskBlobs::open(dir.path()).unwrap();
        let digest = blobs.put_bytes(b"large").unwrap();
        let new = blobs.pending().files[&digest].path.clone();
        fs::remove_file(&new).unwrap();
        // Whoever opens it fails.
        std::os::unix::fs::symlink("/nowhere/at/all", &new).unwrap();
        blobs.sync().unwrap();
        let named = fs::symlink_metadata(blobs.path(&digest, Form::AsGiven));
        assert!(named.unwrap().is_symlink());
    }

    #[test]
    fn the_name_of_a_folder_is_synced_once_whoever_made_the_folder() {
        let (dir, folder) = (Path::new("blobs"), PathBuf::from("blobs/ab"));
        let mut pending = Pending::default();
        pending.must_sync(folder.clone(), dir);
        let both = BTreeSet::from([dir.to_owned(), folder.clone()]);
        assert_eq!(std::mem::take(&mut pending.folders), both);
        pending.must_sync(folder.clone(), dir);
        assert_eq!(pending.folders, BTreeSet::from([folder]));
    }
}
