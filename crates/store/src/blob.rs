//! Large content, by its address: SHA-256 of the bytes as given.
//!
//! What a blob is at rest (compressed, in which file) never shows. Content is verified when it is
//! read. Nobody counts references: a blob is removed by [`crate::sweep`] when no kept run names it.

mod disk;
mod memory;

pub use disk::DiskBlobs;
pub use memory::MemoryBlobs;

use model::digest::Digest;
use model::time::Timestamp;
use std::io::{self, Read};
use std::path::PathBuf;

/// A place for large content.
pub trait BlobStore: Send + Sync {
    /// Takes in content; it can be read through this handle at once. It survives a crash, and others
    /// can read it, only after [`BlobStore::sync`].
    ///
    /// # Errors
    /// When the content cannot be read or written.
    fn put(&self, content: &mut dyn Read) -> Result<Stored, BlobError>;

    /// Makes everything durable that was put through this handle. Call it before a row names a blob.
    ///
    /// # Errors
    /// When the disk fails; what was put may then be lost.
    fn sync(&self) -> Result<(), BlobError>;

    /// The content, verified: the last read fails if it is not what its address says.
    ///
    /// # Errors
    /// [`BlobError::Missing`].
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError>;

    /// The size of the content as given, if it is there.
    ///
    /// # Errors
    /// When the disk fails.
    fn size_bytes(&self, digest: &Digest) -> Result<Option<u64>, BlobError>;

    /// Takes a blob that is there for everybody as put just now, so that no sweep removes it before a row can name it.
    /// Whether it is there.
    ///
    /// # Errors
    /// When the disk fails.
    fn renew(&self, digest: &Digest) -> Result<bool, BlobError>;

    /// Every blob that is there for everybody.
    ///
    /// # Errors
    /// When the disk fails.
    fn list(&self) -> Result<Vec<Kept>, BlobError>;

    /// Removes a blob unless somebody put it again after `unused_since`. Returns whether it is gone.
    ///
    /// # Errors
    /// When the disk fails.
    fn remove(&self, digest: &Digest, unused_since: Timestamp) -> Result<bool, BlobError>;

    /// Takes in content that is in memory.
    ///
    /// # Errors
    /// As [`BlobStore::put`].
    fn put_bytes(&self, mut content: &[u8]) -> Result<Digest, BlobError> {
        Ok(self.put(&mut content)?.digest)
    }

    /// Whether the content is there.
    ///
    /// # Errors
    /// As [`BlobStore::size_bytes`].
    fn exists(&self, digest: &Digest) -> Result<bool, BlobError> {
        Ok(self.size_bytes(digest)?.is_some())
    }

    /// The whole content, if it has at most `max_bytes`.
    ///
    /// # Errors
    /// As [`BlobStore::open`]; [`BlobError::TooLarge`].
    fn read(&self, digest: &Digest, max_bytes: usize) -> Result<Vec<u8>, BlobError> {
        let mut content = Vec::new();
        // One byte more than allowed tells too large from just fitting.
        let limit = (max_bytes as u64).saturating_add(1);
        self.open(digest)?
            .take(limit)
            .read_to_end(&mut content)
            .map_err(|source| BlobError::Read {
                digest: *digest,
                source,
            })?;
        if content.len() > max_bytes {
            return Err(BlobError::TooLarge {
                digest: *digest,
                max_bytes,
            });
        }
        Ok(content)
    }
}

/// Content that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its address.
    pub digest: Digest,
    /// Its size as given.
    pub size_bytes: u64,
}

/// A blob in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its address.
    pub digest: Digest,
    /// What it takes at rest.
    pub rest_bytes: u64,
    /// When it was last put.
    pub put_at: Timestamp,
}

/// What can go wrong with blobs.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no blob `{digest}` in `{place}`; it was removed, or never kept")]
    Missing {
        /// Its address.
        digest: Digest,
        /// Where it was looked for.
        place: PathBuf,
    },
    /// It is larger than the reader can take.
    #[error("blob `{digest}` has more than {max_bytes} bytes")]
    TooLarge {
        /// Its address.
        digest: Digest,
        /// What the reader can take.
        max_bytes: usize,
    },
    /// Its content could not be read, or is not what its address says.
    #[error("cannot read blob `{digest}`")]
    Read {
        /// Its address.
        digest: Digest,
        /// What was said.
        source: io::Error,
    },
    /// Whoever gave the content failed.
    #[error("the content to keep could not be read")]
    Content(#[source] io::Error),
    /// The disk is full.
    #[error("no space is left on the disk for blobs in `{place}`; free some space")]
    Full {
        /// The folder.
        place: PathBuf,
    },
    /// The disk failed.
    #[error("cannot use the blobs in `{place}`")]
    Io {
        /// The folder or file.
        place: PathBuf,
        /// What was said.
        source: io::Error,
    },
}
