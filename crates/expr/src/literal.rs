//! Literals to values: numbers, strings with their escapes, bytes.

use std::borrow::Cow;

use crate::error::Error;
use crate::span::Span;
use crate::value::{Bytes, Value};

pub(crate) fn int(text: &str, negative: bool, span: Span) -> Result<Value, Box<Error>> {
    let (digits, radix) = hex_or_decimal(text);
    let parsed = if negative {
        i64::from_str_radix(&format!("-{digits}"), radix)
    } else {
        i64::from_str_radix(digits, radix)
    };
    parsed.map(Value::Int).map_err(|_| {
        Box::new(
            Error::parse("whole number is out of range for `int`", span)
                .with_help("a `uint` is written with `u` at its end, a `double` with `.0`"),
        )
    })
}

pub(crate) fn uint(text: &str, span: Span) -> Result<Value, Box<Error>> {
    let (digits, radix) = hex_or_decimal(text.trim_end_matches(['u', 'U']));
    let parsed = u64::from_str_radix(digits, radix);
    parsed.map(Value::Uint).map_err(|_| {
        Box::new(Error::parse(
            "whole number is out of range for `uint`",
            span,
        ))
    })
}

pub(crate) fn double(text: &str, negative: bool, span: Span) -> Result<Value, Box<Error>> {
    let value: f64 = text
        .parse()
        .map_err(|_| Box::new(Error::parse("not a number", span)))?;
    if value.is_infinite() {
        let error = Error::parse("number is out of range for `double`", span);
        return Err(Box::new(error));
    }
    Ok(Value::Double(if negative { -value } else { value }))
}

fn hex_or_decimal(text: &str) -> (&str, u32) {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    }
}

/// Decodes a string or bytes literal with its prefix and quotes.
pub(crate) fn string(token: &str, span: Span) -> Result<Value, Box<Error>> {
    let quote_at = token.find(['"', '\'']).unwrap_or(0);
    let (prefix, quoted) = token.split_at(quote_at);
    let raw = prefix.contains(['r', 'R']);
    let is_bytes = prefix.contains(['b', 'B']);
    let is_triple =
        quoted.len() >= 6 && (quoted.starts_with("'''") || quoted.starts_with("\"\"\""));
    let quote_len = if is_triple { 3 } else { 1 };
    let body = &quoted[quote_len..quoted.len() - quote_len];
    let body_start = span.start as usize + quote_at + quote_len;
    if raw || !body.contains('\\') {
        return Ok(if is_bytes {
            Value::Bytes(Bytes::from(lines(body).as_bytes()))
        } else {
            Value::string(&*lines(body))
        });
    }
    let mut decoder = Decoder {
        body,
        at: 0,
        start: body_start,
        is_bytes,
        out: Vec::with_capacity(body.len()),
    };
    decoder.run()?;
    if is_bytes {
        return Ok(Value::Bytes(Bytes::from(decoder.out)));
    }
    match String::from_utf8(decoder.out) {
        Ok(text) => Ok(Value::string(text)),
        Err(_) => Err(Box::new(Error::parse("string is not valid unicode", span))),
    }
}

/// Line breaks that stand in a literal, in any form, are one line feed each: a file means the same on every system.
fn lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

struct Decoder<'a> {
    body: &'a str,
    at: usize,
    start: usize,
    is_bytes: bool,
    out: Vec<u8>,
}

impl Decoder<'_> {
    fn run(&mut self) -> Result<(), Box<Error>> {
        while let Some(found) = self.body[self.at..].find('\\') {
            let plain = lines(&self.body[self.at..self.at + found]);
            self.out.extend_from_slice(plain.as_bytes());
            self.at += found;
            self.escape()?;
        }
        let plain = lines(&self.body[self.at..]);
        self.out.extend_from_slice(plain.as_bytes());
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Box<Error>> {
        let Some(code) = self.body[self.at + 1..].chars().next() else {
            return Err(self.bad(1, "escape has no end"));
        };
        let plain = match code {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            '\\' => b'\\',
            '?' => b'?',
            '"' => b'"',
            '\'' => b'\'',
            '`' => b'`',
            'x' | 'X' => return self.number(2, 2, 16),
            'u' => return self.number(2, 4, 16),
            'U' => return self.number(2, 8, 16),
            '0'..='3' => return self.number(1, 3, 8),
            _ => {
                let error = self.bad(1 + code.len_utf8(), "unknown escape");
                return Err(Box::new(error.with_help(
                    "a backslash is written `\\\\`; a raw string starts with `r`",
                )));
            }
        };
        self.out.push(plain);
        self.at += 2;
        Ok(())
    }

    fn number(&mut self, skip: usize, len: usize, radix: u32) -> Result<(), Box<Error>> {
        let is_unicode = len == 4 || len == 8;
        let digits = self.body.get(self.at + skip..self.at + skip + len);
        let digits = digits.filter(|digits| digits.chars().all(|c| c.is_digit(radix)));
        let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()) else {
            let base = if radix == 8 { "octal" } else { "hexadecimal" };
            return Err(self.bad(skip, &format!("escape needs {len} {base} digits")));
        };
        if self.is_bytes && is_unicode {
            return Err(self.bad(skip + len, "bytes have no unicode escapes"));
        }
        if self.is_bytes {
            self.out.push(
                u8::try_from(code).map_err(|_| self.bad(skip + len, "byte is out of range"))?,
            );
        } else {
            let Some(character) = char::from_u32(code) else {
                return Err(self.bad(skip + len, "escape is not a unicode character"));
            };
            self.out
                .extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.at += skip + len;
        Ok(())
    }

    fn bad(&self, len: usize, message: &str) -> Box<Error> {
        let from = self.start + self.at;
        let end = (from + len).min(self.start + self.body.len());
        Box::new(Error::parse(message, Span::new(from, end)))
    }
}
