//! What may have become of the tasks that a start rule looks at.

use super::Decision;
use model::ids::DefNo;
use model::plan::{Activation, EdgeKind, SkipSpread, StatusOf, TaskDef};
use std::collections::BTreeMap;

/// What is known of the tasks of one definition together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Something of it runs.
    Run,
    /// It has ended well in an earlier run.
    Reuse,
    /// All of it is skipped.
    Skip,
    /// Known only later.
    Unknown,
}

/// Whether something is so in every run, in some, or in none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Maybe {
    #[default]
    No,
    Perhaps,
    Yes,
}

/// What may have become of several tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outlook {
    /// Whether one of them was skipped.
    pub skipped: Maybe,
    /// Whether one of them may have failed or been canceled.
    pub may_fail: bool,
}

impl Outlook {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        let skipped = match (self.skipped, other.skipped) {
            (Maybe::Yes, _) | (_, Maybe::Yes) => Maybe::Yes,
            (Maybe::Perhaps, _) | (_, Maybe::Perhaps) => Maybe::Perhaps,
            (Maybe::No, Maybe::No) => Maybe::No,
        };
        Self {
            skipped,
            may_fail: self.may_fail || other.may_fail,
        }
    }

    /// The same for who looks at a whole scope: there a skip counts for nothing.
    pub(super) const fn in_scope(self) -> Self {
        Self {
            skipped: Maybe::No,
            may_fail: self.may_fail,
        }
    }

    /// Whether skips are seen in the pasts that are possible.
    pub(super) const fn skips(self) -> &'static [bool] {
        match self.skipped {
            Maybe::No => &[false],
            Maybe::Perhaps => &[false, true],
            Maybe::Yes => &[true],
        }
    }
}

impl Fate {
    pub(super) const fn of(decision: Decision) -> Self {
        match decision {
            Decision::Run => Self::Run,
            Decision::Reuse => Self::Reuse,
            Decision::Skip => Self::Skip,
            Decision::Unknown => Self::Unknown,
        }
    }
}

/// What several tasks come to together: skipped only if all of them are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    seen: [bool; 4],
}

impl Sum {
    pub(super) const fn add(&mut self, fate: Fate) {
        self.seen[fate as usize] = true;
    }

    pub(super) const fn fate(self) -> Fate {
        let [run, reuse, skip, unknown] = self.seen;
        if run {
            Fate::Run
        } else if unknown {
            Fate::Unknown
        } else if reuse {
            Fate::Reuse
        } else if skip {
            Fate::Skip
        } else {
            Fate::Run
        }
    }
}

/// What was found out about the definitions of one scope so far.
#[derive(Debug, Default)]
pub(super) struct Fates<'a> {
    by_def: BTreeMap<DefNo, Found>,
    by_name: BTreeMap<&'a str, Fate>,
}

/// What was found out about one definition.
#[derive(Debug, Clone, Copy)]
struct Found {
    fate: Fate,
    own: Outlook,
    /// With everything before it.
    with_past: Outlook,
}

impl<'a> Fates<'a> {
    /// Notes what the definition `def` comes to; what those behind it may see of it.
    pub(super) fn insert(&mut self, def: DefNo, task: &'a TaskDef, fate: Fate) -> Outlook {
        let own = own(task, fate);
        let needs = task
            .needs
            .iter()
            .filter_map(|edge| self.by_def.get(&edge.task));
        let with_past = needs.fold(own, |past, need| past.and(need.with_past));
        let found = Found {
            fate,
            own,
            with_past,
        };
        self.by_def.insert(def, found);
        self.by_name.insert(&task.name, fate);
        own
    }

    pub(super) fn of(&self, def: DefNo) -> Option<Fate> {
        self.by_def.get(&def).map(|found| found.fate)
    }

    pub(super) fn named(&self, name: &str) -> Option<Fate> {
        self.by_name.get(name).copied()
    }

    /// What may have become of the needs of `task`, as its start rule sees them.
    pub(super) fn of_needs(&self, task: &TaskDef) -> Outlook {
        let mut all = Outlook::default();
        for edge in &task.needs {
            let Some(found) = self.by_def.get(&edge.task) else {
                continue;
            };
            let mut seen = match task.start.status_of {
                StatusOf::Ancestors => found.with_past,
                StatusOf::Needs | StatusOf::Scope => found.own,
            };
            if edge.kind == EdgeKind::Optional || edge.on_skip == SkipSpread::Ignore {
                seen.skipped = Maybe::No;
            }
            all = all.and(seen);
        }
        all
    }
}

/// What the tasks behind a definition may see of it.
fn own(task: &TaskDef, fate: Fate) -> Outlook {
    // Those behind a manual task that holds up nothing go on at once, as if it had succeeded.
    let released = matches!(task.activation, Activation::Manual { blocking: false });
    match fate {
        Fate::Run if released => Outlook::default(),
        Fate::Run => Outlook {
            skipped: Maybe::No,
            may_fail: true,
        },
        Fate::Reuse => Outlook::default(),
        Fate::Skip => Outlook {
            skipped: Maybe::Yes,
            may_fail: false,
        },
        Fate::Unknown => Outlook {
            skipped: Maybe::Perhaps,
            may_fail: true,
        },
    }
}
