//! What stands between brackets with commas: arguments, lists and maps.
//!
//! A last comma may end lists and maps, and be all there is in them (`[,]`), but not arguments. Items wait in `pending`
//! while their neighbours are parsed, so that those of one call stand beside each other.

use super::{Parsed, Parser, is_keyword};
use crate::ast::{Args, Expr, ExprId};
use crate::lexer::TokenKind;

impl Parser<'_> {
    pub(super) fn arguments(&mut self) -> Parsed<Args> {
        self.advance()?;
        let base = self.pending.len();
        if self.token.kind != TokenKind::CloseParen {
            loop {
                let argument = self.expression()?;
                self.pending.push(argument);
                if !self.accept(TokenKind::Comma)? {
                    break;
                }
            }
        }
        self.expect(TokenKind::CloseParen, "`,` or `)`")?;
        Ok(self.take_pending(base))
    }

    pub(super) fn list(&mut self) -> Parsed<ExprId> {
        let open = self.advance()?.span;
        let base = self.pending.len();
        let mut optionals = Vec::new();
        let is_empty = self.accept(TokenKind::Comma)?;
        while !is_empty && self.token.kind != TokenKind::CloseBracket {
            if self.accept(TokenKind::Question)? {
                optionals.push(u32::try_from(self.pending.len() - base).unwrap_or(u32::MAX));
            }
            let item = self.expression()?;
            self.pending.push(item);
            if !self.accept(TokenKind::Comma)? {
                break;
            }
        }
        let close = self.expect(TokenKind::CloseBracket, "`,` or `]`")?;
        let items = self.take_pending(base);
        Ok(self.push(
            Expr::List {
                items,
                optionals: optionals.into(),
            },
            open.to(close),
            open,
        ))
    }

    pub(super) fn map(&mut self) -> Parsed<ExprId> {
        let open = self.advance()?.span;
        let base = self.pending.len();
        let mut optionals = Vec::new();
        let is_empty = self.accept(TokenKind::Comma)?;
        while !is_empty && self.token.kind != TokenKind::CloseBrace {
            if self.accept(TokenKind::Question)? {
                optionals.push(u32::try_from((self.pending.len() - base) / 2).unwrap_or(u32::MAX));
            }
            let key = self.expression()?;
            self.pending.push(key);
            self.expect(TokenKind::Colon, "`:` and a value")?;
            let value = self.expression()?;
            self.pending.push(value);
            if !self.accept(TokenKind::Comma)? {
                break;
            }
        }
        let close = self.expect(TokenKind::CloseBrace, "`,` or `}`")?;
        let entries = self.take_pending(base);
        Ok(self.push(
            Expr::Map {
                entries,
                optionals: optionals.into(),
            },
            open.to(close),
            open,
        ))
    }

    /// `{field: value, …}` behind the name of a message; gives the values.
    pub(super) fn fields(&mut self) -> Parsed<Args> {
        self.advance()?;
        let base = self.pending.len();
        let is_empty = self.accept(TokenKind::Comma)?;
        while !is_empty && self.token.kind != TokenKind::CloseBrace {
            self.accept(TokenKind::Question)?;
            let is_name = matches!(self.token.kind, TokenKind::Name | TokenKind::Quoted);
            if !is_name || is_keyword(self.token_text()) {
                return Err(self.unexpected("the name of a field"));
            }
            self.advance()?;
            self.expect(TokenKind::Colon, "`:` and a value")?;
            let value = self.expression()?;
            self.pending.push(value);
            if !self.accept(TokenKind::Comma)? {
                break;
            }
        }
        self.expect(TokenKind::CloseBrace, "`,` or `}`")?;
        Ok(self.take_pending(base))
    }

    fn take_pending(&mut self, base: usize) -> Args {
        let start = self.extra.len();
        self.extra.extend(self.pending.drain(base..));
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Args {
            start: count(start),
            len: count(self.extra.len() - start),
        }
    }
}
