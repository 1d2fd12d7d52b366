//! `on:` and its filters.

use super::Reader;
use super::params::{Param, holds_expression, typed, unknown_param, wanted_for};
use crate::codes;
use crate::nearest::nearest;
use crate::signal::cron::Cron;
use crate::signal::{Filter, Kind, On, Pattern, Patterns, Schedule};
use crate::yaml::Node;
use model::{JsonMap, limits};
use std::collections::BTreeMap;

impl Reader<'_, '_> {
    /// `on:`; without it a person has to ask.
    pub(super) fn triggers(&mut self, node: Option<&Node<'_>>, params: &[Param]) -> On {
        let Some(node) = node.filter(|node| !node.is_null()) else {
            return On::default();
        };
        let mut on = On::nothing();
        for word in node.items().unwrap_or(std::slice::from_ref(node)) {
            if let Some(kind) = word.text().and_then(Kind::from_word) {
                add(&mut on, kind);
            }
        }
        for entry in node.entries().unwrap_or_default() {
            let Some(kind) = Kind::from_word(&entry.key) else {
                continue;
            };
            add(&mut on, kind);
            match kind {
                Kind::Push => on.push = Some(self.filter(&entry.value)),
                Kind::PullRequest => on.pull_request = Some(self.filter(&entry.value)),
                Kind::Tag => {
                    let tags = match entry.value.entries() {
                        Some(_) => entry.value.child("tags"),
                        None => Some(&entry.value),
                    };
                    on.tag = Some(self.patterns(tags));
                }
                Kind::Schedule => {
                    let times = entry.value.items().unwrap_or_default().iter();
                    on.schedule = Some(
                        times
                            .filter_map(|time| self.time_of(time, params))
                            .collect(),
                    );
                }
                Kind::Manual | Kind::Api => {}
            }
        }
        on
    }

    fn filter(&mut self, node: &Node<'_>) -> Filter {
        Filter {
            branches: self.patterns(node.child("branches")),
            paths: self.patterns(node.child("paths")),
        }
    }

    /// One pattern or a list of them.
    fn patterns(&mut self, node: Option<&Node<'_>>) -> Patterns {
        let Some(node) = node.filter(|node| !node.is_null()) else {
            return Patterns::default();
        };
        let items = node.items().unwrap_or(std::slice::from_ref(node));
        if let Some(item) = items.get(limits::PATTERNS) {
            let (found, most) = (items.len(), limits::PATTERNS);
            let message = format!("a filter has {found} patterns; at most {most} are allowed");
            self.report
                .error(&codes::LIMIT, item.span, message)
                .help("name folders in place of files, or several in one with `**`");
        }
        let mut patterns = Vec::new();
        for item in items.iter().take(limits::PATTERNS) {
            let Some(text) = item.text() else { continue };
            if text.chars().count() > crate::signal::PATTERN_CHARS {
                let most = crate::signal::PATTERN_CHARS;
                self.report
                    .error(
                        &codes::LIMIT,
                        item.span,
                        format!("a pattern has at most {most} characters"),
                    )
                    .help("write several shorter ones");
                continue;
            }
            if matches!(text, "" | "!") {
                self.report
                    .error(&codes::EMPTY, item.span, "the pattern is empty")
                    .help("write `**` for everything, or remove it");
                continue;
            }
            patterns.push(Pattern::new(text));
        }
        Patterns(patterns)
    }

    /// An entry of `on.schedule`; `None` when it has a fault.
    fn time_of(&mut self, node: &Node<'_>, params: &[Param]) -> Option<Schedule> {
        let cron = node.child("cron").filter(|cron| cron.text().is_some());
        let cron = cron.and_then(|cron| match Cron::parse(cron.text().unwrap_or_default()) {
            Ok(parsed) => Some(parsed),
            Err(fault) => {
                self.report
                    .error(&codes::NOT_CRON, cron.span, fault.message)
                    .help(fault.help);
                None
            }
        });
        let timezone = match node.child("timezone") {
            Some(zone) => self.zone(zone),
            None => "UTC".to_owned(),
        };
        let params = node
            .child("params")
            .map(|node| self.params_of_time(node, params))
            .unwrap_or_default();
        Some(Schedule {
            cron: cron?,
            timezone,
            params,
        })
    }

    fn zone(&mut self, node: &Node<'_>) -> String {
        let name = node.text().unwrap_or("UTC");
        if !expr::time::is_zone(name) && !self.report.is_full() {
            let zones = expr::time::zones();
            let near = nearest(name, zones.iter().map(String::as_str));
            self.report
                .error(
                    &codes::NOT_ZONE,
                    node.span,
                    format!("there is no time zone `{name}`"),
                )
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write its IANA name, such as `Europe/Berlin`".to_owned(),
                });
        }
        name.to_owned()
    }

    fn params_of_time(&mut self, node: &Node<'_>, params: &[Param]) -> JsonMap {
        let mut values = JsonMap::new();
        let known: BTreeMap<&str, &Param> = params
            .iter()
            .map(|param| (param.name.as_str(), param))
            .collect();
        for entry in node.entries().unwrap_or_default() {
            if self.report.is_full() {
                break;
            }
            let Some(param) = known.get(&*entry.key) else {
                unknown_param(self.report, entry.key_span, &entry.key, params);
                continue;
            };
            if holds_expression(&entry.value) {
                // Refused with the shape of the file.
                continue;
            }
            match typed(&entry.value, &param.value_type) {
                Some(value) => {
                    values.insert(param.name.clone(), value);
                }
                None => {
                    let (wanted, found) = (
                        wanted_for(&entry.value, &param.value_type),
                        entry.value.describe(),
                    );
                    self.report
                        .error(
                            &codes::PARAM_VALUE,
                            entry.value.span,
                            format!("param `{}`: expected {wanted}, found {found}", param.name),
                        )
                        .help("write a value of the declared type");
                }
            }
        }
        values
    }
}

/// Lets every signal of this kind pass.
fn add(on: &mut On, kind: Kind) {
    match kind {
        Kind::Push => on.push = Some(Filter::default()),
        Kind::PullRequest => on.pull_request = Some(Filter::default()),
        Kind::Tag => on.tag = Some(Patterns::default()),
        Kind::Schedule => on.schedule = Some(Vec::new()),
        Kind::Manual => on.manual = true,
        Kind::Api => on.api = true,
    }
}
