//! Blobs in memory, for simulation and tests.

use super::{BlobError, BlobStore, Kept, Stored};
use model::digest::Digest;
use model::time::Timestamp;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Blobs in memory. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryBlobs(Arc<Mutex<BTreeMap<Digest, Arc<[u8]>>>>);

impl MemoryBlobs {
    /// No blobs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<Digest, Arc<[u8]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BlobStore for MemoryBlobs {
    fn put(&self, content: &mut dyn Read) -> Result<Stored, BlobError> {
        let mut bytes = Vec::new();
        content
            .read_to_end(&mut bytes)
            .map_err(BlobError::Content)?;
        let stored = Stored {
            digest: Digest::of(&bytes),
            size_bytes: bytes.len() as u64,
        };
        self.blobs().insert(stored.digest, bytes.into());
        Ok(stored)
    }

    fn sync(&self) -> Result<(), BlobError> {
        Ok(())
    }

    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError> {
        let bytes = self.blobs().get(digest).cloned();
        let bytes = bytes.ok_or_else(|| BlobError::Missing {
            digest: *digest,
            place: PathBuf::from("memory"),
        })?;
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn size_bytes(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        Ok(self.blobs().get(digest).map(|bytes| bytes.len() as u64))
    }

    fn renew(&self, digest: &Digest) -> Result<bool, BlobError> {
        Ok(self.blobs().contains_key(digest))
    }

    fn list(&self) -> Result<Vec<Kept>, BlobError> {
        let kept = |(&digest, bytes): (&Digest, &Arc<[u8]>)| Kept {
            digest,
            rest_bytes: bytes.len() as u64,
            put_at: Timestamp::default(),
        };
        Ok(self.blobs().iter().map(kept).collect())
    }

    fn remove(&self, digest: &Digest, _unused_since: Timestamp) -> Result<bool, BlobError> {
        self.blobs().remove(digest);
        Ok(true)
    }
}
