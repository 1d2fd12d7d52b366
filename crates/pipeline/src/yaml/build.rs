//! From parser events to the tree.
//!
//! The parser stops at the first fault of syntax, so a file has at most one of those; duplicate keys
//! and the like are all reported. Bounds: nesting, and the number of values and the text after aliases are
//! followed, so that a small file cannot become a large tree.

use super::{Entry, Node, Scalar, Style, Value, merge, traps};
use crate::codes;
use crate::diagnostics::{Report, Span};
use expr::template::NUL_IN_TEXT;
use granit_parser::{Event, Options, Parser, ScalarStyle};
use model::limits;
use std::collections::BTreeMap;

/// Levels of lists and mappings in each other. Real pipelines have under ten.
pub(crate) const DEPTH: usize = 64;
/// Values in one file, aliases followed: ten thousand tasks with twenty keys each.
pub(crate) const VALUES: usize = 200_000;
/// Bytes of text that aliases repeat: as many as a file may have itself. A script or a condition is read wherever it stands.
pub(crate) const REPEATED_BYTES: usize = limits::PIPELINE_FILE_BYTES;

type Events<'a> = Parser<'a, granit_parser::StrInput<'a>>;

/// The tree of the file's only document; `None` when the syntax is wrong or a bound is passed.
pub(crate) fn parse<'a>(report: &mut Report<'a>) -> Option<Node<'a>> {
    let mut options = Options::default();
    options.emit_comments = false;
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = DEPTH;
    options.block_nesting_limit = DEPTH;
    let mut builder = Builder {
        events: Parser::new_from_str_with_options(report.part_text(), options),
        base: report.top().start,
        report,
        anchors: BTreeMap::new(),
        values: 0,
        repeated_bytes: 0,
        merging: false,
    };
    builder.document().ok()
}

/// The file cannot be read further; why has been reported.
struct Stop;

struct Builder<'a, 'r> {
    events: Events<'a>,
    /// Where the file's text begins in the report's.
    base: usize,
    report: &'r mut Report<'a>,
    /// Finished values by anchor number.
    anchors: BTreeMap<usize, Node<'a>>,
    values: usize,
    /// Text that aliases stand for.
    repeated_bytes: usize,
    /// Whether the value of `<<` is read.
    merging: bool,
}

impl<'a> Builder<'a, '_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the parser's events, of which all others are values"
    )]
    fn document(&mut self) -> Result<Node<'a>, Stop> {
        let mut tree = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::DocumentStart(..) if tree.is_some() => {
                    self.report
                        .error(
                            &codes::SEVERAL_DOCUMENTS,
                            span,
                            "a second document begins here; a pipeline file has one",
                        )
                        .help("put it in a file of its own, or remove the line `---`");
                    return Err(Stop);
                }
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                node => tree = Some(self.node(node, span, 0)?),
            }
        }
        Ok(tree.unwrap_or(Node {
            value: Value::Mapping(Vec::new()),
            span: self.report.top(),
        }))
    }

    /// The next event that is part of the document.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Stop> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                if let Some(tag) = span.tag_span() {
                    let tag = self.bytes(tag);
                    let name = self
                        .report
                        .text()
                        .get(tag.start..tag.end)
                        .unwrap_or("!")
                        .to_owned();
                    self.report
                        .error(
                            &codes::TAG,
                            tag,
                            format!("the tag `{name}` has no meaning here"),
                        )
                        .help("remove it; the key decides the type of its value");
                }
                Ok(Some((event, self.bytes(span))))
            }
            Some(Err(error)) => {
                traps::report_syntax(self.report, &error);
                Err(Stop)
            }
        }
    }

    /// A span of the parser as one of the report.
    fn bytes(&self, span: granit_parser::Span) -> Span {
        let top = Span {
            start: self.base,
            end: self.base,
        };
        span.byte_range().map_or(top, |range| Span {
            start: self.base + range.start,
            end: self.base + range.end.max(range.start),
        })
    }

    fn inner(&mut self) -> Result<(Event<'a>, Span), Stop> {
        self.next()?.ok_or(Stop)
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node<'a>, Stop> {
        self.count(1, span)?;
        if depth > DEPTH {
            let message = format!("more than {DEPTH} levels of lists and mappings");
            self.report.error(&codes::TOO_DEEP, span, message);
            return Err(Stop);
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                if text.contains('\0') {
                    self.report
                        .error(
                            &codes::CONTROL_CHARACTER,
                            span,
                            NUL_IN_TEXT,
                        )
                        .help("in double quotes YAML makes it of `\\0`: remove that, or write `\\\\0` where a program is to make it, as in `printf '\\\\0'`");
                    self.report.mark_broken(span);
                    return Ok(null(span));
                }
                let scalar = Scalar {
                    text,
                    style: style_of(style),
                };
                self.finished(anchor, Value::Scalar(scalar), span)
            }
            Event::SequenceStart(_, anchor, _) => self.sequence(anchor, span, depth),
            Event::MappingStart(_, anchor, _) => self.mapping(anchor, span, depth),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                self.report
                    .error(&codes::UNKNOWN_ANCHOR, span, format!("no anchor `&{name}` stands above"))
                    .help(if self.merging {
                        format!("write `&{name}` before the mapping that is meant, further up: `x-{name}: &{name} {{ timeout: 5m }}`")
                    } else {
                        "an anchor has to be defined before it is used; text that begins with `*` needs quotes".to_owned()
                    });
                self.report.mark_broken(span);
                Ok(null(span))
            }
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd
            | Event::Anchor(..)
            | _ => Ok(null(span)),
        }
    }

    fn sequence(&mut self, anchor: usize, start: Span, depth: usize) -> Result<Node<'a>, Stop> {
        let mut items: Vec<Node<'a>> = Vec::new();
        loop {
            let (event, span) = self.inner()?;
            if matches!(event, Event::SequenceEnd) {
                let end = end_of(start, span, items.last().map(|item| item.span.end));
                return self.finished(anchor, Value::Sequence(items), end);
            }
            items.push(self.node(event, span, depth + 1)?);
        }
    }

    fn mapping(&mut self, anchor: usize, start: Span, depth: usize) -> Result<Node<'a>, Stop> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, key_span) = self.inner()?;
            if matches!(event, Event::MappingEnd) {
                let last = entries.last().map(|entry| entry.value.span.end);
                let end = end_of(start, key_span, last);
                merge::refuse_duplicates(self.report, &mut entries);
                let added = merge::take_in(self.report, &mut entries, merged);
                self.count(added, start)?;
                return self.finished(anchor, Value::Mapping(entries), end);
            }
            let key = self.node(event, key_span, depth + 1)?;
            let (event, span) = self.inner()?;
            self.merging = matches!(&key.value, Value::Scalar(scalar) if is_merge(scalar));
            let value = self.node(event, span, depth + 1)?;
            self.merging = false;
            match key.value {
                Value::Scalar(scalar) if is_merge(&scalar) => {
                    merged.push(value);
                }
                Value::Scalar(scalar) => entries.push(Entry {
                    key: scalar.text,
                    key_span,
                    value,
                }),
                Value::Sequence(_) | Value::Mapping(_) => {
                    let found = if matches!(key.value, Value::Sequence(_)) {
                        "a list"
                    } else {
                        "a mapping"
                    };
                    let help = key_help(self.report.text(), &key);
                    self.report
                        .error(
                            &codes::KEY_NOT_TEXT,
                            key.span,
                            format!("{found} cannot be a key"),
                        )
                        .help(help);
                    self.report.mark_broken(start);
                }
            }
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node<'a>, Stop> {
        let Some(target) = self.anchors.get(&anchor) else {
            self.report
                .error(
                    &codes::ALIAS_IN_ITSELF,
                    span,
                    "this alias stands inside the value that it names",
                )
                .help("repeat the part that is meant");
            self.report.mark_broken(span);
            return Ok(null(span));
        };
        let target = target.clone();
        self.count(size(&target), span)?;
        self.repeated_bytes = self.repeated_bytes.saturating_add(bytes(&target));
        if self.repeated_bytes <= REPEATED_BYTES {
            return Ok(target);
        }
        let message = format!("aliases repeat more than {REPEATED_BYTES} bytes of text");
        self.report
            .error(&codes::TOO_MANY_VALUES, span, message)
            .help("put what is long into a file of its own, such as a script that the tasks run");
        Err(Stop)
    }

    /// Keeps a copy of an anchored value; copies count as values, since anchors may stand in each other.
    fn finished(&mut self, anchor: usize, value: Value<'a>, span: Span) -> Result<Node<'a>, Stop> {
        let node = Node { value, span };
        if anchor != 0 {
            self.count(size(&node), span)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Stop> {
        self.values = self.values.saturating_add(more);
        if self.values <= VALUES {
            return Ok(());
        }
        let message = format!("the file has more than {VALUES} values, aliases followed");
        self.report
            .error(&codes::TOO_MANY_VALUES, span, message)
            .help("let a task with `generates` write the tasks, or use a `matrix`");
        Err(Stop)
    }
}

/// A collection reaches to its closing bracket, or in block style to the end of its last value.
fn end_of(start: Span, close: Span, last_value: Option<usize>) -> Span {
    let end = if close.end > close.start {
        close.end
    } else {
        last_value.unwrap_or(start.end)
    };
    Span {
        start: start.start,
        end: end.max(start.end),
    }
}

/// Whether a key takes in other mappings.
fn is_merge(key: &Scalar<'_>) -> bool {
    key.text == "<<" && key.style == Style::Plain
}

/// What to write in place of a key that is a list or a mapping.
fn key_help(text: &str, key: &Node<'_>) -> String {
    let before = text.get(..key.span.start).unwrap_or_default();
    let inside = text.get(key.span.start..key.span.end).unwrap_or_default();
    match &key.value {
        // `{{ NAME }}` in a mapping is a mapping in a mapping.
        Value::Mapping(_)
            if before.ends_with('{') && inside.len() <= 80 && !inside.contains('\n') =>
        {
            format!(
                "write `\"${{{inside}}}\"`: an expression begins with `${{{{`, and text with `{{` needs quotes"
            )
        }
        Value::Sequence(items) if items.len() == 1 && items[0].text().is_some() => {
            let name = items[0].text().unwrap_or_default();
            format!("write `{name}:` for the key `{name}`; text that begins with `[` needs quotes")
        }
        Value::Scalar(_) | Value::Sequence(_) | Value::Mapping(_) => {
            "text that begins with `{` or `[`, such as a template, needs quotes".to_owned()
        }
    }
}

const fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn null<'a>(span: Span) -> Node<'a> {
    let scalar = Scalar {
        text: "".into(),
        style: Style::Plain,
    };
    Node {
        value: Value::Scalar(scalar),
        span,
    }
}

/// Text in a tree.
fn bytes(node: &Node<'_>) -> usize {
    match &node.value {
        Value::Scalar(scalar) => scalar.text.len(),
        Value::Sequence(items) => items.iter().map(bytes).sum(),
        Value::Mapping(entries) => {
            let entries = entries.iter();
            entries
                .map(|entry| entry.key.len() + bytes(&entry.value))
                .sum()
        }
    }
}

/// Values in a tree, itself included.
pub(super) fn size(node: &Node<'_>) -> usize {
    let below: usize = match &node.value {
        Value::Scalar(_) => 0,
        Value::Sequence(items) => items.iter().map(size).sum(),
        Value::Mapping(entries) => entries.iter().map(|entry| 1 + size(&entry.value)).sum(),
    };
    1 + below
}
