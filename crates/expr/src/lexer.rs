//! Text to tokens.
//!
//! Tokens are kinds with spans; literals are decoded by `literal` when the parser meets them. The lexer never
//! allocates and reads each byte once, except a template's text, where it starts in the middle.

use crate::error::Error;
use crate::span::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Name,
    /// A name in backquotes; the span includes them.
    Quoted,
    Int,
    Uint,
    Double,
    /// A string or bytes literal with its prefix and quotes.
    String,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    Comma,
    Dot,
    Colon,
    Question,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Not,
    And,
    Or,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    End,
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn next(&mut self) -> Result<Token, Box<Error>> {
        self.skip_blanks();
        let start = self.at;
        if start >= self.text.len() {
            return Ok(Token {
                kind: TokenKind::End,
                span: Span::new(start, start),
            });
        }
        let kind = match self.byte(0) {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => return self.word(),
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            b'"' | b'\'' => return self.string(start),
            b'`' => return self.quoted(),
            _ => self.symbol()?,
        };
        Ok(Token {
            kind,
            span: Span::new(start, self.at),
        })
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.byte(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c => self.at += 1,
                b'/' if self.byte(1) == b'/' => {
                    let rest = &self.text.as_bytes()[self.at..];
                    self.at += rest
                        .iter()
                        .position(|byte| *byte == b'\n')
                        .unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    fn word(&mut self) -> Result<Token, Box<Error>> {
        let start = self.at;
        while self.byte(0).is_ascii_alphanumeric() || self.byte(0) == b'_' {
            self.at += 1;
        }
        let word = &self.text.as_bytes()[start..self.at];
        let is_prefix = match word {
            [one] => matches!(one, b'r' | b'R' | b'b' | b'B'),
            [b'b' | b'B', b'r' | b'R'] => true,
            _ => false,
        };
        if is_prefix && matches!(self.byte(0), b'"' | b'\'') {
            return self.string(start);
        }
        Ok(Token {
            kind: TokenKind::Name,
            span: Span::new(start, self.at),
        })
    }

    fn number(&mut self) -> TokenKind {
        let mut kind = TokenKind::Int;
        if self.byte(0) == b'0'
            && matches!(self.byte(1), b'x' | b'X')
            && self.byte(2).is_ascii_hexdigit()
        {
            self.at += 2;
            while self.byte(0).is_ascii_hexdigit() {
                self.at += 1;
            }
        } else {
            self.digits();
            if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
                self.at += 1;
                self.digits();
                kind = TokenKind::Double;
            }
            let signed = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + signed).is_ascii_digit() {
                self.at += 1 + signed;
                self.digits();
                kind = TokenKind::Double;
            }
        }
        if kind == TokenKind::Int && matches!(self.byte(0), b'u' | b'U') {
            self.at += 1;
            kind = TokenKind::Uint;
        }
        kind
    }

    fn digits(&mut self) {
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn string(&mut self, start: usize) -> Result<Token, Box<Error>> {
        let raw = self.text.as_bytes()[start..self.at]
            .iter()
            .any(|byte| matches!(byte, b'r' | b'R'));
        let quote = self.byte(0);
        let triple = self.byte(1) == quote && self.byte(2) == quote;
        self.at += if triple { 3 } else { 1 };
        while self.at < self.text.len() {
            let byte = self.byte(0);
            if byte == quote && (!triple || (self.byte(1) == quote && self.byte(2) == quote)) {
                self.at += if triple { 3 } else { 1 };
                return Ok(Token {
                    kind: TokenKind::String,
                    span: Span::new(start, self.at),
                });
            }
            if matches!(byte, b'\n' | b'\r') && !triple {
                break;
            }
            self.at += if byte == b'\\' && !raw { 2 } else { 1 };
        }
        let quotes = if triple {
            format!("{0}{0}{0}", char::from(quote))
        } else {
            char::from(quote).to_string()
        };
        let end = self.at.min(self.text.len());
        Err(Box::new(
            Error::parse("string has no end", Span::new(start, end))
                .with_help(format!("close it with `{quotes}`")),
        ))
    }

    fn quoted(&mut self) -> Result<Token, Box<Error>> {
        let start = self.at;
        self.at += 1;
        while matches!(self.byte(0), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'/' | b' ')
        {
            self.at += 1;
        }
        if self.byte(0) != b'`' || self.at == start + 1 {
            let message = "name in backquotes may hold letters, digits, `_`, `.`, `-`, `/` and spaces, and ends with a backquote";
            return Err(Box::new(Error::parse(message, Span::new(start, self.at))));
        }
        self.at += 1;
        Ok(Token {
            kind: TokenKind::Quoted,
            span: Span::new(start, self.at),
        })
    }

    fn symbol(&mut self) -> Result<TokenKind, Box<Error>> {
        let two = |kind| (2, kind);
        let one = |kind| (1, kind);
        let (len, kind) = match (self.byte(0), self.byte(1)) {
            (b'&', b'&') => two(TokenKind::And),
            (b'|', b'|') => two(TokenKind::Or),
            (b'=', b'=') => two(TokenKind::Equal),
            (b'!', b'=') => two(TokenKind::NotEqual),
            (b'<', b'=') => two(TokenKind::LessEqual),
            (b'>', b'=') => two(TokenKind::GreaterEqual),
            (b'(', _) => one(TokenKind::OpenParen),
            (b')', _) => one(TokenKind::CloseParen),
            (b'[', _) => one(TokenKind::OpenBracket),
            (b']', _) => one(TokenKind::CloseBracket),
            (b'{', _) => one(TokenKind::OpenBrace),
            (b'}', _) => one(TokenKind::CloseBrace),
            (b',', _) => one(TokenKind::Comma),
            (b'.', _) => one(TokenKind::Dot),
            (b':', _) => one(TokenKind::Colon),
            (b'?', _) => one(TokenKind::Question),
            (b'+', _) => one(TokenKind::Plus),
            (b'-', _) => one(TokenKind::Minus),
            (b'*', _) => one(TokenKind::Star),
            (b'/', _) => one(TokenKind::Slash),
            (b'%', _) => one(TokenKind::Percent),
            (b'!', _) => one(TokenKind::Not),
            (b'<', _) => one(TokenKind::Less),
            (b'>', _) => one(TokenKind::Greater),
            (first, _) => return Err(self.unexpected(first)),
        };
        self.at += len;
        Ok(kind)
    }

    fn unexpected(&self, first: u8) -> Box<Error> {
        let found = self.text[self.at..].chars().next().unwrap_or('\u{fffd}');
        let span = Span::new(self.at, self.at + found.len_utf8());
        let error = Error::parse(
            format!("unexpected character `{}`", found.escape_debug()),
            span,
        );
        Box::new(match first {
            b'=' => error.with_help("comparison is written `==`"),
            b'&' => error.with_help("`and` is written `&&`"),
            b'|' => error.with_help("`or` is written `||`"),
            b'$' => error.with_help("names stand without `$`"),
            _ => error,
        })
    }
}
