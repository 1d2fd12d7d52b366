//! Paths of artifacts and reports: no two active tasks that share a tree write into each other's.
//!
//! Paths are compared as folders and what is in them: `out`, `./out/` and `out/x` overlap, `out` and `outer` do not.
//! Patterns are compared as they are written. A path that only the worker can compute stands for the folder that it
//! begins with. Tasks that wait for a path are parked under all of theirs.

use super::Machine;
use crate::order::ReadyKey;
use model::ids::TaskNo;
use model::plan::Text;
use model::time::Timestamp;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Folders that one path is told apart by; deeper ones count as one.
const DEPTH: usize = 64;

/// A path as it is compared: its parts, each with a `/` behind it, so that a folder is the beginning of what is in it.
pub(super) fn comparable(path: &str) -> Box<str> {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    let parts = parts.take(DEPTH).flat_map(|part| [part, "/"]);
    parts.collect::<String>().into()
}

/// The folder that a text with expressions begins with.
pub(super) fn beginning(text: &str) -> &str {
    let known = &text[..text.find(['$', '{']).unwrap_or(text.len())];
    &known[..known.rfind('/').unwrap_or(0)]
}

/// What of `map` lies above, at or below `path`.
fn overlapping<'m, V>(
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

impl Machine {
    /// The paths that a task has for itself while it is active; none where every task has a tree of its own.
    pub(crate) fn exclusive_paths(&self, no: TaskNo) -> Vec<Box<str>> {
        if self.head.clean {
            return Vec::new();
        }
        let row = self.row(no);
        match &row.wants {
            Some(wants) => wants.paths.iter().map(|path| comparable(path)).collect(),
            None => {
                let all = self.plan.task(row.def).exclusive_texts();
                all.filter_map(Text::literal).map(comparable).collect()
            }
        }
    }

    pub(super) fn path_in_use(&self, no: TaskNo) -> bool {
        let paths = self.exclusive_paths(no);
        paths
            .iter()
            .any(|path| overlapping(&self.index.paths, path).next().is_some())
    }

    /// Waits under all its paths: whichever becomes free, it is looked at again.
    pub(super) fn park_on_paths(&mut self, no: TaskNo) {
        let key = self.ready_key(no);
        for path in self.exclusive_paths(no) {
            let parked = self.index.parked_on_paths.entry(path).or_default();
            parked.insert(key);
        }
    }

    pub(super) fn forget_parked(&mut self, no: TaskNo) {
        let key = self.ready_key(no);
        for path in self.exclusive_paths(no) {
            if let Some(parked) = self.index.parked_on_paths.get_mut(&path) {
                parked.remove(&key);
                if parked.is_empty() {
                    self.index.parked_on_paths.remove(&path);
                }
            }
        }
    }

    /// Takes the paths that a running task declares.
    pub(super) fn occupy(&mut self, no: TaskNo) {
        for path in self.exclusive_paths(no) {
            self.index.paths.insert(path, no);
        }
    }

    /// Gives the paths back.
    pub(super) fn vacate(&mut self, no: TaskNo) {
        for path in self.exclusive_paths(no) {
            self.index.paths.remove(&path);
        }
    }

    /// Of those that wait for something in paths that are not used any more, the most urgent whose paths are all free
    /// go on; only such as do not stand in each other's way, as others would be put aside again behind them.
    pub(super) fn wake_on_paths(&mut self, freed: &[Box<str>], now: Timestamp) {
        let waiting = freed
            .iter()
            .flat_map(|path| overlapping(&self.index.parked_on_paths, path))
            .filter_map(|(path, waiting)| Some((*waiting.first()?, path.clone())));
        let mut waiting: Vec<(ReadyKey, Box<str>)> = waiting.collect();
        waiting.sort_unstable();
        waiting.dedup();
        let mut taken: BTreeMap<Box<str>, ()> = BTreeMap::new();
        for (_, path) in waiting {
            let is_free = |path: &str| {
                overlapping(&self.index.paths, path).next().is_none()
                    && overlapping(&taken, path).next().is_none()
            };
            if !is_free(&path) {
                continue;
            }
            let queue = self.index.parked_on_paths.get(&path).into_iter().flatten();
            let next = queue
                .map(|(_, _, no)| (*no, self.exclusive_paths(*no)))
                .find(|(_, paths)| paths.iter().all(|path| is_free(path)));
            if let Some((next, paths)) = next {
                taken.extend(paths.into_iter().map(|path| (path, ())));
                self.unpark(next, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_overlaps_with_itself_what_is_above_and_what_is_below() {
        let map: BTreeMap<Box<str>, ()> = ["", "a/b/", "a/b/c/", "a/bc/", "d/"]
            .map(|path| (path.into(), ()))
            .into();
        let found = |path: &str| -> Vec<&str> {
            let found = overlapping(&map, path);
            found.map(|(path, ())| path.as_ref()).collect()
        };
        assert_eq!(found("a/b/"), ["", "a/b/", "a/b/c/"]);
        assert_eq!(found("a/b/x/"), ["", "a/b/"]);
        assert_eq!(found("a/"), ["", "a/b/", "a/b/c/", "a/bc/"]);
        assert_eq!(found("").len(), 5);
    }

    #[test]
    fn paths_are_one_however_they_are_written() {
        for path in ["out/x", "./out/x", "out//x/", "out/./x"] {
            assert_eq!(comparable(path).as_ref(), "out/x/");
        }
        assert_eq!(comparable("."), "".into());
    }

    #[test]
    fn a_text_with_an_expression_stands_for_the_folder_it_begins_with() {
        assert_eq!(beginning("out/x-${{ env.A }}/y"), "out");
        assert_eq!(beginning("${{ env.A }}"), "");
    }
}
