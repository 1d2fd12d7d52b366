//! Paths of artifacts and reports: no two active tasks that share a tree write into each other's, and none writes where
//! another one uses an artifact that it took.
//!
//! Paths are compared as folders and what is in them: `out`, `./out/` and `out/x` overlap, `out` and `outer` do not.
//! Patterns are compared as they are written. A path that only the worker can compute stands for the folder that it
//! begins with. Tasks that wait for a path are parked under all of theirs.

use super::Machine;
use crate::order::ReadyKey;
use crate::rows::TaskKind;
use model::ids::{DefNo, TaskNo};
use model::paths::{comparable, overlapping};
use model::plan::{Phase, Text};
use model::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The folder that a text with expressions begins with.
pub(super) fn beginning(text: &str) -> &str {
    let known = &text[..text.find(['$', '{']).unwrap_or(text.len())];
    &known[..known.rfind('/').unwrap_or(0)]
}

/// What a task has of a path while it is active.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hold {
    /// It writes there, and others do nothing there meanwhile.
    Alone,
    /// It uses what this task gave under this name. Others may use the same, as nobody writes it.
    With(TaskNo, Box<str>),
}

impl Hold {
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        *self == Self::Alone || self != other
    }
}

/// A path and what a task has of it.
pub(crate) type Claim = (Box<str>, Hold);

/// Paths that are in use, with how many tasks have what of each.
pub(super) type InUse = BTreeMap<Box<str>, BTreeMap<Hold, u32>>;

fn is_free(in_use: &InUse, claims: &[Claim]) -> bool {
    claims.iter().all(|(path, hold)| {
        let holds = overlapping(in_use, path).flat_map(|(_, holds)| holds.keys());
        !holds.into_iter().any(|other| hold.excludes(other))
    })
}

fn use_paths(in_use: &mut InUse, claims: Vec<Claim>) {
    for (path, hold) in claims {
        *in_use.entry(path).or_default().entry(hold).or_insert(0) += 1;
    }
}

impl Machine {
    /// The paths that a task writes, or uses as another task gave them, while it is active; none where every task has a
    /// tree of its own.
    pub(crate) fn claims(&self, no: TaskNo) -> Vec<Claim> {
        if self.head.clean {
            return Vec::new();
        }
        let written = self.written_paths(no).into_iter();
        let mut claims: Vec<Claim> = written.map(|path| (path, Hold::Alone)).collect();
        claims.extend(self.taken(no));
        claims
    }

    fn written_paths(&self, no: TaskNo) -> Vec<Box<str>> {
        let row = self.row(no);
        match &row.wants {
            Some(wants) => wants.paths.iter().map(|path| comparable(path)).collect(),
            None => {
                let all = self.plan.task(row.def).exclusive_texts();
                all.filter_map(Text::literal).map(comparable).collect()
            }
        }
    }

    /// Where the artifacts are put that a task takes.
    fn taken(&self, no: TaskNo) -> BTreeSet<Claim> {
        let row = self.row(no);
        let mut taken = BTreeSet::new();
        for (place, wanted) in self.plan.task(row.def).artifacts_in.iter().enumerate() {
            let Some(giver) = self.giver_of(no, &wanted.from) else {
                continue;
            };
            let hold = || Hold::With(giver, wanted.name.as_str().into());
            let destinations = row.wants.as_ref().map(|wants| &wants.destinations);
            let known = destinations.and_then(|all| all.get(place)?.as_ref());
            match known.or(wanted.to.as_ref()) {
                Some(Text::Literal(to)) => {
                    taken.insert((comparable(to), hold()));
                }
                Some(Text::Template(expression)) => {
                    taken.insert((comparable(beginning(&expression.text)), hold()));
                }
                None => {
                    let mut paths = BTreeSet::new();
                    self.given_paths(giver, &wanted.name, &mut paths);
                    taken.extend(paths.into_iter().map(|path| (path, hold())));
                }
            }
        }
        taken
    }

    /// The task of this name from which a task takes something.
    fn giver_of(&self, no: TaskNo, name: &str) -> Option<TaskNo> {
        let instance = self.instance_of(no);
        let def = self.plan.task(self.row(no).def);
        let is_it = |def: &DefNo| self.plan.task(*def).name == name;
        let found = match def.phase {
            Phase::Main => def.needs.iter().map(|edge| edge.task).find(is_it),
            Phase::Finally => {
                let scope = self.index.instances[&instance].scope;
                self.plan.scope(scope).tasks.iter().copied().find(is_it)
            }
        };
        Some(self.top(instance, found?))
    }

    /// The paths that a task, the members of a matrix or the tasks of a call gave as an artifact.
    fn given_paths(&self, giver: TaskNo, name: &str, paths: &mut BTreeSet<Box<str>>) {
        let row = self.row(giver);
        match row.kind {
            TaskKind::Matrix => {
                let group = self.index.groups.get(&giver);
                let members =
                    group.map_or(0..0, |group| group.first.0..group.first.0 + group.count);
                for member in members {
                    self.given_paths(TaskNo(member), name, paths);
                }
            }
            TaskKind::Call => {
                let Some(instance) = self.index.instances.get(&Some(giver)) else {
                    return;
                };
                for def in &self.plan.scope(instance.scope).tasks {
                    self.given_paths(self.top(Some(giver), *def), name, paths);
                }
            }
            TaskKind::Leaf => {
                let written = self.written_paths(giver);
                let mut from = 0;
                for artifact in &self.plan.task(row.def).artifacts_out {
                    let texts = artifact.paths.iter();
                    // Without `wants` every path is in the plan.
                    let count =
                        texts.filter(|text| row.wants.is_some() || text.literal().is_some());
                    let to = from + count.count();
                    if artifact.name == name {
                        paths.extend(written[from..to].iter().cloned());
                    }
                    from = to;
                }
            }
        }
    }

    pub(super) fn path_in_use(&self, no: TaskNo) -> bool {
        !is_free(&self.index.paths, &self.claims(no))
    }

    /// Waits under all its paths: whichever becomes free, it is looked at again.
    pub(super) fn park_on_paths(&mut self, no: TaskNo) {
        let key = self.ready_key(no);
        for (path, _) in self.claims(no) {
            let parked = self.index.parked_on_paths.entry(path).or_default();
            parked.insert(key);
        }
    }

    pub(super) fn forget_parked(&mut self, no: TaskNo) {
        let key = self.ready_key(no);
        for (path, _) in self.claims(no) {
            if let Some(parked) = self.index.parked_on_paths.get_mut(&path) {
                parked.remove(&key);
                if parked.is_empty() {
                    self.index.parked_on_paths.remove(&path);
                }
            }
        }
    }

    /// Takes the paths of a running task.
    pub(super) fn occupy(&mut self, no: TaskNo) {
        let claims = self.claims(no);
        use_paths(&mut self.index.paths, claims);
    }

    /// Gives the paths back.
    pub(super) fn vacate(&mut self, no: TaskNo) {
        for (path, hold) in self.claims(no) {
            let Some(holds) = self.index.paths.get_mut(&path) else {
                continue;
            };
            if let Some(count) = holds.get_mut(&hold) {
                *count -= 1;
                if *count == 0 {
                    holds.remove(&hold);
                }
            }
            if holds.is_empty() {
                self.index.paths.remove(&path);
            }
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
        let mut taken = InUse::new();
        for (_, path) in waiting {
            let is_written = |in_use: &InUse| {
                let mut holds = overlapping(in_use, &path).flat_map(|(_, holds)| holds.keys());
                holds.any(|hold| *hold == Hold::Alone)
            };
            if is_written(&self.index.paths) || is_written(&taken) {
                continue;
            }
            let queue = self.index.parked_on_paths.get(&path).into_iter().flatten();
            let mut next = Vec::new();
            for (_, _, no) in queue {
                let claims = self.claims(*no);
                if is_free(&self.index.paths, &claims) && is_free(&taken, &claims) {
                    let alone = claims.contains(&(path.clone(), Hold::Alone));
                    use_paths(&mut taken, claims);
                    next.push(*no);
                    if alone {
                        break;
                    }
                }
            }
            for no in next {
                self.unpark(no, now);
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
