//! Artifacts: files by patterns, packed into one archive with one digest per content.
//!
//! The archive is a tar with sorted entries, no times and no owners, so that equal files make an equal digest.

use super::{
    Collected, Content, Prepared, Trouble, WantedArtifact, inside, known, make_dir, platform, tree,
};
use crate::patterns::{self, BadPattern};
use engine::rows::ArtifactRef;
use engine::work::Work;
use globset::GlobSet;
use model::plan::{ArtifactIn, IfMissing};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
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
    let packed = pack(&files, &at.source, &archive);
    let kept = packed.and_then(|()| content.put(&mut fs::File::open(&archive)?));
    // Also when that failed: others may need the room.
    drop(fs::remove_file(&archive));
    let (digest, size_bytes) = kept.map_err(|error| {
        let what = format!("keep artifact `{}` in", wanted.name);
        platform(&what, &at.dir, &error)
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
    let include = matcher(&wanted.name, &wanted.paths)?;
    let exclude = matcher(&wanted.name, &wanted.exclude)?;
    let mut found = Vec::new();
    for root in patterns::beginnings(wanted.paths.iter().map(String::as_str)) {
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

fn matcher(artifact: &str, patterns: &[String]) -> Result<GlobSet, Trouble> {
    patterns::matcher(patterns.iter().map(String::as_str)).map_err(|bad| {
        let why = match bad {
            BadPattern::LeadsOut(pattern) => {
                format!("the pattern `{pattern}` leads out of the source")
            }
            BadPattern::Malformed(pattern, why) => format!("pattern `{pattern}`: {why}"),
            BadPattern::Together(why) => why,
        };
        Trouble::User(format!("artifact `{artifact}`: {why}"))
    })
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

/// Unpacks what a needed task gave; says which files that were there it replaced.
///
/// In a tree that the tasks share with a person, the producer's files are mostly still there: only those that are
/// missing or differ are written. A file that Git tracks and that has changes is the person's work, and is
/// never replaced.
pub(super) fn take_in(
    content: &dyn Content,
    work: &Work,
    wanted: &ArtifactIn,
    at: &Prepared,
) -> Result<Vec<String>, Trouble> {
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
    let mut remarks = Vec::new();
    for artifact in all {
        let name = &artifact.name;
        let open = || {
            content.open(&artifact.digest).map_err(|error| {
                Trouble::Platform(format!("cannot read artifact `{name}`: {error}"))
            })
        };
        let unpacked = |error: io::Error| platform("unpack into", &root, &error);
        if at.worktree {
            unpack(open()?, &root, &|_| true).map_err(unpacked)?;
            continue;
        }
        let there = Comparison::of(open()?, &root).map_err(unpacked)?;
        if there.missing.is_empty() && there.differing.is_empty() {
            continue;
        }
        there.refuse_work_of_a_person(name, &root)?;
        unpack(open()?, &root, &|path| there.is_due(path)).map_err(unpacked)?;
        remarks.extend(there.remark(name));
    }
    Ok(remarks)
}

fn unpack(
    reader: Box<dyn Read + Send>,
    root: &Path,
    is_due: &dyn Fn(&Path) -> bool,
) -> io::Result<()> {
    let mut archive = tar::Archive::new(reader);
    archive.set_preserve_mtime(false);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if is_due(&entry.path()?) {
            entry.unpack_in(root)?;
        }
    }
    Ok(())
}

/// The files of an artifact beside those that are there.
#[derive(Default)]
struct Comparison {
    missing: BTreeSet<PathBuf>,
    differing: BTreeSet<PathBuf>,
}

impl Comparison {
    fn of(reader: Box<dyn Read + Send>, root: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        for entry in tar::Archive::new(reader).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.into_owned();
            let place = root.join(&path);
            match fs::symlink_metadata(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    found.missing.insert(path);
                }
                Err(error) => return Err(error),
                Ok(there) => {
                    if !is_same(&mut entry, &place, &there)? {
                        found.differing.insert(path);
                    }
                }
            }
        }
        Ok(found)
    }

    fn is_due(&self, path: &Path) -> bool {
        self.missing.contains(path) || self.differing.contains(path)
    }

    /// # Errors
    /// When a differing file is tracked by Git and has changes, or is a folder.
    fn refuse_work_of_a_person(&self, artifact: &str, root: &Path) -> Result<(), Trouble> {
        if self.differing.is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.differing.iter().find(|path| root.join(path).is_dir()) {
            return Err(Trouble::User(format!(
                "artifact `{artifact}` has the file `{}`, and `{}` has a folder of that name; remove it",
                folder.display(),
                root.display()
            )));
        }
        let changed = tree::changed(root)?;
        match self.differing.iter().find(|path| changed.contains(*path)) {
            None => Ok(()),
            Some(path) => Err(Trouble::User(format!(
                "artifact `{artifact}` would replace `{}` in `{}`, which Git tracks and which has changes; commit \
                 them, or take the artifact in elsewhere with `to`",
                path.display(),
                root.display()
            ))),
        }
    }

    /// For the log: nothing is replaced in silence.
    fn remark(&self, artifact: &str) -> Option<String> {
        let first = self.differing.first()?.display();
        Some(match self.differing.len() {
            1 => format!("artifact `{artifact}` replaced `{first}`, which differed"),
            many => format!(
                "artifact `{artifact}` replaced {many} files that differed, `{first}` first"
            ),
        })
    }
}

fn is_same(
    entry: &mut tar::Entry<'_, impl Read>,
    place: &Path,
    there: &fs::Metadata,
) -> io::Result<bool> {
    let kind = entry.header().entry_type();
    if kind.is_symlink() {
        let leads_to = entry.link_name()?;
        return Ok(there.is_symlink() && leads_to.as_deref() == Some(&*fs::read_link(place)?));
    }
    let may_run = |mode: u32| mode & 0o100 != 0;
    let plain = kind.is_file()
        && there.is_file()
        && entry.size() == there.len()
        && may_run(entry.header().mode()?) == may_run(there.permissions().mode());
    if !plain {
        return Ok(false);
    }
    let mut there = io::BufReader::new(fs::File::open(place)?);
    let mut piece = [0; 16 * 1024];
    loop {
        let count = entry.read(&mut piece)?;
        if count == 0 {
            return Ok(true);
        }
        let mut same = [0; 16 * 1024];
        match there.read_exact(&mut same[..count]) {
            Ok(()) if same[..count] == piece[..count] => {}
            Ok(()) => return Ok(false),
            // It became shorter meanwhile.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}
