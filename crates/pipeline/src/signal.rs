//! What sets a pipeline going: signals with their names, the filters of `on`, and whether one meets the other.
//!
//! A signal is a kind and the names below `signal` that expressions read. Which names there are stands in one table,
//! [`NAMES`]: the checker refuses others, every plan has all of them, and text that anybody may write is tainted by it.

pub mod cron;
mod on;
mod pattern;

pub use on::{Decision, Filter, On, Schedule, Unasked, matches};
pub(crate) use pattern::PATTERN_CHARS;
pub use pattern::{Pattern, Patterns};

use crate::scalar;
use cron::Cron;
use expr::Type;
use model::{Json, JsonMap};

/// What happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A branch was pushed.
    Push,
    /// A pull request was opened or changed.
    PullRequest,
    /// A tag was pushed.
    Tag,
    /// A time came.
    Schedule,
    /// A person asked.
    #[default]
    Manual,
    /// A program asked.
    Api,
}

impl Kind {
    /// Every kind, in the order of the reference.
    pub const ALL: [Self; 6] = [
        Self::Push,
        Self::PullRequest,
        Self::Tag,
        Self::Schedule,
        Self::Manual,
        Self::Api,
    ];

    /// The word in `on` and in `signal.kind`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::PullRequest => "pull_request",
            Self::Tag => "tag",
            Self::Schedule => "schedule",
            Self::Manual => "manual",
            Self::Api => "api",
        }
    }

    /// The kind called `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a name below `signal` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Text; empty where there is none.
    Text,
    /// The id of a commit in hexadecimal digits; empty where there is none.
    Commit,
    /// A name as tasks have them; empty where there is none.
    Name,
    /// Five fields of cron with blanks between them; empty where there is none.
    Time,
    /// A whole number; 0 where there is none.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list of texts.
    Texts,
    /// Anything below names of its own.
    Object,
}

/// A name below `signal`.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    /// How expressions write it: `signal.branch`.
    pub path: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether anybody may have written it, so that it must not become part of a script.
    pub tainted: bool,
    /// What it is.
    pub doc: &'static str,
}

const fn clean(path: &'static str, holds: Holds, doc: &'static str) -> Name {
    Name {
        path,
        holds,
        tainted: false,
        doc,
    }
}

const fn outside(path: &'static str, holds: Holds, doc: &'static str) -> Name {
    Name {
        path,
        holds,
        tainted: true,
        doc,
    }
}

/// Every name below `signal`.
pub const NAMES: &[Name] = &[
    clean(
        "signal.kind",
        Holds::Text,
        "What happened: `push`, `pull_request`, `tag`, `schedule`, `manual` or `api`.",
    ),
    clean("signal.name", Holds::Name, "The word behind `manual:`."),
    clean("signal.commit", Holds::Commit, "The commit that is run."),
    clean(
        "signal.before",
        Holds::Commit,
        "The commit that the branch was at before.",
    ),
    clean(
        "signal.dirty",
        Holds::Flag,
        "Whether the tree differs from the commit.",
    ),
    clean(
        "signal.number",
        Holds::Number,
        "The number of the pull request.",
    ),
    clean(
        "signal.draft",
        Holds::Flag,
        "Whether the pull request is a draft.",
    ),
    clean(
        "signal.cron",
        Holds::Time,
        "The time of `on.schedule` that came.",
    ),
    outside("signal.branch", Holds::Text, "The branch that is run."),
    outside(
        "signal.base",
        Holds::Text,
        "The branch that a pull request goes to.",
    ),
    outside(
        "signal.head",
        Holds::Text,
        "The branch that a pull request comes from.",
    ),
    outside(
        "signal.source",
        Holds::Text,
        "The repository that a pull request comes from.",
    ),
    outside("signal.tag", Holds::Text, "The tag that was pushed."),
    outside(
        "signal.ref",
        Holds::Text,
        "The whole name in Git: `refs/heads/main`.",
    ),
    outside(
        "signal.author",
        Holds::Text,
        "Who pushed, or opened the pull request.",
    ),
    outside(
        "signal.title",
        Holds::Text,
        "The title of the pull request.",
    ),
    outside("signal.body", Holds::Text, "The text of the pull request."),
    outside("signal.message", Holds::Text, "The message of the commit."),
    outside(
        "signal.label",
        Holds::Text,
        "The label that was added or removed.",
    ),
    outside(
        "signal.labels",
        Holds::Texts,
        "The labels of the pull request.",
    ),
    outside(
        "signal.changed_files",
        Holds::Texts,
        "The changed files, from the folder of the pipeline.",
    ),
    outside(
        "signal.payload",
        Holds::Object,
        "What the forge sent, as it was sent.",
    ),
];

/// The name called `name`.
#[must_use]
pub fn name(name: &str) -> Option<&'static Name> {
    NAMES.iter().find(|each| each.name() == name)
}

impl Name {
    /// The name without `signal.`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.strip_prefix("signal.").unwrap_or(self.path)
    }

    /// The only kind of signal that has it, where not all may.
    #[must_use]
    pub const fn only_of(&self) -> Option<Kind> {
        match self.holds {
            Holds::Name => Some(Kind::Manual),
            Holds::Time => Some(Kind::Schedule),
            Holds::Text
            | Holds::Commit
            | Holds::Number
            | Holds::Flag
            | Holds::Texts
            | Holds::Object => None,
        }
    }
}

impl Holds {
    /// The value of a name that a signal does not give.
    #[must_use]
    pub fn nothing(self) -> Json {
        match self {
            Self::Text | Self::Commit | Self::Name | Self::Time => Json::from(""),
            Self::Number => Json::from(0),
            Self::Flag => Json::from(false),
            Self::Texts => Json::Array(Vec::new()),
            Self::Object => Json::Object(serde_json::Map::new()),
        }
    }

    /// What it takes, in words, where `value` is something else.
    ///
    /// # Errors
    /// The words: `a list of texts`.
    pub fn take(self, value: &Json) -> Result<(), &'static str> {
        let texts = |items: &Vec<Json>| items.iter().all(Json::is_string);
        let is_commit =
            |text: &str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let is_name = |text: &str| text.is_empty() || scalar::is_name(text);
        let (fits, wanted) = match self {
            Self::Text => (value.is_string(), "text"),
            Self::Commit => (
                value.as_str().is_some_and(is_commit),
                "the id of a commit in hexadecimal digits",
            ),
            Self::Name => (
                value.as_str().is_some_and(is_name),
                concat!("a name that has ", scalar::name_form!()),
            ),
            Self::Time => (
                value.as_str().is_some_and(is_time),
                "five fields of cron with blanks between them, such as `0 3 * * *`",
            ),
            Self::Number => (value.is_i64() || value.is_u64(), "a whole number"),
            Self::Flag => (value.is_boolean(), "`true` or `false`"),
            Self::Texts => (value.as_array().is_some_and(texts), "a list of texts"),
            Self::Object => (value.is_object(), "an object"),
        };
        if fits { Ok(()) } else { Err(wanted) }
    }

    /// The type of expressions.
    pub(crate) fn value_type(self) -> Type {
        match self {
            Self::Text | Self::Commit | Self::Name | Self::Time => Type::String,
            Self::Number => Type::Int,
            Self::Flag => Type::Bool,
            Self::Texts => Type::list(Type::String),
            Self::Object => Type::Dyn,
        }
    }
}

/// A script may read it as it is: what fits has no letter by which a shell would run something, and is of one line.
fn is_time(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"*,-/ ".contains(&byte);
    text.is_empty() || (text.bytes().all(is_letter) && Cron::parse(text).is_ok())
}

/// `signal` with all names; those that it does not give are empty.
#[must_use]
pub fn complete(mut signal: JsonMap) -> JsonMap {
    for each in NAMES {
        signal
            .entry(each.name().to_owned())
            .or_insert_with(|| match each.name() {
                "kind" => Json::from(Kind::Manual.as_str()),
                _ => each.holds.nothing(),
            });
    }
    signal
}

/// The paths of names whose text anybody may write: `signal.branch`.
pub(crate) const TAINTED: [&str; count_tainted()] = {
    let mut paths = [""; count_tainted()];
    let (mut from, mut to) = (0, 0);
    while from < NAMES.len() {
        if NAMES[from].tainted {
            paths[to] = NAMES[from].path;
            to += 1;
        }
        from += 1;
    }
    paths
};

const fn count_tainted() -> usize {
    let (mut at, mut count) = (0, 0);
    while at < NAMES.len() {
        count += NAMES[at].tainted as usize;
        at += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_plan_has_every_name_and_keeps_what_was_given() {
        let signal = complete([("branch".to_owned(), json!("main"))].into());
        assert_eq!(signal.len(), NAMES.len());
        assert_eq!([&signal["branch"], &signal["kind"]], ["main", "manual"]);
        for each in NAMES {
            assert_eq!(
                each.holds.take(&signal[each.name()]),
                Ok(()),
                "{}",
                each.path
            );
        }
    }

    #[test]
    fn text_that_anybody_may_write_is_tainted() {
        assert!(TAINTED.contains(&"signal.title"));
        assert!(!TAINTED.contains(&"signal.commit"));
        let clean = NAMES.iter().filter(|each| !each.tainted);
        let texts: Vec<&str> = clean
            .filter(|each| each.holds == Holds::Text)
            .map(Name::name)
            .collect();
        // It is one of six words; the others have a form that holds no commands.
        assert_eq!(texts, ["kind"]);
    }

    #[test]
    fn a_commit_has_nothing_but_hexadecimal_digits() {
        assert_eq!(Holds::Commit.take(&json!("4f2c1a9")), Ok(()));
        assert!(Holds::Commit.take(&json!("$(id)")).is_err());
    }

    #[test]
    fn a_time_is_five_fields_in_one_line() {
        for fits in ["", "0 3 * * *", "*/20 8-18/5 1,15 jan-mar MON"] {
            assert_eq!(Holds::Time.take(&json!(fits)), Ok(()), "{fits}");
        }
        for not in [
            "x;id -un;echo",
            "0 3 * * *;id",
            "0 3 * *\nmon",
            "0\t3 * * *",
            "@daily",
            " ",
        ] {
            assert!(Holds::Time.take(&json!(not)).is_err(), "{not}");
        }
    }

    #[test]
    fn the_name_behind_manual_has_the_form_of_a_name() {
        for fits in ["", "deploy", "to-prod_2"] {
            assert_eq!(Holds::Name.take(&json!(fits)), Ok(()), "{fits}");
        }
        for not in ["x;id", "a b", "$(id)", "a\nb", "-x"] {
            assert!(Holds::Name.take(&json!(not)).is_err(), "{not}");
        }
    }
}
