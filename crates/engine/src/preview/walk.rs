//! The walk over the definitions, in the order of their needs.

use super::asked::Questions;
use super::certain::{Certain, Env};
use super::judged::Judged;
use super::members::{self, Cells};
use super::names;
use super::order::in_order;
use super::outlook::{self, Failed, Fate, Fates, Maybe, Outlook};
use super::turn::Candidate;
use super::waits::says_more;
use super::{Decision, Known, Planned, Values, words};
use crate::texts::Texts;
use expr::Value;
use model::ids::{DefNo, ScopeNo};
use model::limits;
use model::matrix::Cell;
use model::plan::{Body, Phase, Plan, StatusOf, TaskDef};
use model::reason::SkipCause;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Plans everything.
pub(super) fn walk(plan: &Plan, known: &Known) -> Vec<Planned> {
    let mut walk = Walk {
        plan,
        known,
        held: known.held.as_deref().map(Arc::from),
        texts: Texts::of(&plan.more_files),
        questions: Questions::default(),
        roots: names::roots(plan),
        envs: BTreeMap::new(),
        looked_at: 0,
        bytes: 0,
        planned: Vec::new(),
    };
    walk.scope(&Place {
        scope: ScopeNo::ROOT,
        prefix: "",
        needs: &Arc::default(),
        inputs: None,
        depth: 0,
    });
    walk.planned
}

pub(super) struct Walk<'a> {
    pub plan: &'a Plan,
    known: &'a Known,
    pub held: Option<Arc<str>>,
    pub texts: Texts,
    pub questions: Questions,
    /// The names that the plan gives.
    pub roots: BTreeMap<String, Value>,
    envs: BTreeMap<ScopeNo, Arc<Env<'a>>>,
    /// How many members of the matrix at hand were looked at for texts that fail.
    pub looked_at: usize,
    /// About what the document of the tasks takes that are planned.
    bytes: usize,
    pub planned: Vec<Planned>,
}

/// One instance of a scope.
pub(super) struct Place<'p> {
    pub scope: ScopeNo,
    pub prefix: &'p str,
    /// What the call needs, and so everything in it.
    pub needs: &'p Arc<[String]>,
    /// The inputs of a call: those that are known, and whether any is not.
    pub inputs: Option<Inputs>,
    pub depth: usize,
}

/// What a call gives to its scope.
pub(super) struct Inputs {
    pub known: Value,
    pub unknown: BTreeSet<String>,
}

/// What all tasks of one definition share.
pub(super) struct Subject<'a> {
    def: DefNo,
    pub task: &'a TaskDef,
    id: String,
    pub needs: Arc<[String]>,
    /// About what they take in the document.
    pub needs_bytes: usize,
    pub when: Option<Arc<str>>,
    pub outlook: Outlook,
    pub certain: Certain<'a>,
}

impl<'a> Walk<'a> {
    /// Plans the tasks of one instance of a scope; what they come to together.
    pub(super) fn scope(&mut self, place: &Place<'_>) -> Fate {
        let members = &self.plan.scope(place.scope).tasks;
        let mut fates = Fates::default();
        let mut sum = outlook::Sum::default();
        let mut behind = Outlook::default();
        for def in in_order(self.plan, members) {
            let task = self.plan.task(def);
            let outlook = match (task.start.status_of, task.phase) {
                (StatusOf::Needs | StatusOf::Ancestors, _) => fates.of_needs(task),
                (StatusOf::Scope, Phase::Finally) => {
                    of_finally(task, behind, fates.of_ancestors(task).in_scope())
                }
                (StatusOf::Scope, Phase::Main) => {
                    whatever_has_ended(task, behind).and(fates.of_ancestors(task).in_scope())
                }
            };
            let subject = self.subject(place, def, task, outlook);
            let fate = self.definition(Candidate {
                place,
                subject: &subject,
                matrix: None,
                fates: &fates,
            });
            let own = fates.insert(def, task, fate);
            if task.phase == Phase::Main {
                behind = behind.and(own.in_scope());
            }
            sum.add(outlook::in_sum(fate, own));
        }
        sum.fate()
    }

    fn subject(
        &mut self,
        place: &Place<'_>,
        def: DefNo,
        task: &'a TaskDef,
        outlook: Outlook,
    ) -> Subject<'a> {
        let plan = self.plan;
        let env = self.envs.entry(task.scope);
        let env = env.or_insert_with(|| Arc::new(Env::of(plan.scope(task.scope))));
        let certain = Certain::of(plan, task, env);
        let needed = |edge: &model::plan::Edge| {
            let name = &plan.task(edge.task).name;
            format!("{}{name}", place.prefix)
        };
        let condition = task.start.condition.as_ref();
        // That of `finally` stands in no file.
        let written = condition.filter(|condition| says_more(task) || condition.at.is_some());
        let needs: Arc<[String]> = match task.needs.as_slice() {
            [] => Arc::clone(place.needs),
            needs => needs.iter().map(needed).collect(),
        };
        Subject {
            def,
            task,
            id: format!("{}{}", place.prefix, task.name),
            needs_bytes: needs.iter().map(|need| need.len() + 3).sum(),
            needs,
            when: written.map(|condition| words::listed_condition(condition.as_written())),
            outlook,
            certain,
        }
    }

    /// Plans the tasks of one definition; what they come to together. The rule of a matrix that does not look at `matrix`
    /// is asked once, before the cells are looked at.
    fn definition(&mut self, whole: Candidate<'_>) -> Fate {
        let subject = whole.subject;
        let cells = self.cells(whole);
        if let Cells::None = cells {
            return self.one(whole, None, None);
        }
        let rule = match self.reads_matrix(subject.task) {
            true => None,
            false => Some(self.rule(whole)),
        };
        if let Some(rule) = &rule {
            let is_skipped = rule.decision == Decision::Skip && self.held.is_none();
            if rule.fault.is_some() || (is_skipped && !members::are_made_at_once(subject.task)) {
                return self.push(subject, Values::Unknown, rule.clone());
            }
        }
        let may_run = rule
            .as_ref()
            .is_none_or(|rule| rule.decision == Decision::Run);
        let cells = match cells {
            Cells::None => return Fate::Run,
            Cells::Known(cells) if !cells.is_empty() => cells,
            Cells::Known(_) => {
                let none = "its matrix has no cell";
                let judged = match rule.filter(|_| !may_run) {
                    Some(rule) => rule,
                    None => Judged::skip(SkipCause::EmptyMatrix, none),
                };
                return self.push(subject, Values::None, judged);
            }
            Cells::Unknown(why) => return self.unknown_matrix(whole, &why),
            Cells::Faulty { message, at } => {
                let judged = match rule.filter(|_| !may_run) {
                    Some(rule) => rule.doomed(),
                    None => Judged::faulty(subject.task, &message, at),
                };
                return self.push(subject, Values::Unknown, judged);
            }
        };
        if may_run && self.planned.len().saturating_add(cells.len()) > limits::TASKS_PER_RUN {
            let (more, most) = (cells.len(), limits::TASKS_PER_RUN);
            let why = format!("{more} more tasks do not fit into {most}");
            let judged = Judged::faulty(subject.task, &why, None);
            return self.push(subject, Values::Unknown, judged);
        }
        let shared = rule.filter(|_| !subject.certain.reads_matrix());
        let shared = shared.map(|rule| self.begun(whole, rule));
        let reason = match &shared {
            Some(judged) => judged.reason.len(),
            // Those of the others are about as long.
            None => {
                let first = Values::Cell(cells[0].clone());
                let first = Candidate {
                    matrix: Some(&first),
                    ..whole
                };
                self.judge(first).reason.len()
            }
        };
        if !self.has_space(subject, &cells, reason) {
            let why = words::unlisted_members(cells.len());
            return self.unknown_matrix(whole, &why);
        }
        let group: Arc<str> = subject.id.as_str().into();
        let mut sum = outlook::Sum::default();
        let first = self.planned.len();
        // Each matrix has its own first members; the steps of all are counted together.
        let outside = std::mem::take(&mut self.looked_at);
        for cell in cells {
            let member = Some((&group, cell));
            sum.add(self.one(whole, member, shared.clone()));
        }
        self.looked_at = outside;
        self.stop_members(subject, first);
        sum.fate()
    }

    /// Whether the condition of `task` reads the values of its matrix.
    fn reads_matrix(&mut self, task: &TaskDef) -> bool {
        let condition = task.start.condition.as_ref();
        let asked = condition.map(|condition| self.questions.of(&mut self.texts, condition));
        asked.is_some_and(|asked| asked.is_ok_and(|asked| asked.reads("matrix")))
    }

    /// Whether the members of a matrix, each with so long a reason, can be listed without making the plan too long.
    fn has_space(&self, subject: &Subject<'_>, cells: &[Cell], reason: usize) -> bool {
        let each = bytes_of_task(subject, subject.id.len(), reason);
        let cells: usize = cells
            .iter()
            .map(|cell| each + members::bytes_of(cell))
            .sum();
        self.fits(cells)
    }

    /// Whether so many more bytes do not make the plan too long.
    pub(super) const fn fits(&self, bytes: usize) -> bool {
        self.bytes.saturating_add(bytes) <= limits::PREVIEW_BYTES
    }

    /// The failure of one member of a matrix that fails fast cancels those that have not ended.
    fn stop_members(&mut self, subject: &Subject<'_>, first: usize) {
        let matrix = subject.task.matrix.as_ref();
        let fails_fast = matrix.is_some_and(|matrix| matrix.fail_fast);
        let members = &mut self.planned[first..];
        let failing = members.iter().find(|member| {
            let fault = member.fault.as_deref();
            fault.is_some_and(|fault| !fault.allowed)
        });
        let Some(failing) = failing.filter(|_| fails_fast) else {
            return;
        };
        let reason: Arc<str> = match failing.decision {
            Decision::Run => format!(
                "would be canceled if it has not ended when {} fails",
                failing.id
            ),
            Decision::Reuse | Decision::Skip | Decision::Unknown => {
                format!("would be canceled, because {} fails", failing.id)
            }
        }
        .into();
        let running = members
            .iter_mut()
            .filter(|member| member.decision == Decision::Run && member.fault.is_none());
        for member in running {
            member.decision = Decision::Unknown;
            member.reason = Arc::clone(&reason);
        }
    }

    /// Plans a single task or one member of a matrix, which may have been judged with the others.
    fn one(
        &mut self,
        whole: Candidate<'_>,
        member: Option<(&Arc<str>, Cell)>,
        judged: Option<Judged>,
    ) -> Fate {
        let Candidate { place, subject, .. } = whole;
        let (id, group, matrix) = match member {
            None => (subject.id.clone(), None, Values::None),
            Some((group, cell)) => {
                let id = format!("{}[{}]", subject.id, cell.id());
                (id, Some(Arc::clone(group)), Values::Cell(cell))
            }
        };
        let judged = match (&self.held, self.known.reused.get(&id), judged) {
            (Some(held), ..) => Judged::held(Arc::clone(held)),
            (None, Some(run), _) => Judged::reuse(format!("run {run} has its result")),
            (None, None, Some(judged)) => judged,
            (None, None, None) => self.judge(Candidate {
                matrix: Some(&matrix),
                ..whole
            }),
        };
        let line = Line { id, group, matrix };
        if let (Body::Call(call), Decision::Run) = (&subject.task.body, judged.decision) {
            return self.call(place, subject, call, line);
        }
        self.add(subject, line, judged)
    }

    /// The line of a matrix whose cells are known only later, and may come out to be none.
    fn unknown_matrix(&mut self, whole: Candidate<'_>, why: &str) -> Fate {
        let judged = self.judge(Candidate {
            matrix: Some(&Values::Unknown),
            ..whole
        });
        let unknown = Judged::unknown(format!("{}; its matrix is {why}", judged.reason));
        let judged = match (judged.decision, judged.fate) {
            (Decision::Skip, _) => judged,
            (_, Fate::Fail | Fate::Doomed) => unknown.doomed(),
            _ => unknown,
        };
        self.push(whole.subject, Values::Unknown, judged)
    }

    fn push(&mut self, subject: &Subject<'_>, matrix: Values, judged: Judged) -> Fate {
        let line = Line {
            id: subject.id.clone(),
            group: None,
            matrix,
        };
        self.add(subject, line, judged)
    }

    /// Adds a task to the plan.
    pub(super) fn add(&mut self, subject: &Subject<'_>, line: Line, judged: Judged) -> Fate {
        let Line { id, group, matrix } = line;
        let of_cell = match &matrix {
            Values::Cell(cell) => members::bytes_of(cell),
            Values::None | Values::Unknown => 0,
        };
        self.bytes += bytes_of_task(subject, id.len(), judged.reason.len()) + of_cell;
        self.planned.push(Planned {
            id,
            group,
            def: subject.def,
            needs: Arc::clone(&subject.needs),
            matrix,
            when: subject.when.clone(),
            decision: judged.decision,
            reason: judged.reason,
            cause: judged.cause,
            fault: judged.fault,
        });
        judged.fate
    }
}

/// What a task is called.
pub(super) struct Line {
    pub id: String,
    pub group: Option<Arc<str>>,
    pub matrix: Values,
}

/// About what a task takes in the document of a plan, without its values of a matrix.
fn bytes_of_task(subject: &Subject<'_>, id: usize, reason: usize) -> usize {
    /// The names of the fields, and what is short.
    const FRAME: usize = 100;
    let when = subject.when.as_deref().map_or(0, str::len);
    FRAME + subject.needs_bytes + id + when + reason
}

/// What a task sees that looks at its whole scope in the middle of it: whatever has ended by then, besides what it needs.
fn whatever_has_ended(task: &TaskDef, before: Outlook) -> Outlook {
    let mut seen = before.in_scope();
    let possible = match task.needs.is_empty() {
        // It is decided first of all: only what fails at once has ended.
        true => Maybe::No,
        false => Maybe::Perhaps,
    };
    seen.canceled = possible;
    seen.failed = match (seen.failed, possible) {
        (Failed::Yes | Failed::Perhaps, _) => Failed::Perhaps,
        (Failed::No | Failed::Unlucky, Maybe::No) => Failed::No,
        (Failed::No | Failed::Unlucky, Maybe::Perhaps | Maybe::Yes) => Failed::Unlucky,
    };
    seen
}

/// What a task of `finally` sees: everything `behind` it, and of `finally` itself whatever has ended by then.
fn of_finally(task: &TaskDef, behind: Outlook, needed: Outlook) -> Outlook {
    if task.needs.is_empty() {
        return behind;
    }
    let others = Outlook {
        failed: Failed::Unlucky,
        canceled: Maybe::Perhaps,
        ..Outlook::default()
    };
    behind.and(needed).and(others)
}
