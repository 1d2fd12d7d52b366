//! Types of members and elements.

use super::{Checker, literal_text, with_names};
use crate::ast::{ExprId, Node, SelectMode};
use crate::check::types::{ObjectType, Type};
use crate::error::Error;
use crate::span::Span;

impl Checker<'_> {
    /// `operand.name`, `operand.?name` or `has(operand.name)`.
    pub(super) fn select(
        &mut self,
        node: &Node,
        operand: ExprId,
        kind: Type,
        mode: SelectMode,
    ) -> Type {
        let name = self.ast.name_of(node).to_owned();
        let found = self.member(operand, &kind, &name, node.focus);
        match mode {
            SelectMode::Has => Type::Bool,
            SelectMode::Member => found,
            SelectMode::Optional => optional(found),
        }
    }

    fn member(&mut self, operand: ExprId, kind: &Type, name: &str, at: Span) -> Type {
        match self.inference.shallow(kind) {
            Type::Dyn | Type::Var(_) | Type::Param(_) => Type::Dyn,
            Type::Object(object) => self.field(operand, &object, name, at),
            Type::Map(_, value) => Type::clone(&value),
            Type::Optional(inner) => optional(self.member(operand, &inner, name, at)),
            Type::Nullable(inner) => self.member(operand, &inner, name, at),
            other @ (Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Timestamp
            | Type::Duration
            | Type::List(_)
            | Type::Type(_)
            | Type::Opaque(..)) => {
                let other = self.inference.resolve(&other);
                let error = Error::check(format!("`{other}` has no members, so no `{name}`"), at);
                self.report(match other {
                    Type::List(_) => error.with_help(format!(
                        "for the member of each element write `.map(x, x.{name})`"
                    )),
                    _ => error,
                })
            }
        }
    }

    fn field(&mut self, operand: ExprId, object: &ObjectType, name: &str, at: Span) -> Type {
        if let Some(kind) = object.fields.get(name) {
            return kind.clone();
        }
        let names: Vec<&str> = object.fields.keys().map(String::as_str).collect();
        let owner: String = self
            .ast
            .text_of(self.ast.node(operand).span)
            .chars()
            .take(60)
            .collect();
        if let Some(reason) = object.later.get(name) {
            let error = Error::check(
                format!("`{name}` of `{owner}` is not known here: {reason}"),
                at,
            );
            return self.report(with_names(error, "", &names, "it has"));
        }
        if object.open {
            return Type::Dyn;
        }
        let error = Error::check(format!("`{owner}` has no member `{name}`"), at);
        self.report(if names.is_empty() {
            error.with_help("it has no members here")
        } else {
            with_names(error, name, &names, "it has")
        })
    }

    /// `operand[index]` or `operand[?index]`.
    pub(super) fn index(
        &mut self,
        node: &Node,
        operand: ExprId,
        kind: Type,
        index: ExprId,
        is_optional: bool,
    ) -> Type {
        let index_kind = self.kind(index);
        let found = self.element(node, operand, &kind, (index, &index_kind));
        if is_optional { optional(found) } else { found }
    }

    fn element(
        &mut self,
        node: &Node,
        operand: ExprId,
        kind: &Type,
        index: (ExprId, &Type),
    ) -> Type {
        match self.inference.shallow(kind) {
            Type::Dyn | Type::Var(_) | Type::Param(_) => Type::Dyn,
            Type::List(item) => {
                if !matches!(self.inference.shallow(index.1), Type::Uint) {
                    self.require(index.0, &Type::Int, index.1, "the index of a list");
                }
                Type::clone(&item)
            }
            Type::Map(key, value) => {
                self.require(index.0, &key, index.1, "the key of this map");
                Type::clone(&value)
            }
            Type::Object(object) => match literal_text(self.ast, index.0) {
                Some((name, span)) => self.field(operand, &object, name, span),
                None => {
                    self.require(index.0, &Type::String, index.1, "the name of a member");
                    Type::Dyn
                }
            },
            Type::Optional(inner) => optional(self.element(node, operand, &inner, index)),
            Type::Nullable(inner) => self.element(node, operand, &inner, index),
            other @ (Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Timestamp
            | Type::Duration
            | Type::Type(_)
            | Type::Opaque(..)) => {
                let other = self.inference.resolve(&other);
                let error = Error::check(format!("`{other}` has no elements"), node.focus);
                self.report(match other {
                    Type::String => error.with_help("for a character write `.charAt(index)`"),
                    _ => error,
                })
            }
        }
    }
}

/// What reaching through an optional gives: never an optional of an optional.
fn optional(kind: Type) -> Type {
    match kind {
        Type::Optional(_) => kind,
        other => Type::optional(other),
    }
}
