//! Artifacts: files by patterns, packed into one archive with one digest per content.
//!
//! The archive is a tar with sorted entries, no times and no owners, so that equal files make an equal digest.
//!
//! What is Git's or Formic's own ([`Own`]) is neither given nor taken, whoever made the archive: a pattern that matches
//! all finds nothing of it, and one that names it is an error.

mod taking;

pub(super) use taking::{put_back, take_in};

use super::{Collected, Content, Prepared, Trouble, WantedArtifact, open_at_once, platform};
use crate::own::{Closed, Own};
use crate::patterns::{self, BadPattern};
use engine::rows::ArtifactRef;
use globset::GlobSet;
use model::plan::IfMissing;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Files in one artifact; more is a mistake in a pattern.
const FILES: usize = 1_000_000;

/// Packs the files of an artifact.
pub(super) fn give_out(
    content: &dyn Content,
    wanted: &WantedArtifact,
    at: &Prepared,
    own: &Own,
    collected: &mut Collected,
) -> Result<(), Trouble> {
    let files = matching(wanted, &at.source, own)?;
    if files.is_empty() {
        let patterns = wanted.paths.join("`, `");
        let message = format!("artifact `{}`: no file matches `{patterns}`", wanted.name);
        return match wanted.if_missing {
            IfMissing::Fail => Err(Trouble::User(message)),
            IfMissing::Warn => {
                collected.remarks.push(message);
                Ok(())
            }
            IfMissing::Ignore => Ok(()),
        };
    }
    let archive = at.dir.join("artifact.tar");
    let keep = || {
        pack(&files, &at.source, &archive)?;
        let kept = fs::File::open(&archive).and_then(|mut archive| content.put(&mut archive));
        kept.map_err(Unpacked::Archive)
    };
    let kept = keep();
    // Also when that failed: others may need the room.
    drop(fs::remove_file(&archive));
    let (digest, size_bytes) = kept.map_err(|unpacked| match unpacked {
        Unpacked::File(file, error) => Trouble::User(format!(
            "artifact `{}`: cannot read `{}`: {error}",
            wanted.name,
            file.display()
        )),
        Unpacked::Archive(error) => {
            let what = format!("keep artifact `{}` in", wanted.name);
            platform(&what, &at.dir, &error)
        }
    })?;
    let files = u32::try_from(files.len()).unwrap_or(u32::MAX);
    collected.artifacts.push(ArtifactRef {
        name: wanted.name.clone(),
        digest,
        size_bytes,
        files,
    });
    Ok(())
}

/// Why there is no archive.
enum Unpacked {
    /// A file cannot be read.
    File(PathBuf, io::Error),
    /// The archive cannot be written or kept.
    Archive(io::Error),
}

fn pack(files: &[PathBuf], source: &Path, archive: &Path) -> Result<(), Unpacked> {
    let made = fs::File::create(archive).map_err(Unpacked::Archive)?;
    let mut tar = tar::Builder::new(io::BufWriter::new(made));
    tar.mode(tar::HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    for file in files {
        let whole = source.join(file);
        let unreadable = |error| Unpacked::File(file.clone(), error);
        let is_link = fs::symlink_metadata(&whole)
            .map_err(unreadable)?
            .is_symlink();
        let added = if is_link {
            tar.append_path_with_name(whole, file)
        } else {
            tar.append_file(file, &mut open_at_once(&whole).map_err(unreadable)?)
        };
        added.map_err(Unpacked::Archive)?;
    }
    let written = tar.into_inner().and_then(|mut archive| archive.flush());
    written.map_err(Unpacked::Archive)
}

/// The files that match, relative to the source, sorted.
fn matching(wanted: &WantedArtifact, source: &Path, own: &Own) -> Result<Vec<PathBuf>, Trouble> {
    let include = matcher(&wanted.name, &wanted.paths, source)?;
    let exclude = matcher(&wanted.name, &wanted.exclude, source)?;
    let refused = |why: String| Trouble::User(format!("artifact `{}`: {why}", wanted.name));
    for pattern in &wanted.paths {
        if let Some(closed) = own.closed(Path::new(patterns::clean(pattern))) {
            return Err(refused(format!("`{pattern}` {}", never(closed, source))));
        }
    }
    let mut found = Vec::new();
    for root in patterns::beginnings(wanted.paths.iter().map(String::as_str)) {
        refuse_links(&root, source, own).map_err(|trouble| in_artifact(&wanted.name, trouble))?;
        let mut files = |path: &Path, kind: fs::FileType| {
            if !include.is_match(path) || exclude.is_match(path) {
                return Ok(());
            }
            if let Some(what) = without_content(kind) {
                let path = path.display();
                return Err(refused(format!(
                    "`{path}` is {what}, which has no content to keep; leave it out with `exclude`, or remove it"
                )));
            }
            if found.len() == FILES {
                return Err(refused(format!("there are more than {FILES} files")));
            }
            found.push(path.to_owned());
            Ok(())
        };
        walk(source, &root, own, &mut files)?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn matcher(artifact: &str, patterns: &[String], source: &Path) -> Result<GlobSet, Trouble> {
    patterns::matcher(patterns.iter().map(String::as_str)).map_err(|bad| {
        let why = match bad {
            BadPattern::LeadsOut(pattern) => {
                let source = source.display();
                format!("`{pattern}` leads out of the source `{source}`; name files below it")
            }
            BadPattern::Malformed(pattern, why) => format!("pattern `{pattern}`: {why}"),
            BadPattern::Together(why) => why,
        };
        Trouble::User(format!("artifact `{artifact}`: {why}"))
    })
}

/// Looks at all files below a folder of the source, but for what is not the pipeline's. Links are not followed.
fn walk(
    source: &Path,
    at: &Path,
    own: &Own,
    file: &mut dyn FnMut(&Path, fs::FileType) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut left = vec![at.to_owned()];
    while let Some(path) = left.pop() {
        let whole = source.join(&path);
        let unreadable = |error: io::Error| {
            if error.kind() == io::ErrorKind::PermissionDenied {
                return Trouble::User(format!("cannot look into `{}`: {error}", whole.display()));
            }
            platform("look through", &whole, &error)
        };
        let kind = match fs::symlink_metadata(&whole) {
            Ok(metadata) => metadata.file_type(),
            Err(error) if is_away(&error) => continue,
            Err(error) => return Err(unreadable(error)),
        };
        if !kind.is_dir() {
            file(&path, kind)?;
            continue;
        }
        for entry in fs::read_dir(&whole).map_err(unreadable)? {
            let child = path.join(entry.map_err(unreadable)?.file_name());
            if own.closed(&child).is_none() {
                left.push(child);
            }
        }
    }
    Ok(())
}

fn is_away(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// What a file is that is neither plain nor a link.
fn without_content(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_file() || kind.is_symlink() {
        None
    } else if kind.is_fifo() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

/// Says behind a path why it is refused.
fn never(closed: Closed, source: &Path) -> String {
    let why = closed.why();
    match closed {
        Closed::Git | Closed::Formic => format!("{why}, and never part of an artifact"),
        Closed::Outside => format!("{why} `{}`", source.display()),
    }
}

/// Refuses a path whose folder is not the pipeline's, be it by a link.
fn refuse_links(path: &Path, root: &Path, own: &Own) -> Result<(), Trouble> {
    let folder = path.parent().unwrap_or(path);
    let closed = own.closed_folder(&root.join(folder));
    let closed = closed.map_err(|error| platform("look at", &root.join(folder), &error))?;
    match closed {
        None => Ok(()),
        Some(closed) => {
            let (path, never) = (path.display(), never(closed, root));
            Err(Trouble::User(format!("`{path}` {never}")))
        }
    }
}

fn in_artifact(name: &str, trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::User(why) => Trouble::User(format!("artifact `{name}`: {why}")),
        Trouble::Platform(_) => trouble,
    }
}
