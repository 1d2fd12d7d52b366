//! CEL text to `Ast`.
//!
//! A recursive-descent parser: chains are loops, everything else counts towards `MAX_NESTING`, so hostile text
//! ends in an error and not in a stack overflow. Macros (`all`, `map`, `has`, `cel.bind`, …) are recognised here,
//! because they bring local variables into scope. Types and names are the checker's business.

mod chains;
mod lists;
mod macros;

use std::sync::Arc;

use crate::ast::{Ast, Binary, Expr, ExprId, Node, Slot, Unary};
use crate::budget::{MAX_NESTING, MAX_SOURCE_BYTES};
use crate::error::Error;
use crate::functions::{self, Style};
use crate::lexer::{Lexer, Token, TokenKind};
use crate::literal;
use crate::span::Span;
use crate::value::Value;

pub(crate) type Parsed<T> = Result<T, Box<Error>>;

/// Parses the whole text as one expression.
pub(crate) fn parse(text: &str) -> Parsed<Ast> {
    check_size(text)?;
    let text: Arc<str> = text.into();
    let mut parser = Parser::new(&text, 0)?;
    let root = parser.expression()?;
    if parser.token.kind != TokenKind::End {
        return Err(parser.unexpected("an operator or the end"));
    }
    let (nodes, extra, slots) = parser.finish();
    Ok(Ast {
        text,
        nodes,
        extra,
        root,
        slots,
    })
}

/// Parses an expression that begins at byte `start` and is followed by `}}`; gives the byte after that.
pub(crate) fn parse_embedded(text: &Arc<str>, start: usize) -> Parsed<(Ast, usize)> {
    let mut parser = Parser::new(text, start)?;
    let root = parser.expression()?;
    let end = parser.token.span.start as usize;
    if parser.token.kind != TokenKind::CloseBrace || !text[end..].starts_with("}}") {
        return Err(parser.unexpected("an operator or `}}`"));
    }
    let (nodes, extra, slots) = parser.finish();
    Ok((
        Ast {
            text: Arc::clone(text),
            nodes,
            extra,
            root,
            slots,
        },
        end + 2,
    ))
}

/// Refuses texts that are too long to be expressions.
pub(crate) fn check_size(text: &str) -> Parsed<()> {
    if text.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "expression of {} bytes is longer than {MAX_SOURCE_BYTES} bytes",
            text.len()
        );
        return Err(Box::new(Error::limit(message)));
    }
    Ok(())
}

pub(crate) struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    token: Token,
    /// The token before the current one.
    last: Span,
    nodes: Vec<Node>,
    extra: Vec<ExprId>,
    /// Arguments of the calls being parsed, innermost last.
    pending: Vec<ExprId>,
    /// Local variables in scope; the position is the slot.
    locals: Vec<String>,
    slots: usize,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, start: usize) -> Parsed<Self> {
        let mut lexer = Lexer::new(text, start);
        let token = lexer.next()?;
        Ok(Self {
            text,
            lexer,
            token,
            last: Span::default(),
            nodes: Vec::with_capacity(16),
            extra: Vec::new(),
            pending: Vec::new(),
            locals: Vec::new(),
            slots: 0,
            depth: 0,
        })
    }

    fn finish(self) -> (Vec<Node>, Vec<ExprId>, usize) {
        (self.nodes, self.extra, self.slots)
    }

    /// `test ? yes : no` or less. A chain of `?:` is a loop.
    fn expression(&mut self) -> Parsed<ExprId> {
        let first = self.binary(1)?;
        if self.token.kind != TokenKind::Question {
            return Ok(first);
        }
        let mut branches = Vec::new();
        let mut last = first;
        while self.token.kind == TokenKind::Question {
            let question = self.advance()?.span;
            self.enter()?;
            let yes = self.binary(1)?;
            self.depth -= 1;
            if self.token.kind == TokenKind::Question {
                let error = self.unexpected("`:` and the value otherwise");
                return Err(Box::new(
                    error.with_help("a `? :` between `?` and `:` stands in parentheses"),
                ));
            }
            self.expect(TokenKind::Colon, "`:` and the value otherwise")?;
            branches.push((last, question, yes));
            last = self.binary(1)?;
        }
        while let Some((test, question, yes)) = branches.pop() {
            let span = self.span(test).to(self.span(last));
            last = self.push(
                Expr::Conditional {
                    test,
                    yes,
                    no: last,
                },
                span,
                question,
            );
        }
        Ok(last)
    }

    fn binary(&mut self, weakest: u8) -> Parsed<ExprId> {
        self.enter()?;
        let mut left = self.unary()?;
        while let Some((op, strength)) = self.binary_operator() {
            if strength < weakest {
                break;
            }
            let focus = self.advance()?.span;
            let right = self.binary(strength + 1)?;
            let span = self.span(left).to(self.span(right));
            left = self.push(Expr::Binary { op, left, right }, span, focus);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn binary_operator(&self) -> Option<(Binary, u8)> {
        Some(match self.token.kind {
            TokenKind::Or => (Binary::Or, 1),
            TokenKind::And => (Binary::And, 2),
            TokenKind::Equal => (Binary::Equal, 3),
            TokenKind::NotEqual => (Binary::NotEqual, 3),
            TokenKind::Less => (Binary::Less, 3),
            TokenKind::LessEqual => (Binary::LessEqual, 3),
            TokenKind::Greater => (Binary::Greater, 3),
            TokenKind::GreaterEqual => (Binary::GreaterEqual, 3),
            TokenKind::Name if self.token_text() == "in" => (Binary::In, 3),
            TokenKind::Plus => (Binary::Add, 4),
            TokenKind::Minus => (Binary::Subtract, 4),
            TokenKind::Star => (Binary::Multiply, 5),
            TokenKind::Slash => (Binary::Divide, 5),
            TokenKind::Percent => (Binary::Remainder, 5),
            TokenKind::Name
            | TokenKind::Quoted
            | TokenKind::Int
            | TokenKind::Uint
            | TokenKind::Double
            | TokenKind::String
            | TokenKind::OpenParen
            | TokenKind::CloseParen
            | TokenKind::OpenBracket
            | TokenKind::CloseBracket
            | TokenKind::OpenBrace
            | TokenKind::CloseBrace
            | TokenKind::Comma
            | TokenKind::Dot
            | TokenKind::Colon
            | TokenKind::Question
            | TokenKind::Not
            | TokenKind::End => return None,
        })
    }

    fn unary(&mut self) -> Parsed<ExprId> {
        let op = match self.token.kind {
            TokenKind::Not => Unary::Not,
            TokenKind::Minus => Unary::Negate,
            _ => {
                let operand = self.primary()?;
                return self.postfix(operand);
            }
        };
        let focus = self.advance()?.span;
        if op == Unary::Negate && matches!(self.token.kind, TokenKind::Int | TokenKind::Double) {
            let number = self.negative_number(focus)?;
            return self.postfix(number);
        }
        self.enter()?;
        let operand = self.unary()?;
        self.depth -= 1;
        let span = focus.to(self.span(operand));
        Ok(self.push(Expr::Unary { op, operand }, span, focus))
    }

    fn negative_number(&mut self, minus: Span) -> Parsed<ExprId> {
        let token = self.advance()?;
        let span = minus.to(token.span);
        let text = token.span.of(self.text);
        let value = match token.kind {
            TokenKind::Int => literal::int(text, true, span)?,
            _ => literal::double(text, true, span)?,
        };
        Ok(self.push(Expr::Literal(value), span, span))
    }

    fn primary(&mut self) -> Parsed<ExprId> {
        let token = self.token;
        let text = self.token_text();
        match token.kind {
            TokenKind::Int => self.literal(literal::int(text, false, token.span)?),
            TokenKind::Uint => self.literal(literal::uint(text, token.span)?),
            TokenKind::Double => self.literal(literal::double(text, false, token.span)?),
            TokenKind::String => self.literal(literal::string(text, token.span)?),
            TokenKind::Name => match text {
                "true" => self.literal(Value::Bool(true)),
                "false" => self.literal(Value::Bool(false)),
                "null" => self.literal(Value::Null),
                _ => self.name(false),
            },
            TokenKind::Dot => {
                self.advance()?;
                if self.token.kind != TokenKind::Name {
                    return Err(self.unexpected("a name after `.`"));
                }
                let name = self.name(true)?;
                let node = &mut self.nodes[name.0 as usize];
                node.span = token.span.to(node.span);
                Ok(name)
            }
            TokenKind::OpenParen => {
                self.advance()?;
                let inner = self.expression()?;
                let close = self.expect(TokenKind::CloseParen, "an operator or `)`")?;
                // What is built around it begins or ends with the parenthesis.
                self.nodes[inner.0 as usize].span = token.span.to(close);
                Ok(inner)
            }
            TokenKind::OpenBracket => self.list(),
            TokenKind::OpenBrace => self.map(),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn literal(&mut self, value: Value) -> Parsed<ExprId> {
        let span = self.advance()?.span;
        Ok(self.push(Expr::Literal(value), span, span))
    }

    /// A variable or a call without target.
    fn name(&mut self, absolute: bool) -> Parsed<ExprId> {
        let span = self.advance()?.span;
        let name = span.of(self.text);
        if is_reserved(name) {
            let error = Error::parse(format!("`{name}` is a reserved word"), span);
            return Err(Box::new(match name {
                "if" => error.with_help("write `test ? yes : no`"),
                _ => {
                    error.with_help("a member of that name is reached as `x.name` or `x[\"name\"]`")
                }
            }));
        }
        if self.token.kind == TokenKind::OpenParen {
            if name == "has" && !absolute {
                return self.has(span);
            }
            let args = self.arguments()?;
            let function = functions::find(name, Style::Global);
            return Ok(self.push(Expr::Call { function, args }, span.to(self.last), span));
        }
        let expr = match self.local(name) {
            Some(slot) if !absolute => Expr::Local(slot),
            Some(_) | None => Expr::Name { absolute },
        };
        Ok(self.push(expr, span, span))
    }

    fn local(&self, name: &str) -> Option<Slot> {
        let at = self.locals.iter().rposition(|local| local == name)?;
        u32::try_from(at).ok().map(Slot)
    }

    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            let error = Error::limit(format!(
                "expression is nested deeper than {MAX_NESTING} levels"
            ))
            .at(self.token.span);
            return Err(Box::new(
                error.with_help("split it with `cel.bind(name, value, rest)`"),
            ));
        }
        Ok(())
    }

    fn push(&mut self, expr: Expr, span: Span, focus: Span) -> ExprId {
        let id = ExprId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node { expr, span, focus });
        id
    }

    fn node(&self, id: ExprId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn span(&self, id: ExprId) -> Span {
        self.node(id).span
    }

    fn token_text(&self) -> &'a str {
        self.token.span.of(self.text)
    }

    fn advance(&mut self) -> Parsed<Token> {
        let next = self.lexer.next()?;
        self.last = self.token.span;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn accept(&mut self, kind: TokenKind) -> Parsed<bool> {
        if self.token.kind != kind {
            return Ok(false);
        }
        self.advance()?;
        Ok(true)
    }

    fn expect(&mut self, kind: TokenKind, expected: &str) -> Parsed<Span> {
        if self.token.kind != kind {
            return Err(self.unexpected(expected));
        }
        Ok(self.advance()?.span)
    }

    fn unexpected(&self, expected: &str) -> Box<Error> {
        let text = self.token_text();
        let found = match self.token.kind {
            TokenKind::End => "the end".to_owned(),
            _ => format!("`{}`", text.chars().take(40).collect::<String>()),
        };
        let error = Error::parse(
            format!("found {found}, expected {expected}"),
            self.token.span,
        );
        Box::new(match text {
            "and" => error.with_help("`and` is written `&&`"),
            "or" => error.with_help("`or` is written `||`"),
            "not" => error.with_help("`not` is written `!`"),
            "is" => error.with_help("comparison is written `==`"),
            _ => error,
        })
    }
}

/// Whether the word is an operator or a value, and so not even the name of a member.
fn is_keyword(word: &str) -> bool {
    matches!(word, "in" | "true" | "false" | "null")
}

fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "as" | "break"
            | "const"
            | "continue"
            | "else"
            | "for"
            | "function"
            | "if"
            | "import"
            | "in"
            | "let"
            | "loop"
            | "namespace"
            | "package"
            | "return"
            | "var"
            | "void"
            | "while"
    )
}
