//! Keys that have to stand, that exclude each other, or of which one is needed.

use super::{Owner, as_in, foreign};
use crate::codes;
use crate::definitions::{Key, Object};
use crate::diagnostics::Report;
use crate::nearest::any_of;
use crate::yaml::Entry;

/// Checks which keys of `object` stand in a mapping.
pub(super) fn check(
    report: &mut Report<'_>,
    object: &'static Object,
    entries: &[Entry<'_>],
    owner: &Owner<'_>,
) {
    let place = |name: &str| {
        let entry = entries.iter().find(|entry| entry.key == name);
        entry.map(|entry| entry.key_span)
    };
    // A key that was plainly meant was reported where it stands.
    let meant = |wanted: &str| {
        entries
            .iter()
            .filter(|entry| object.key(&entry.key).is_none())
            .any(|entry| foreign::means(object.name, &entry.key, wanted))
    };
    for key in object.keys.iter().filter(|key| key.required) {
        let other = key.unless.iter().any(|other| place(other).is_some());
        if place(key.name).is_some() || meant(key.name) || other {
            continue;
        }
        let message = format!("{} has no `{}`", owner.describe(), key.name);
        report
            .error(&codes::MISSING_KEY, owner.key_span, message)
            .help(how_to_add(object.name, key, owner));
    }
    for [one, other] in object.exclusive {
        let (Some(first), Some(second)) = (place(one), place(other)) else {
            continue;
        };
        let message = format!("{} has both `{one}` and `{other}`", owner.describe());
        report
            .error(&codes::NOT_TOGETHER, first.max(second), message)
            .label(first.min(second), "the other is here")
            .help(if *one == "uses" {
                format!(
                    "remove `{other}`: what a task with `uses` does stands in the file that it uses"
                )
            } else {
                "keep one of them".to_owned()
            });
    }
    for [one, needed] in object.dependent {
        let Some(span) = place(one).filter(|_| place(needed).is_none()) else {
            continue;
        };
        let example = object.key(needed).map_or("", |key| key.example);
        report
            .error(
                &codes::MISSING_KEY,
                span,
                format!("{} has `{one}` but no `{needed}`", owner.describe()),
            )
            .help(format!("add `{example}`, or remove `{one}`"));
    }
    let refused = || {
        let known = entries.iter().filter_map(|entry| object.key(&entry.key));
        known.into_iter().any(|key| key.refused)
    };
    let missing = !object.any_of.is_empty()
        && !object
            .any_of
            .iter()
            .any(|name| place(name).is_some() || meant(name))
        && !refused();
    if missing {
        let wanted = any_of(object.any_of.iter().copied());
        let none = if object.any_of.len() == 1 {
            "no"
        } else {
            "none of"
        };
        // The first that goes with what stands there.
        let fits = |name: &&&str| {
            let clash = |[one, other]: &[&str; 2]| {
                (one == *name && place(other).is_some()) || (other == *name && place(one).is_some())
            };
            !object.exclusive.iter().any(clash)
        };
        let fitting = object.any_of.iter().find(fits).unwrap_or(&object.any_of[0]);
        let example = object.key(fitting).map(|key| key.example);
        report
            .error(
                &codes::NOTHING_TO_DO,
                owner.key_span,
                format!("{} has {none} {wanted}", owner.describe()),
            )
            .help(format!(
                "add what it does, such as `{}`",
                example.unwrap_or_default()
            ));
    }
}

/// What to add for a key that has to stand.
fn how_to_add(object: &str, key: &Key, owner: &Owner<'_>) -> String {
    match (object, key.name) {
        ("need", "task") => {
            "add `task: NAME` with the name of another task of this file".to_owned()
        }
        ("given output", "value") => format!(
            "add `value: \"${{{{ tasks.NAME.outputs.{0} }}}}\"` with a task that declares it, `outputs: {{ {0}: string }}`",
            owner.name
        ),
        _ => as_in(key.example).replacen("write it as in", "add it, as in", 1),
    }
}
