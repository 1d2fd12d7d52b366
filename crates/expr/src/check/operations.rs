//! Types of operations, and what to write where an operator does not take its operands.

use super::operators::{self, Operand};
use super::signature::Signature;
use super::types::Type;
use super::{Checker, literal_text};
use crate::ast::{Binary, ExprId, Node, Unary};
use crate::error::Error;

impl Checker<'_> {
    pub(super) fn unary(&mut self, node: &Node, op: Unary, operand: ExprId) -> Type {
        let kind = self.kind(operand);
        self.operator(node, op.symbol(), operators::unary(op), &[(operand, kind)])
    }

    pub(super) fn binary(
        &mut self,
        node: &Node,
        op: Binary,
        left: (ExprId, Type),
        right: ExprId,
    ) -> Type {
        match op {
            Binary::And | Binary::Or => {
                let what = format!("each side of `{}`", op.symbol());
                self.require(left.0, &Type::Bool, &left.1, &what);
                self.expect(right, &Type::Bool, &what);
                Type::Bool
            }
            Binary::In => {
                let container = self.kind(right);
                let container = match self.inference.shallow(&container) {
                    Type::Object(_) => Type::map(Type::String, Type::Dyn),
                    Type::Nullable(inner) => Type::clone(&inner),
                    other => other,
                };
                self.operator(
                    node,
                    op.symbol(),
                    operators::binary(op),
                    &[left, (right, container)],
                )
            }
            Binary::Equal
            | Binary::NotEqual
            | Binary::Less
            | Binary::LessEqual
            | Binary::Greater
            | Binary::GreaterEqual
            | Binary::Add
            | Binary::Subtract
            | Binary::Multiply
            | Binary::Divide
            | Binary::Remainder => {
                let kind = self.kind(right);
                let args = [left, (right, kind)];
                let before = self.errors.len();
                let result = self.operator(node, op.symbol(), operators::binary(op), &args);
                if self.errors.len() > before
                    && let Some(help) = self.truth(op, &args[0], &args[1])
                    && let Some(error) = self.errors.last_mut()
                {
                    error.help = Some(help);
                }
                let is_list = matches!(self.inference.shallow(&result), Type::List(_));
                if op == Binary::Add && is_list && self.is_open(&args) {
                    // What is known of one list says nothing of the items of the other.
                    return Type::list(Type::Dyn);
                }
                result
            }
        }
    }

    fn is_open(&self, args: &[(ExprId, Type)]) -> bool {
        let mut kinds = args.iter().map(|(_, kind)| self.inference.shallow(kind));
        kinds.any(|kind| kind == Type::Dyn)
    }

    /// How to write the comparison of a truth value with a text.
    fn truth(&self, op: Binary, left: &(ExprId, Type), right: &(ExprId, Type)) -> Option<String> {
        let (asked, text) = match (
            self.inference.shallow(&left.1),
            self.inference.shallow(&right.1),
        ) {
            (Type::Bool, Type::String) => (left.0, right.0),
            (Type::String, Type::Bool) => (right.0, left.0),
            _ => return None,
        };
        let is_true = match literal_text(self.ast, text)?
            .0
            .to_ascii_lowercase()
            .as_str()
        {
            "true" | "yes" | "on" | "y" | "1" => true,
            "false" | "no" | "off" | "n" | "0" | "" => false,
            _ => return Some("it is `true` or `false`, without quotes".to_owned()),
        };
        let is_true = match op {
            Binary::Equal => is_true,
            Binary::NotEqual => !is_true,
            _ => return None,
        };
        let asked = self.ast.text_of(self.ast.node(asked).span);
        let asked: String = asked.chars().take(60).collect();
        Some(if is_true {
            format!("write `{asked}` alone: it is `true` or `false`")
        } else {
            format!("write `!{asked}`: it is `true` or `false`")
        })
    }

    fn operator(
        &mut self,
        node: &Node,
        symbol: &str,
        signatures: &[Signature],
        operands: &[(ExprId, Type)],
    ) -> Type {
        let kinds: Vec<Type> = operands.iter().map(|(_, kind)| kind.clone()).collect();
        if let Some(kind) = self.resolve_overload(signatures, &kinds) {
            return kind;
        }
        let operands: Vec<Operand<'_>> = operands
            .iter()
            .map(|(id, kind)| Operand {
                kind: self.inference.resolve(kind),
                text: self.ast.text_of(self.ast.node(*id).span),
                literal: literal_text(self.ast, *id).map(|(text, _)| text),
            })
            .collect();
        let found: Vec<String> = operands.iter().map(|each| each.kind.to_string()).collect();
        let message = format!("`{symbol}` does not take ({})", found.join(", "));
        let error = Error::check(message, node.focus);
        let help = operators::help(symbol, &operands);
        self.report(match help {
            Some(help) => error.with_help(help),
            None => error,
        })
    }
}
