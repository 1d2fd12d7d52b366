//! Types of calls: overloads, host functions, and what to say when none fits.

use super::Checker;
use super::signature::{self, Signature};
use super::types::Type;
use crate::ast::{Args, Expr, Node, SelectMode};
use crate::error::Error;
use crate::functions::{Function, Style};

impl Checker<'_> {
    /// A call without target.
    pub(super) fn call(
        &mut self,
        node: &Node,
        function: Option<&'static Function>,
        args: Args,
    ) -> Type {
        let kinds = self.arguments(args);
        match function {
            Some(function) => self.builtin(node, function, &kinds, args),
            None => {
                let name = self.ast.text_of(node.focus);
                self.host(node, name, &kinds)
            }
        }
    }

    /// A call with target.
    pub(super) fn method(
        &mut self,
        node: &Node,
        function: Option<&'static Function>,
        target: Type,
        args: Args,
    ) -> Type {
        let mut kinds = vec![target];
        kinds.extend(self.arguments(args));
        match function {
            Some(function) => self.builtin(node, function, &kinds, args),
            None => {
                let name = self.ast.text_of(node.focus);
                self.unknown_function(node, name, kinds.first())
            }
        }
    }

    /// A host function whose name is qualified by the chain's start (`git.describe()`), which is not a variable.
    pub(super) fn host_method(&mut self, node: &Node, base: usize) -> Option<Type> {
        let ast = self.ast;
        let mut path = ast.name_of(node).to_owned();
        for at in (base..self.spine.len()).rev() {
            let member = ast.node(self.spine[at]);
            path.push('.');
            path.push_str(ast.name_of(member));
            match member.expr {
                Expr::Select {
                    mode: SelectMode::Member,
                    ..
                } if path.len() < 256 => {}
                Expr::Method {
                    function: None,
                    args,
                    ..
                } => {
                    let is_known = self.env.function(&path).is_some()
                        || self.env.later_function_reason(&path).is_some();
                    if !is_known {
                        return None;
                    }
                    // The arguments' own chains must not see this one's spine below their base.
                    let kinds = self.arguments(args);
                    self.spine.truncate(at);
                    return Some(self.host(member, &path, &kinds));
                }
                _ => return None,
            }
        }
        None
    }

    fn arguments(&mut self, args: Args) -> Vec<Type> {
        let ast = self.ast;
        ast.args(args).iter().map(|arg| self.kind(*arg)).collect()
    }

    fn builtin(
        &mut self,
        node: &Node,
        function: &'static Function,
        kinds: &[Type],
        args: Args,
    ) -> Type {
        if matches!(function.name, "math.greatest" | "math.least") {
            return self.extreme(node, function, kinds);
        }
        let signatures = signature::of(function);
        if let Some(kind) = self.resolve_overload(signatures, kinds) {
            return kind;
        }
        let has_target = function.style == Style::Member || kinds.len() > args.len as usize;
        if self.env.is_open() && !self.is_meant(signatures, kinds, has_target) {
            return Type::Dyn;
        }
        self.no_overload(node, function.name, signatures, kinds, has_target)
    }

    /// Whether a call means the function of this language, and not one of the same name that an open environment has
    /// for another target or number of arguments.
    fn is_meant(&mut self, signatures: &[Signature], kinds: &[Type], has_target: bool) -> bool {
        let mut signatures = signatures
            .iter()
            .filter(|signature| signature.takes(kinds.len()));
        if !has_target {
            return signatures.next().is_some();
        }
        signatures.any(|signature| match (signature.param(0), kinds.first()) {
            (Some(wanted), Some(target)) => {
                let before = self.inference.mark();
                let wanted = self.inference.instantiate(wanted, &mut Vec::new());
                let fits = self.inference.assign(&wanted, target);
                self.inference.back_to(before);
                fits
            }
            _ => false,
        })
    }

    /// `math.greatest` and `math.least`: numbers of any type, or one list of them.
    fn extreme(&mut self, node: &Node, function: &'static Function, kinds: &[Type]) -> Type {
        let listed = match kinds {
            [only] => match self.inference.shallow(only) {
                Type::List(item) => Some(Type::clone(&item)),
                _ => None,
            },
            _ => None,
        };
        let numbers = match &listed {
            Some(item) => std::slice::from_ref(item),
            None => kinds,
        };
        let mut result: Option<Type> = None;
        for number in numbers {
            let number = self.inference.shallow(number);
            if !matches!(
                number,
                Type::Int | Type::Uint | Type::Double | Type::Dyn | Type::Var(_)
            ) {
                let number = self.inference.resolve(&number);
                return self.report(Error::check(
                    format!("`{}` takes numbers, found `{number}`", function.name),
                    node.focus,
                ));
            }
            result = Some(match result {
                Some(result) if result != number => Type::Dyn,
                Some(_) | None => number,
            });
        }
        match result {
            Some(Type::Var(_)) => Type::Dyn,
            Some(result) => result,
            None => self.report(Error::check(
                format!("`{}` takes at least one number", function.name),
                node.focus,
            )),
        }
    }

    fn host(&mut self, node: &Node, name: &str, kinds: &[Type]) -> Type {
        let env = self.env;
        let Some(signatures) = env.function(name) else {
            return self.unknown_function(node, name, None);
        };
        match self.resolve_overload(signatures, kinds) {
            Some(kind) => kind,
            None => self.no_overload(node, name, signatures, kinds, false),
        }
    }

    fn no_overload(
        &mut self,
        node: &Node,
        name: &str,
        signatures: &[Signature],
        kinds: &[Type],
        has_target: bool,
    ) -> Type {
        let skip = usize::from(has_target);
        let given = kinds.len().saturating_sub(skip);
        let show = |signature: &Signature| {
            let params: Vec<String> = signature.params.iter().map(ToString::to_string).collect();
            let dots = if signature.variadic { "..." } else { "" };
            match params.split_first() {
                Some((target, rest)) if has_target => {
                    format!("`{target}.{name}({}{dots})`", rest.join(", "))
                }
                _ => format!("`{name}({}{dots})`", params.join(", ")),
            }
        };
        let forms = signatures.iter().map(show).collect::<Vec<_>>().join(", ");
        let message = if signatures
            .iter()
            .any(|signature| signature.takes(kinds.len()))
        {
            let kinds: Vec<String> = kinds
                .iter()
                .map(|kind| self.inference.resolve(kind).to_string())
                .collect();
            match kinds.split_first() {
                Some((target, rest)) if has_target => {
                    format!("`{name}` of `{target}` does not take ({})", rest.join(", "))
                }
                _ => format!("`{name}` does not take ({})", kinds.join(", ")),
            }
        } else {
            let mut counts: Vec<usize> = signatures
                .iter()
                .map(|signature| signature.params.len().saturating_sub(skip))
                .collect();
            counts.sort_unstable();
            counts.dedup();
            let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
            let noun = if counts == ["1"] {
                "argument"
            } else {
                "arguments"
            };
            format!(
                "`{name}` takes {} {noun}, found {given}",
                counts.join(" or ")
            )
        };
        self.report(Error::check(message, node.focus).with_help(format!("it is called as {forms}")))
    }

    /// The type of the first signature that fits; `dyn` when `dyn` arguments let several fit with different results.
    ///
    /// Where several fit, nothing is learnt about the arguments: each may be what any of them wants.
    pub(super) fn resolve_overload(
        &mut self,
        signatures: &[Signature],
        args: &[Type],
    ) -> Option<Type> {
        let vague = args
            .iter()
            .any(|arg| matches!(self.inference.shallow(arg), Type::Dyn | Type::Var(_)));
        let mut fitting: Option<(&Signature, Type)> = None;
        let mut several = false;
        for signature in signatures {
            let before = self.inference.mark();
            let Some(kind) = self.fit(signature, args) else {
                self.inference.back_to(before);
                continue;
            };
            if !vague {
                return Some(kind);
            }
            let kind = self.inference.resolve(&kind);
            self.inference.back_to(before);
            match &fitting {
                None => fitting = Some((signature, kind)),
                Some((_, first)) if *first != kind => return Some(Type::Dyn),
                Some(_) => several = true,
            }
        }
        let (signature, kind) = fitting?;
        if several {
            return Some(kind);
        }
        self.fit(signature, args)
    }

    /// The result of a signature for these arguments, if they fit; learns about variables on the way.
    fn fit(&mut self, signature: &Signature, args: &[Type]) -> Option<Type> {
        if !signature.takes(args.len()) {
            return None;
        }
        let mut names = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let param = self.inference.instantiate(signature.param(at)?, &mut names);
            if !self.inference.assign(&param, arg) {
                return None;
            }
        }
        Some(self.inference.instantiate(&signature.result, &mut names))
    }
}
