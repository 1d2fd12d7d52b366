//! Functions that do not exist: what was probably meant, or which there are for such a value and at this place.

use super::Checker;
use super::nearest::{self, nearest};
use super::signature;
use super::types::Type;
use crate::ast::{Expr, Node};
use crate::error::Error;
use crate::functions::{self, Function, Style};

/// Macros that are called on lists and maps.
const OF_COLLECTIONS: [&str; 6] = ["all", "exists", "exists_one", "filter", "map", "sortBy"];
/// Macros that are called on optionals.
const OF_OPTIONALS: [&str; 2] = ["optMap", "optFlatMap"];

impl Checker<'_> {
    /// Reports a call of a function that does not exist, or not in this way.
    pub(super) fn unknown_function(
        &mut self,
        node: &Node,
        name: &str,
        target: Option<&Type>,
    ) -> Type {
        let env = self.env;
        if self.errors.len() >= super::MAX_ERRORS {
            return Type::Dyn;
        }
        if let Some(reason) = env.later_function_reason(name) {
            return self.report(Error::check(
                format!("`{name}` cannot be called here: {reason}"),
                node.focus,
            ));
        }
        let known =
            functions::find(name, Style::Member).or_else(|| functions::find(name, Style::Global));
        if let Some(function) = known {
            let form = if function.style == Style::Member {
                format!("x.{name}(…)")
            } else {
                format!("{name}(…)")
            };
            let error = Error::check(format!("`{name}` is not called like this"), node.focus);
            return self.report(error.with_help(format!("write `{form}`")));
        }
        if env.is_open() {
            return Type::Dyn;
        }
        let is_method = matches!(node.expr, Expr::Method { .. });
        let help = match target.filter(|_| is_method) {
            Some(target) => self.methods_instead(name, target),
            None => self.functions_instead(name),
        };
        let error = Error::check(format!("unknown function `{name}`"), node.focus);
        self.report(error.with_help(help))
    }

    /// What to call on a value of the type `target`.
    fn methods_instead(&mut self, name: &str, target: &Type) -> String {
        let target = self.inference.resolve(target);
        let mut names: Vec<&str> = functions::all()
            .filter(|function| function.style != Style::Global)
            .filter(|function| self.takes(function, &target))
            .map(|function| function.name)
            .collect();
        match target {
            Type::List(_) | Type::Map(..) | Type::Object(_) => names.extend(OF_COLLECTIONS),
            Type::Optional(_) => names.extend(OF_OPTIONALS),
            Type::Dyn => names.extend(OF_COLLECTIONS.iter().chain(&OF_OPTIONALS)),
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Timestamp
            | Type::Duration
            | Type::Nullable(_)
            | Type::Type(_)
            | Type::Opaque(..)
            | Type::Param(_)
            | Type::Var(_) => {}
        }
        names.sort_unstable();
        if let Some(near) = nearest(name, names.iter().copied()) {
            return format!("did you mean `{near}`?");
        }
        let what = format!("functions of `{target}`");
        nearest::suggest(name, &names, &what)
            .unwrap_or_else(|| format!("a `{target}` has no functions of its own"))
    }

    /// Whether a function can be called on a value of the type `target`.
    fn takes(&mut self, function: &'static Function, target: &Type) -> bool {
        let signatures = signature::of(function).iter();
        let mut targets = signatures.filter_map(|signature| signature.params.first());
        targets.any(|wanted| {
            let before = self.inference.mark();
            let wanted = self.inference.instantiate(wanted, &mut Vec::new());
            let fits = self.inference.assign(&wanted, target);
            self.inference.back_to(before);
            fits
        })
    }

    /// What to call in place of a function without target.
    fn functions_instead(&self, name: &str) -> String {
        let mut own: Vec<&str> = functions::all()
            .filter(|function| function.style != Style::Member && !function.name.contains('.'))
            .map(|function| function.name)
            .collect();
        own.push("has");
        own.sort_unstable();
        // Those of the place come first, since they are why the expression stands there.
        let names: Vec<&str> = self.env.function_names().chain(own).collect();
        let spaces = functions::all().filter(|function| function.name.contains('.'));
        let all = names
            .iter()
            .copied()
            .chain(spaces.map(|function| function.name));
        match nearest(name, all) {
            Some(near) => format!("did you mean `{near}`?"),
            None => nearest::suggest(name, &names, "functions of this place").unwrap_or_default(),
        }
    }

    /// Reports a function that a namespace does not have, and takes it from the spine above `base`; nothing when
    /// `space` is no namespace.
    pub(super) fn unknown_in_namespace(
        &mut self,
        node: &Node,
        space: &str,
        base: usize,
    ) -> Option<Type> {
        if !functions::is_namespace(space) || self.spine.len() <= base {
            return None;
        }
        let ast = self.ast;
        let member = self.spine.pop().map(|id| ast.node(id))?;
        let name = ast.name_of(member);
        let prefix = format!("{space}.");
        let mut names: Vec<&str> = functions::all()
            .map(|function| function.name)
            .filter(|known| known.starts_with(&prefix))
            .collect();
        names.sort_unstable();
        let whole = format!("{prefix}{name}");
        let short = names.iter().filter_map(|known| known.strip_prefix(&prefix));
        let help = nearest(name, short)
            .map(|near| format!("did you mean `{prefix}{near}`?"))
            .or_else(|| nearest::suggest("", &names, &format!("functions of `{space}`")))?;
        let message = format!("unknown function `{whole}`");
        let span = node.span.to(member.focus);
        Some(self.report(Error::check(message, span).with_help(help)))
    }
}
