//! Where the values of a file stand, by their JSON pointers: so that what a schema says can be compared with what the checker
//! says. It does not follow aliases and merge keys; what comes by one stands where the value around it stands.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "events of the parser and faults of the validator, of which few matter here"
)]

use granit_parser::{Event, Parser, StrInput};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of each value, its key included.
pub(crate) struct Places {
    by_pointer: BTreeMap<String, Range<usize>>,
}

struct Walk<'t> {
    events: Parser<'t, StrInput<'t>>,
    places: Places,
}

impl Places {
    pub(crate) fn of(text: &str) -> Self {
        let mut walk = Walk {
            events: Parser::new_from_str(text),
            places: Self {
                by_pointer: BTreeMap::new(),
            },
        };
        loop {
            let (event, range) = walk.next();
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => {
                    walk.value(&event, &range, String::new(), 0);
                }
            }
        }
        // The document is all of the text.
        walk.places.by_pointer.insert(String::new(), 0..usize::MAX);
        walk.places
    }

    /// Where the faults of one error stand.
    pub(crate) fn of_error(&self, error: &ValidationError<'_>) -> Vec<Range<usize>> {
        let pointer = error.instance_path().to_string();
        let keys: Vec<String> = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => unexpected.clone(),
            ValidationErrorKind::PropertyNames { error } => {
                vec![error.instance().as_str().unwrap().to_owned()]
            }
            _ => return vec![self.at(&pointer)],
        };
        let pointers = keys.iter().map(|key| member(&pointer, key));
        pointers.map(|pointer| self.at(&pointer)).collect()
    }

    /// The value whose key begins at a byte; the byte alone where there is none.
    pub(crate) fn from(&self, start: usize) -> Range<usize> {
        let ranges = self
            .by_pointer
            .iter()
            .filter(|(pointer, _)| !pointer.is_empty());
        let ends = ranges.filter(|(_, range)| range.start == start);
        let end = ends.map(|(_, range)| range.end).max();
        start..end.unwrap_or(start + 1)
    }

    /// Where a value stands, or the nearest one around it that has a place.
    fn at(&self, pointer: &str) -> Range<usize> {
        let mut pointer = pointer;
        loop {
            match self.by_pointer.get(pointer) {
                Some(range) => return range.clone(),
                None => pointer = &pointer[..pointer.rfind('/').unwrap()],
            }
        }
    }
}

impl<'t> Walk<'t> {
    fn next(&mut self) -> (Event<'t>, Range<usize>) {
        let (event, span) = self.events.next_event().unwrap().unwrap();
        (event, span.byte_range().unwrap_or_default())
    }

    /// Takes in a value whose key begins at `start`; where it ends.
    fn value(
        &mut self,
        event: &Event<'t>,
        range: &Range<usize>,
        pointer: String,
        start: usize,
    ) -> usize {
        let mut end = range.end;
        match event {
            Event::SequenceStart(..) => {
                for index in 0.. {
                    let (event, range) = self.next();
                    end = end.max(range.end);
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    let inner = member(&pointer, &index.to_string());
                    end = end.max(self.value(&event, &range, inner, range.start));
                }
            }
            Event::MappingStart(..) => loop {
                let (key, range) = self.next();
                end = end.max(range.end);
                let inner = match &key {
                    Event::MappingEnd => break,
                    Event::Scalar(text, ..) => member(&pointer, text),
                    _ => format!("{pointer}/?"),
                };
                let (event, value) = self.next();
                end = end.max(self.value(&event, &value, inner, range.start));
            },
            _ => {}
        }
        // The end of a value without text is where it begins.
        self.places
            .by_pointer
            .insert(pointer, start..end.max(start) + 1);
        end
    }
}

/// The pointer of a member.
fn member(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
