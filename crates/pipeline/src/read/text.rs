//! Texts with expressions in them, and expressions.

use super::{Purpose, Reader, Use};
use crate::codes;
use crate::definitions::Phase;
use crate::diagnostics::Span;
use crate::expression::{self, DIALECT, Parsed, Reference};
use crate::names;
use crate::yaml::{Node, offsets};
use model::plan::{Expression, Text};

/// How an expression looks, for faults that say no more.
const SAMPLE: &str = "an expression looks like `signal.branch == 'main' && params.publish`";

impl Reader<'_, '_> {
    /// The text under `key`.
    pub(super) fn field(&mut self, node: &Node<'_>, key: &str, phase: Phase) -> Option<Text> {
        self.text(node.child(key)?, phase, Purpose::Value)
    }

    /// A text; `None` when it cannot be read.
    pub(super) fn text(&mut self, node: &Node<'_>, phase: Phase, purpose: Purpose) -> Option<Text> {
        let text = node.text()?;
        self.warn_of_no_dollar(node, text);
        if !text.contains("${{") {
            return Some(Text::Literal(text.to_owned()));
        }
        let (parsed, faults) = expression::template(text);
        let is_right = faults.is_empty();
        for fault in faults {
            self.faulty(node, fault);
        }
        self.record(node, parsed, phase, purpose);
        if !is_right {
            return None;
        }
        Some(Text::Template(Expression {
            dialect: DIALECT.to_owned(),
            text: text.to_owned(),
            written: None,
            at: Some(
                self.report
                    .plan_place(content_start(node, self.report.text())),
            ),
        }))
    }

    /// Braces without `$` around a name that expressions know were meant to be an expression.
    fn warn_of_no_dollar(&mut self, node: &Node<'_>, text: &str) {
        let open = text.match_indices("{{").find(|(at, _)| {
            let name = text[at + 2..].trim_start();
            !text[..*at].ends_with('$')
                && names::roots().any(|root| {
                    let rest = name.strip_prefix(root.name);
                    rest.is_some_and(|rest| rest.starts_with('.'))
                })
        });
        let Some((start, _)) = open else { return };
        let Some(end) = text[start..].find("}}").map(|at| start + at + 2) else {
            return;
        };
        let shown: String = text[start..end].chars().take(60).collect();
        let place = offsets::in_file(self.report.text(), node, Span { start, end });
        self.report
            .warning(
                &codes::NO_DOLLAR,
                place,
                format!("`{shown}` is plain text: an expression begins with `${{{{`"),
            )
            .help(format!("did you mean `${shown}`?"));
    }

    /// The texts under `key`, which holds one or a list.
    pub(super) fn texts(&mut self, node: &Node<'_>, phase: Phase) -> Vec<Text> {
        let items = node.items().unwrap_or(std::slice::from_ref(node));
        items
            .iter()
            .filter_map(|item| self.text(item, phase, Purpose::Value))
            .collect()
    }

    /// An expression, bare or in `${{ }}`.
    pub(super) fn expression(
        &mut self,
        node: &Node<'_>,
        phase: Phase,
        purpose: Purpose,
    ) -> Option<Expression> {
        let (text, parsed, start) = self.bare(node)?;
        self.record(node, parsed, phase, purpose);
        Some(self.at(node, text, start))
    }

    /// A condition with the implied status check written into it.
    pub(super) fn condition(&mut self, node: &Node<'_>, implied: Implied) -> Option<Expression> {
        let (text, parsed, start) = self.bare(node)?;
        let phase = implied.phase();
        let checks_status = parsed.calls.iter().any(Reference::calls_status);
        let constant = parsed.references.is_empty() && parsed.calls.is_empty();
        if constant {
            self.report
                .warning(
                    &codes::NEVER_TRUE,
                    node.span,
                    format!("`{text}` is the same for every run"),
                )
                .help("look at `params`, `signal` or the results of other tasks, or remove it");
        }
        self.record(node, parsed, phase, Purpose::Condition);
        match implied {
            Implied::Needs | Implied::Steps if !checks_status => {
                // A comment at the end of the expression must not swallow the bracket.
                let close = if text.contains("//") { "\n)" } else { ")" };
                let mut expression = self.at(node, format!("succeeded() && ({text}{close}"), start);
                expression.written = Some(text);
                Some(expression)
            }
            Implied::Needs | Implied::Steps | Implied::Nothing(_) => {
                Some(self.at(node, text, start))
            }
        }
    }

    /// The text of an expression without `${{ }}`, what it refers to, and where it begins in the scalar.
    fn bare(&mut self, node: &Node<'_>) -> Option<(String, Parsed, usize)> {
        let whole = node.text()?;
        let trimmed = whole.trim();
        let inner = trimmed
            .strip_prefix("${{")
            .and_then(|rest| rest.strip_suffix("}}"))
            .filter(|inner| !inner.contains("${{"));
        let text = inner.unwrap_or(trimmed).trim();
        let start = text.as_ptr() as usize - whole.as_ptr() as usize;
        match expression::parse(text) {
            Ok(mut parsed) => {
                parsed.shift(start);
                Some((text.to_owned(), parsed, start))
            }
            Err(mut error) => {
                error.shift(start);
                if let Some(help) = without_braces(text) {
                    error.message = "only a part of the expression stands in `${{ }}`".to_owned();
                    error.help = Some(help);
                }
                self.faulty(node, error);
                None
            }
        }
    }

    fn at(&self, node: &Node<'_>, text: String, start: usize) -> Expression {
        let begin = Span { start, end: start };
        let place = offsets::in_file(
            self.report.text(),
            node,
            Span {
                end: start + 1,
                ..begin
            },
        );
        Expression {
            dialect: DIALECT.to_owned(),
            text,
            written: None,
            at: Some(self.report.plan_place(place.start)),
        }
    }

    fn record(&mut self, node: &Node<'_>, parsed: Parsed, phase: Phase, purpose: Purpose) {
        let places = offsets::Places::of(self.report.text(), node);
        let placed = |mut references: Vec<expression::Reference>| {
            for reference in &mut references {
                reference.span = places.place(reference.span);
            }
            references
        };
        self.uses.push(Use {
            task: self.task,
            step: self.step,
            phase,
            purpose,
            slot: self.slot.clone(),
            references: placed(parsed.references),
            calls: placed(parsed.calls),
            programs: parsed.programs,
            node: node.owned_scalar(),
            start: parsed.start,
        });
    }

    fn faulty(&mut self, node: &Node<'_>, error: expression::Fault) {
        let span = match error.span {
            Some(span) => offsets::in_file(self.report.text(), node, span),
            None => node.span,
        };
        self.report
            .error(&codes::EXPRESSION, span, error.message)
            .help(error.help.unwrap_or_else(|| SAMPLE.to_owned()));
    }
}

/// Which status check stands before a condition that has none.
#[derive(Clone, Copy)]
pub(super) enum Implied {
    /// `succeeded()` over the needs of a task.
    Needs,
    /// `succeeded()` over the steps before.
    Steps,
    /// None.
    Nothing(Phase),
}

impl Implied {
    const fn phase(self) -> Phase {
        match self {
            Self::Needs => Phase::Ready,
            Self::Steps => Phase::Start,
            Self::Nothing(phase) => phase,
        }
    }
}

/// Where the text of a scalar begins: behind its quote, or on the line below `|`.
fn content_start(node: &Node<'_>, source: &str) -> usize {
    offsets::in_file(source, node, Span { start: 0, end: 1 }).start
}

/// An expression with braces around parts of it, without them; `None` when they are not the trouble.
fn without_braces(text: &str) -> Option<String> {
    /// Letters of an expression that is repeated.
    const MOST: usize = 160;
    let bare = text.replace("${{ ", "").replace(" }}", "");
    let is_right = text.contains("${{") && bare.len() <= MOST && expression::parse(&bare).is_ok();
    is_right.then(|| format!("here all of it is one: write `{bare}`"))
}
