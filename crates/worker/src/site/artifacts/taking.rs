//! Taking artifacts in: an archive is looked through before anything of it is written, and a person's work is never
//! replaced.

use super::never;
use crate::own::{Closed, Own};
use crate::patterns;
use crate::site::{Content, Prepared, Trouble, inside, known, make_dir, platform, tree};
use engine::rows::ArtifactRef;
use engine::work::Work;
use model::plan::ArtifactIn;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
/// Unpacks what a needed task gave; says which files that were there it replaced.
///
/// In a tree that the tasks share with a person, the producer's files are mostly still there: only those that are
/// missing or differ are written. A file that Git tracks and that has changes is the person's work, and is
/// never replaced.
pub(in crate::site) fn take_in(
    content: &dyn Content,
    work: &Work,
    wanted: &ArtifactIn,
    at: &Prepared,
    own: &Own,
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
    let closed = own.closed_folder(&root);
    if let Some(closed) = closed.map_err(|error| platform("look at", &root, &error))? {
        let (name, to, never) = (&wanted.name, to.unwrap_or("."), never(closed, &at.source));
        return Err(Trouble::User(format!(
            "artifact `{name}`: `to: {to}` {never}"
        )));
    }
    make_dir(&root)?;
    let mut remarks = Vec::new();
    for artifact in all {
        remarks.extend(unpack_into(content, artifact, &root, at, own)?);
    }
    Ok(remarks)
}

/// Puts an artifact where its files were taken from, as [`take_in`] does; says which files that were there it replaced.
pub(in crate::site) fn put_back(
    content: &dyn Content,
    artifact: &ArtifactRef,
    at: &Prepared,
    own: &Own,
) -> Result<Option<String>, Trouble> {
    unpack_into(content, artifact, &at.source, at, own)
}

fn unpack_into(
    content: &dyn Content,
    artifact: &ArtifactRef,
    root: &Path,
    at: &Prepared,
    own: &Own,
) -> Result<Option<String>, Trouble> {
    let name = &artifact.name;
    let open = || {
        content
            .open(&artifact.digest)
            .map_err(|error| Trouble::Platform(format!("cannot read artifact `{name}`: {error}")))
    };
    let unpacked = |error: io::Error| platform("unpack into", root, &error);
    let entry = Entries { root, own };
    let refused = entry.refused(open()?).map_err(unpacked)?;
    if let Some(why) = refused {
        return Err(Trouble::User(format!("artifact `{name}` holds {why}")));
    }
    if at.worktree {
        entry.unpack(open()?, &|_| true).map_err(unpacked)?;
        return Ok(None);
    }
    let there = Comparison::of(open()?, root).map_err(unpacked)?;
    if there.missing.is_empty() && there.differing.is_empty() {
        return Ok(None);
    }
    there.refuse_work_of_a_person(name, root)?;
    entry
        .unpack(open()?, &|path| there.is_due(path))
        .map_err(unpacked)?;
    Ok(there.remark(name))
}

/// The files of an archive on their way into a folder.
struct Entries<'a> {
    root: &'a Path,
    own: &'a Own,
}

impl Entries<'_> {
    /// What of an archive may not be taken in, and why. Ours holds no such thing, one that was made elsewhere may.
    fn refused(&self, reader: Box<dyn Read + Send>) -> io::Result<Option<String>> {
        // Names that become links, through which what follows would be written.
        let mut links = BTreeSet::new();
        let mut folders = BTreeMap::new();
        for entry in tar::Archive::new(reader).entries()? {
            let entry = entry?;
            let path = entry.path()?.into_owned();
            let kind = entry.header().entry_type();
            let shown = path.display();
            if patterns::leads_out(&path) {
                return Ok(Some(format!("`{shown}`, which leads out of its folder")));
            }
            if let Some(closed) = self.closed(&path, &mut folders)? {
                return Ok(Some(format!("`{shown}`, which {}", closed.why())));
            }
            if path.ancestors().skip(1).any(|above| links.contains(above)) {
                return Ok(Some(format!(
                    "`{shown}`, which lies behind a link of its own"
                )));
            }
            if kind.is_symlink() {
                links.insert(path);
            } else if !kind.is_file() && !kind.is_dir() {
                let text = format!("`{shown}`, which is neither a file nor a folder nor a link");
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Why a file may not be written. `folders` are those that were looked at, without links.
    fn closed(
        &self,
        path: &Path,
        folders: &mut BTreeMap<PathBuf, Option<PathBuf>>,
    ) -> io::Result<Option<Closed>> {
        let folder = path.parent().unwrap_or(Path::new(""));
        if !folders.contains_key(folder) {
            let resolved = self.own.resolved(&self.root.join(folder))?;
            folders.insert(folder.to_owned(), resolved);
        }
        let name = path.file_name().unwrap_or_default();
        Ok(match &folders[folder] {
            Some(inside) => self.own.closed(&inside.join(name)),
            None => Some(Closed::Outside),
        })
    }

    fn unpack(
        &self,
        reader: Box<dyn Read + Send>,
        is_due: &dyn Fn(&Path) -> bool,
    ) -> io::Result<()> {
        let mut archive = tar::Archive::new(reader);
        archive.set_preserve_mtime(false);
        for entry in archive.entries()? {
            let mut entry = entry?;
            if is_due(&entry.path()?) {
                entry.unpack_in(self.root)?;
            }
        }
        Ok(())
    }
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
