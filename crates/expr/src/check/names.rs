//! Types of variables. A name may have dots in it, so the longest one that is known counts.

use std::sync::Arc;

use super::types::Type;
use super::{Checker, with_names};
use crate::ast::{DottedName, Node};
use crate::error::Error;
use crate::value::TypeName;

impl Checker<'_> {
    pub(super) fn variable(&mut self, node: &Node, absolute: bool) -> Type {
        let base = self.spine.len();
        self.chain_name(node, absolute, base)
    }

    /// The variable at the start of a chain; members that belong to its name leave the spine above `base`.
    pub(super) fn chain_name(&mut self, node: &Node, absolute: bool, base: usize) -> Type {
        let ast = self.ast;
        let env = self.env;
        let name = ast.name_of(node);
        let DottedName { path, mut ends } = ast.dotted_name(node, &self.spine[base..]);
        if !env.has_dotted_names() {
            ends.truncate(1);
        }
        while let Some(end) = ends.pop() {
            if let Some(kind) = env.variable(&path[..end], absolute) {
                self.spine.truncate(self.spine.len() - ends.len());
                return kind.clone();
            }
        }
        if let Some(kind) = TypeName::from_name(name) {
            return Type::Type(Arc::new(Type::named(kind)));
        }
        if let Some(kind) = TypeName::from_name(&path) {
            self.spine.truncate(
                self.spine
                    .len()
                    .saturating_sub(path.matches('.').count())
                    .max(base),
            );
            return Type::Type(Arc::new(Type::named(kind)));
        }
        if let Some(kind) = self.host_method(node, base) {
            return kind;
        }
        if let Some(reason) = env.later_reason(name) {
            let names: Vec<&str> = env.variables().map(|(name, _)| name).collect();
            let error = Error::check(format!("`{name}` is not known here: {reason}"), node.span);
            return self.report(with_names(error, "", &names, "available here"));
        }
        if env.is_open() {
            return Type::Dyn;
        }
        if let Some(kind) = self.unknown_in_namespace(node, name, base) {
            return kind;
        }
        let names: Vec<&str> = env.variables().map(|(name, _)| name).collect();
        let error = Error::check(format!("unknown name `{name}`"), node.span);
        self.report(with_names(error, name, &names, "available here"))
    }
}
