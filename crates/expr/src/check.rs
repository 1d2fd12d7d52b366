//! The type checker: finds wrong names, types and arities before anything runs.
//!
//! It reports every error it finds, each at its place with the names that are available there, and goes on with
//! `dyn` so that one mistake is one error. Like the evaluator it walks left-nested chains in a loop. Which names
//! exist at a place is the caller's business (`TypeEnv`).

mod calls;
mod comprehensions;
mod env;
mod members;
mod names;
mod nearest;
mod operations;
mod operators;
mod signature;
mod types;
mod unify;
mod unknown;

pub use env::TypeEnv;
pub use nearest::nearest;
pub use signature::Signature;
pub use types::{ObjectType, Type};

use crate::ast::{Args, Ast, Expr, ExprId, Node};
use crate::error::Error;
use crate::program::Program;
use crate::span::Span;
use crate::value::Value;
use unify::Inference;

/// Most errors reported for one expression.
pub const MAX_ERRORS: usize = 100;

/// Checks a program in an environment; gives the type of its result, or every error in the order of the text.
pub fn check(program: &Program, env: &TypeEnv) -> Result<Type, Vec<Error>> {
    let ast = program.ast();
    let mut checker = Checker {
        ast,
        env,
        inference: Inference::default(),
        locals: vec![Type::Dyn; ast.slots],
        spine: Vec::new(),
        errors: Vec::new(),
    };
    let kind = checker.kind(ast.root);
    if checker.errors.is_empty() {
        return Ok(checker.inference.resolve(&kind));
    }
    checker.errors.sort_by_key(|error| error.span);
    Err(checker.errors)
}

struct Checker<'a> {
    ast: &'a Ast,
    env: &'a TypeEnv,
    inference: Inference,
    locals: Vec<Type>,
    /// Nodes whose left child is being checked, innermost last.
    spine: Vec<ExprId>,
    errors: Vec<Error>,
}

impl<'a> Checker<'a> {
    /// Records an error and goes on with `dyn`.
    fn report(&mut self, error: Error) -> Type {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
        Type::Dyn
    }

    fn kind(&mut self, mut id: ExprId) -> Type {
        let ast = self.ast;
        let mut branches: Vec<(ExprId, Type)> = Vec::new();
        let kind = loop {
            let node = ast.node(id);
            if node.expr.left().is_some() {
                break self.chain(id);
            }
            match &node.expr {
                Expr::Literal(value) => break Type::of(value),
                Expr::Local(slot) => break self.locals[slot.0 as usize].clone(),
                Expr::Name { absolute } => break self.variable(node, *absolute),
                Expr::Conditional { test, yes, no } => {
                    self.expect(*test, &Type::Bool, "the test of `? :`");
                    let yes_kind = self.kind(*yes);
                    branches.push((*yes, yes_kind));
                    id = *no;
                }
                Expr::Bind { slot, init, body } => {
                    let kind = self.kind(*init);
                    self.locals[slot.0 as usize] = kind;
                    id = *body;
                }
                Expr::Unary { op, operand } => break self.unary(node, *op, *operand),
                Expr::Call { function, args } => break self.call(node, *function, *args),
                Expr::List { items, optionals } => break self.list(*items, optionals),
                Expr::Map { entries, optionals } => break self.map(*entries, optionals),
                Expr::Message { values } => break self.message(node, *values),
                Expr::Select { .. }
                | Expr::Index { .. }
                | Expr::Binary { .. }
                | Expr::Method { .. }
                | Expr::OptionalMap { .. }
                | Expr::Comprehension(_) => break self.chain(id),
            }
        };
        unify::capped(self.branches(id, kind, branches))
    }

    /// One type for all branches of a chain of `? :`.
    fn branches(&mut self, last: ExprId, mut kind: Type, branches: Vec<(ExprId, Type)>) -> Type {
        for (id, branch) in branches.into_iter().rev() {
            let before = self.inference.mark();
            if !self.inference.fits_either_way(&branch, &kind) {
                self.inference.back_to(before);
                let (branch, kind) = (
                    self.inference.resolve(&branch),
                    self.inference.resolve(&kind),
                );
                let message = format!("the branches of `? :` have types `{branch}` and `{kind}`");
                let span = self.ast.node(id).span.to(self.ast.node(last).span);
                return self.report(
                    Error::check(message, span)
                        .with_help("both must have one type; `dyn(x)` turns the check off"),
                );
            }
            kind = self.inference.join(&branch, &kind);
        }
        kind
    }

    /// A node with a left child: down to the innermost left child, then up again.
    fn chain(&mut self, id: ExprId) -> Type {
        let base = self.spine.len();
        let mut current = id;
        while let Some(left) = self.ast.node(current).expr.left() {
            self.spine.push(current);
            current = left;
        }
        let node = self.ast.node(current);
        let mut kind = match &node.expr {
            Expr::Name { absolute } => self.chain_name(node, *absolute, base),
            _ => self.kind(current),
        };
        while self.spine.len() > base {
            let Some(id) = self.spine.pop() else { break };
            kind = unify::capped(self.step(id, kind));
        }
        kind
    }

    fn step(&mut self, id: ExprId, left: Type) -> Type {
        let ast = self.ast;
        let node = ast.node(id);
        match &node.expr {
            Expr::Select { operand, mode } => self.select(node, *operand, left, *mode),
            Expr::Index {
                operand,
                index,
                optional,
            } => self.index(node, *operand, left, *index, *optional),
            Expr::Binary {
                op,
                left: id,
                right,
            } => self.binary(node, *op, (*id, left), *right),
            Expr::Method { function, args, .. } => self.method(node, *function, left, *args),
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension, &left),
            Expr::OptionalMap {
                slot, body, flat, ..
            } => {
                let inner = match self.inference.shallow(&left) {
                    Type::Optional(inner) => Type::clone(&inner),
                    Type::Dyn | Type::Var(_) => Type::Dyn,
                    other => {
                        let other = self.inference.resolve(&other);
                        self.report(Error::check(
                            format!(
                                "`{}` needs an optional, found `{other}`",
                                ast.text_of(node.focus)
                            ),
                            node.focus,
                        ))
                    }
                };
                self.locals[slot.0 as usize] = inner;
                let body_kind = self.kind(*body);
                if !flat {
                    return Type::optional(body_kind);
                }
                let wanted = Type::optional(self.inference.fresh());
                self.require(*body, &wanted, &body_kind, "the body of `optFlatMap`");
                body_kind
            }
            Expr::Literal(_)
            | Expr::Name { .. }
            | Expr::Local(_)
            | Expr::Unary { .. }
            | Expr::Conditional { .. }
            | Expr::Call { .. }
            | Expr::List { .. }
            | Expr::Map { .. }
            | Expr::Message { .. }
            | Expr::Bind { .. } => left,
        }
    }

    /// Checks a node and wants a type of it.
    fn expect(&mut self, id: ExprId, wanted: &Type, what: &str) {
        let kind = self.kind(id);
        self.require(id, wanted, &kind, what);
    }

    fn require(&mut self, id: ExprId, wanted: &Type, found: &Type, what: &str) {
        if !self.inference.assign(wanted, found) {
            let (wanted, found) = (
                self.inference.resolve(wanted),
                self.inference.resolve(found),
            );
            let error = Error::check(
                format!("{what} must be `{wanted}`, found `{found}`"),
                self.ast.node(id).span,
            );
            let error = match (&wanted, &found) {
                (Type::Bool, Type::String) => {
                    error.with_help("compare it: `x == \"…\"`, or test `x != \"\"`")
                }
                (Type::Bool, Type::Int | Type::Uint | Type::Double) => {
                    error.with_help("compare it: `x != 0`")
                }
                (Type::Bool, Type::List(_) | Type::Map(..)) => {
                    error.with_help("compare its size: `x.size() > 0`")
                }
                (Type::Bool, Type::Optional(_)) => {
                    error.with_help("ask `x.hasValue()` or give a default: `x.orValue(false)`")
                }
                _ => error,
            };
            self.report(error);
        }
    }

    fn list(&mut self, items: Args, optionals: &[u32]) -> Type {
        let mut joined = None;
        for (at, id) in (0u32..).zip(self.ast.args(items)) {
            let mut kind = self.kind(*id);
            if optionals.binary_search(&at).is_ok() {
                kind = self.present(*id, kind);
            }
            joined = Some(self.join(joined, kind));
        }
        Type::list(joined.unwrap_or_else(|| self.inference.fresh()))
    }

    fn map(&mut self, entries: Args, optionals: &[u32]) -> Type {
        let (mut keys, mut values) = (None, None);
        for (at, entry) in (0u32..).zip(self.ast.args(entries).chunks_exact(2)) {
            let mut key = self.kind(entry[0]);
            match self.inference.shallow(&key) {
                Type::Dyn
                | Type::Var(_)
                | Type::Bool
                | Type::Int
                | Type::Uint
                | Type::String
                | Type::Nullable(_) => {}
                other => {
                    let other = self.inference.resolve(&other);
                    let message = format!(
                        "unsupported key type `{other}`, expected string, int, uint or bool"
                    );
                    key = self.report(Error::check(message, self.ast.node(entry[0]).span));
                }
            }
            let mut value = self.kind(entry[1]);
            if optionals.binary_search(&at).is_ok() {
                value = self.present(entry[1], value);
            }
            keys = Some(self.join(keys, key));
            values = Some(self.join(values, value));
        }
        let mut known = |kind: Option<Type>| kind.unwrap_or_else(|| self.inference.fresh());
        Type::map(known(keys), known(values))
    }

    /// A message: known to the host of an open environment, if at all.
    fn message(&mut self, node: &Node, values: Args) -> Type {
        for value in self.ast.args(values) {
            self.kind(*value);
        }
        if self.env.is_open() {
            return Type::Dyn;
        }
        let name = self.ast.text_of(node.focus);
        let error = Error::check(format!("unknown type `{name}`"), node.focus);
        self.report(error.with_help("write a map: `{\"name\": value}`"))
    }

    fn join(&mut self, joined: Option<Type>, kind: Type) -> Type {
        match joined {
            None => kind,
            Some(joined) => self.inference.join(&joined, &kind),
        }
    }

    /// The type inside of an optional entry.
    fn present(&mut self, id: ExprId, kind: Type) -> Type {
        match self.inference.shallow(&kind) {
            Type::Optional(inner) => Type::clone(&inner),
            Type::Dyn | Type::Var(_) => Type::Dyn,
            other => {
                let other = self.inference.resolve(&other);
                let message =
                    format!("an entry marked with `?` needs an optional, found `{other}`");
                self.report(Error::check(message, self.ast.node(id).span))
            }
        }
    }
}

/// The error with a help that lists names, the nearest one first.
fn with_names(error: Error, word: &str, names: &[&str], what: &str) -> Error {
    match nearest::suggest(word, names, what) {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// The literal text of a node, when it is one.
fn literal_text(ast: &Ast, id: ExprId) -> Option<(&str, Span)> {
    let node = ast.node(id);
    match &node.expr {
        Expr::Literal(Value::String(text)) => Some((text, node.span)),
        _ => None,
    }
}
