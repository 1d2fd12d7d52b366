//! The site on this machine: what steps find, and what is refused of what they leave.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::bench::one;
use engine::work::{Work, WorkspaceBinding};
use model::digest::Digest;
use model::plan::{ArtifactIn, Text, WorkspaceKind};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use worker::site::{Prepared, Wanted, WantedArtifact};
use worker::{Content, LocalSite, Site, Trouble};

#[derive(Default)]
struct Blobs(Mutex<BTreeMap<Digest, Vec<u8>>>);

impl Content for Blobs {
    fn put(&self, content: &mut dyn Read) -> io::Result<(Digest, u64)> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
        self.0.lock().unwrap().insert(digest, bytes);
        Ok((digest, size))
    }

    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        let bytes = self.0.lock().unwrap().get(digest).cloned();
        let bytes = bytes.ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(io::Cursor::new(bytes)))
    }
}

struct Place {
    dir: tempfile::TempDir,
    site: LocalSite,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("state");
        fs::create_dir(dir.path().join("source")).unwrap();
        let site = LocalSite::new(root, Arc::new(Blobs::default()), BTreeMap::new());
        Self { dir, site }
    }

    fn source(&self) -> std::path::PathBuf {
        self.dir.path().join("source")
    }

    fn work(&self) -> Work {
        let mut work = one();
        work.source.dir = self.source().to_string_lossy().into_owned();
        work
    }

    fn prepare(&self) -> Prepared {
        self.site.prepare(&self.work()).unwrap()
    }
}

fn wanted(path: &str) -> Wanted {
    Wanted {
        artifacts: vec![WantedArtifact {
            name: "files".to_owned(),
            paths: vec![path.to_owned()],
            exclude: Vec::new(),
            if_missing: model::plan::IfMissing::Fail,
        }],
        ..Wanted::default()
    }
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_pipe_in_place_of_the_output_file_is_refused_and_not_waited_for() {
    let place = Place::new();
    let prepared = place.prepare();
    pipe(&prepared.dir.join("0.output"));
    let Err(Trouble::User(message)) = place.site.written(&prepared, 0) else {
        panic!("a pipe is no file");
    };
    assert!(
        message.ends_with("0.output` is not a plain file"),
        "{message}"
    );
}

#[test]
fn an_endless_output_file_is_refused_without_being_read_whole() {
    let place = Place::new();
    let prepared = place.prepare();
    let file = fs::File::create(prepared.dir.join("0.output")).unwrap();
    file.set_len(1 << 40).unwrap();
    let Err(Trouble::User(message)) = place.site.written(&prepared, 0) else {
        panic!("it is far too long");
    };
    assert!(message.contains("has more than"), "{message}");
}

#[test]
fn equal_files_make_an_equal_digest() {
    let digests = [1_000, 2_000].map(|_| {
        let place = Place::new();
        let prepared = place.prepare();
        fs::create_dir(place.source().join("out")).unwrap();
        fs::write(place.source().join("out/b"), "b").unwrap();
        fs::write(place.source().join("out/a"), "a").unwrap();
        let collected = place.site.collect(&prepared, &wanted("out")).unwrap();
        assert_eq!(collected.artifacts[0].files, 2);
        collected.artifacts[0].digest
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_pattern_that_leads_out_of_the_source_is_refused() {
    let place = Place::new();
    let prepared = place.prepare();
    let error = place
        .site
        .collect(&prepared, &wanted("../secret"))
        .unwrap_err();
    assert_eq!(
        error,
        Trouble::User("`../secret` leads out of ``".to_owned())
    );
}

#[test]
fn an_archive_cannot_write_outside_of_the_source() {
    let place = Place::new();
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.as_gnu_mut().unwrap().name[..10].copy_from_slice(b"../escaped");
    header.set_cksum();
    archive.append(&header, &b"evil"[..]).unwrap();
    let bytes = archive.into_inner().unwrap();
    let blobs = Arc::new(Blobs::default());
    let (digest, size_bytes) = blobs.put(&mut bytes.as_slice()).unwrap();
    let site = LocalSite::new(place.dir.path().join("state"), blobs, BTreeMap::new());
    let mut work = takes(&place, Text::Literal("in".to_owned()));
    let given = engine::rows::ArtifactRef {
        name: "files".to_owned(),
        digest,
        size_bytes,
        files: 1,
    };
    work.needs.entry("maker".to_owned()).or_default().artifacts = vec![given];
    site.prepare(&work).unwrap();
    assert!(!place.source().join("escaped").exists());
}

fn takes(place: &Place, to: Text) -> Work {
    let mut work = place.work();
    let mut def = (*work.task).clone();
    def.artifacts_in.push(ArtifactIn {
        from: "maker".to_owned(),
        name: "files".to_owned(),
        to: Some(to),
        optional: false,
    });
    work.task = def.into();
    work
}

#[test]
fn a_place_that_cannot_be_made_leaves_nothing_behind() {
    let place = Place::new();
    let work = takes(&place, Text::Literal("in".to_owned()));
    let error = place.site.prepare(&work).unwrap_err();
    let expected = "artifact `files` of `maker` is not there: that task did not give it";
    assert_eq!(error, Trouble::User(expected.to_owned()));
    let left = fs::read_dir(place.dir.path().join("state/attempts")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn a_workspace_has_its_files_once_and_keeps_what_tasks_make_of_them() {
    let place = Place::new();
    let mut work = place.work();
    work.workspaces.push(WorkspaceBinding {
        name: "w".to_owned(),
        folder: Some("run/w".to_owned()),
        kind: WorkspaceKind::Files([("conf/a".to_owned(), "1".to_owned())].into()),
        sub_paths: vec![Text::Literal("conf".to_owned())],
        read_only: false,
    });
    let folder = place.site.prepare(&work).unwrap().workspaces["w"].clone();
    let file = Path::new(&folder).join("a");
    assert_eq!(fs::read_to_string(&file).unwrap(), "1");
    fs::write(&file, "2").unwrap();
    place.site.prepare(&work).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "2");
}
