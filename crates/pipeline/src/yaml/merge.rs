//! Keys that stand twice, and the merge key `<<`.

use super::{Entry, Node, Value, build};
use crate::codes;
use crate::diagnostics::Report;
use crate::scalar;
use std::collections::BTreeSet;

/// Reports every key that stands in one mapping again, and keeps the first.
pub(super) fn refuse_duplicates(report: &mut Report<'_>, entries: &mut Vec<Entry<'_>>) {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|a, b| (&entries[*a].key, a).cmp(&(&entries[*b].key, b)));
    let mut doubled = BTreeSet::new();
    for group in order.chunk_by(|a, b| entries[*a].key == entries[*b].key) {
        let first = &entries[group[0]];
        for index in &group[1..] {
            let again = &entries[*index];
            report
                .error(
                    &codes::DUPLICATE_KEY,
                    again.key_span,
                    format!("the key `{}` stands here twice", again.key),
                )
                .label(first.key_span, "the first is here")
                .help("keep one of them, or give it another name");
            doubled.insert(*index);
        }
    }
    let mut index = 0;
    entries.retain(|_| {
        index += 1;
        !doubled.contains(&(index - 1))
    });
}

/// Adds the keys of the merged mappings that are not there already; an earlier one wins. Returns how
/// many values were added.
pub(super) fn take_in<'a>(
    report: &mut Report<'a>,
    entries: &mut Vec<Entry<'a>>,
    merged: Vec<Node<'a>>,
) -> usize {
    let mut present: BTreeSet<String> = BTreeSet::new();
    if !merged.is_empty() {
        present.extend(entries.iter().map(|entry| entry.key.to_string()));
    }
    let mut added = 0;
    for node in merged {
        let sources = match node.value {
            Value::Sequence(items) => items,
            Value::Scalar(_) | Value::Mapping(_) => vec![node],
        };
        for source in sources {
            if report.is_broken(source.span) {
                continue;
            }
            let Value::Mapping(more) = source.value else {
                let help = match source.text() {
                    Some(name) if scalar::is_name(name) => format!(
                        "write `*{name}`, and `&{name}` before the mapping that is meant, further up: `x-{name}: \
                         &{name} {{ timeout: 5m }}`"
                    ),
                    Some(_) | None => "write `<<: *name`, and `&name` before the mapping that is meant, further up"
                        .to_owned(),
                };
                report
                    .error(
                        &codes::MERGE_NOT_MAPPING,
                        source.span,
                        "`<<` takes a mapping or a list of mappings",
                    )
                    .help(help);
                continue;
            };
            for entry in more {
                if present.insert(entry.key.to_string()) {
                    added += build::size(&entry.value);
                    entries.push(entry);
                }
            }
        }
    }
    added
}
