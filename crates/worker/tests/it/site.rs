//! The site on this machine: what steps find, and what is refused of what they leave.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::bench::one;
use engine::work::{Work, WorkspaceBinding};
use model::digest::Digest;
use model::plan::{ArtifactIn, Text, WorkspaceKind};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use worker::listing::CutShort;
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
    blobs: Arc<Blobs>,
    site: LocalSite,
}

impl Place {
    fn new() -> Self {
        Self::with_state("state")
    }

    fn with_state_in_source() -> Self {
        Self::with_state("source/here")
    }

    fn with_state(state: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join(state);
        fs::create_dir(dir.path().join("source")).unwrap();
        let blobs = Arc::<Blobs>::default();
        let site = LocalSite::new(
            root,
            Arc::clone(&blobs) as Arc<dyn Content>,
            BTreeMap::new(),
        );
        Self { dir, blobs, site }
    }

    fn source(&self) -> std::path::PathBuf {
        self.dir.path().join("source")
    }

    fn work(&self) -> Work {
        let mut work = one();
        work.source.dir = self.source().to_string_lossy().into_owned();
        work
    }

    fn make(&self, work: &Work) -> Result<Prepared, Trouble> {
        self.site.prepare(work, &CutShort::default())
    }

    fn prepare(&self) -> Prepared {
        self.make(&self.work()).unwrap()
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
    assert_eq!(message, "`$FORMIC_OUTPUT` is not a plain file");
}

#[test]
fn a_file_that_is_too_large_is_named_as_its_step_knows_it_with_the_limit_that_holds() {
    let place = Place::new();
    let prepared = place.prepare();
    let written = fs::File::create(prepared.dir.join("0.output")).unwrap();
    written.set_len(30_000_000).unwrap();
    let expected = "`$FORMIC_OUTPUT` has 30000000 bytes; at most 1048576 are read";
    let error = place.site.written(&prepared, 0).unwrap_err();
    assert_eq!(error, Trouble::User(expected.to_owned()));
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_line() {
    let place = Place::new();
    let prepared = place.prepare();
    fs::write(prepared.dir.join("0.env"), b"a=1\nb=\xff\n").unwrap();
    let expected =
        "line 2 of `$FORMIC_ENV` is not UTF-8; write text there, and other bytes into an artifact";
    let error = place.site.written(&prepared, 0).unwrap_err();
    assert_eq!(error, Trouble::User(expected.to_owned()));
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
    let expected = "`$FORMIC_OUTPUT` has 1099511627776 bytes; at most 1048576 are read";
    assert_eq!(message, expected);
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
        Trouble::User(format!(
            "artifact `files`: `../secret` leads out of the source `{}`; name files below it",
            place.source().display()
        ))
    );
}

#[test]
fn generated_tasks_are_not_read_from_behind_a_link_out_of_the_source() {
    let place = Place::new();
    let prepared = place.prepare();
    fs::write(place.dir.path().join("secret"), "tasks: {}").unwrap();
    std::os::unix::fs::symlink("../secret", place.source().join("more.yaml")).unwrap();
    let wanted = Wanted {
        generates: Some("more.yaml".to_owned()),
        ..Wanted::default()
    };
    let Err(Trouble::User(message)) = place.site.collect(&prepared, &wanted) else {
        panic!("a file of somebody else was taken");
    };
    assert!(message.contains("a link out of the source"), "{message}");
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
    let work = takes_bytes(&place, Some("in"), &bytes);
    let error = place.make(&work).unwrap_err();
    let expected = "artifact `files` holds `../escaped`, which leads out of its folder";
    assert_eq!(error, Trouble::User(expected.to_owned()));
    assert!(!place.source().join("escaped").exists());
}

fn outside(place: &Place) -> String {
    format!("leads out of the source `{}`", place.source().display())
}

/// An archive with a file of each of these paths; one that ends with `->` is a link to `.git`.
fn archive_of(paths: &[&str]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for path in paths {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o644);
        if let Some(link) = path.strip_suffix("->") {
            header.set_entry_type(tar::EntryType::Symlink);
            archive.append_link(&mut header, link, ".git").unwrap();
        } else {
            archive.append_data(&mut header, path, &b""[..]).unwrap();
        }
    }
    archive.into_inner().unwrap()
}

#[test]
fn an_archive_of_others_writes_nothing_into_what_is_gits_or_formics() {
    for (paths, to, expected) in [
        (
            ["a", ".git/config"],
            None,
            "`.git/config`, which is Git's own",
        ),
        (["a", "lib/.git"], None, "`lib/.git`, which is Git's own"),
        (
            ["a", ".formic/state/board.db"],
            None,
            "`.formic/state/board.db`, which is in the folder of Formic's state",
        ),
        (
            ["a", "state/board.db"],
            Some(".formic"),
            "`state/board.db`, which is in the folder of Formic's state",
        ),
        (
            ["a", "there/config"],
            None,
            "`there/config`, which is Git's own",
        ),
        (
            ["x->", "x/config"],
            None,
            "`x/config`, which lies behind a link of its own",
        ),
    ] {
        let place = Place::new();
        fs::create_dir(place.source().join(".git")).unwrap();
        std::os::unix::fs::symlink(".git", place.source().join("there")).unwrap();
        let work = takes_bytes(&place, to, &archive_of(&paths));
        let error = place.make(&work).unwrap_err();
        let expected = format!("artifact `files` holds {expected}");
        assert_eq!(error, Trouble::User(expected));
        // Nothing of it, not even what would be allowed.
        assert!(!place.source().join("a").exists());
        assert_eq!(
            fs::read_dir(place.source().join(".git")).unwrap().count(),
            0
        );
    }
}

#[test]
fn an_artifact_is_not_taken_into_what_is_gits_or_formics() {
    let place = Place::new();
    std::os::unix::fs::symlink(place.dir.path(), place.source().join("up")).unwrap();
    for (to, why) in [
        (".git/hooks", "is Git's own, and never part of an artifact"),
        ("up/there", outside(&place).as_str()),
    ] {
        let work = takes_bytes(&place, Some(to), &archive_of(&["a"]));
        let expected = format!("artifact `files`: `to: {to}` {why}");
        let error = place.make(&work).unwrap_err();
        assert_eq!(error, Trouble::User(expected));
    }
}

#[test]
fn all_files_of_the_source_are_all_but_gits_and_formics() {
    for pattern in [".", "**", "./"] {
        // The state lies in the source, under a name that is not the usual one.
        let place = Place::with_state_in_source();
        for name in [
            ".git/config",
            "lib/.git",
            ".formic/state/x",
            "here/board.db",
            "a",
            "lib/b",
        ] {
            let path = place.source().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let prepared = place.prepare();
        let collected = place.site.collect(&prepared, &wanted(pattern)).unwrap();
        let mut bytes = place.blobs.open(&collected.artifacts[0].digest).unwrap();
        let mut archive = tar::Archive::new(&mut bytes);
        let names = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            entry.path().unwrap().to_string_lossy().into_owned()
        });
        assert_eq!(names.collect::<Vec<_>>(), ["a", "lib/b"], "{pattern}");
    }
}

#[test]
fn an_artifact_that_names_what_is_gits_or_formics_is_refused() {
    let place = Place::with_state_in_source();
    let prepared = place.prepare();
    std::os::unix::fs::symlink(place.dir.path(), place.source().join("up")).unwrap();
    for (pattern, why) in [
        ("**/.git/*", "is Git's own, and never part of an artifact"),
        (
            "here/logs",
            "is in the folder of Formic's state, and never part of an artifact",
        ),
        ("up/x/y", outside(&place).as_str()),
    ] {
        let error = place.site.collect(&prepared, &wanted(pattern)).unwrap_err();
        let expected = format!("artifact `files`: `{pattern}` {why}");
        assert_eq!(error, Trouble::User(expected));
    }
}

#[test]
fn what_has_no_content_is_named_and_is_the_users() {
    let place = Place::new();
    let prepared = place.prepare();
    fs::create_dir(place.source().join("out")).unwrap();
    fs::write(place.source().join("out/a"), "a").unwrap();
    pipe(&place.source().join("out/pipe"));
    let refused = |place: &Place, what: &str| {
        let error = place.site.collect(&prepared, &wanted("out")).unwrap_err();
        let expected = format!(
            "artifact `files`: {what}, which has no content to keep; leave it out with `exclude`, or remove it"
        );
        assert_eq!(error, Trouble::User(expected));
    };
    refused(&place, "`out/pipe` is a named pipe");
    fs::remove_file(place.source().join("out/pipe")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(place.source().join("out/s")).unwrap();
    refused(&place, "`out/s` is a socket");
    let mut wanted = wanted("out");
    wanted.artifacts[0].exclude = vec!["out/s".to_owned()];
    assert!(place.site.collect(&prepared, &wanted).is_ok());
}

fn takes(place: &Place, to: Option<&str>) -> Work {
    let mut work = place.work();
    let mut def = (*work.task).clone();
    def.artifacts_in.push(ArtifactIn {
        from: "maker".to_owned(),
        name: "files".to_owned(),
        to: to.map(|to| Text::Literal(to.to_owned())),
        optional: false,
    });
    work.task = def.into();
    work
}

/// Work that takes in an archive.
fn takes_bytes(place: &Place, to: Option<&str>, mut archive: &[u8]) -> Work {
    let (digest, size_bytes) = place.blobs.put(&mut archive).unwrap();
    let given = engine::rows::ArtifactRef {
        name: "files".to_owned(),
        digest,
        size_bytes,
        files: 1,
    };
    let mut work = takes(place, to);
    work.needs.entry("maker".to_owned()).or_default().artifacts = vec![given];
    work
}

/// Work that takes in the file `out`, whose producer left it as `text`.
fn takes_out(place: &Place, text: &str) -> Work {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    archive
        .append_data(&mut header, "out", text.as_bytes())
        .unwrap();
    takes_bytes(place, None, &archive.into_inner().unwrap())
}

fn read_out(place: &Place) -> String {
    fs::read_to_string(place.source().join("out")).unwrap()
}

fn git(place: &Place, args: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C").arg(place.source()).env_remove("GIT_DIR");
    git.args(["-c", "user.name=ada", "-c", "user.email=ada@localhost"]);
    assert!(git.args(args).output().unwrap().status.success());
}

#[test]
fn a_file_that_differs_becomes_what_its_producer_made_and_the_log_says_so() {
    let place = Place::new();
    fs::write(place.source().join("out"), "stale").unwrap();
    let prepared = place.make(&takes_out(&place, "fresh")).unwrap();
    assert_eq!(read_out(&place), "fresh");
    let expected = "artifact `files` replaced `out`, which differed";
    assert_eq!(prepared.remarks, [expected]);
}

#[test]
fn a_file_that_is_the_same_is_not_written_again() {
    let place = Place::new();
    fs::write(place.source().join("out"), "same").unwrap();
    let times = || {
        let file = fs::metadata(place.source().join("out")).unwrap();
        (file.ino(), file.ctime_nsec())
    };
    let before = times();
    let prepared = place.make(&takes_out(&place, "same")).unwrap();
    assert_eq!((times(), prepared.remarks), (before, Vec::new()));
}

#[test]
fn a_missing_file_is_brought_without_a_word() {
    let place = Place::new();
    let prepared = place.make(&takes_out(&place, "fresh")).unwrap();
    assert_eq!(read_out(&place), "fresh");
    assert_eq!(prepared.remarks, [""; 0]);
}

#[test]
fn uncommitted_work_in_a_tracked_file_is_never_replaced() {
    let place = Place::new();
    fs::write(place.source().join("out"), "committed").unwrap();
    git(&place, &["init", "-q", "."]);
    git(&place, &["add", "-A"]);
    git(&place, &["commit", "-q", "-m", "all"]);
    fs::write(place.source().join("out"), "work of a person").unwrap();
    let Err(Trouble::User(message)) = place.make(&takes_out(&place, "fresh")) else {
        panic!("it is the person's");
    };
    let expected = format!(
        "artifact `files` would replace `out` in `{}`, which Git tracks and which has changes; commit them, or take \
         the artifact in elsewhere with `to`",
        place.source().display()
    );
    assert_eq!(message, expected);
    assert_eq!(read_out(&place), "work of a person");
    // What is committed can be had again.
    git(&place, &["commit", "-q", "-a", "-m", "more"]);
    place.make(&takes_out(&place, "fresh")).unwrap();
    assert_eq!(read_out(&place), "fresh");
}

#[test]
fn a_folder_where_an_artifact_has_a_file_is_named() {
    let place = Place::new();
    fs::create_dir(place.source().join("out")).unwrap();
    let Err(Trouble::User(message)) = place.make(&takes_out(&place, "fresh")) else {
        panic!("a folder is not replaced");
    };
    assert!(
        message.ends_with("has a folder of that name; remove it"),
        "{message}"
    );
}

#[test]
fn a_place_that_cannot_be_made_leaves_nothing_behind() {
    let place = Place::new();
    let work = takes(&place, Some("in"));
    let error = place.make(&work).unwrap_err();
    let expected = "artifact `files` of `maker` is not there: that task did not give it";
    assert_eq!(error, Trouble::User(expected.to_owned()));
    let left = fs::read_dir(place.dir.path().join("state/attempts/1")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

fn with_workspace(place: &Place, kind: WorkspaceKind, read_only: bool) -> Work {
    let mut work = place.work();
    work.workspaces.push(WorkspaceBinding {
        name: "w".to_owned(),
        folder: Some("run/w".to_owned()),
        kind,
        sub_paths: Vec::new(),
        read_only,
    });
    work
}

#[test]
fn a_task_that_writes_what_it_may_only_read_is_told_the_file() {
    let place = Place::new();
    let files = WorkspaceKind::Files([("conf/a".to_owned(), "1".to_owned())].into());
    let prepared = place.make(&with_workspace(&place, files, true));
    let prepared = prepared.unwrap();
    let none = Wanted::default();
    assert_eq!(
        place.site.collect(&prepared, &none).unwrap().remarks,
        [""; 0]
    );
    fs::write(Path::new(&prepared.workspaces["w"]).join("conf/a"), "2").unwrap();
    let expected = "workspace `w` is read-only for this task, and `conf/a` in it was changed; write elsewhere, or \
        take `read_only` away";
    let error = place.site.collect(&prepared, &none).unwrap_err();
    assert_eq!(error, Trouble::User(expected.to_owned()));
}

#[test]
fn a_reader_is_not_blamed_for_what_a_writer_did_meanwhile() {
    let place = Place::new();
    let empty = |read_only| with_workspace(&place, WorkspaceKind::Empty, read_only);
    let reader = place.make(&empty(true)).unwrap();
    let writer = place.make(&empty(false)).unwrap();
    fs::write(Path::new(&writer.workspaces["w"]).join("new"), "").unwrap();
    place.site.clean(&writer);
    let collected = place.site.collect(&reader, &Wanted::default()).unwrap();
    let expected = "workspace `w` is read-only for this task; `new` in it was changed, by this task or another one \
        that ran meanwhile";
    assert_eq!(collected.remarks, [expected]);
    // Nobody writes any more: the next reader is answerable again.
    let reader = place.make(&empty(true)).unwrap();
    fs::remove_file(Path::new(&reader.workspaces["w"]).join("new")).unwrap();
    assert!(place.site.collect(&reader, &Wanted::default()).is_err());
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
    let folder = place.make(&work).unwrap().workspaces["w"].clone();
    let file = Path::new(&folder).join("a");
    assert_eq!(fs::read_to_string(&file).unwrap(), "1");
    fs::write(&file, "2").unwrap();
    place.make(&work).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "2");
}

#[test]
fn generated_tasks_that_an_earlier_run_left_are_not_taken() {
    let place = Place::new();
    let left = place.source().join("more.yaml");
    fs::write(&left, "tasks: {old: {run: x}}").unwrap();
    let mut work = place.work();
    Arc::make_mut(&mut work.task).generates = Some("more.yaml".into());
    let wanted = Wanted {
        generates: Some("more.yaml".to_owned()),
        ..Wanted::default()
    };
    let prepared = place.make(&work).unwrap();
    let Err(Trouble::User(message)) = place.site.collect(&prepared, &wanted) else {
        panic!("the tasks of an earlier run were taken");
    };
    assert_eq!(
        message,
        "`generates` names `more.yaml`, which was there before the task began, and no step wrote it"
    );
    fs::remove_file(&left).unwrap();
    fs::write(&left, "tasks: {new: {run: x}}").unwrap();
    assert!(
        place
            .site
            .collect(&prepared, &wanted)
            .unwrap()
            .generated
            .is_some()
    );
}
