//! What a plan would do: for each task whether it would run, be taken over or be skipped, and why.
//!
//! The preview knows what is known before a run exists: the plan with its params and its signal. It supposes that what runs
//! succeeds, and says `unknown` where that is not enough: where an expression reads what only a run gives, or where only a
//! failure would start a task. A rule is evaluated once for each past that is possible; names without a value are errors,
//! which `&&` and `||` absorb where the other half decides, so an expression is known exactly when every run would agree.
//!
//! One walk over the definitions in the order of their needs; each task and each need is looked at once.
//! It writes nothing and promises nothing about time: a task that may run may still wait for a worker.

mod outlook;
mod rule;
#[cfg(test)]
mod tests;
mod words;

use crate::cells;
use crate::texts::{self, Texts};
use expr::Value;
use model::ids::{DefNo, RunId, ScopeNo};
use model::limits;
use model::matrix::Cell;
use model::plan::{
    Activation, Approval, Body, Call, Expression, Phase, Plan, StatusOf, TaskDef, Text,
};
use outlook::{Fate, Fates, Outlook};
use rule::{Judged, Names, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is known beside the plan.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Finished results that the run would take over, by task id, each with the run that has it.
    pub reused: BTreeMap<String, RunId>,
    /// Why nothing starts at all, such as a signal that the pipeline does not wait for.
    pub held: Option<String>,
}

/// A task as the run would make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Its id: `build`, `test[linux,3]`, `deploy/upload`. Of a matrix whose cells are not known, the id of the matrix.
    pub id: String,
    /// The id of the matrix that it is a member of.
    pub group: Option<Arc<str>>,
    /// Its definition.
    pub def: DefNo,
    /// The ids of what it needs; a matrix or a call stands for all its tasks.
    pub needs: Arc<[String]>,
    /// Its values of the matrix.
    pub matrix: Values,
    /// Its condition as it was written.
    pub when: Option<Arc<str>>,
    /// What would become of it.
    pub decision: Decision,
    /// Why: one sentence that names the values.
    pub reason: Arc<str>,
}

/// The values of a matrix for one task.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// There is no matrix.
    None,
    /// These.
    Cell(Cell),
    /// They are known only while the run goes on.
    Unknown,
}

/// What would become of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// It would run if what it needs succeeds.
    Run,
    /// An earlier result would be taken over.
    Reuse,
    /// It would be skipped.
    Skip,
    /// Known only while the run goes on.
    Unknown,
}

impl Decision {
    /// Every decision, in the order of the documents.
    pub const ALL: [Self; 4] = [Self::Run, Self::Reuse, Self::Skip, Self::Unknown];

    /// The word in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Reuse => "reuse",
            Self::Skip => "skip",
            Self::Unknown => "unknown",
        }
    }
}

/// What a run of `plan` would do, in an order in which every task stands behind what it needs.
#[must_use]
pub fn preview(plan: &Plan, known: &Known) -> Vec<Planned> {
    let mut walk = Walk {
        plan,
        known,
        held: known.held.as_deref().map(Arc::from),
        texts: Texts::of(&plan.more_files),
        roots: rule::roots(plan),
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

struct Walk<'a> {
    plan: &'a Plan,
    known: &'a Known,
    held: Option<Arc<str>>,
    texts: Texts,
    /// The names that the plan gives.
    roots: BTreeMap<String, Value>,
    planned: Vec<Planned>,
}

/// One instance of a scope.
struct Place<'p> {
    scope: ScopeNo,
    prefix: &'p str,
    /// What the call needs, and so everything in it.
    needs: &'p Arc<[String]>,
    /// The inputs of a call: those that are known, and whether any is not.
    inputs: Option<Inputs>,
    depth: usize,
}

struct Inputs {
    known: Value,
    unknown: BTreeSet<String>,
}

/// What all tasks of one definition share.
struct Subject<'a> {
    def: DefNo,
    task: &'a TaskDef,
    id: String,
    needs: Arc<[String]>,
    when: Option<Arc<str>>,
    outlook: Outlook,
}

impl<'a> Walk<'a> {
    /// Plans the tasks of one instance of a scope; what they come to together.
    fn scope(&mut self, place: &Place<'_>) -> Fate {
        let members = &self.plan.scope(place.scope).tasks;
        let mut fates = Fates::default();
        let mut sum = outlook::Sum::default();
        let mut behind = Outlook::default();
        for def in in_order(self.plan, members) {
            let task = self.plan.task(def);
            let outlook = match task.start.status_of {
                StatusOf::Needs | StatusOf::Ancestors => fates.of_needs(task),
                StatusOf::Scope => behind,
            };
            let subject = self.subject(place, def, task, outlook);
            let fate = self.definition(place, &subject, &fates);
            let own = fates.insert(def, task, fate);
            if task.phase == Phase::Main {
                behind = behind.and(own.in_scope());
            }
            sum.add(fate);
        }
        sum.fate()
    }

    fn subject(
        &self,
        place: &Place<'_>,
        def: DefNo,
        task: &'a TaskDef,
        outlook: Outlook,
    ) -> Subject<'a> {
        let needed = |edge: &model::plan::Edge| {
            let name = &self.plan.task(edge.task).name;
            format!("{}{name}", place.prefix)
        };
        let condition = task.start.condition.as_ref();
        let when = condition.and_then(|condition| words::written(&condition.text));
        Subject {
            def,
            task,
            id: format!("{}{}", place.prefix, task.name),
            needs: match task.needs.as_slice() {
                [] => Arc::clone(place.needs),
                needs => needs.iter().map(needed).collect(),
            },
            when: when.map(Arc::from),
            outlook,
        }
    }

    /// Plans the tasks of one definition; what they come to together.
    fn definition(&mut self, place: &Place<'_>, subject: &Subject<'_>, fates: &Fates<'_>) -> Fate {
        let cells = match self.cells(place, subject, fates) {
            Cells::None => return self.one(place, subject, None, None, fates),
            Cells::Known(cells) => cells,
            Cells::Unknown(why) => return self.unknown_matrix(place, subject, &why, fates),
            Cells::Faulty(message) => {
                // A task that is skipped never looks at its matrix.
                let mut judged = self.judge(place, subject, Some(&Values::Unknown), fates);
                if judged.decision != Decision::Skip {
                    judged = Judged::unknown(format!("would fail before it starts: {message}"));
                }
                return self.push(subject, Values::Unknown, judged);
            }
        };
        if cells.is_empty() {
            let judged = Judged::skip("its matrix has no cell");
            return self.push(subject, Values::None, judged);
        }
        if self.planned.len().saturating_add(cells.len()) > limits::TASKS_PER_RUN {
            let (more, most) = (cells.len(), limits::TASKS_PER_RUN);
            let why = format!("would fail: {more} more tasks do not fit into {most}");
            return self.push(subject, Values::Unknown, Judged::unknown(why));
        }
        let shared = match rule::reads(&mut self.texts, subject.task, "matrix") {
            true => None,
            false => Some(self.judge(place, subject, None, fates)),
        };
        let group: Arc<str> = subject.id.as_str().into();
        let mut sum = outlook::Sum::default();
        for cell in cells {
            let member = Some((&group, cell));
            sum.add(self.one(place, subject, member, shared.clone(), fates));
        }
        sum.fate()
    }

    /// Plans a single task or one member of a matrix.
    fn one(
        &mut self,
        place: &Place<'_>,
        subject: &Subject<'_>,
        member: Option<(&Arc<str>, Cell)>,
        judged: Option<Judged>,
        fates: &Fates<'_>,
    ) -> Fate {
        let (id, group, matrix) = match member {
            None => (subject.id.clone(), None, Values::None),
            Some((group, cell)) => {
                let id = format!("{}[{}]", subject.id, cell.id());
                (id, Some(Arc::clone(group)), Values::Cell(cell))
            }
        };
        let judged = match (&self.held, self.known.reused.get(&id), judged) {
            (Some(held), ..) => Judged::skip(Arc::clone(held)),
            (None, Some(run), _) => Judged {
                decision: Decision::Reuse,
                reason: format!("run {run} has its result").into(),
            },
            (None, None, Some(judged)) => judged,
            (None, None, None) => self.judge(place, subject, Some(&matrix), fates),
        };
        if let (Body::Call(call), Decision::Run) = (&subject.task.body, judged.decision) {
            return self.call(place, subject, call, &id, &matrix);
        }
        let fate = Fate::of(judged.decision);
        self.planned.push(Planned {
            id,
            group,
            def: subject.def,
            needs: Arc::clone(&subject.needs),
            matrix,
            when: subject.when.clone(),
            decision: judged.decision,
            reason: judged.reason,
        });
        fate
    }

    /// The line of a matrix whose cells are known only later.
    fn unknown_matrix(
        &mut self,
        place: &Place<'_>,
        subject: &Subject<'_>,
        why: &str,
        fates: &Fates<'_>,
    ) -> Fate {
        let mut judged = self.judge(place, subject, Some(&Values::Unknown), fates);
        if judged.decision != Decision::Skip {
            judged.reason = format!("{}; its matrix is {why}", judged.reason).into();
        }
        self.push(subject, Values::Unknown, judged)
    }

    fn push(&mut self, subject: &Subject<'_>, matrix: Values, judged: Judged) -> Fate {
        self.planned.push(Planned {
            id: subject.id.clone(),
            group: None,
            def: subject.def,
            needs: Arc::clone(&subject.needs),
            matrix,
            when: subject.when.clone(),
            decision: judged.decision,
            reason: judged.reason,
        });
        Fate::of(judged.decision)
    }

    /// Plans the tasks of the scope that a call opens.
    fn call(
        &mut self,
        place: &Place<'_>,
        subject: &Subject<'_>,
        call: &Call,
        id: &str,
        matrix: &Values,
    ) -> Fate {
        let scope = self.plan.scope(call.scope);
        let too_deep = place.depth + 1 > limits::SCOPE_DEPTH;
        let too_many = self.planned.len().saturating_add(scope.tasks.len()) > limits::TASKS_PER_RUN;
        if too_deep || too_many {
            let why = match too_deep {
                true => format!("calls are nested deeper than {}", limits::SCOPE_DEPTH),
                false => format!("its tasks do not fit into {}", limits::TASKS_PER_RUN),
            };
            let judged = Judged::unknown(format!("would fail: {why}"));
            return self.push(subject, matrix.clone(), judged);
        }
        let inputs = self.inputs(place, call, matrix);
        let prefix = format!("{id}/");
        self.scope(&Place {
            scope: call.scope,
            prefix: &prefix,
            needs: &subject.needs,
            inputs: Some(inputs),
            depth: place.depth + 1,
        })
    }

    /// The inputs of a call, as far as they are known.
    fn inputs(&mut self, place: &Place<'_>, call: &Call, matrix: &Values) -> Inputs {
        let declared = &self.plan.scope(call.scope).inputs;
        let mut known = Vec::new();
        let mut unknown = BTreeSet::new();
        for (name, input) in declared {
            let value = match (call.inputs.get(name), &input.default) {
                (Some(text), _) => self.text(place, text, matrix),
                (None, Some(default)) => Some(Value::from_json(default)),
                (None, None) => None,
            };
            match value {
                Some(value) => known.push((expr::value::Key::from(name.as_str()), value)),
                None => {
                    unknown.insert(name.clone());
                }
            }
        }
        Inputs {
            known: Value::map(known),
            unknown,
        }
    }

    /// The value of a text, if everything that it reads is known.
    fn text(&mut self, place: &Place<'_>, text: &Text, matrix: &Values) -> Option<Value> {
        let names = Names::new(&self.roots, place.inputs.as_ref(), Some(matrix));
        self.texts.text(text, &names).ok()
    }

    /// The cells of a task's matrix.
    fn cells(&mut self, place: &Place<'_>, subject: &Subject<'_>, fates: &Fates<'_>) -> Cells {
        let Some(matrix) = &subject.task.matrix else {
            return Cells::None;
        };
        let mut unknown = None;
        let table = {
            let Self { texts, roots, .. } = self;
            let names = Names::new(roots, place.inputs.as_ref(), None);
            cells::table(subject.task, matrix, |expression: &Expression| {
                let program = texts.program(expression)?;
                let missing = rule::missing(&program, &names, fates);
                if !missing.is_empty() {
                    unknown = Some(words::known_later(&missing));
                    return Err(String::new());
                }
                texts::json(&texts.value(expression, &names)?)
            })
        };
        match (unknown, table.map(|table| table.cells())) {
            (Some(why), _) => Cells::Unknown(why),
            (None, Ok(Ok(cells))) => Cells::Known(cells),
            (None, Ok(Err(error))) => Cells::Faulty(error.to_string()),
            (None, Err(message)) => Cells::Faulty(message),
        }
    }

    /// What the start rule of a task says, with what it then waits for.
    fn judge(
        &mut self,
        place: &Place<'_>,
        subject: &Subject<'_>,
        matrix: Option<&Values>,
        fates: &Fates<'_>,
    ) -> Judged {
        if let Some(held) = &self.held {
            return Judged::skip(Arc::clone(held));
        }
        let names = Names::new(&self.roots, place.inputs.as_ref(), matrix);
        let mut rule = rule::Rule {
            plan: self.plan,
            task: subject.task,
            when: subject.when.as_deref(),
            call: place.prefix.strip_suffix('/'),
            outlook: subject.outlook,
            fates,
            names,
        };
        let Verdict { decision, reason } = rule.judge(&mut self.texts);
        let reason = match (decision, waits_for(subject.task)) {
            (Decision::Run, Some(waits)) => match reason.condition {
                true => format!("{}; {waits}", reason.sentence),
                false => waits,
            },
            (..) => reason.sentence,
        };
        let generates = subject.task.generates.is_some() && decision == Decision::Run;
        let reason = match generates {
            true => format!("{reason}; it generates further tasks"),
            false => reason,
        };
        Judged {
            decision,
            reason: reason.into(),
        }
    }
}

/// The cells of a matrix.
enum Cells {
    /// There is no matrix.
    None,
    Known(Vec<Cell>),
    /// Known only later; the sentence about it.
    Unknown(String),
    /// The table makes no sensible matrix.
    Faulty(String),
}

/// Whom or what a task waits for that may start.
fn waits_for(task: &TaskDef) -> Option<String> {
    let person = match (&task.activation, &task.approval) {
        (Activation::Manual { .. }, _) => Some("waits for a person who starts it".to_owned()),
        (_, Some(Approval { prompt, .. })) => {
            let prompt = match prompt {
                Text::Literal(text) => text,
                Text::Template(expression) => &expression.text,
            };
            Some(format!("waits for a person's consent: {prompt}"))
        }
        (Activation::Automatic | Activation::Delayed { .. }, None) => None,
    };
    let pause = match &task.activation {
        Activation::Delayed { .. } => Some("starts after a pause".to_owned()),
        Activation::Automatic | Activation::Manual { .. } => None,
    };
    match (pause, person) {
        (Some(pause), Some(person)) => Some(format!("{pause}, then {person}")),
        (pause, person) => pause.or(person),
    }
}

/// The definitions of a scope, each behind what it needs, else as they stand in the file; `finally` last.
fn in_order(plan: &Plan, members: &[DefNo]) -> Vec<DefNo> {
    let place_of: BTreeMap<DefNo, usize> = members.iter().copied().zip(0..).collect();
    let mut waits = vec![0_usize; members.len()];
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); members.len()];
    for (place, def) in members.iter().enumerate() {
        for edge in &plan.task(*def).needs {
            if let Some(need) = place_of.get(&edge.task) {
                waits[place] += 1;
                behind[*need].push(place);
            }
        }
    }
    let key = |place: usize| (plan.task(members[place]).phase == Phase::Finally, place);
    let mut ready: BTreeSet<(bool, usize)> = (0..members.len())
        .filter(|place| waits[*place] == 0)
        .map(key)
        .collect();
    let mut order = Vec::with_capacity(members.len());
    while let Some((_, place)) = ready.pop_first() {
        order.push(members[place]);
        for next in &behind[place] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                ready.insert(key(*next));
            }
        }
    }
    order
}
