//! Text from outside on its way through a pipeline, and where it would become part of a script.
//!
//! Branch names, titles and messages are written by anybody. Such text is followed through expressions,
//! matrices, environments, params of files that are used, artifacts, and outputs. A task that read any has tainted
//! outputs, as far as their type can hold text; numbers, truth values and words of a list are clean. A
//! person who starts a run gives its params, so those are clean.
//!
//! It may not become the value of a variable either that programs run or load code from
//! ([`crate::variables`]). What a step does with it once it runs is its own: also what it writes into `$FORMIC_ENV` and
//! `$FORMIC_PATH`, which no file says.
//!
//! A task is looked at as a whole: what one of its steps read, every output may hold. A file that several
//! tasks use is looked at once for each set of tainted params.

mod around;
mod env;
mod fix;
mod said;

use crate::diagnostics::{Report, Span};
use crate::expression::Reference;
use crate::names::{Names, ParamsOf, TAINTED};
use crate::read::{Draft, Purpose, Slot, Use};
use crate::types::{self, Types};
use crate::units::Unit;
use expr::Program;
use fix::Proposed;
use model::limits;
use model::plan::{Body, Output, Phase, ValueType};
use std::collections::{BTreeMap, BTreeSet};

pub use around::Around;

/// Why something is tainted: the place that it comes from, and a word about it.
#[derive(Debug, Clone)]
struct Origin {
    span: Span,
    text: String,
}

/// Tainted things by name.
type Tainted = BTreeMap<String, Origin>;

/// Reports every script that text from outside would become a part of. The last unit is the pipeline, or a generated file
/// with what is `around` it.
pub(crate) fn check(report: &mut Report<'_>, units: &[Unit], around: &Around) {
    let mut all = units.iter().flat_map(|unit| &unit.file.uses);
    let any = all.any(|each| {
        let globs = each.calls.iter().any(|call| call.path[0] == "glob");
        globs || each.references.iter().any(is_from_outside)
    });
    let any = any || !around.is_clean();
    let Some(root) = units.len().checked_sub(1).filter(|_| any) else {
        return;
    };
    let mut walk = Walk {
        report,
        units,
        known: BTreeMap::new(),
        is_lost: false,
    };
    walk.look(root, &Tainted::new(), around);
}

struct Walk<'w, 'a> {
    report: &'w mut Report<'a>,
    units: &'w [Unit],
    /// Tainted outputs by unit and tainted params.
    known: BTreeMap<(usize, BTreeSet<String>), Tainted>,
    /// Whether it was said that there are too many looks to follow.
    is_lost: bool,
}

/// A tainted name in a text.
struct Found<'e> {
    reference: Reference,
    origin: Origin,
    /// The expression that it stands in.
    program: &'e Program,
}

/// What is tainted in one file.
struct Look<'u> {
    unit: &'u Unit,
    names: &'u Names<'u>,
    types: Types<'u>,
    params: Tainted,
    /// What is around the file, if it is generated.
    around: &'u Around,
    /// Variables of the whole file.
    env: Tainted,
    /// Outputs of each task.
    outputs: Vec<Tainted>,
    /// The first tainted text that each task read: its files may hold it.
    reads: Vec<Option<Origin>>,
}

/// What is tainted in one task.
#[derive(Default)]
struct Inside {
    env: Tainted,
    axes: Tainted,
    /// All names of the matrix.
    matrix: Option<Origin>,
    /// The first tainted text that its steps read.
    read: Option<Origin>,
}

impl Walk<'_, '_> {
    /// The tainted outputs of a unit that a task uses at `call` and whose `params` are tainted.
    ///
    /// Beyond [`limits::TAINT_LOOKS`] nobody knows what its scripts read: that is an error, and all its outputs are tainted.
    fn unit(&mut self, number: usize, params: &Tainted, call: Span) -> Tainted {
        let key = (number, params.keys().cloned().collect());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        if self.known.len() >= limits::TAINT_LOOKS {
            self.lost(call);
            return everything(&self.units[number], call);
        }
        let outputs = self.look(number, params, &Around::default());
        self.known.insert(key, outputs.clone());
        outputs
    }

    /// What [`Self::unit`] gives, looked up.
    fn look(&mut self, number: usize, params: &Tainted, around: &Around) -> Tainted {
        let unit = &self.units[number];
        let names = Names::new(&unit.file, ParamsOf::ThisFile);
        let mut look = Look {
            unit,
            names: &names,
            types: Types::new(&names),
            params: params.clone(),
            around,
            env: Tainted::new(),
            outputs: vec![Tainted::new(); unit.file.tasks.len()],
            reads: vec![None; unit.file.tasks.len()],
        };
        let mut by_task: Vec<Vec<&Use>> = vec![Vec::new(); unit.file.tasks.len()];
        let mut of_file = Vec::new();
        for each in &unit.file.uses {
            match each.task {
                Some(task) => by_task[task].push(each),
                None => of_file.push(each),
            }
        }
        for each in &of_file {
            if let Slot::Env(name) = &each.slot
                && let Some(origin) = look.taint(each, &Inside::default())
            {
                look.env.insert(name.clone(), origin);
                self.variable(&mut look, each, &Inside::default());
            }
        }
        for task in order(unit) {
            look.outputs[task] = self.task(&mut look, task, &by_task[task]);
        }
        let mut outputs = Tainted::new();
        for each in &of_file {
            if let Slot::Output(name) = &each.slot
                && let Some(origin) = look.taint(each, &Inside::default())
                && unit
                    .file
                    .outputs
                    .get(name)
                    .is_some_and(|(output, _)| holds_text(output))
            {
                outputs.insert(name.clone(), origin);
            }
        }
        if unit.file.is_task {
            outputs.extend(look.outputs.first().cloned().unwrap_or_default());
        }
        outputs
    }

    /// The tainted outputs of a task; reports its scripts.
    fn task(&mut self, look: &mut Look<'_>, task: usize, uses: &[&Use]) -> Tainted {
        let draft = &look.unit.file.tasks[task];
        let mut inside = Inside {
            env: look.env.clone(),
            ..Inside::default()
        };
        let files = look.files_of(draft);
        let own = look.env.values().next().cloned().or(files);
        inside.read = own.or_else(|| look.of_env_around(draft));
        for each in uses {
            let Some(origin) = look.taint(each, &inside) else {
                continue;
            };
            match &each.slot {
                Slot::Axis(name) => drop(inside.axes.insert(name.clone(), origin)),
                Slot::Matrix => inside.matrix = Some(origin),
                Slot::Other | Slot::Env(_) | Slot::With(_) | Slot::Output(_) => {}
            }
        }
        look.variables(uses, &mut inside);
        let mut given = Tainted::new();
        for each in uses {
            let Some(origin) = look.taint(each, &inside) else {
                continue;
            };
            match &each.slot {
                Slot::With(param) => {
                    given.insert(param.clone(), origin);
                }
                Slot::Other | Slot::Env(_) | Slot::Axis(_) | Slot::Matrix | Slot::Output(_) => {
                    inside.read.get_or_insert(origin);
                }
            }
        }
        let mut proposed = Proposed::new();
        for each in uses {
            match each.purpose {
                Purpose::Script => self.script(look, each, &inside, &mut proposed),
                Purpose::Program => self.program(look, each, &inside),
                Purpose::Condition | Purpose::Verdict | Purpose::Value => {
                    self.variable(look, each, &inside);
                }
            }
        }
        look.reads[task] = inside
            .read
            .clone()
            .or_else(|| given.values().next().cloned());
        self.results(draft, given, &inside)
    }

    fn results(&mut self, draft: &Draft, given: Tainted, inside: &Inside) -> Tainted {
        if let Some(call) = &draft.call
            && let Some(callee) = &call.callee
        {
            let holds = |name: &String| callee.params.get(name).is_some_and(type_holds_text);
            let params = given.into_iter().filter(|(name, _)| holds(name));
            return self.unit(callee.unit, &params.collect(), call.span);
        }
        let Some(read) = &inside.read else {
            return Tainted::new();
        };
        let origin = Origin {
            span: read.span,
            text: format!("task `{}` reads text from outside here", draft.def.name),
        };
        let texts = draft
            .def
            .outputs
            .iter()
            .filter(|(_, output)| holds_text(output));
        texts
            .map(|(name, _)| (name.clone(), origin.clone()))
            .collect()
    }
}

impl Look<'_> {
    /// Why a task gets text from outside by the environment around a generated file, if it does.
    fn of_env_around(&self, draft: &Draft) -> Option<Origin> {
        self.around.has_tainted_env().then(|| Origin {
            span: draft.name_span,
            text: "the `env` of the pipeline gives it text from outside".to_owned(),
        })
    }

    /// Why files that a task takes from others may hold text from outside, if they may.
    fn files_of(&self, draft: &Draft) -> Option<Origin> {
        let tasks = &self.unit.file.tasks;
        draft.def.artifacts_in.iter().find_map(|wanted| {
            let giver = tasks.iter().position(|task| task.def.name == wanted.from)?;
            let read = self.reads[giver].as_ref()?;
            Some(Origin {
                span: read.span,
                text: format!("task `{}` reads text from outside here", wanted.from),
            })
        })
    }

    /// Why the results of all tasks that `task` sees are tainted, if they are.
    fn of_any_need(&self, task: Option<usize>) -> Option<Origin> {
        let tasks = &self.unit.file.tasks;
        let main = task.filter(|task| tasks[*task].def.phase == Phase::Main);
        let mut seen: Box<dyn Iterator<Item = &Tainted>> = match main {
            Some(task) => {
                let needs = self.unit.edges[task].iter();
                Box::new(needs.map(|edge| &self.outputs[edge.task.index()]))
            }
            // Those of `finally`, and the outputs of the file, see every task.
            None => Box::new(self.outputs.iter()),
        };
        seen.find_map(|outputs| outputs.values().next().cloned())
    }

    /// Why the value of a text is tainted, if it is.
    fn taint(&mut self, each: &Use, inside: &Inside) -> Option<Origin> {
        let found = self.tainted(each, inside).into_iter().next()?;
        let Found {
            reference, origin, ..
        } = found;
        let text = if origin.span == reference.span {
            format!("`{}` is text from outside", written(&reference.path))
        } else {
            origin.text
        };
        Some(Origin {
            span: reference.span,
            text,
        })
    }

    /// Every tainted name of a text that reaches its value, with the reason.
    fn tainted<'e>(&mut self, each: &'e Use, inside: &Inside) -> Vec<Found<'e>> {
        let tainted = |reference: &Reference| self.why(reference, each.task, inside);
        // Names of files are written by anybody too.
        let globs = each.calls.iter().filter(|call| call.path[0] == "glob");
        let globs: Vec<&Reference> = globs.collect();
        if globs.is_empty() && !each.references.iter().any(|each| tainted(each).is_some()) {
            return Vec::new();
        }
        let results = types::results(&mut self.types, each);
        let mut references = each.references.iter();
        let mut calls = each.calls.iter();
        let mut found = Vec::new();
        for (program, result) in each.programs.iter().zip(results) {
            // They were taken from the programs in this order.
            let own: Vec<&Reference> = references
                .by_ref()
                .take(program.references().len())
                .collect();
            let called: Vec<&Reference> = calls.by_ref().take(program.calls().len()).collect();
            if !result.holds_text() {
                continue;
            }
            let globs = called.iter().filter(|call| call.path[0] == "glob");
            found.extend(globs.map(|call| Found {
                reference: Reference::clone(call),
                origin: Origin {
                    span: call.span,
                    text: String::new(),
                },
                program,
            }));
            for reference in own {
                found.extend(self.why(reference, each.task, inside).map(|origin| Found {
                    reference: reference.clone(),
                    origin,
                    program,
                }));
            }
        }
        found
    }

    /// Why a name is tainted, if it is.
    fn why(&self, reference: &Reference, task: Option<usize>, inside: &Inside) -> Option<Origin> {
        let path = &reference.path;
        let member = path.get(1);
        let of = |tainted: &Tainted| match member {
            Some(name) => tainted.get(name).cloned(),
            None => tainted.values().next().cloned(),
        };
        match path[0].as_str() {
            _ if is_from_outside(reference) || self.around.taints(path) => Some(Origin {
                span: reference.span,
                text: String::new(),
            }),
            "params" => of(&self.params),
            "env" => match task {
                Some(_) => of(&inside.env),
                None => of(&self.env),
            },
            "matrix" => of(&inside.axes).or_else(|| inside.matrix.clone()),
            "tasks" => {
                let names = self.names;
                let Some(member) = member else {
                    return self.of_any_need(task);
                };
                let index = names.index(member)?;
                let outputs = &self.outputs[index];
                match (path.get(2).map(String::as_str), path.get(3)) {
                    (Some("outputs"), Some(output)) => outputs.get(output).cloned(),
                    (None | Some("outputs"), None) => outputs.values().next().cloned(),
                    (_, _) => None,
                }
            }
            "steps" if path.get(2).is_none_or(|what| what == "outputs") => {
                let draft = &self.unit.file.tasks[task?];
                let clean = path.get(3).zip(member).is_some_and(|(output, step)| {
                    step_output(draft, step, output).is_some_and(|output| !holds_text(output))
                });
                inside.read.clone().filter(|_| !clean)
            }
            _ => None,
        }
    }
}

/// An output that a step declares, or its task.
fn step_output<'d>(draft: &'d Draft, step: &str, output: &str) -> Option<&'d Output> {
    let Body::Steps(body) = &draft.def.body else {
        return None;
    };
    let step = body.steps.iter().find(|each| each.name == step)?;
    step.outputs
        .get(output)
        .or_else(|| draft.def.outputs.get(output))
}

/// Tasks in an order in which needs come first, those of `finally` last.
fn order(unit: &Unit) -> Vec<usize> {
    let tasks = &unit.file.tasks;
    let mut ordered = Vec::with_capacity(tasks.len());
    let mut seen = vec![false; tasks.len()];
    for part in [Phase::Main, Phase::Finally] {
        for start in 0..tasks.len() {
            if tasks[start].def.phase != part || seen[start] {
                continue;
            }
            seen[start] = true;
            let mut path = vec![(start, 0)];
            while let Some((task, next)) = path.last_mut() {
                let Some(edge) = unit.edges[*task].get(*next) else {
                    ordered.push(*task);
                    path.pop();
                    continue;
                };
                *next += 1;
                let needed = edge.task.index();
                if !std::mem::replace(&mut seen[needed], true) {
                    path.push((needed, 0));
                }
            }
        }
    }
    ordered
}

/// Every output of a unit that can hold text, for one that is used at `call` and was not looked at.
fn everything(unit: &Unit, call: Span) -> Tainted {
    let of_file = unit.file.outputs.iter();
    let of_file = of_file.map(|(name, (output, _))| (name, output));
    let tasks = unit.file.tasks.iter().filter(|_| unit.file.is_task);
    let of_task = tasks.flat_map(|task| &task.def.outputs);
    let texts = of_file
        .chain(of_task)
        .filter(|(_, output)| holds_text(output));
    let origin = Origin {
        span: call,
        text: "what is used here was not looked into".to_owned(),
    };
    texts
        .map(|(name, _)| (name.clone(), origin.clone()))
        .collect()
}

/// Whether a name stands for text that anybody may write.
fn is_from_outside(reference: &Reference) -> bool {
    is_signal_from_outside(&reference.path)
}

/// Whether a path begins with `signal` and stands for text that anybody may write.
fn is_signal_from_outside(path: &[String]) -> bool {
    if path[0] != "signal" {
        return false;
    }
    path.get(1)
        .is_none_or(|member| TAINTED.contains(&format!("signal.{member}").as_str()))
}

fn holds_text(output: &Output) -> bool {
    type_holds_text(&output.value_type)
}

/// Whether values of the type can carry text from outside.
const fn type_holds_text(value_type: &ValueType) -> bool {
    match value_type {
        ValueType::String | ValueType::List | ValueType::Object => true,
        ValueType::Number | ValueType::Boolean | ValueType::Enum(_) | ValueType::Artifact => false,
    }
}

/// A path as it is written in an expression.
pub(crate) fn written(path: &[String]) -> String {
    let mut text = path[0].clone();
    for member in &path[1..] {
        if member.contains('-') {
            text.extend(["[\"", member, "\"]"]);
        } else {
            text.push('.');
            text.push_str(member);
        }
    }
    text
}
