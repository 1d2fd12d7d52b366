//! `on`, read: which signals a pipeline waits for, and whether one is among them.

use super::cron::Cron;
use super::{Kind, Patterns};
use crate::nearest::listed;
use model::{Json, JsonMap, limits};

/// Which signals a pipeline waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct On {
    /// Pushes of branches.
    pub push: Option<Filter>,
    /// Pull requests, by the branch that they go to.
    pub pull_request: Option<Filter>,
    /// Tags.
    pub tag: Option<Patterns>,
    /// Times; an empty list takes any.
    pub schedule: Option<Vec<Schedule>>,
    /// A person who asks.
    pub manual: bool,
    /// A program that asks.
    pub api: bool,
}

impl Default for On {
    /// What holds where a file has no `on`: a person asks.
    fn default() -> Self {
        Self {
            manual: true,
            ..Self::nothing()
        }
    }
}

/// Which pushes or pull requests count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Over branches.
    pub branches: Patterns,
    /// Over changed files: one that passes is enough.
    pub paths: Patterns,
}

/// One time.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// When.
    pub cron: Cron,
    /// The IANA name of the time zone.
    pub timezone: String,
    /// Params of the runs that it starts.
    pub params: JsonMap,
}

/// Whether a signal sets a pipeline going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it does.
    pub starts: bool,
    /// Why or why not, with the filter and the value.
    pub reason: String,
    /// The filters that were passed over, since what they look at is not known.
    pub unasked: Vec<Unasked>,
}

/// A part of `on` that is not asked, since the signal does not say what it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// The branch of a push.
    Branch,
    /// The branch that a pull request goes to.
    Base,
    /// The changed files.
    Files,
    /// Which of several times came, so that the params of none are taken.
    Time,
    /// The changed files, which are known, and with the patterns too many to compare.
    TooMany,
}

impl Unasked {
    /// Which filter it is, and why it was not asked.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Branch => "`branches` was not asked: the branch is not known",
            Self::Base => "`branches` was not asked: the branch that it goes to is not known",
            Self::Files => "`paths` was not asked: which files have changed is not known",
            Self::Time => {
                "`params` of `schedule` are not taken: which of its times came is not known"
            }
            Self::TooMany => {
                "`paths` was not asked: its patterns and the changed files are too many to compare"
            }
        }
    }
}

impl Decision {
    fn yes(reason: impl Into<String>) -> Self {
        Self {
            starts: true,
            reason: reason.into(),
            unasked: Vec::new(),
        }
    }

    fn no(reason: impl Into<String>) -> Self {
        Self {
            starts: false,
            reason: reason.into(),
            unasked: Vec::new(),
        }
    }
}

impl On {
    /// No signal at all.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            push: None,
            pull_request: None,
            tag: None,
            schedule: None,
            manual: false,
            api: false,
        }
    }

    /// Whether signals of this kind are waited for at all.
    #[must_use]
    pub const fn names(&self, kind: Kind) -> bool {
        match kind {
            Kind::Push => self.push.is_some(),
            Kind::PullRequest => self.pull_request.is_some(),
            Kind::Tag => self.tag.is_some(),
            Kind::Schedule => self.schedule.is_some(),
            Kind::Manual => self.manual,
            Kind::Api => self.api,
        }
    }

    /// The time that a signal of a schedule is about: the one that it names, or the only one.
    #[must_use]
    pub fn schedule_of(&self, signal: &JsonMap) -> Option<&Schedule> {
        if text(signal, "kind") != Kind::Schedule.as_str() {
            return None;
        }
        let all = self.schedule.as_deref().unwrap_or_default();
        match (text(signal, "cron"), all) {
            ("", [only]) => Some(only),
            ("", _) => None,
            (cron, all) => all.iter().find(|each| is_cron(each, cron)),
        }
    }
}

/// Whether `signal`, the names below `signal`, sets a pipeline with this `on` going. What the signal does not give is not known:
/// filters over it are not asked, and the decision says so.
#[must_use]
pub fn matches(on: &On, signal: &JsonMap) -> Decision {
    let kind = match text(signal, "kind") {
        "" => Kind::default(),
        word => match Kind::from_word(word) {
            Some(kind) => kind,
            None => return Decision::no(format!("there is no signal `{word}`")),
        },
    };
    let known = Decision::yes(format!("`on` names {}", kind.as_str()));
    match kind {
        Kind::Push => of_filter(on, on.push.as_ref(), kind, signal),
        Kind::PullRequest => of_filter(on, on.pull_request.as_ref(), kind, signal),
        Kind::Tag => match &on.tag {
            None => unnamed(on, kind),
            Some(patterns) => of_patterns("on.tag", patterns, "tag", signal).unwrap_or(known),
        },
        Kind::Schedule => match &on.schedule {
            None => unnamed(on, kind),
            Some(all) => match of_schedule(all, signal) {
                Some(refused) => refused,
                None if is_time_unknown(all, signal) => Decision {
                    reason: format!("{}; {}", known.reason, Unasked::Time.sentence()),
                    unasked: vec![Unasked::Time],
                    ..known
                },
                None => known,
            },
        },
        Kind::Manual | Kind::Api if on.names(kind) => known,
        Kind::Manual | Kind::Api => unnamed(on, kind),
    }
}

fn unnamed(on: &On, kind: Kind) -> Decision {
    let named: Vec<&str> = Kind::ALL
        .into_iter()
        .filter(|kind| on.names(*kind))
        .map(Kind::as_str)
        .collect();
    let names = match named.as_slice() {
        [] => "nothing".to_owned(),
        _ => listed(named),
    };
    Decision::no(format!(
        "the signal is `{}`, and `on` names {names}",
        kind.as_str()
    ))
}

fn of_filter(on: &On, filter: Option<&Filter>, kind: Kind, signal: &JsonMap) -> Decision {
    let Some(filter) = filter else {
        return unnamed(on, kind);
    };
    let key = format!("on.{}", kind.as_str());
    let (branch, unknown) = match kind {
        Kind::PullRequest => ("base", Unasked::Base),
        Kind::Push | Kind::Tag | Kind::Schedule | Kind::Manual | Kind::Api => {
            ("branch", Unasked::Branch)
        }
    };
    let branches = of_patterns(&format!("{key}.branches"), &filter.branches, branch, signal);
    if let Some(refused) = branches {
        return refused;
    }
    let mut unasked = Vec::new();
    if !filter.branches.is_empty() && text(signal, branch).is_empty() {
        unasked.push(unknown);
    }
    let files = signal.get("changed_files").and_then(Json::as_array);
    let mut decision = match files {
        _ if filter.paths.is_empty() => Decision::yes(format!("`{key}` lets it pass")),
        Some(files) if are_too_many(&filter.paths, files) => {
            unasked.push(Unasked::TooMany);
            Decision::yes(format!("`{key}` lets it pass"))
        }
        Some(files) => of_paths(&key, &filter.paths, files),
        None => {
            unasked.push(Unasked::Files);
            Decision::yes(format!("`{key}` lets it pass"))
        }
    };
    if decision.starts {
        for each in &unasked {
            decision.reason = format!("{}; {}", decision.reason, each.sentence());
        }
        decision.unasked = unasked;
    }
    decision
}

/// Whether it would take more than [`limits::PATTERN_COMPARISONS`] to ask about the files.
fn are_too_many(paths: &Patterns, files: &[Json]) -> bool {
    let files = files.iter().filter_map(Json::as_str);
    let chars = files.map(|file| file.len() + 1).sum();
    paths.comparisons(chars) > limits::PATTERN_COMPARISONS
}

fn of_paths(key: &str, paths: &Patterns, files: &[Json]) -> Decision {
    let files: Vec<&str> = files.iter().filter_map(Json::as_str).collect();
    let wanted = paths.listed();
    let taken = files.iter().find(|file| paths.pass(file));
    match (taken, files.first()) {
        (Some(file), _) => Decision::yes(format!("`{key}.paths` takes the changed file '{file}'")),
        (None, None) => Decision::no(format!(
            "`{key}.paths` takes {wanted}, and no file has changed"
        )),
        (None, Some(first)) => Decision::no(format!(
            "`{key}.paths` takes {wanted}, and of the {} changed files none matches, such as '{first}'",
            files.len(),
        )),
    }
}

/// The refusal of a list of patterns, if it refuses.
fn of_patterns(key: &str, patterns: &Patterns, name: &str, signal: &JsonMap) -> Option<Decision> {
    let value = text(signal, name);
    if patterns.comparisons(value.len()) > limits::PATTERN_COMPARISONS {
        return Some(Decision::no(format!(
            "signal.{name} is too long to be compared with the patterns of `{key}`"
        )));
    }
    if patterns.is_empty() || value.is_empty() || patterns.pass(value) {
        return None;
    }
    let wanted = patterns.listed();
    Some(Decision::no(format!(
        "`{key}` takes {wanted}, and signal.{name} is '{value}'"
    )))
}

fn of_schedule(all: &[Schedule], signal: &JsonMap) -> Option<Decision> {
    let cron = text(signal, "cron");
    if cron.is_empty() || all.is_empty() || all.iter().any(|each| is_cron(each, cron)) {
        return None;
    }
    let times = listed(all.iter().map(|each| each.cron.text.as_str()));
    Some(Decision::no(format!(
        "`on.schedule` has the times {times}, and signal.cron is '{cron}'"
    )))
}

/// Whether the params of the run depend on which time came, which the signal does not say.
fn is_time_unknown(all: &[Schedule], signal: &JsonMap) -> bool {
    let has_params = all.iter().any(|each| !each.params.is_empty());
    text(signal, "cron").is_empty() && all.len() > 1 && has_params
}

fn is_cron(schedule: &Schedule, cron: &str) -> bool {
    schedule.cron.text.split(' ').eq(cron.split_whitespace())
}

fn text<'s>(signal: &'s JsonMap, name: &str) -> &'s str {
    signal.get(name).and_then(Json::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn signal(value: Json) -> JsonMap {
        model::plan::object(value).unwrap()
    }

    fn push(branches: &[&str], paths: &[&str]) -> On {
        On {
            push: Some(Filter {
                branches: Patterns::new(branches.iter().copied()),
                paths: Patterns::new(paths.iter().copied()),
            }),
            ..On::nothing()
        }
    }

    #[track_caller]
    fn said(on: &On, value: Json) -> (bool, String) {
        let decision = matches(on, &signal(value));
        (decision.starts, decision.reason)
    }

    #[test]
    fn without_on_a_person_has_to_ask() {
        let on = On::default();
        assert!(matches(&on, &JsonMap::new()).starts);
        assert_eq!(
            said(&on, json!({"kind": "push", "branch": "main"})),
            (
                false,
                "the signal is `push`, and `on` names `manual`".to_owned()
            )
        );
    }

    #[test]
    fn a_branch_that_no_pattern_takes_is_named_with_them() {
        let on = push(&["main", "release/*"], &[]);
        assert!(said(&on, json!({"kind": "push", "branch": "release/1"})).0);
        assert_eq!(
            said(&on, json!({"kind": "push", "branch": "dev"})),
            (
                false,
                "`on.push.branches` takes `main` and `release/*`, and signal.branch is 'dev'"
                    .to_owned()
            )
        );
    }

    #[test]
    fn one_changed_file_that_passes_is_enough() {
        let on = push(&[], &["src/**", "!**/*.md"]);
        let files = |files: &[&str]| json!({"kind": "push", "branch": "b", "changed_files": files});
        assert_eq!(
            said(&on, files(&["README.md", "src/a.rs"])),
            (
                true,
                "`on.push.paths` takes the changed file 'src/a.rs'".to_owned()
            )
        );
        assert_eq!(
            said(&on, files(&["src/a.md", "b"])),
            (
                false,
                "`on.push.paths` takes `src/**` and `!**/*.md`, and of the 2 changed files none matches, such as 'src/a.md'"
                    .to_owned()
            )
        );
        assert_eq!(
            said(&on, json!({"kind": "push", "branch": "b"})),
            (
                true,
                "`on.push` lets it pass; `paths` was not asked: which files have changed is not known".to_owned()
            )
        );
    }

    #[test]
    fn what_takes_too_long_to_compare_is_not_asked_and_said() {
        let long = "a".repeat(limits::SIGNAL_BYTES);
        let patterns = vec!["*a*a*a*b"; limits::PATTERNS];
        let signal = json!({"kind": "push", "branch": "b", "changed_files": [long]});
        let (starts, why) = said(&push(&[], &patterns), signal);
        assert!(starts && why.ends_with("are too many to compare"), "{why}");
        let signal = json!({"kind": "push", "branch": long});
        let (starts, why) = said(&push(&patterns, &[]), signal);
        assert!(
            !starts && why.starts_with("signal.branch is too long"),
            "{why}"
        );
    }

    #[test]
    fn a_signal_without_a_change_meets_no_path() {
        assert_eq!(
            said(
                &push(&[], &["src/**"]),
                json!({"kind": "push", "branch": "b", "changed_files": []})
            ),
            (
                false,
                "`on.push.paths` takes `src/**`, and no file has changed".to_owned()
            )
        );
    }

    #[test]
    fn a_pull_request_is_judged_by_the_branch_that_it_goes_to() {
        let on = On {
            pull_request: push(&["main"], &[]).push,
            ..On::nothing()
        };
        let to = |base: &str| {
            said(
                &on,
                json!({"kind": "pull_request", "branch": "x", "base": base}),
            )
            .0
        };
        assert_eq!([to("main"), to("dev"), to("")], [true, false, true]);
    }

    #[test]
    fn a_filter_over_what_is_not_known_is_not_asked_and_told() {
        let filter = push(&["main"], &["src/**"]).push;
        let on = On {
            pull_request: filter.clone(),
            push: filter,
            ..On::nothing()
        };
        let decision = matches(&on, &signal(json!({"kind": "pull_request", "branch": "x"})));
        assert_eq!(decision.unasked, [Unasked::Base, Unasked::Files]);
        assert_eq!(
            decision.reason,
            "`on.pull_request` lets it pass; `branches` was not asked: the branch that it goes to is not known; \
             `paths` was not asked: which files have changed is not known"
        );
        let decision = matches(
            &on,
            &signal(json!({"kind": "push", "changed_files": ["src/a"]})),
        );
        assert_eq!(decision.unasked, [Unasked::Branch]);
        assert_eq!(
            decision.reason,
            "`on.push.paths` takes the changed file 'src/a'; `branches` was not asked: the branch is not known"
        );
    }

    #[test]
    fn a_tag_is_judged_by_its_patterns() {
        let on = On {
            tag: Some(Patterns::new(["v*", "!v0*"])),
            ..On::nothing()
        };
        let of = |tag: &str| said(&on, json!({"kind": "tag", "tag": tag}));
        assert!(of("v1").0);
        assert_eq!(
            of("v0.1").1,
            "`on.tag` takes `v*` and `!v0*`, and signal.tag is 'v0.1'"
        );
    }

    #[test]
    fn a_time_is_judged_by_its_fields_and_gives_its_params() {
        let at = |text: &str| Schedule {
            cron: Cron::parse(text).unwrap(),
            timezone: "UTC".to_owned(),
            params: signal(json!({ "at": text })),
        };
        let on = On {
            schedule: Some(vec![at("0 3 * * *"), at("0 5 * * 1")]),
            ..On::nothing()
        };
        let of = |cron: &str| signal(json!({"kind": "schedule", "cron": cron}));
        assert!(matches(&on, &of("0  5 * * 1")).starts);
        assert_eq!(
            on.schedule_of(&of("0 5 * * 1")).unwrap().params["at"],
            "0 5 * * 1"
        );
        assert_eq!(on.schedule_of(&of("")), None);
        assert_eq!(matches(&on, &of("")).unasked, [Unasked::Time]);
        assert_eq!(matches(&on, &of("0 5 * * 1")).unasked, []);
        assert_eq!(
            matches(&on, &of("0 4 * * *")).reason,
            "`on.schedule` has the times `0 3 * * *` and `0 5 * * 1`, and signal.cron is '0 4 * * *'"
        );
    }
}
