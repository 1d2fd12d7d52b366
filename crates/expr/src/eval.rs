//! Evaluation of a parsed expression in a scope.
//!
//! Invariants: every node and every element visited pays a step; left-nested chains are walked in a loop over
//! `spine`, so the call stack is bounded by `MAX_NESTING`; every value made is checked against the bounds of
//! `budget`. Errors carry the place of the innermost node that failed. `&&`, `||`, `all` and `exists` absorb errors
//! of evaluation as CEL says, but never a limit. What nobody asks for does no harm: the value of a `cel.bind` that is
//! not used, and the alternative of `or` and `orValue` to a value that is there.

mod access;
mod macros;
mod operators;

use std::sync::Arc;

use crate::ast::{Args, Ast, Binary, Expr, ExprId, Node};
use crate::budget::{Budget, MAX_VALUE_DEPTH, MAX_VALUE_WEIGHT};
use crate::error::{Error, ErrorKind, quoted};
use crate::functions::{Context, Fault, Function, RegexCache};
use crate::scope::Scope;
use crate::value::{Key, Map, Value};

pub(crate) type Evaluated = Result<Value, Box<Error>>;

/// Steps of an error that another side or element may outweigh: its words are written before that is known.
const ERROR_STEPS: u64 = 4;

pub(crate) struct Evaluator<'a> {
    ast: &'a Ast,
    scope: &'a dyn Scope,
    cx: Context<'a>,
    /// Values of local variables; that of `cel.bind` may have failed, which counts when the variable is used.
    locals: Vec<Evaluated>,
    /// Nodes whose left child is being evaluated, innermost last.
    spine: Vec<ExprId>,
    /// Arguments of calls being evaluated, innermost last.
    stack: Vec<Value>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        ast: &'a Ast,
        regexes: &'a RegexCache,
        scope: &'a dyn Scope,
        budget: &'a mut Budget,
    ) -> Self {
        Self {
            ast,
            scope,
            cx: Context {
                budget,
                regexes,
                patterns: Vec::new(),
            },
            locals: vec![Ok(Value::Null); ast.slots],
            spine: Vec::new(),
            stack: Vec::new(),
        }
    }

    pub(crate) fn run(&mut self) -> Evaluated {
        self.eval(self.ast.root)
    }

    fn eval(&mut self, mut id: ExprId) -> Evaluated {
        let ast = self.ast;
        loop {
            let node = ast.node(id);
            if node.expr.left().is_some() {
                return self.eval_chain(id);
            }
            self.cx.budget.step()?;
            match &node.expr {
                Expr::Literal(value) => return Ok(value.clone()),
                Expr::Local(slot) => return self.locals[slot.0 as usize].clone(),
                Expr::Name { absolute } => return self.variable(node, *absolute),
                Expr::Conditional { test, yes, no } => {
                    id = if self.test(*test)? { *yes } else { *no }
                }
                Expr::Bind { slot, init, body } => {
                    let value = self.eval(*init);
                    if let Err(error) = &value
                        && error.kind == ErrorKind::Limit
                    {
                        return value;
                    }
                    self.locals[slot.0 as usize] = value;
                    id = *body;
                }
                Expr::Unary { op, operand } => {
                    let value = self.eval(*operand)?;
                    return operators::unary(*op, &value)
                        .map_err(|fault| fail_at(node, op.symbol(), fault, &[value]));
                }
                Expr::Call { function, args } => return self.call(node, *function, *args),
                Expr::List { items, optionals } => return self.list(node, *items, optionals),
                Expr::Map { entries, optionals } => return self.map(node, *entries, optionals),
                Expr::Message { .. } => {
                    let name = ast.text_of(node.focus);
                    let error = Error::eval(format!("unknown type `{name}`"));
                    return Err(at(node, Box::new(error)));
                }
                Expr::Select { .. }
                | Expr::Index { .. }
                | Expr::Binary { .. }
                | Expr::Method { .. }
                | Expr::OptionalMap { .. }
                | Expr::Comprehension(_) => return self.eval_chain(id),
            }
        }
    }

    /// Evaluates a node with a left child: down to the innermost left child, then up again.
    fn eval_chain(&mut self, id: ExprId) -> Evaluated {
        let base = self.spine.len();
        let mut current = id;
        while let Some(left) = self.ast.node(current).expr.left() {
            self.spine.push(current);
            current = left;
        }
        let mut result = self.chain_start(current, base);
        while self.spine.len() > base {
            let Some(id) = self.spine.pop() else { break };
            result = self.chain_step(id, result);
        }
        result
    }

    fn chain_start(&mut self, id: ExprId, base: usize) -> Evaluated {
        let node = self.ast.node(id);
        match &node.expr {
            Expr::Name { absolute } if self.scope.has_dotted_names() => {
                self.dotted(node, *absolute, base)
            }
            Expr::Name { absolute } => match self.lookup(node, *absolute) {
                Some(found) => {
                    self.cx.budget.step()?;
                    found
                }
                None => self.fallback(node, base),
            },
            _ => self.eval(id),
        }
    }

    fn chain_step(&mut self, id: ExprId, left: Evaluated) -> Evaluated {
        let ast = self.ast;
        let node = ast.node(id);
        match &node.expr {
            Expr::Binary {
                op: op @ (Binary::And | Binary::Or),
                right,
                ..
            } => {
                self.cx.budget.step()?;
                self.logic(node, *op, left, *right)
            }
            expr => {
                let left = left?;
                self.cx.budget.step()?;
                match expr {
                    Expr::Select { mode, .. } => access::select(left, ast.name_of(node), *mode)
                        .map_err(|error| at(node, error)),
                    Expr::Index {
                        index, optional, ..
                    } => {
                        let index = self.eval(*index)?;
                        self.cx.charge_key(&index)?;
                        access::index(left, &index, *optional).map_err(|error| at(node, error))
                    }
                    Expr::Binary { op, right, .. } => self.binary(node, *op, left, *right),
                    Expr::Method { function, args, .. } => match left {
                        Value::Optional(Some(inner)) if is_alternative(*function, *args) => {
                            present(*function, inner)
                        }
                        left => self.method(node, *function, left, *args),
                    },
                    Expr::Comprehension(comprehension) => {
                        self.comprehension(node, comprehension, left)
                    }
                    Expr::OptionalMap {
                        slot, body, flat, ..
                    } => self.optional_map(node, left, *slot, *body, *flat),
                    Expr::Literal(_)
                    | Expr::Name { .. }
                    | Expr::Local(_)
                    | Expr::Unary { .. }
                    | Expr::Conditional { .. }
                    | Expr::Call { .. }
                    | Expr::List { .. }
                    | Expr::Map { .. }
                    | Expr::Message { .. }
                    | Expr::Bind { .. } => Ok(left),
                }
            }
        }
    }

    fn test(&mut self, id: ExprId) -> Result<bool, Box<Error>> {
        match self.eval(id)? {
            Value::Bool(value) => Ok(value),
            other => Err(at(self.ast.node(id), no_overload("_?_:_", &[other]))),
        }
    }

    /// `&&` and `||`: the side that decides wins over an error on the other side.
    fn logic(&mut self, node: &Node, op: Binary, left: Evaluated, right: ExprId) -> Evaluated {
        let decides = op == Binary::Or;
        let pending = match left {
            Ok(Value::Bool(value)) if value == decides => return Ok(Value::Bool(decides)),
            Ok(Value::Bool(_)) => None,
            Ok(other) => Some(at(node, no_overload(op.symbol(), &[other]))),
            Err(error) if error.kind == ErrorKind::Limit => return Err(error),
            Err(error) => Some(error),
        };
        if pending.is_some() {
            self.cx.budget.charge(ERROR_STEPS)?;
        }
        let right = match self.eval(right) {
            Ok(Value::Bool(value)) if value == decides => return Ok(Value::Bool(decides)),
            Err(error) if error.kind == ErrorKind::Limit => return Err(error),
            Ok(value @ Value::Bool(_)) => Ok(value),
            Ok(other) => Err(at(node, no_overload(op.symbol(), &[other]))),
            Err(error) => Err(error),
        };
        match pending {
            Some(error) => Err(error),
            None => right,
        }
    }

    fn binary(&mut self, node: &Node, op: Binary, left: Value, right: ExprId) -> Evaluated {
        let right = self.eval(right)?;
        let result = operators::binary(&mut self.cx, op, &left, &right);
        let value = result.map_err(|fault| fail_at(node, op.symbol(), fault, &[left, right]))?;
        bounded(node, value)
    }

    /// A call without target: arguments first, then the function or the host.
    fn call(&mut self, node: &Node, function: Option<&'static Function>, args: Args) -> Evaluated {
        let base = self.stack.len();
        let result = self.push_args(args).and_then(|()| match function {
            Some(function) => self.run_function(node, function, base),
            None => self.host_call(node, self.ast.text_of(node.focus), base),
        });
        self.stack.truncate(base);
        result
    }

    fn method(
        &mut self,
        node: &Node,
        function: Option<&'static Function>,
        target: Value,
        args: Args,
    ) -> Evaluated {
        let base = self.stack.len();
        self.stack.push(target);
        let result = self.push_args(args).and_then(|()| match function {
            Some(function) => self.run_function(node, function, base),
            None => Err(at(node, unknown_function(self.ast.text_of(node.focus)))),
        });
        self.stack.truncate(base);
        result
    }

    fn push_args(&mut self, args: Args) -> Result<(), Box<Error>> {
        let ast = self.ast;
        for arg in ast.args(args) {
            let value = self.eval(*arg)?;
            self.stack.push(value);
        }
        Ok(())
    }

    fn run_function(&mut self, node: &Node, function: &'static Function, base: usize) -> Evaluated {
        let args = &self.stack[base..];
        let value = (function.run)(&mut self.cx, args)
            .map_err(|fault| fail_at(node, function.name, fault, args))?;
        bounded(node, value)
    }

    fn host_call(&mut self, node: &Node, name: &str, base: usize) -> Evaluated {
        match self.scope.call(name, &self.stack[base..]) {
            Some(Ok(value)) => bounded(node, value),
            Some(Err(error)) => Err(at(node, Box::new(error))),
            None => Err(at(node, unknown_function(name))),
        }
    }

    fn list(&mut self, node: &Node, items: Args, optionals: &[u32]) -> Evaluated {
        let ast = self.ast;
        let mut values = Vec::with_capacity(items.len as usize);
        let mut optionals = optionals.iter().peekable();
        for (at_index, item) in (0u32..).zip(ast.args(items)) {
            let value = self.eval(*item)?;
            if optionals
                .next_if(|optional| **optional == at_index)
                .is_none()
            {
                values.push(value);
            } else if let Value::Optional(inner) = value {
                values.extend(inner.map(|inner| Value::clone(&inner)));
            } else {
                return Err(at(ast.node(*item), not_optional(&value)));
            }
        }
        bounded(node, Value::list(values))
    }

    fn map(&mut self, node: &Node, entries: Args, optionals: &[u32]) -> Evaluated {
        let ast = self.ast;
        let mut pairs = Vec::with_capacity(entries.len as usize / 2);
        let mut optionals = optionals.iter().peekable();
        for (at_index, entry) in (0u32..).zip(ast.args(entries).chunks_exact(2)) {
            let key = self.eval(entry[0])?;
            let value = self.eval(entry[1])?;
            self.cx.charge_key(&key)?;
            let key = key_of(&key).map_err(|error| at(ast.node(entry[0]), error))?;
            if optionals
                .next_if(|optional| **optional == at_index)
                .is_none()
            {
                pairs.push((key, value));
            } else if let Value::Optional(inner) = value {
                pairs.extend(inner.map(|inner| (key, Value::clone(&inner))));
            } else {
                return Err(at(ast.node(entry[1]), not_optional(&value)));
            }
        }
        match Map::new(pairs) {
            Ok(map) => bounded(node, Value::Map(map.into())),
            Err(key) => Err(at(node, Box::new(repeated(&key)))),
        }
    }
}

/// Whether a call names what to take in place of an optional that has no value.
fn is_alternative(function: Option<&'static Function>, args: Args) -> bool {
    args.len == 1 && function.is_some_and(|function| matches!(function.name, "or" | "orValue"))
}

/// The result of `or` and `orValue` where there is a value: what is named in its place is not looked at.
fn present(function: Option<&'static Function>, value: Arc<Value>) -> Evaluated {
    Ok(match function {
        Some(function) if function.name == "orValue" => Value::clone(&value),
        _ => Value::Optional(Some(value)),
    })
}

/// The key for a map literal or a computed entry; doubles are no keys.
fn key_of(value: &Value) -> Result<Key, Box<Error>> {
    if let Value::Double(_) = value {
        return Err(unsupported_key(value));
    }
    Key::from_value(value).ok_or_else(|| unsupported_key(value))
}

#[cold]
fn repeated(key: &Key) -> Error {
    let shown = match key {
        Key::String(text) => format!("{:?}", quoted(text)),
        Key::Bool(_) | Key::Int(_) | Key::Uint(_) => format!("{key:?}"),
    };
    Error::eval(format!("repeated key {shown} in map"))
}

fn unsupported_key(value: &Value) -> Box<Error> {
    Box::new(Error::eval(format!(
        "unsupported key type `{}`, expected string, int, uint or bool",
        value.type_name()
    )))
}

fn not_optional(value: &Value) -> Box<Error> {
    Box::new(Error::eval(format!(
        "an entry marked with `?` needs an optional, found `{}`",
        value.type_name()
    )))
}

fn unknown_function(name: &str) -> Box<Error> {
    Box::new(Error::eval(format!("unknown function `{}`", quoted(name))))
}

#[cold]
fn no_overload(what: &str, args: &[Value]) -> Box<Error> {
    let types: Vec<&str> = args.iter().map(Value::type_name).collect();
    Box::new(Error::eval(format!(
        "no such overload: `{what}` does not take ({})",
        types.join(", ")
    )))
}

#[cold]
fn fail_at(node: &Node, what: &str, fault: Fault, args: &[Value]) -> Box<Error> {
    match fault {
        Fault::NoOverload => at(node, no_overload(what, args)),
        Fault::Error(error) => at(node, error),
    }
}

/// The error with the place of the node, unless it has one.
#[cold]
fn at(node: &Node, mut error: Box<Error>) -> Box<Error> {
    error.span.get_or_insert(node.focus);
    error
}

/// The value, unless it is larger or deeper than values may be.
#[inline]
fn bounded(node: &Node, value: Value) -> Evaluated {
    match &value {
        Value::List(_) | Value::Map(_) | Value::Optional(_) => {
            if value.depth() > MAX_VALUE_DEPTH || value.weight() > MAX_VALUE_WEIGHT {
                return Err(at(node, too_large(&value)));
            }
            Ok(value)
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Network(_)
        | Value::Type(_) => Ok(value),
    }
}

#[cold]
fn too_large(value: &Value) -> Box<Error> {
    Box::new(if value.depth() > MAX_VALUE_DEPTH {
        Error::limit(format!(
            "value is nested deeper than {MAX_VALUE_DEPTH} levels"
        ))
    } else {
        Error::limit(format!("value has more than {MAX_VALUE_WEIGHT} elements"))
    })
}
