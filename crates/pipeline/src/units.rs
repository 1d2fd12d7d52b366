//! The files of a pipeline, each read once: the file itself, what it includes, what its tasks use, and so on down.
//!
//! A file that is used becomes one [`Unit`], however many tasks use it; a file that is included becomes part
//! of the unit that includes it. A unit is checked when those that it uses have been, so that the types
//! of their outputs are known. What is not at hand is named in `missing` and passed over.

mod calls;

use crate::address::Address;
use crate::codes;
use crate::definitions::{INCLUDED, Object, PIPELINE};
use crate::diagnostics::{Part, Report, Severity, Span};
use crate::names::{Names, ParamsOf};
use crate::nearest::listed;
use crate::read::{self, File};
use crate::scalar;
use crate::source::{self, SourceFile};
use crate::sources::{Failed, Loaded, Sources};
use crate::yaml::{self, Node};
use crate::{graph, shape, types};
use model::limits;
use model::plan::Edge;
use std::collections::{BTreeMap, BTreeSet};

/// A file with everything that it includes.
#[derive(Debug)]
pub(crate) struct Unit {
    /// What it is called where it has no name of its own.
    pub name: String,
    pub file: File,
    /// Edges of each of its tasks.
    pub edges: Vec<Vec<Edge>>,
    /// Tasks that a run of it makes, those of files that it uses included.
    pub total: usize,
}

/// Everything that was read for one pipeline.
#[derive(Debug)]
pub(crate) struct Units {
    /// Those that are used come before those that use them; the last is the pipeline.
    pub all: Vec<Unit>,
    /// Addresses that are needed and not at hand.
    pub missing: BTreeSet<Address>,
    /// Addresses that tasks use, those that are not at hand among them.
    pub used: BTreeSet<Address>,
}

/// The texts of all files behind each other, and where each begins.
pub(crate) struct Texts {
    pub text: String,
    pub parts: Vec<Part>,
    by_address: BTreeMap<Address, usize>,
    /// What was said about files that could not be decoded.
    pub undecoded: Vec<crate::Diagnostic>,
}

impl Texts {
    /// Puts the texts together; `None` when the first cannot be decoded.
    pub(crate) fn of(file: &SourceFile, sources: &Sources) -> Result<Self, Box<crate::Diagnostic>> {
        let mut texts = Self {
            text: String::new(),
            parts: Vec::new(),
            by_address: BTreeMap::new(),
            undecoded: Vec::new(),
        };
        texts.add(file)?;
        for (address, bytes) in sources.files() {
            let source = SourceFile::new(address.name(), bytes);
            match texts.add(&source) {
                Ok(part) => drop(texts.by_address.insert(address.clone(), part)),
                Err(said) => texts.undecoded.push(*said),
            }
        }
        Ok(texts)
    }

    fn add(&mut self, file: &SourceFile) -> Result<usize, Box<crate::Diagnostic>> {
        let (text, skipped) = file.decode()?;
        if !self.parts.is_empty() {
            self.text.push('\n');
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.parts.push(Part {
            name: file.name.clone(),
            start,
            end: self.text.len(),
            skipped,
        });
        Ok(self.parts.len() - 1)
    }
}

/// Reads and checks a pipeline and everything that it refers to.
pub(crate) fn read(
    report: &mut Report<'_>,
    object: &'static Object,
    name: &str,
    texts: &Texts,
    sources: &Sources,
) -> Option<Units> {
    let root = Address::Local(name.to_owned());
    let mut reading = Reading {
        report,
        object,
        sources,
        parts: &texts.by_address,
        units: Vec::new(),
        known: BTreeMap::new(),
        open: Vec::new(),
        missing: BTreeSet::new(),
        used: BTreeSet::new(),
        handed_over: 0,
    };
    let read = reading.unit(&root, 0, Span::default());
    let Reading {
        units,
        missing,
        used,
        ..
    } = reading;
    read.map(|_| Units {
        all: units,
        missing,
        used,
    })
}

/// What a file is for the run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The pipeline itself, or what a task generates.
    Root,
    /// What a task uses.
    Used,
}

struct Reading<'w, 'r, 'a> {
    report: &'r mut Report<'a>,
    /// What the first file is.
    object: &'static Object,
    sources: &'w Sources,
    parts: &'w BTreeMap<Address, usize>,
    units: Vec<Unit>,
    /// Units by address; `None` is one that cannot be read.
    known: BTreeMap<Address, Option<usize>>,
    /// The files that are being read, each with the place that asks for it.
    open: Vec<(Address, Span)>,
    missing: BTreeSet<Address>,
    used: BTreeSet<Address>,
    /// What files have handed over to tasks so far, see [`limits::HANDED_OVER`].
    handed_over: usize,
}

impl Reading<'_, '_, '_> {
    /// Reads the file that is part number `part`; its number among the units.
    fn unit(&mut self, address: &Address, part: usize, asked: Span) -> Option<usize> {
        let role = match self.open.as_slice() {
            [] => Role::Root,
            _ => Role::Used,
        };
        self.open.push((address.clone(), asked));
        let read = self.open_unit(address, part, role);
        self.open.pop();
        let number = read.map(|unit| {
            self.units.push(unit);
            self.units.len() - 1
        });
        self.known.insert(address.clone(), number);
        number
    }

    fn open_unit(&mut self, address: &Address, part: usize, role: Role) -> Option<Unit> {
        self.report.enter(part);
        let top = self.report.top();
        let tree = yaml::parse(self.report)?;
        let object = match role {
            Role::Root => self.object,
            Role::Used => &PIPELINE,
        };
        shape::check(self.report, object, &tree);
        let stem = source::stem(address.path());
        let alone = scalar::mended_name(stem).unwrap_or_else(|| "task".to_owned());
        let mut file = read::file(self.report, &tree, &alone);
        let has_tasks = ["tasks", "task"]
            .iter()
            .any(|key| tree.child(key).is_some());
        drop::<Node<'_>>(tree);
        if !file.includes.is_empty() {
            let complete = self.includes(address, &mut file);
            if complete && !has_tasks && file.tasks.is_empty() {
                self.report
                    .error(
                        &codes::EMPTY,
                        top,
                        "neither the file nor those that it includes have a task",
                    )
                    .help("add a task to one of them");
            }
        }
        read::refuse_doubles(self.report, &file);
        if role == Role::Used {
            self.warn_of_own_run(&file);
        }
        self.calls(address, &mut file, role);
        let is_fragment = std::ptr::eq(object, &crate::definitions::FRAGMENT);
        let params_of = match is_fragment {
            true => ParamsOf::AnotherFile,
            false => ParamsOf::ThisFile,
        };
        let names = Names::new(&file, params_of);
        let edges = graph::check(self.report, &names);
        types::check(self.report, &names);
        let total = self.total(&file);
        Some(Unit {
            name: file.name.clone().unwrap_or_else(|| stem.to_owned()),
            file,
            edges,
            total,
        })
    }

    /// Tasks that a run of `file` makes, as far as that is known.
    fn total(&self, file: &File) -> usize {
        let of_task = |task: &read::Draft| {
            let callee = task.call.as_ref().and_then(|call| call.callee.as_ref());
            let below = callee.map_or(0, |callee| self.units[callee.unit].total);
            task.members.saturating_mul(below.saturating_add(1))
        };
        file.tasks
            .iter()
            .map(of_task)
            .fold(0, usize::saturating_add)
    }

    /// Keys at the top that do nothing in a file that is used.
    fn warn_of_own_run(&mut self, file: &File) {
        for (key, span) in &file.own_run {
            self.report
                .warning(
                    &codes::OWN_RUN_ONLY,
                    *span,
                    format!(
                        "`{key}` counts only when this file is run itself, not when a task uses it"
                    ),
                )
                .help("write it at the tasks of this file");
        }
    }

    /// Takes in the files that `file` includes, and those that they include; whether all were there.
    fn includes(&mut self, address: &Address, file: &mut File) -> bool {
        let mut chain = vec![address.clone()];
        let mut taken = BTreeSet::from([address.clone()]);
        let wanted = std::mem::take(&mut file.includes);
        self.take_in(file, wanted, &mut chain, &mut taken)
    }

    fn take_in(
        &mut self,
        file: &mut File,
        wanted: Vec<(String, Span)>,
        chain: &mut Vec<Address>,
        taken: &mut BTreeSet<Address>,
    ) -> bool {
        let mut complete = true;
        for (text, span) in wanted {
            let within = chain.last().expect("the including file is in it").clone();
            let address = match Address::parse_include(&text, &within) {
                Ok(address) => address,
                Err(bad) => {
                    self.report
                        .error(bad.code, span, bad.message)
                        .help(bad.help);
                    complete = false;
                    continue;
                }
            };
            if let Some(first) = chain.iter().position(|open| *open == address) {
                let drawn = drawn(chain[first..].iter().chain([&address]));
                self.report
                    .error(
                        &codes::FILE_CYCLE,
                        span,
                        format!("files include each other in a circle: {drawn}"),
                    )
                    .help("remove one of these includes");
                continue;
            }
            if !taken.insert(address.clone()) {
                continue;
            }
            if chain.len() > limits::SCOPE_DEPTH {
                self.report
                    .error(
                        &codes::LIMIT,
                        span,
                        format!(
                            "files include each other more than {} levels deep",
                            limits::SCOPE_DEPTH
                        ),
                    )
                    .help("include it in the pipeline, or in a file nearer to it");
                continue;
            }
            let Some(part) = self.part(&address, span) else {
                complete = false;
                continue;
            };
            self.report.enter(part);
            let Some(tree) = yaml::parse(self.report) else {
                complete = false;
                continue;
            };
            shape::check(self.report, &INCLUDED, &tree);
            read::include(self.report, &tree, file);
            let further = read::includes(tree.child("include"));
            chain.push(address);
            complete &= self.take_in(file, further, chain, taken);
            chain.pop();
        }
        complete
    }

    /// The part that holds the text of `address`, or an error at `span`.
    fn part(&mut self, address: &Address, span: Span) -> Option<usize> {
        if let Some(part) = self.parts.get(address) {
            return Some(*part);
        }
        match self.sources.get(address) {
            // What is wrong with its bytes was said already.
            Some(Loaded::File(_)) => {}
            Some(Loaded::Failed(failed)) => self.say(failed, span),
            None => {
                self.missing.insert(address.clone());
                let (message, help) = match address {
                    Address::Local(path) => (
                        format!("there is no file `{path}` among the files of the project"),
                        format!(
                            "write the file, or mend the path: it counts from the top of the project, as in `./{path}`"
                        ),
                    ),
                    Address::Git { .. } => (
                        format!("`{}` was not fetched", address.name()),
                        "`formic lock` fetches and pins it".to_owned(),
                    ),
                };
                self.report
                    .error(&codes::FILE_MISSING, span, message)
                    .help(help);
            }
        }
        None
    }

    /// Says at `span` what is wrong with the file that it refers to.
    fn say(&mut self, failed: &Failed, span: Span) {
        let (code, severity) = failed.kind.code();
        let added = match severity {
            Severity::Error => self.report.error(code, span, failed.message.as_str()),
            Severity::Warning => self.report.warning(code, span, failed.message.as_str()),
        };
        added.help(failed.help.as_str());
    }

    /// The unit at `address`, which the task at `span` uses.
    fn used(&mut self, address: &Address, span: Span) -> Option<usize> {
        self.used.insert(address.clone());
        if let Some(doubt) = self.sources.doubt_of(address) {
            self.say(doubt, span);
        }
        if let Some(known) = self.known.get(address) {
            return *known;
        }
        if let Some(first) = self.open.iter().position(|(open, _)| open == address) {
            self.refuse_cycle(first, address, span);
            return None;
        }
        if self.open.len() > limits::SCOPE_DEPTH {
            self.report
                .error(
                    &codes::LIMIT,
                    span,
                    format!(
                        "files use each other more than {} levels deep",
                        limits::SCOPE_DEPTH
                    ),
                )
                .help("let a task of the pipeline, or of a file nearer to it, use this file");
            return None;
        }
        let part = self.part(address, span)?;
        self.unit(address, part, span)
    }

    fn refuse_cycle(&mut self, first: usize, address: &Address, span: Span) {
        let addresses = self.open[first..].iter().map(|(open, _)| open);
        let drawn = drawn(addresses.chain([address]));
        let mut added = self
            .report
            .error(
                &codes::FILE_CYCLE,
                span,
                format!("files use each other in a circle: {drawn}"),
            )
            .help("let one of these tasks do its work itself");
        for (open, asked) in &self.open[first + 1..] {
            added = added.label(*asked, format!("`{}` is used here", open.name()));
        }
    }
}

/// A circle of files.
fn drawn<'n>(addresses: impl Iterator<Item = &'n Address>) -> String {
    addresses
        .map(Address::name)
        .collect::<Vec<_>>()
        .join(" -> ")
}

/// Names for messages behind `begin`, or that there are none.
fn listed_or<'n>(none: &str, begin: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    if names.clone().next().is_none() {
        return none.to_owned();
    }
    format!("{begin} {}", listed(names))
}
