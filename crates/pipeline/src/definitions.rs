//! The language as a table: every object, its keys, and what each key takes.
//!
//! The checker (`shape`), the JSON Schema (`schema`) and the reference
//! (`reference`) all read this table, so they cannot disagree. The readers in `read` turn
//! values that passed the checker into the plan.

mod actions;
mod container;
mod data;
mod pipeline;
mod task;
mod triggers;

#[cfg(test)]
pub(crate) use data::OUTPUT_TYPES;
pub(crate) use data::PARAM_TYPES;
pub(crate) use pipeline::{FRAGMENT, INCLUDED, PIPELINE};

/// When the expressions of a key are evaluated, which decides the names they may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// When the plan is made: params and the signal are known.
    Plan,
    /// When the needs of the task have ended: their results are known too.
    Ready,
    /// On the worker: environment, secrets and earlier steps are known too.
    Start,
    /// After an attempt: its failure is known too.
    End,
}

/// One set of keys.
#[derive(Debug)]
pub struct Object {
    /// Its name in the reference and the schema.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: &'static [Key],
    /// What any other key means; `None` refuses them.
    pub rest: Option<Rest>,
    /// At least one of these keys has to stand.
    pub any_of: &'static [&'static str],
    /// Of each of these pairs only one may stand.
    pub exclusive: &'static [[&'static str; 2]],
    /// Of each of these pairs the first needs the second.
    pub dependent: &'static [[&'static str; 2]],
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it is for.
    pub doc: &'static str,
    /// An example of the whole line or lines.
    pub example: &'static str,
    /// What holds when it is absent.
    pub default: &'static str,
    /// The first version that has it.
    pub since: &'static str,
    /// Whether it has to stand.
    pub required: bool,
    /// Keys of which any makes it unnecessary.
    pub unless: &'static [&'static str],
    /// Whether this version refuses it by name.
    pub refused: bool,
    /// Whether this version checks and plans it, and refuses to run a task that has it. Only keys of tasks are so.
    pub later: bool,
}

/// Keys that the pipeline's author chooses.
#[derive(Debug)]
pub struct Rest {
    /// What they are called: `a task`.
    pub what: &'static str,
    /// How they have to be written.
    pub names: Names,
    /// What each takes.
    pub kind: &'static Kind,
}

/// How a name chosen by the author has to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// A letter or `_`, then letters, digits, `_` and `-`.
    Plain,
    /// A name of an environment variable.
    Variable,
    /// `x-` and anything; for anchors.
    Extension,
    /// Anything but the empty text.
    Any,
}

/// What a key takes.
#[derive(Debug)]
pub enum Kind {
    /// Any value.
    Any,
    /// Any value whose texts are taken as they are.
    Constant,
    /// Nothing at all, as in `manual:`.
    Nothing,
    /// Text with expressions in `${{ }}`.
    Text {
        /// When they are evaluated.
        phase: Phase,
        /// Whether there may be no text.
        empty: bool,
    },
    /// Text that is taken as it is.
    Plain,
    /// The same without `/`, and not `@`: what people call a pipeline, as in `PIPELINE/TASK`.
    Title,
    /// A name of something in this file.
    Name,
    /// An expression, bare or in `${{ }}`.
    Expression(Phase),
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// A decimal number from 1 on.
    Factor,
    /// A time with its unit.
    Duration,
    /// A size with its unit.
    Size,
    /// A number of CPUs.
    Cpu,
    /// One of some words.
    Word {
        /// The words.
        words: &'static [&'static str],
        /// Words of the language that this version refuses by name.
        later: &'static [&'static str],
        /// Words that say too little where they stand alone, and an example of what they want.
        unfinished: &'static [[&'static str; 2]],
    },
    /// A list.
    List {
        /// Of what.
        of: &'static Self,
        /// How many at least.
        min: usize,
    },
    /// A mapping with keys that the author chooses.
    Map {
        /// What each entry is called: `task`.
        what: &'static str,
        /// How the keys have to be written.
        names: Names,
        /// What each takes.
        of: &'static Self,
        /// How many at least.
        min: usize,
    },
    /// A mapping with known keys.
    Object(&'static Object),
    /// One of several, told apart by their form.
    OneOf(&'static [Self]),
}

/// Every object that a pipeline file can hold, in the order in which they are mentioned.
pub(crate) fn all() -> Vec<&'static Object> {
    let mut found: Vec<&'static Object> = vec![&PIPELINE];
    let mut next = 0;
    while let Some(object) = found.get(next).copied() {
        next += 1;
        let rest = object.rest.as_ref().map(|rest| rest.kind);
        let kinds = object
            .keys
            .iter()
            .filter(|key| !key.refused)
            .map(|key| &key.kind);
        for kind in kinds.chain(rest) {
            kind.add_objects(&mut found);
        }
    }
    found
}

/// What holds without a key of an object; nothing where there is no word for it.
pub(crate) fn default_of(object: &str, key: &str) -> &'static str {
    let named = all().into_iter().find(|each| each.name == object);
    let key = named.and_then(|object| object.key(key));
    key.map_or("", |key| key.default)
}

impl Phase {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Ready => "ready",
            Self::Start => "start",
            Self::End => "end",
        }
    }
}

impl Kind {
    /// Adds the objects that it can hold directly.
    fn add_objects(&'static self, found: &mut Vec<&'static Object>) {
        match self {
            Self::Object(object) => {
                if !found.iter().any(|each| std::ptr::eq(*each, *object)) {
                    found.push(object);
                }
            }
            Self::List { of, .. } | Self::Map { of, .. } => of.add_objects(found),
            Self::OneOf(kinds) => kinds.iter().for_each(|kind| kind.add_objects(found)),
            Self::Any
            | Self::Constant
            | Self::Nothing
            | Self::Text { .. }
            | Self::Plain
            | Self::Title
            | Self::Name
            | Self::Expression(_)
            | Self::Boolean
            | Self::Integer { .. }
            | Self::Factor
            | Self::Duration
            | Self::Size
            | Self::Cpu
            | Self::Word { .. } => {}
        }
    }

    /// Text with expressions, not empty.
    const fn filled(phase: Phase) -> Self {
        Self::Text {
            phase,
            empty: false,
        }
    }

    /// Text with expressions, or none.
    const fn text(phase: Phase) -> Self {
        Self::Text { phase, empty: true }
    }

    /// One of `words`.
    const fn word(words: &'static [&'static str]) -> Self {
        Self::Word {
            words,
            later: &[],
            unfinished: &[],
        }
    }

    /// The phase of its expressions, if it takes any.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Text { phase, .. } | Self::Expression(phase) => Some(*phase),
            Self::List { of, .. } | Self::Map { of, .. } => of.phase(),
            Self::OneOf(kinds) => kinds.iter().find_map(Self::phase),
            Self::Any
            | Self::Constant
            | Self::Nothing
            | Self::Plain
            | Self::Title
            | Self::Name
            | Self::Boolean
            | Self::Integer { .. }
            | Self::Factor
            | Self::Duration
            | Self::Size
            | Self::Cpu
            | Self::Word { .. }
            | Self::Object(_) => None,
        }
    }

    /// What it takes, in words: `a list of names`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Any | Self::Constant => "any value".to_owned(),
            Self::Nothing => "no value".to_owned(),
            Self::Text { .. } | Self::Plain => "text".to_owned(),
            Self::Title => "text without `/` that is not `@`".to_owned(),
            Self::Name => "a name".to_owned(),
            Self::Expression(_) => "an expression".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Integer { .. } => "a whole number".to_owned(),
            Self::Factor => "a number".to_owned(),
            Self::Duration => "a time such as `90s` or `20m`".to_owned(),
            Self::Size => "a size such as `512MiB`".to_owned(),
            Self::Cpu => "a number of CPUs such as `2`, `0.5` or `500m`".to_owned(),
            Self::Word { words, .. } => crate::nearest::any_of(words.iter().copied()),
            Self::List { .. } => "a list".to_owned(),
            Self::Map { what, .. } => format!("a mapping of {what}s"),
            Self::Object(object) => format!("a mapping of {}", object.doc_noun()),
            Self::OneOf(kinds) => {
                let mut words: Vec<String> = Vec::new();
                for word in kinds.iter().map(Self::describe) {
                    if !words.contains(&word) {
                        words.push(word);
                    }
                }
                match words.split_last() {
                    Some((last, rest)) if !rest.is_empty() => {
                        format!("{} or {last}", rest.join(", "))
                    }
                    Some((last, _)) => last.clone(),
                    None => String::new(),
                }
            }
        }
    }
}

impl Object {
    /// An object with these keys and no others.
    const fn new(name: &'static str, doc: &'static str, keys: &'static [Key]) -> Self {
        Self {
            name,
            doc,
            keys,
            rest: None,
            any_of: &[],
            exclusive: &[],
            dependent: &[],
        }
    }

    const fn rest(mut self, rest: Rest) -> Self {
        self.rest = Some(rest);
        self
    }

    const fn any_of(mut self, keys: &'static [&'static str]) -> Self {
        self.any_of = keys;
        self
    }

    const fn exclusive(mut self, pairs: &'static [[&'static str; 2]]) -> Self {
        self.exclusive = pairs;
        self
    }

    const fn dependent(mut self, pairs: &'static [[&'static str; 2]]) -> Self {
        self.dependent = pairs;
        self
    }

    /// The key called `name`.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The keys that this version takes.
    pub fn accepted(&self) -> impl Iterator<Item = &'static str> {
        self.keys
            .iter()
            .filter(|key| !key.refused)
            .map(|key| key.name)
    }

    /// `the keys …`, for messages about a value of the wrong form.
    fn doc_noun(&self) -> String {
        let names: Vec<&str> = self.accepted().collect();
        if names.is_empty() {
            return format!("the keys of {}", self.name);
        }
        crate::nearest::listed(names.iter().copied().take(6))
    }
}

impl Key {
    const fn new(name: &'static str, kind: Kind, doc: &'static str, example: &'static str) -> Self {
        Self {
            name,
            kind,
            doc,
            example,
            default: "",
            since: "0.1",
            required: false,
            unless: &[],
            refused: false,
            later: false,
        }
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Required where none of `keys` stands.
    const fn required_unless(mut self, keys: &'static [&'static str]) -> Self {
        self.required = true;
        self.unless = keys;
        self
    }

    const fn refused(mut self) -> Self {
        self.refused = true;
        self
    }

    const fn later(mut self) -> Self {
        self.later = true;
        self
    }
}
