//! Types of macros that go over a list or a map, and of their variables.

use super::Checker;
use super::types::Type;
use crate::ast::{Comprehension, Macro, Node};
use crate::error::Error;

impl Checker<'_> {
    pub(super) fn comprehension(
        &mut self,
        node: &Node,
        comprehension: &Comprehension,
        range: &Type,
    ) -> Type {
        let name = self.ast.text_of(node.focus);
        let (place, value, alone) = match self.inference.shallow(range) {
            Type::List(item) => (Type::Int, Type::clone(&item), Type::clone(&item)),
            Type::Map(key, value) => (Type::clone(&key), Type::clone(&value), Type::clone(&key)),
            Type::Object(object) => {
                let mut fields = object.fields.values();
                let first = fields.next().cloned().unwrap_or(Type::Dyn);
                let value = if !object.open && fields.all(|field| *field == first) {
                    first
                } else {
                    Type::Dyn
                };
                (Type::String, value, Type::String)
            }
            Type::Dyn | Type::Var(_) => (Type::Dyn, Type::Dyn, Type::Dyn),
            other => {
                let other = self.inference.resolve(&other);
                let message = format!("`{name}` needs a list or a map, found `{other}`");
                self.report(Error::check(message, node.focus));
                (Type::Dyn, Type::Dyn, Type::Dyn)
            }
        };
        let first = comprehension.first.0 as usize;
        match comprehension.second {
            None => self.locals[first] = alone.clone(),
            Some(second) => {
                self.locals[first] = place.clone();
                self.locals[second.0 as usize] = value;
            }
        }
        if let Some(filter) = comprehension.filter {
            self.expect(filter, &Type::Bool, &format!("the filter of `{name}`"));
        }
        match comprehension.kind {
            Macro::All | Macro::Exists | Macro::ExistsOne => {
                self.expect(
                    comprehension.body,
                    &Type::Bool,
                    &format!("the body of `{name}`"),
                );
                Type::Bool
            }
            Macro::Filter => {
                self.expect(
                    comprehension.body,
                    &Type::Bool,
                    &format!("the body of `{name}`"),
                );
                Type::list(alone)
            }
            Macro::Map => Type::list(self.kind(comprehension.body)),
            Macro::TransformMap => {
                let body = self.kind(comprehension.body);
                Type::map(place, body)
            }
            Macro::TransformMapEntry => {
                let wanted = Type::map(self.inference.fresh(), self.inference.fresh());
                self.expect(
                    comprehension.body,
                    &wanted,
                    &format!("the body of `{name}`"),
                );
                wanted
            }
            Macro::SortBy => {
                self.kind(comprehension.body);
                Type::list(alone)
            }
        }
    }
}
