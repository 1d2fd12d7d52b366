//! Signatures of functions, written as text: `(list<A>, int) -> A`.
//!
//! Types are `dyn null bool int uint double string bytes timestamp duration list<…> map<…, …> optional<…> type<…>
//! net.IP net.CIDR`; a single capital letter is a type parameter. `...` after the last parameter allows it any number of times.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use super::types::Type;
use crate::error::Error;
use crate::functions::{self, Function};
use crate::value::TypeName;

/// What a function takes and gives; a target is the first parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Parameters in order.
    pub params: Vec<Type>,
    /// Whether the last parameter may be given any number of times.
    pub variadic: bool,
    /// The type of the result.
    pub result: Type,
}

impl Signature {
    /// Reads a signature such as `(string, int) -> bool`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut reader = Reader { rest: text.trim() };
        let signature = reader.signature();
        match signature {
            Some(signature) if reader.rest.is_empty() => Ok(signature),
            Some(_) | None => Err(Error::eval(format!(
                "`{text}` is not a signature, expected one such as `(string, int) -> bool`"
            ))),
        }
    }

    /// Whether it can be called with that many arguments.
    pub(super) fn takes(&self, args: usize) -> bool {
        if self.variadic {
            args + 1 >= self.params.len()
        } else {
            args == self.params.len()
        }
    }

    /// The parameter for the argument at a position.
    pub(super) fn param(&self, at: usize) -> Option<&Type> {
        self.params
            .get(at)
            .or_else(|| self.params.last().filter(|_| self.variadic))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<String> = self.params.iter().map(ToString::to_string).collect();
        write!(
            f,
            "({}{}) -> {}",
            params.join(", "),
            if self.variadic { "..." } else { "" },
            self.result
        )
    }
}

/// The signatures of a function of the language.
pub(super) fn of(function: &'static Function) -> &'static [Signature] {
    static PARSED: LazyLock<HashMap<&'static str, Vec<Signature>>> = LazyLock::new(|| {
        let parse = |function: &'static Function| {
            let signatures = function
                .signatures
                .iter()
                .filter_map(|text| Signature::parse(text).ok());
            (function.name, signatures.collect())
        };
        functions::all().map(parse).collect()
    });
    PARSED.get(function.name).map_or(&[], Vec::as_slice)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn signature(&mut self) -> Option<Signature> {
        self.eat("(").then_some(())?;
        let mut params = Vec::new();
        let mut variadic = false;
        while !self.eat(")") {
            if !params.is_empty() {
                self.eat(",").then_some(())?;
            }
            params.push(self.kind()?);
            variadic = self.eat("...");
        }
        self.eat("->").then_some(())?;
        Some(Signature {
            params,
            variadic,
            result: self.kind()?,
        })
    }

    fn kind(&mut self) -> Option<Type> {
        let len = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(len);
        self.rest = rest.trim_start();
        Some(match name {
            "dyn" => Type::Dyn,
            "null" => Type::Null,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "uint" => Type::Uint,
            "double" => Type::Double,
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "timestamp" => Type::Timestamp,
            "duration" => Type::Duration,
            "net" if self.eat(".IP") => Type::named(TypeName::Ip),
            "net" if self.eat(".CIDR") => Type::named(TypeName::Cidr),
            "list" => Type::list(self.only_argument()?),
            "optional" => Type::optional(self.only_argument()?),
            "type" => Type::Type(Arc::new(self.only_argument()?)),
            "map" => {
                self.eat("<").then_some(())?;
                let key = self.kind()?;
                self.eat(",").then_some(())?;
                let value = self.kind()?;
                self.eat(">").then_some(())?;
                Type::map(key, value)
            }
            _ if name.len() == 1 && name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                Type::Param(name.into())
            }
            _ => return None,
        })
    }

    fn only_argument(&mut self) -> Option<Type> {
        self.eat("<").then_some(())?;
        let argument = self.kind()?;
        self.eat(">").then_some(())?;
        Some(argument)
    }

    fn eat(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest.trim_start();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_readable_signatures() {
        for function in functions::all() {
            if function.name == "math.greatest" || function.name == "math.least" {
                continue;
            }
            assert!(!function.signatures.is_empty(), "{}", function.name);
            for text in function.signatures {
                assert_eq!(Signature::parse(text).unwrap().to_string(), *text);
            }
        }
    }

    #[test]
    fn wrong_signatures_are_refused() {
        for text in [
            "",
            "int",
            "(int",
            "(int) ->",
            "(int) -> what",
            "(list) -> int",
            "(int) -> int int",
        ] {
            assert!(Signature::parse(text).is_err(), "{text}");
        }
    }
}
