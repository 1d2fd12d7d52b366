//! What follows a value: members, elements, and calls with a target. A chain of them is a loop.

use super::{Parsed, Parser, is_keyword};
use crate::ast::{Expr, ExprId, SelectMode};
use crate::functions::{self, Style};
use crate::lexer::TokenKind;
use crate::span::Span;

impl Parser<'_> {
    pub(super) fn postfix(&mut self, mut operand: ExprId) -> Parsed<ExprId> {
        loop {
            operand = match self.token.kind {
                TokenKind::Dot => self.member(operand)?,
                TokenKind::OpenBracket => {
                    let open = self.advance()?.span;
                    let optional = self.accept(TokenKind::Question)?;
                    let index = self.expression()?;
                    let close = self.expect(TokenKind::CloseBracket, "an operator or `]`")?;
                    let span = self.span(operand).to(close);
                    self.push(
                        Expr::Index {
                            operand,
                            index,
                            optional,
                        },
                        span,
                        open.to(close),
                    )
                }
                TokenKind::OpenBrace => match self.type_name(operand) {
                    Some(first) => self.message(first, operand)?,
                    None => return Ok(operand),
                },
                _ => return Ok(operand),
            };
        }
    }

    pub(super) fn member(&mut self, target: ExprId) -> Parsed<ExprId> {
        self.advance()?;
        let optional = self.accept(TokenKind::Question)?;
        if !matches!(self.token.kind, TokenKind::Name | TokenKind::Quoted) {
            return Err(self.unexpected("a name after `.`"));
        }
        let word = self.token_text();
        if is_keyword(word) {
            let error = self.unexpected("a name after `.`");
            return Err(Box::new(error.with_help(format!("write `[\"{word}\"]`"))));
        }
        let name_token = self.advance()?;
        let name = name_token.span;
        if self.token.kind == TokenKind::OpenParen
            && name_token.kind == TokenKind::Name
            && !optional
        {
            return self.method(target, name);
        }
        let mode = if optional {
            SelectMode::Optional
        } else {
            SelectMode::Member
        };
        let span = self.span(target).to(name);
        Ok(self.push(
            Expr::Select {
                operand: target,
                mode,
            },
            span,
            name,
        ))
    }

    fn method(&mut self, target: ExprId, name: Span) -> Parsed<ExprId> {
        if let Some(expanded) = self.expand(target, name)? {
            return Ok(expanded);
        }
        let method = name.of(self.text);
        if let Some(function) = self.qualified(target, method) {
            let path = self.span(target).to(name);
            self.nodes.truncate(target.0 as usize);
            let args = self.arguments()?;
            return Ok(self.push(
                Expr::Call {
                    function: Some(function),
                    args,
                },
                path.to(self.last),
                path,
            ));
        }
        let args = self.arguments()?;
        let function = functions::find(method, Style::Member);
        let span = self.span(target).to(self.last);
        Ok(self.push(
            Expr::Method {
                function,
                target,
                args,
            },
            span,
            name,
        ))
    }

    /// The first node of a dotted name.
    fn type_name(&self, id: ExprId) -> Option<ExprId> {
        let mut first = id;
        loop {
            match self.node(first).expr {
                Expr::Name { .. } => return Some(first),
                Expr::Select {
                    operand,
                    mode: SelectMode::Member,
                } => first = operand,
                _ => return None,
            }
        }
    }

    /// `name{field: value}`, where the name is what the nodes from `first` to `last` spell.
    fn message(&mut self, first: ExprId, last: ExprId) -> Parsed<ExprId> {
        let name = self.span(last);
        self.nodes.truncate(first.0 as usize);
        let values = self.fields()?;
        Ok(self.push(Expr::Message { values }, name.to(self.last), name))
    }

    /// The function `target.method`, where `target` is a plain name and so the last node.
    fn qualified(&self, target: ExprId, method: &str) -> Option<&'static functions::Function> {
        let node = self.node(target);
        if !matches!(node.expr, Expr::Name { .. }) {
            return None;
        }
        functions::find_qualified(node.focus.of(self.text), method)
    }
}
