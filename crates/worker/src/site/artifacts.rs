//! Artifacts: files by patterns, packed into one archive with one digest per content.
//!
//! The archive is a tar with sorted entries, no times and no owners, so that equal files make an equal digest.

use super::{
    Collected, Content, Prepared, Trouble, WantedArtifact, inside, known, make_dir, platform,
};
use engine::rows::ArtifactRef;
use engine::work::Work;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use model::plan::{ArtifactIn, IfMissing};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Folders that are never part of an artifact unless a pattern begins with them.
const NEVER: &[&str] = &[".git", ".formic/state"];
/// Files in one artifact; more is a mistake in a pattern.
const FILES: usize = 1_000_000;

/// Packs the files of an artifact.
pub(super) fn give_out(
    content: &dyn Content,
    wanted: &WantedArtifact,
    at: &Prepared,
    collected: &mut Collected,
) -> Result<(), Trouble> {
    let files = matching(wanted, &at.source)?;
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
    pack(&files, &at.source, &archive).map_err(|error| platform("pack", &archive, &error))?;
    let kept = fs::File::open(&archive).and_then(|mut file| content.put(&mut file));
    let (digest, size_bytes) = kept.map_err(|error| platform("keep", &archive, &error))?;
    drop(fs::remove_file(&archive));
    let files = u32::try_from(files.len()).unwrap_or(u32::MAX);
    collected.artifacts.push(ArtifactRef {
        name: wanted.name.clone(),
        digest,
        size_bytes,
        files,
    });
    Ok(())
}

fn pack(files: &[PathBuf], source: &Path, archive: &Path) -> io::Result<()> {
    let mut tar = tar::Builder::new(io::BufWriter::new(fs::File::create(archive)?));
    tar.mode(tar::HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    for file in files {
        tar.append_path_with_name(source.join(file), file)?;
    }
    tar.into_inner()?.flush()
}

/// The files that match, relative to the source, sorted.
fn matching(wanted: &WantedArtifact, source: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let include = globs(&wanted.name, &wanted.paths)?;
    let exclude = globs(&wanted.name, &wanted.exclude)?;
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = wanted
        .paths
        .iter()
        .map(|pattern| fixed_part(pattern))
        .collect();
    folders.sort();
    folders.dedup();
    // A folder below another one is walked with it.
    let roots: Vec<PathBuf> = folders
        .iter()
        .filter(|folder| {
            !folders
                .iter()
                .any(|other| other != *folder && folder.starts_with(other))
        })
        .cloned()
        .collect();
    for root in roots {
        walk(source, &root, &mut |path| {
            if include.is_match(path) && !exclude.is_match(path) {
                found.push(path.to_owned());
            }
            found.len() <= FILES
        })
        .map_err(|error| platform("look through", &source.join(&root), &error))?;
    }
    if found.len() > FILES {
        let name = &wanted.name;
        return Err(Trouble::User(format!(
            "artifact `{name}` has more than {FILES} files"
        )));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// A pattern matches a path; the name of a folder matches all in it.
fn globs(artifact: &str, patterns: &[String]) -> Result<GlobSet, Trouble> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let clean = pattern.trim_start_matches("./").trim_end_matches('/');
        inside(Path::new(""), clean)?;
        for each in [clean.to_owned(), format!("{clean}/**")] {
            let glob = GlobBuilder::new(&each).literal_separator(true).build();
            set.add(glob.map_err(|error| {
                Trouble::User(format!(
                    "artifact `{artifact}`: pattern `{pattern}`: {}",
                    error.kind()
                ))
            })?);
        }
    }
    set.build()
        .map_err(|error| Trouble::User(format!("artifact `{artifact}`: {error}")))
}

/// The folder that a pattern begins with, before any special character.
fn fixed_part(pattern: &str) -> PathBuf {
    let clean = pattern.trim_start_matches("./").trim_end_matches('/');
    let parts = clean
        .split('/')
        .take_while(|part| !part.contains(['*', '?', '[', '{', '\\']));
    parts.collect()
}

fn walk(source: &Path, at: &Path, found: &mut dyn FnMut(&Path) -> bool) -> io::Result<()> {
    let mut left = vec![at.to_owned()];
    while let Some(path) = left.pop() {
        let whole = source.join(&path);
        let kind = match fs::symlink_metadata(&whole) {
            Ok(metadata) => metadata.file_type(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if !kind.is_dir() {
            if !found(&path) {
                return Ok(());
            }
            continue;
        }
        for entry in fs::read_dir(&whole)? {
            let child = path.join(entry?.file_name());
            if child == *at || !NEVER.iter().any(|never| child == Path::new(never)) {
                left.push(child);
            }
        }
    }
    Ok(())
}

/// Unpacks what a needed task gave. In a shared tree what is there already stays as it is.
pub(super) fn take_in(
    content: &dyn Content,
    work: &Work,
    wanted: &ArtifactIn,
    at: &Prepared,
) -> Result<(), Trouble> {
    let given = work
        .needs
        .get(&wanted.from)
        .map(|need| need.artifacts.iter());
    let all: Vec<&ArtifactRef> = given
        .into_iter()
        .flatten()
        .filter(|artifact| artifact.name == wanted.name)
        .collect();
    if all.is_empty() && !wanted.optional {
        return Err(Trouble::User(format!(
            "artifact `{}` of `{}` is not there: that task did not give it",
            wanted.name, wanted.from
        )));
    }
    let to = wanted.to.as_ref().map(known).transpose()?;
    let root = match to {
        Some(to) => inside(&at.source, to)?,
        None => at.source.clone(),
    };
    make_dir(&root)?;
    let keep_present = to.is_none() && !at.worktree;
    for artifact in all {
        let reader = content.open(&artifact.digest).map_err(|error| {
            Trouble::Platform(format!("cannot read artifact `{}`: {error}", artifact.name))
        })?;
        unpack(reader, &root, keep_present)
            .map_err(|error| platform("unpack into", &root, &error))?;
    }
    Ok(())
}

fn unpack(reader: Box<dyn Read + Send>, root: &Path, keep_present: bool) -> io::Result<()> {
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_mtime(false);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = root.join(entry.path()?);
        if keep_present && path.symlink_metadata().is_ok() {
            continue;
        }
        entry.unpack_in(root)?;
    }
    Ok(())
}
