//! Patterns of files, as artifacts and expressions have them.
//!
//! A pattern matches paths below a folder: `*` stops at `/`, and the name of a folder matches all in it. None leads out
//! of the folder. A walk begins where the patterns begin to vary.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BadPattern {
    /// It leads out of the folder.
    LeadsOut(String),
    /// It is none, and why.
    Malformed(String, String),
    /// All together are too much.
    Together(String),
}

/// One matcher of all patterns.
///
/// # Errors
/// With the first pattern that cannot be used.
pub(crate) fn matcher<'a>(
    patterns: impl IntoIterator<Item = &'a str>,
) -> Result<GlobSet, BadPattern> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let clean = clean(pattern);
        if leads_out(clean) {
            return Err(BadPattern::LeadsOut(pattern.to_owned()));
        }
        let all_in_it = match clean {
            "" => "**".to_owned(),
            clean => format!("{clean}/**"),
        };
        for each in [clean.to_owned(), all_in_it] {
            let glob = GlobBuilder::new(&each).literal_separator(true).build();
            let malformed = |error: globset::Error| {
                BadPattern::Malformed(pattern.to_owned(), error.kind().to_string())
            };
            set.add(glob.map_err(malformed)?);
        }
    }
    set.build()
        .map_err(|error| BadPattern::Together(error.to_string()))
}

/// The folders that patterns begin with, before any special character, without those that lie in others.
pub(crate) fn beginnings<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Vec<PathBuf> {
    let folders: BTreeSet<PathBuf> = patterns
        .into_iter()
        .map(|pattern| {
            let parts = clean(pattern).split('/');
            parts
                .take_while(|part| !part.contains(['*', '?', '[', '{', '\\']))
                .collect()
        })
        .collect();
    let inside = |folder: &PathBuf| {
        let mut above = folder.ancestors().skip(1);
        above.any(|above| folders.contains(above))
    };
    let outermost = folders.iter().filter(|folder| !inside(folder));
    outermost.cloned().collect()
}

/// Whether a path below a folder leads out of it.
pub(crate) fn leads_out(path: impl AsRef<Path>) -> bool {
    let mut parts = path.as_ref().components();
    parts.any(|part| !matches!(part, Component::Normal(_) | Component::CurDir))
}

/// A pattern as it is matched: without `./` in front and `/` behind; empty for the folder itself.
pub(crate) fn clean(pattern: &str) -> &str {
    let clean = pattern.trim_start_matches("./").trim_end_matches('/');
    if clean == "." { "" } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_files_and_all_in_a_folder() {
        let matcher = matcher(["./src/", "*.rs"]).unwrap();
        for path in ["src", "src/a/b.txt", "a.rs"] {
            assert!(matcher.is_match(path), "{path}");
        }
        for path in ["a/b.rs", "srcs", "b.txt"] {
            assert!(!matcher.is_match(path), "{path}");
        }
    }

    #[test]
    fn the_folder_itself_is_all_in_it() {
        for pattern in [".", "./", "**"] {
            assert!(matcher([pattern]).unwrap().is_match("a/b.rs"), "{pattern}");
            assert_eq!(beginnings([pattern].into_iter()), [PathBuf::new()]);
        }
    }

    #[test]
    fn a_walk_begins_where_patterns_vary_and_nowhere_twice() {
        let begin = |patterns: &[&str]| beginnings(patterns.iter().copied());
        assert_eq!(
            begin(&["a/b/*.c", "a/b/c", "d"]),
            ["a/b", "d"].map(PathBuf::from)
        );
        assert_eq!(begin(&["a/b", "**/x"]), [PathBuf::new()]);
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_named() {
        let out = BadPattern::LeadsOut("../x".to_owned());
        assert_eq!(matcher(["../x"]).unwrap_err(), out);
        let malformed = matcher(["a["]).unwrap_err();
        assert!(matches!(malformed, BadPattern::Malformed(pattern, _) if pattern == "a["));
    }
}
