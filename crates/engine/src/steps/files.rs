//! `hash` and `glob` in expressions: the files of the source, as they are at that moment.
//!
//! What is found is the worker's, handed in as a [`Listing`]; what is made of it is decided here, so that a key is
//! the same wherever it is computed. Names of files are text from outside, their hash is not.

use expr::{Error, Value};
use model::digest::{Digest, DigestWriter};
use model::limits;
use model::plan::RunFunction;
use std::fmt;

/// A look at the files below a task's source folder.
pub trait Listing: fmt::Debug + Send + Sync {
    /// The files that one of the patterns matches, each once, in any order; names are relative to the folder. A
    /// symbolic link is a file of its own, wherever it leads to.
    ///
    /// # Errors
    /// When a pattern is none, too much is found, or the folder cannot be read.
    fn matching(&self, patterns: &[&str]) -> Result<Vec<ListedFile>, String>;

    /// The digest of a file's content, or of the text of a link.
    ///
    /// # Errors
    /// When it cannot be read.
    fn digest(&self, file: &ListedFile) -> Result<Digest, String>;
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name below the folder, with `/` between its parts.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
    /// How large its content is.
    pub size_bytes: u64,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file with content.
    Plain,
    /// The same, and its owner may run it.
    Executable,
    /// A symbolic link.
    Link,
}

/// What the files that match come to, as 64 hex digits; nothing when no file matches.
///
/// It is the SHA-256 of a line for each file, sorted by name: the name, a zero byte, `-`, `x` or `l` for what it is, and
/// the SHA-256 of its content in hex digits.
///
/// # Errors
/// As [`Listing`], and when there is more content than may be read.
pub fn hash(listing: &dyn Listing, patterns: &[&str]) -> Result<String, String> {
    let files = bounded(listing, patterns)?;
    digest_of(listing, &files)
}

/// The files that match, sorted, none of which was read.
///
/// # Errors
/// When they cannot be named, or have more content than may be read.
pub(super) fn bounded(listing: &dyn Listing, patterns: &[&str]) -> Result<Vec<ListedFile>, String> {
    let files = sorted(listing, patterns)?;
    let size_bytes: u64 = files.iter().map(|file| file.size_bytes).sum();
    if size_bytes > limits::HASHED_BYTES {
        let (count, most) = (files.len(), limits::HASHED_BYTES);
        return Err(format!(
            "the {count} files of `{}` have {size_bytes} bytes; at most {most} are read",
            patterns.join("`, `")
        ));
    }
    Ok(files)
}

/// What sorted files come to, as [`hash`] says.
///
/// # Errors
/// When one of them cannot be read.
pub(super) fn digest_of(listing: &dyn Listing, files: &[ListedFile]) -> Result<String, String> {
    if files.is_empty() {
        return Ok(String::new());
    }
    let mut lines = DigestWriter::new();
    for file in files {
        let kind = match file.kind {
            FileKind::Plain => '-',
            FileKind::Executable => 'x',
            FileKind::Link => 'l',
        };
        let content = listing.digest(file)?.to_hex();
        lines.update(format!("{}\0{kind}{content}\n", file.path).as_bytes());
    }
    Ok(lines.finish().to_hex())
}

/// The names of the files that match, sorted.
///
/// # Errors
/// As [`Listing`].
pub fn glob(listing: &dyn Listing, patterns: &[&str]) -> Result<Vec<String>, String> {
    let files = sorted(listing, patterns)?;
    Ok(files.into_iter().map(|file| file.path).collect())
}

fn sorted(listing: &dyn Listing, patterns: &[&str]) -> Result<Vec<ListedFile>, String> {
    let mut files = listing.matching(patterns)?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    Ok(files)
}

/// The call of `hash` or `glob`; `None` when it is neither.
pub(super) fn call(
    listing: Option<&dyn Listing>,
    name: &str,
    args: &[Value],
) -> Option<Result<Value, Error>> {
    let answer = match RunFunction::from_name(name)? {
        RunFunction::Hash => asked(listing, name, args).and_then(|(listing, patterns)| {
            hash(listing, &patterns).map(|hash| Value::from(hash.as_str()))
        }),
        RunFunction::Glob => asked(listing, name, args).and_then(|(listing, patterns)| {
            let files = glob(listing, &patterns)?;
            let files = files.iter().map(|file| Value::from(file.as_str()));
            Ok(Value::list(files.collect()).tainted())
        }),
        RunFunction::Succeeded
        | RunFunction::Failed
        | RunFunction::Canceled
        | RunFunction::Always => return None,
    };
    Some(answer.map_err(Error::eval))
}

fn asked<'a>(
    listing: Option<&'a dyn Listing>,
    name: &str,
    args: &'a [Value],
) -> Result<(&'a dyn Listing, Vec<&'a str>), String> {
    let patterns: Option<Vec<&str>> = args.iter().map(Value::as_str).collect();
    let patterns = patterns.filter(|patterns| !patterns.is_empty());
    let patterns =
        patterns.ok_or_else(|| format!("`{name}` takes patterns, as in `{name}('*.lock')`"))?;
    let listing = listing.ok_or_else(|| format!("`{name}` is asked where there are no files"))?;
    Ok((listing, patterns))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files that all match, with their contents.
    #[derive(Debug)]
    struct Fake(Vec<(&'static str, FileKind, &'static str)>);

    impl Listing for Fake {
        fn matching(&self, _: &[&str]) -> Result<Vec<ListedFile>, String> {
            let files = self.0.iter();
            let listed = files.map(|(path, kind, content)| ListedFile {
                path: (*path).to_owned(),
                kind: *kind,
                size_bytes: content.len() as u64,
            });
            Ok(listed.collect())
        }

        fn digest(&self, file: &ListedFile) -> Result<Digest, String> {
            let found = self.0.iter().find(|(path, _, _)| *path == file.path);
            Ok(Digest::of(found.unwrap().2.as_bytes()))
        }
    }

    fn hashed(files: &[(&'static str, FileKind, &'static str)]) -> String {
        hash(&Fake(files.to_vec()), &["**"]).unwrap()
    }

    #[test]
    fn a_hash_is_the_digest_of_sorted_lines() {
        let content = |text: &str| Digest::of(text.as_bytes()).to_hex();
        let lines = format!("a\0x{}\nb\0-{}\n", content("1"), content("2"));
        let found = hashed(&[
            ("b", FileKind::Plain, "2"),
            ("a", FileKind::Executable, "1"),
        ]);
        assert_eq!(found, Digest::of(lines.as_bytes()).to_hex());
    }

    #[test]
    fn a_hash_changes_with_name_content_and_mode() {
        let all = [
            hashed(&[("a", FileKind::Plain, "1")]),
            hashed(&[("b", FileKind::Plain, "1")]),
            hashed(&[("a", FileKind::Plain, "2")]),
            hashed(&[("a", FileKind::Executable, "1")]),
            hashed(&[("a", FileKind::Link, "1")]),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn the_hash_of_nothing_is_empty() {
        assert_eq!(hashed(&[]), "");
    }

    #[test]
    fn names_of_files_are_sorted_and_from_outside() {
        let fake = Fake(vec![("b", FileKind::Plain, ""), ("a", FileKind::Plain, "")]);
        let value = call(Some(&fake), "glob", &[Value::from("*")])
            .unwrap()
            .unwrap();
        assert!(value.is_tainted());
        let names: Vec<_> = value.as_list().unwrap().iter().map(Value::as_str).collect();
        assert_eq!(names, [Some("a"), Some("b")]);
        let hash = call(Some(&fake), "hash", &[Value::from("*")])
            .unwrap()
            .unwrap();
        assert!(!hash.is_tainted());
    }

    #[test]
    fn a_call_without_a_pattern_says_what_it_takes() {
        let error = call(None, "hash", &[]).unwrap().unwrap_err();
        assert_eq!(
            error.message,
            "`hash` takes patterns, as in `hash('*.lock')`"
        );
    }
}
