//! Blobs: one suite for both places, and what only files can show.

#![expect(clippy::unwrap_used, reason = "tests")]

use model::digest::Digest;
use model::time::Timestamp;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use store::{BlobError, BlobStore, DiskBlobs, MemoryBlobs};

macro_rules! in_every_place {
    ($($name:ident,)+) => {
        mod in_memory {
            $(#[test]
            fn $name() {
                super::$name(&super::MemoryBlobs::new());
            })+
        }
        mod on_disk {
            $(#[test]
            fn $name() {
                let dir = tempfile::tempdir().unwrap();
                super::$name(&super::DiskBlobs::open(dir.path()).unwrap());
            })+
        }
    };
}

in_every_place! {
    content_of_every_kind_reads_back,
    content_can_be_read_before_and_after_a_sync,
    a_missing_blob_is_named,
    a_reader_with_a_limit_refuses_more,
    removed_blobs_are_gone,
    one_content_is_kept_once,
}

/// Content that compresses, and content that does not.
fn contents() -> Vec<Vec<u8>> {
    let noise = |length: usize| {
        let words = (0..length as u64 / 8).map(|n| *Digest::of(&n.to_le_bytes()).as_bytes());
        words.flatten().take(length).collect::<Vec<u8>>()
    };
    vec![
        Vec::new(),
        b"small".to_vec(),
        b"a line that repeats\n".repeat(40_000),
        noise(300_000),
        [b"text ".repeat(100_000), noise(200_000)].concat(),
    ]
}

fn content_of_every_kind_reads_back(blobs: &dyn BlobStore) {
    for content in contents() {
        let stored = blobs.put(&mut content.as_slice()).unwrap();
        assert_eq!(stored.digest, Digest::of(&content));
        assert_eq!(stored.size_bytes, content.len() as u64);
        blobs.sync().unwrap();
        assert_eq!(blobs.read(&stored.digest, content.len()).unwrap(), content);
        let size = blobs.size_bytes(&stored.digest).unwrap();
        assert_eq!(size, Some(content.len() as u64));
    }
}

fn content_can_be_read_before_and_after_a_sync(blobs: &dyn BlobStore) {
    let digest = blobs.put_bytes(b"content").unwrap();
    assert_eq!(blobs.read(&digest, 100).unwrap(), b"content");
    blobs.sync().unwrap();
    assert_eq!(blobs.read(&digest, 100).unwrap(), b"content");
}

fn a_missing_blob_is_named(blobs: &dyn BlobStore) {
    let digest = Digest::of(b"nothing");
    assert!(!blobs.exists(&digest).unwrap());
    let error = blobs.open(&digest).err().unwrap().to_string();
    assert!(error.starts_with(&format!("there is no blob `{digest}` in `")));
    assert!(error.ends_with("`; it was removed, or never kept"));
}

fn a_reader_with_a_limit_refuses_more(blobs: &dyn BlobStore) {
    let digest = blobs.put_bytes(b"12345").unwrap();
    assert_eq!(blobs.read(&digest, 5).unwrap(), b"12345");
    let error = blobs.read(&digest, 4).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("blob `{digest}` has more than 4 bytes")
    );
}

fn removed_blobs_are_gone(blobs: &dyn BlobStore) {
    let kept = blobs.put_bytes(b"kept").unwrap();
    let gone = blobs.put_bytes(&b"gone ".repeat(9_000)).unwrap();
    blobs.sync().unwrap();
    assert_eq!(blobs.list().unwrap().len(), 2);
    assert!(blobs.remove(&gone, Timestamp::NEVER).unwrap());
    assert!(!blobs.exists(&gone).unwrap());
    let left: Vec<Digest> = blobs
        .list()
        .unwrap()
        .iter()
        .map(|each| each.digest)
        .collect();
    assert_eq!(left, [kept]);
}

fn one_content_is_kept_once(blobs: &dyn BlobStore) {
    for _ in 0..3 {
        blobs.put_bytes(b"same").unwrap();
        blobs.put_bytes(b"same").unwrap();
        blobs.sync().unwrap();
    }
    assert_eq!(blobs.list().unwrap().len(), 1);
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.file_name().unwrap() != "lock" {
            files.push(path);
        }
    }
    files
}

#[test]
fn compressible_content_takes_less_and_any_zstd_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = DiskBlobs::open(dir.path()).unwrap();
    let content = b"a line that repeats\n".repeat(40_000);
    blobs.put_bytes(&content).unwrap();
    blobs.sync().unwrap();
    let [file] = &files_below(dir.path())[..] else {
        panic!("one file")
    };
    let at_rest = fs::read(file).unwrap();
    assert!(at_rest.len() * 10 < content.len());
    assert_eq!(zstd::decode_all(at_rest.as_slice()).unwrap(), content);
}

#[test]
fn content_that_does_not_compress_is_a_plain_file() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = DiskBlobs::open(dir.path()).unwrap();
    let content = &contents()[3];
    let digest = blobs.put_bytes(content).unwrap();
    blobs.sync().unwrap();
    let hex = digest.to_hex();
    let file = dir.path().join(&hex[..2]).join(&hex[2..]);
    assert_eq!(&fs::read(file).unwrap(), content);
}

#[test]
fn nothing_is_visible_to_others_before_the_sync() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (
        DiskBlobs::open(dir.path()).unwrap(),
        DiskBlobs::open(dir.path()).unwrap(),
    );
    let digest = one.put_bytes(b"content").unwrap();
    assert!(!other.exists(&digest).unwrap());
    one.sync().unwrap();
    assert!(other.exists(&digest).unwrap());
}

#[test]
fn a_damaged_file_is_noticed_at_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = DiskBlobs::open(dir.path()).unwrap();
    let digest = blobs.put_bytes(b"content").unwrap();
    blobs.sync().unwrap();
    fs::write(&files_below(dir.path())[0], b"CONTENT").unwrap();
    let error = blobs.read(&digest, 100).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read blob `{digest}`"));
    let source = std::error::Error::source(&error).unwrap().to_string();
    let found = Digest::of(b"CONTENT");
    assert_eq!(
        source,
        format!("its content has the address `{found}`: the file is damaged")
    );
}

#[test]
fn a_blob_that_was_put_again_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = DiskBlobs::open(dir.path()).unwrap();
    let digest = blobs.put_bytes(b"content").unwrap();
    blobs.sync().unwrap();
    let file = fs::File::options()
        .write(true)
        .open(&files_below(dir.path())[0])
        .unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(blobs.list().unwrap()[0].put_at, Timestamp(0));
    blobs.put_bytes(b"content").unwrap();
    assert!(!blobs.remove(&digest, Timestamp(1)).unwrap());
    assert!(blobs.exists(&digest).unwrap());
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(blobs.renew(&digest).unwrap());
    assert!(!blobs.remove(&digest, Timestamp(1)).unwrap());
    assert!(!blobs.renew(&Digest::of(b"other")).unwrap());
}

#[test]
fn what_a_killed_process_was_keeping_goes_after_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = DiskBlobs::open(dir.path()).unwrap();
    let [old, young] = ["old", "young"].map(|name| dir.path().join("new").join(name));
    for file in [&old, &young] {
        fs::write(file, "half an artifact").unwrap();
    }
    let file = fs::File::options().write(true).open(&old).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(blobs.list().unwrap(), []);
    assert_eq!((old.exists(), young.exists()), (false, true));
}

#[test]
fn content_that_fails_halfway_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = DiskBlobs::open(dir.path()).unwrap();
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("pulled out"))
        }
    }
    let mut content = b"beginning".chain(Failing);
    let error = blobs.put(&mut content).unwrap_err();
    assert!(matches!(error, BlobError::Content(_)));
    assert!(files_below(dir.path()).is_empty());
}
