//! When a task starts that nothing but its needs holds up: what each of them has to come to.

use super::outlook::{self, Fate};
use super::rule::Rule;
use super::words;
use model::plan::{Edge, EdgeKind, SkipSpread, StatusOf, TaskDef, Tolerance};

impl Rule<'_> {
    /// When a task starts whose condition says nothing about it.
    pub(super) fn starts(&self) -> String {
        if self.task.start.status_of == StatusOf::Scope {
            let of_call = self
                .call
                .map_or_else(String::new, |call| format!(" of {call}"));
            let needs = self.task.needs.iter().map(|edge| self.name_of(edge));
            let needs: Vec<&str> = needs.collect();
            let and_needs = if needs.is_empty() {
                String::new()
            } else {
                format!(" and {}", words::listed(&needs))
            };
            return format!(
                "starts when all tasks{of_call} before `finally`{and_needs} have ended"
            );
        }
        if self.task.needs.is_empty() {
            return match self.call {
                Some(call) => format!("starts with {call}"),
                None => "starts at once".to_owned(),
            };
        }
        match self.task.start.condition {
            Some(_) => {
                let needs = self.task.needs.iter();
                let names: Vec<&str> = needs.map(|edge| self.name_of(edge)).collect();
                format!("starts when {} ended", words::have(&names))
            }
            None => self.starts_by_needs(),
        }
    }

    /// `starts when a and b have succeeded, and c has succeeded or failed`, by what counts as success of each.
    fn starts_by_needs(&self) -> String {
        let mut passed_over: Vec<&str> = Vec::new();
        let mut waits: Vec<(Passing, Vec<&str>)> = Vec::new();
        for edge in &self.task.needs {
            let fate = self.fates.of(edge.task);
            if fate == Some(Fate::Skip) {
                passed_over.push(self.name_of(edge));
                continue;
            }
            let passing = Passing::of(edge, self.plan.task(edge.task), fate);
            match waits.iter_mut().find(|(known, _)| *known == passing) {
                Some((_, names)) => names.push(self.name_of(edge)),
                None => waits.push((passing, vec![self.name_of(edge)])),
            }
        }
        let waits = waits.iter().map(|(passing, names)| passing.said(names));
        let waits: Vec<String> = waits.collect();
        let although = match passed_over.as_slice() {
            [] => None,
            [one] => Some(format!("although {one} is skipped")),
            several => Some(format!("although {} are skipped", words::listed(several))),
        };
        match (waits.is_empty(), although) {
            (true, Some(although)) => format!("starts {although}"),
            (true, None) => "starts at once".to_owned(),
            (false, None) => format!("starts when {}", waits.join(", and ")),
            (false, Some(although)) => {
                format!("starts when {}, {although}", waits.join(", and "))
            }
        }
    }

    /// The names of the needs that come to `fate` and stand in the way with it.
    pub(super) fn needs_that(&self, fate: Fate) -> Vec<&str> {
        let counted = self.task.needs.iter().filter(|edge| {
            let spreads = edge.kind != EdgeKind::Optional && edge.on_skip == SkipSpread::Spread;
            let counts = spreads || matches!(fate, Fate::Fail | Fate::Doomed);
            counts && self.fates.of(edge.task) == Some(fate)
        });
        counted.map(|edge| self.name_of(edge)).collect()
    }

    fn name_of(&self, edge: &Edge) -> &str {
        &self.plan.task(edge.task).name
    }
}

/// What counts as success of a need.
#[derive(Debug, PartialEq, Eq)]
enum Passing {
    /// It is known to fail, and that is allowed.
    Fails,
    /// A person may start it; nobody waits for its end.
    Released,
    /// One of these ends besides success.
    Ends { failure: Failure, skip: Skip },
}

/// Which failures of a need count as success.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    None,
    Any,
    Codes(Vec<i32>),
    Some,
}

/// What the skip of a need counts as.
#[derive(Debug, PartialEq, Eq)]
enum Skip {
    Success,
    Skip,
}

impl Passing {
    fn of(edge: &Edge, need: &TaskDef, fate: Option<Fate>) -> Self {
        let failure = match &need.tolerance {
            _ if outlook::forgives(need) => Failure::Any,
            Tolerance::ExitCodes(codes) => Failure::Codes(codes.clone()),
            Tolerance::When(_) => Failure::Some,
            Tolerance::Never | Tolerance::Always => Failure::None,
        };
        match fate {
            Some(Fate::Released) => Self::Released,
            Some(Fate::Fail) => Self::Fails,
            Some(Fate::Run | Fate::Reuse | Fate::Skip | Fate::Unknown | Fate::Doomed) | None => {
                Self::Ends {
                    failure,
                    skip: match outlook::ignores_skip(edge) {
                        true => Skip::Success,
                        false => Skip::Skip,
                    },
                }
            }
        }
    }

    fn said(&self, names: &[&str]) -> String {
        let have = words::have(names);
        let are = if names.len() == 1 { "is" } else { "are" };
        let (failure, skip) = match self {
            Self::Fails => return format!("{have} failed, which is allowed"),
            Self::Released => return format!("{} {are} up to a person", words::listed(names)),
            Self::Ends { failure, skip } => (failure, skip),
        };
        let failed = match failure {
            Failure::None => None,
            Failure::Any => Some("failed".to_owned()),
            Failure::Codes(codes) => {
                let codes: Vec<String> = codes.iter().map(i32::to_string).collect();
                let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
                let word = if codes.len() == 1 { "code" } else { "codes" };
                Some(format!("failed with exit {word} {}", words::listed(&codes)))
            }
            Failure::Some => Some("failed in a way that is allowed".to_owned()),
        };
        match (failed, skip) {
            (None, Skip::Skip) => format!("{have} succeeded"),
            (None, Skip::Success) => format!("{have} succeeded or {are} skipped"),
            (Some(failed), Skip::Skip) => format!("{have} succeeded or {failed}"),
            (Some(failed), Skip::Success) => {
                format!("{have} succeeded, {failed} or {are} skipped")
            }
        }
    }
}
