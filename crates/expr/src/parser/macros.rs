//! Macros: calls whose arguments are not all evaluated before the call.
//!
//! A macro is recognised by name and number of arguments; other uses of the name are plain calls. Its variables
//! live in slots numbered by nesting, so evaluation needs no lookup by name.

use super::{Parsed, Parser};
use crate::ast::{Comprehension, Expr, ExprId, Macro, SelectMode, Slot};
use crate::error::Error;
use crate::lexer::TokenKind;
use crate::span::Span;
use crate::value::Value;

/// Most shared expressions of a `cel.block`.
const MAX_SHARED: usize = 256;

/// What a macro's name says about its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `(x, body)` or `(x, y, body)`.
    Test(Macro),
    /// `(x, body)` or `(x, filter, body)`.
    Map,
    /// `(x, body)`.
    One(Macro),
    /// `(x, y, body)` or `(x, y, filter, body)`.
    Transform(Macro),
    /// `(x, body)` on an optional.
    Optional { flat: bool },
}

fn form(name: &str) -> Option<Form> {
    Some(match name {
        "all" => Form::Test(Macro::All),
        "exists" => Form::Test(Macro::Exists),
        "exists_one" | "existsOne" => Form::Test(Macro::ExistsOne),
        "map" => Form::Map,
        "filter" => Form::One(Macro::Filter),
        "sortBy" => Form::One(Macro::SortBy),
        "transformList" => Form::Transform(Macro::Map),
        "transformMap" => Form::Transform(Macro::TransformMap),
        "transformMapEntry" => Form::Transform(Macro::TransformMapEntry),
        "optMap" => Form::Optional { flat: false },
        "optFlatMap" => Form::Optional { flat: true },
        _ => return None,
    })
}

impl Parser<'_> {
    /// `has(a.b)`; the current token is the parenthesis.
    pub(super) fn has(&mut self, name: Span) -> Parsed<ExprId> {
        self.advance()?;
        let argument = self.expression()?;
        let close = self.expect(TokenKind::CloseParen, "`)`")?;
        let node = &mut self.nodes[argument.0 as usize];
        let Expr::Select {
            mode: mode @ SelectMode::Member,
            ..
        } = &mut node.expr
        else {
            let error = Error::parse("`has` needs a member such as `has(a.b)`", node.span);
            return Err(Box::new(error.with_help("for a key use `\"key\" in map`")));
        };
        *mode = SelectMode::Has;
        node.span = name.to(close);
        Ok(argument)
    }

    /// The macro call `target.name(…)`, or `None` when it is a plain call; the current token is the parenthesis.
    pub(super) fn expand(&mut self, target: ExprId, name: Span) -> Parsed<Option<ExprId>> {
        let text = name.of(self.text);
        let target_node = self.node(target);
        if matches!(target_node.expr, Expr::Name { .. }) && target_node.focus.of(self.text) == "cel"
        {
            return self.cel_macro(target, name);
        }
        let Some(form) = form(text) else {
            return Ok(None);
        };
        self.advance()?;
        let first = self.variable(text)?;
        let outer = self.locals.len();
        let first = self.declare(first);
        let expr = match form {
            Form::Test(kind) => self.test(target, kind, first)?,
            Form::Map => {
                let body = self.expression()?;
                let (filter, body) = if self.accept(TokenKind::Comma)? {
                    (Some(body), self.expression()?)
                } else {
                    (None, body)
                };
                comprehension(Comprehension {
                    kind: Macro::Map,
                    range: target,
                    first,
                    second: None,
                    filter,
                    body,
                })
            }
            Form::One(kind) => {
                let body = self.expression()?;
                comprehension(Comprehension {
                    kind,
                    range: target,
                    first,
                    second: None,
                    filter: None,
                    body,
                })
            }
            Form::Transform(kind) => self.transform(target, kind, first)?,
            Form::Optional { flat } => Expr::OptionalMap {
                target,
                slot: first,
                body: self.expression()?,
                flat,
            },
        };
        self.locals.truncate(outer);
        let close = self.expect(TokenKind::CloseParen, "an operator or `)`")?;
        let span = self.span(target).to(close);
        Ok(Some(self.push(expr, span, name)))
    }

    fn test(&mut self, range: ExprId, kind: Macro, first: Slot) -> Parsed<Expr> {
        let nodes = self.nodes.len();
        let body = self.expression()?;
        if self.token.kind != TokenKind::Comma {
            return Ok(comprehension(Comprehension {
                kind,
                range,
                first,
                second: None,
                filter: None,
                body,
            }));
        }
        let Some(second) = self.variable_name(body) else {
            return Err(needs_variable("all", self.span(body)));
        };
        let second = Some(self.second(second, self.span(body))?);
        self.nodes.truncate(nodes);
        self.advance()?;
        let body = self.expression()?;
        Ok(comprehension(Comprehension {
            kind,
            range,
            first,
            second,
            filter: None,
            body,
        }))
    }

    fn transform(&mut self, range: ExprId, kind: Macro, first: Slot) -> Parsed<Expr> {
        let start = self.token.span;
        let second = self.variable("transformList")?;
        let second = Some(self.second(second, start)?);
        let body = self.expression()?;
        let (filter, body) = if self.accept(TokenKind::Comma)? {
            (Some(body), self.expression()?)
        } else {
            (None, body)
        };
        Ok(comprehension(Comprehension {
            kind,
            range,
            first,
            second,
            filter,
            body,
        }))
    }

    /// `cel.bind(x, init, body)` and the block macros that optimisers write.
    fn cel_macro(&mut self, target: ExprId, name: Span) -> Parsed<Option<ExprId>> {
        let start = self.span(target);
        match name.of(self.text) {
            "bind" => {
                self.nodes.truncate(target.0 as usize);
                self.advance()?;
                let variable = self.variable("bind")?;
                let init = self.expression()?;
                self.expect(
                    TokenKind::Comma,
                    "`,` and the expression that uses the name",
                )?;
                let outer = self.locals.len();
                let slot = self.declare(variable);
                let body = self.expression()?;
                self.locals.truncate(outer);
                let close = self.expect(TokenKind::CloseParen, "an operator or `)`")?;
                Ok(Some(self.push(
                    Expr::Bind { slot, init, body },
                    start.to(close),
                    start.to(name),
                )))
            }
            "index" | "iterVar" => {
                self.nodes.truncate(target.0 as usize);
                self.advance()?;
                while matches!(self.token.kind, TokenKind::Int | TokenKind::Comma) {
                    self.advance()?;
                }
                let close = self.expect(TokenKind::CloseParen, "`)`")?;
                let span = start.to(close);
                let expr = match self.local(&compact(span.of(self.text))) {
                    Some(slot) => Expr::Local(slot),
                    None => Expr::Name { absolute: false },
                };
                Ok(Some(self.push(expr, span, span)))
            }
            "block" => {
                self.nodes.truncate(target.0 as usize);
                self.block(start, name).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn block(&mut self, start: Span, name: Span) -> Parsed<ExprId> {
        self.advance()?;
        self.expect(TokenKind::OpenBracket, "`[` and the shared expressions")?;
        let outer = self.locals.len();
        let mut bound = Vec::new();
        while self.token.kind != TokenKind::CloseBracket {
            if bound.len() == MAX_SHARED {
                let message = format!("`cel.block` has more than {MAX_SHARED} expressions");
                return Err(Box::new(Error::limit(message).at(self.token.span)));
            }
            let init = self.expression()?;
            bound.push((self.declare(format!("cel.index({})", bound.len())), init));
            if !self.accept(TokenKind::Comma)? {
                break;
            }
        }
        let bracket = self.expect(TokenKind::CloseBracket, "`,` or `]`")?;
        if bound.is_empty() {
            // Something has to be the whole of it, from `cel` to the last `)`; nobody can write this name.
            let nothing = self.push(Expr::Literal(Value::Null), bracket, bracket);
            bound.push((self.declare(String::new()), nothing));
        }
        self.expect(TokenKind::Comma, "`,` and the expression")?;
        let mut body = self.expression()?;
        self.locals.truncate(outer);
        let close = self.expect(TokenKind::CloseParen, "an operator or `)`")?;
        while let Some((slot, init)) = bound.pop() {
            body = self.push(
                Expr::Bind { slot, init, body },
                start.to(close),
                start.to(name),
            );
        }
        Ok(body)
    }

    /// The name in `x,` at the current position, with the comma consumed.
    fn variable(&mut self, called: &str) -> Parsed<String> {
        let nodes = self.nodes.len();
        let start = self.token.span;
        let argument = self.primary_for_variable()?;
        let name = argument.and_then(|argument| self.variable_name(argument));
        self.nodes.truncate(nodes);
        match name {
            Some(name) if self.accept(TokenKind::Comma)? => Ok(name),
            Some(_) | None => Err(needs_variable(called, start)),
        }
    }

    /// A lone name, or a lone `cel.iterVar(…)`; anything else is not parsed.
    fn primary_for_variable(&mut self) -> Parsed<Option<ExprId>> {
        let is_keyword = matches!(self.token_text(), "true" | "false" | "null")
            || super::is_reserved(self.token_text());
        if self.token.kind != TokenKind::Name || is_keyword {
            return Ok(None);
        }
        let is_block_variable = self.token_text() == "cel";
        let span = self.advance()?.span;
        let mut node = self.push(Expr::Name { absolute: false }, span, span);
        if is_block_variable && self.token.kind == TokenKind::Dot {
            node = self.member(node)?;
        }
        Ok(Some(node))
    }

    fn variable_name(&self, id: ExprId) -> Option<String> {
        let node = self.node(id);
        let is_name = matches!(node.expr, Expr::Name { absolute: false } | Expr::Local(_));
        is_name.then(|| compact(node.span.of(self.text)))
    }

    /// The second variable of a macro, whose first one is the innermost.
    fn second(&mut self, name: String, at: Span) -> Parsed<Slot> {
        if self.locals.last() == Some(&name) {
            let message = format!("both variables are called `{name}`");
            return Err(Box::new(Error::parse(message, at)));
        }
        Ok(self.declare(name))
    }

    fn declare(&mut self, name: String) -> Slot {
        let slot = Slot(u32::try_from(self.locals.len()).unwrap_or(u32::MAX));
        self.locals.push(name);
        self.slots = self.slots.max(self.locals.len());
        slot
    }
}

fn needs_variable(called: &str, span: Span) -> Box<Error> {
    let error = Error::parse(format!("`{called}` needs a plain name and `,` here"), span);
    Box::new(error.with_help(format!(
        "its first argument names the variable: `{called}(x, …)`"
    )))
}

fn comprehension(comprehension: Comprehension) -> Expr {
    Expr::Comprehension(Box::new(comprehension))
}

/// The text without blanks: `cel.iterVar(0, 1)` and `cel.iterVar(0,1)` are one name.
fn compact(text: &str) -> String {
    text.split_whitespace().collect()
}
