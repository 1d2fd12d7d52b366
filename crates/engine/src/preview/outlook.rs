//! What may have become of the tasks that a start rule looks at.

use super::Decision;
use crate::names::Past;
use model::ids::DefNo;
use model::plan::{Edge, EdgeKind, SkipSpread, StatusOf, TaskDef, Tolerance};
use std::collections::BTreeMap;

/// What is known of the tasks of one definition together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Something of it runs.
    Run,
    /// It waits for a person and holds nobody up.
    Released,
    /// It has ended well in an earlier run.
    Reuse,
    /// All of it is skipped.
    Skip,
    /// Something of it fails, whatever the run does.
    Fail,
    /// Known only later.
    Unknown,
    /// Whether it starts is known only later; if it does, it fails.
    Doomed,
}

/// Whether something is so in every run, in some, or in none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Maybe {
    #[default]
    No,
    Perhaps,
    Yes,
}

impl Maybe {
    /// What is possible.
    pub(super) const fn values(self) -> &'static [bool] {
        match self {
            Self::No => &[false],
            Self::Perhaps => &[false, true],
            Self::Yes => &[true],
        }
    }
}

/// Whether one of several tasks has failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failed {
    #[default]
    No,
    /// Only by misfortune: a command may fail.
    Unlucky,
    /// It depends on what is known only later.
    Perhaps,
    Yes,
}

impl Failed {
    /// What is possible where everything succeeds that can.
    const fn good(self) -> &'static [bool] {
        match self {
            Self::No | Self::Unlucky => &[false],
            Self::Perhaps => &[false, true],
            Self::Yes => &[true],
        }
    }

    /// What is possible.
    const fn values(self) -> &'static [bool] {
        match self {
            Self::No => &[false],
            Self::Unlucky | Self::Perhaps => &[false, true],
            Self::Yes => &[true],
        }
    }
}

/// What may have become of several tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outlook {
    /// Whether one of them was skipped.
    pub skipped: Maybe,
    /// Whether one of them has failed.
    pub failed: Failed,
    /// Whether one of them was canceled.
    pub canceled: Maybe,
}

impl Outlook {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            skipped: self.skipped.max(other.skipped),
            failed: self.failed.max(other.failed),
            canceled: self.canceled.max(other.canceled),
        }
    }

    /// The same for who looks at a whole scope: there a skip counts for nothing.
    pub(super) const fn in_scope(self) -> Self {
        Self {
            skipped: Maybe::No,
            ..self
        }
    }

    /// The pasts that are possible where everything succeeds that can.
    pub(super) fn good(self) -> Vec<Past> {
        self.pasts(self.failed.good(), &[false])
    }

    /// The other pasts: those in which something goes wrong that need not.
    pub(super) fn bad(self) -> Vec<Past> {
        let good = self.good();
        let mut bad = self.pasts(self.failed.values(), self.canceled.values());
        bad.retain(|past| !good.contains(past));
        bad
    }

    fn pasts(self, failed: &[bool], canceled: &[bool]) -> Vec<Past> {
        let mut pasts = Vec::new();
        for skipped in self.skipped.values() {
            for failed in failed {
                for canceled in canceled {
                    pasts.push(Past {
                        failed: *failed,
                        canceled: *canceled,
                        skipped: *skipped,
                    });
                }
            }
        }
        pasts
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
    seen: [bool; 7],
}

impl Sum {
    pub(super) const fn add(&mut self, fate: Fate) {
        self.seen[fate as usize] = true;
    }

    pub(super) const fn fate(self) -> Fate {
        let [run, released, reuse, skip, fail, unknown, doomed] = self.seen;
        if fail {
            Fate::Fail
        } else if doomed {
            Fate::Doomed
        } else if run {
            Fate::Run
        } else if unknown {
            Fate::Unknown
        } else if released {
            Fate::Released
        } else if reuse {
            Fate::Reuse
        } else if skip {
            Fate::Skip
        } else {
            Fate::Run
        }
    }
}

/// What a definition adds to its scope, where a failure that counts as success is none.
pub(super) fn in_sum(fate: Fate, own: Outlook) -> Fate {
    match fate {
        Fate::Fail if own.failed != Failed::Yes => Fate::Run,
        Fate::Doomed if own.failed != Failed::Perhaps => Fate::Unknown,
        Fate::Run
        | Fate::Released
        | Fate::Reuse
        | Fate::Skip
        | Fate::Fail
        | Fate::Unknown
        | Fate::Doomed => fate,
    }
}

/// Whether a failure of `task` counts as success, whatever kind of failure it is.
pub(super) fn forgives(task: &TaskDef) -> bool {
    !task.critical || task.tolerance == Tolerance::Always
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

    /// What may have become of everything before `task`.
    pub(super) fn of_ancestors(&self, task: &TaskDef) -> Outlook {
        let needs = task.needs.iter();
        let found = needs.filter_map(|edge| self.by_def.get(&edge.task));
        found.fold(Outlook::default(), |all, found| all.and(found.with_past))
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
            if ignores_skip(edge) {
                seen.skipped = Maybe::No;
            }
            all = all.and(seen);
        }
        all
    }
}

/// Whether the skip of what is needed counts as success.
pub(super) fn ignores_skip(edge: &Edge) -> bool {
    edge.kind == EdgeKind::Optional || edge.on_skip == SkipSpread::Ignore
}

/// What the tasks behind a definition may see of it.
fn own(task: &TaskDef, fate: Fate) -> Outlook {
    let running = Outlook {
        skipped: Maybe::No,
        failed: if forgives(task) {
            Failed::No
        } else {
            Failed::Unlucky
        },
        canceled: Maybe::Perhaps,
    };
    match fate {
        Fate::Run => running,
        // Those behind go on at once, as if it had succeeded.
        Fate::Released | Fate::Reuse => Outlook::default(),
        Fate::Skip => Outlook {
            skipped: Maybe::Yes,
            ..Outlook::default()
        },
        Fate::Fail if forgives(task) => Outlook::default(),
        Fate::Fail if matches!(task.tolerance, Tolerance::When(_)) => Outlook {
            failed: Failed::Perhaps,
            ..running
        },
        Fate::Fail => Outlook {
            failed: Failed::Yes,
            ..Outlook::default()
        },
        Fate::Doomed if !forgives(task) => Outlook {
            skipped: Maybe::Perhaps,
            failed: Failed::Perhaps,
            ..running
        },
        Fate::Unknown | Fate::Doomed => Outlook {
            skipped: Maybe::Perhaps,
            ..running
        },
    }
}
