//! Paths of one tree as they are compared: as folders and what is in them.
//!
//! `out`, `./out/` and `out/x` overlap, `out` and `outer` do not. Patterns are compared as they are written. `pipeline` warns
//! of tasks whose paths overlap, `engine` keeps them apart; both must mean the same.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Folders that one path is told apart by; deeper ones count as one.
const DEPTH: usize = 64;

/// A path as it is compared: its parts, each with a `/` behind it, so that a folder is the beginning of what is in it.
#[must_use]
pub fn comparable(path: &str) -> Box<str> {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    let parts = parts.take(DEPTH).flat_map(|part| [part, "/"]);
    parts.collect::<String>().into()
}

/// What of `map` lies above, at or below `path`; all of them as [`comparable`] gives them.
pub fn overlapping<'m, V>(
    map: &'m BTreeMap<Box<str>, V>,
    path: &str,
) -> impl Iterator<Item = (&'m Box<str>, &'m V)> {
    let ends = path.char_indices().filter(|(_, c)| *c == '/');
    let above = ends.map(|(at, _)| at + 1).filter(|end| *end < path.len());
    let root = (!path.is_empty()).then_some(0);
    let above = root.into_iter().chain(above);
    let above: Vec<_> = above
        .filter_map(|end| map.get_key_value(&path[..end]))
        .collect();
    let from = (Bound::Included(path), Bound::Unbounded);
    let below = map.range::<str, _>(from);
    let path = path.to_owned();
    above
        .into_iter()
        .chain(below.take_while(move |(each, _)| each.starts_with(path.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_overlaps_with_what_is_above_at_and_below_it() {
        let map: BTreeMap<Box<str>, ()> = ["", "out", "./out/x/", "outer", "out/x/y"]
            .map(|path| (comparable(path), ()))
            .into();
        let found = |path: &str| {
            let path = comparable(path);
            let found = overlapping(&map, &path).map(|(each, ())| each.to_string());
            found.collect::<Vec<_>>()
        };
        assert_eq!(found("out/x"), ["", "out/", "out/x/", "out/x/y/"]);
        assert_eq!(found("outer/z"), ["", "outer/"]);
        assert_eq!(found("."), ["", "out/", "out/x/", "out/x/y/", "outer/"]);
    }
}
