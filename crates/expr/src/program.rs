//! An expression that was parsed once and can be evaluated often.

use std::fmt;
use std::sync::Arc;

use crate::ast::{Ast, Binary, Expr, ExprId, SelectMode};
use crate::budget::Budget;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::eval::Evaluator;
use crate::functions::RegexCache;
use crate::parser;
use crate::scope::Scope;
use crate::span::Span;
use crate::value::Value;

/// A parsed expression; cloning shares it.
#[derive(Clone)]
pub struct Program {
    inner: Arc<Inner>,
}

struct Inner {
    dialect: Dialect,
    ast: Ast,
    regexes: RegexCache,
}

/// A variable that an expression uses, with its members as far as they are fixed in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The variable and its members: `tasks.build.outputs.x` and `tasks["build"].outputs.x` are the same.
    pub path: Vec<String>,
    /// Where it stands.
    pub span: Span,
}

/// A function or macro that an expression calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name, with its namespace where it has one.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// How many arguments it gets, the target of `x.f()` not counted.
    pub args: usize,
    /// The arguments that are string literals, and where each stands.
    pub literals: Vec<(String, Span)>,
}

/// A variable or a member of one that is compared with texts that stand in the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What is compared, as in [`Reference`].
    pub path: Vec<String>,
    /// The texts and where each stands.
    pub texts: Vec<(String, Span)>,
}

/// Parses an expression. Names and types are not looked at; see `check`.
pub fn compile(dialect: Dialect, text: &str) -> Result<Program, Error> {
    match dialect {
        Dialect::Cel => parser::parse(text)
            .map(|ast| Program::new(dialect, ast))
            .map_err(|error| *error),
    }
}

impl Program {
    pub(crate) fn new(dialect: Dialect, ast: Ast) -> Self {
        Self {
            inner: Arc::new(Inner {
                dialect,
                ast,
                regexes: RegexCache::default(),
            }),
        }
    }

    pub(crate) fn ast(&self) -> &Ast {
        &self.inner.ast
    }

    /// The language it is written in.
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// Its own text; spans of a template's expressions refer to the template's text.
    pub fn text(&self) -> &str {
        self.span().of(&self.ast().text)
    }

    /// Where it stands in its source text.
    pub fn span(&self) -> Span {
        self.ast().node(self.ast().root).span
    }

    /// Evaluates it. Taint of the result is in the value (`Value::is_tainted`).
    pub fn eval(&self, scope: &dyn Scope, budget: &mut Budget) -> Result<Value, Error> {
        Evaluator::new(self.ast(), &self.inner.regexes, scope, budget)
            .run()
            .map_err(|error| *error)
    }

    /// The literal value, when the whole expression is one.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.ast().node(self.ast().root).expr {
            Expr::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The variables it uses, in the order of the text; variables of macros are not among them.
    pub fn references(&self) -> Vec<Reference> {
        let mut references: Vec<Reference> = self
            .references_by_node()
            .into_iter()
            .map(|(_, reference)| reference)
            .collect();
        references.sort_by_key(|reference| reference.span);
        references
    }

    /// The variables it uses with the node of the name, in the order of nodes.
    pub(crate) fn references_by_node(&self) -> Vec<(ExprId, Reference)> {
        let ast = self.ast();
        // Members point down to what they are members of; turn that around.
        let mut member: Vec<Option<ExprId>> = vec![None; ast.nodes.len()];
        for (id, node) in (0u32..).zip(&ast.nodes) {
            if let Expr::Select { operand, .. } | Expr::Index { operand, .. } = &node.expr
                && static_member(ast, ExprId(id)).is_some()
            {
                member[operand.0 as usize] = Some(ExprId(id));
            }
        }
        let mut references = Vec::new();
        for (id, node) in ast.nodes.iter().enumerate() {
            let Expr::Name { .. } = node.expr else {
                continue;
            };
            let mut path = vec![ast.name_of(node).to_owned()];
            let mut span = node.span;
            let mut next = member[id];
            while let Some(id) = next {
                path.extend(static_member(ast, id));
                let outer = ast.node(id);
                span = span.to(outer.focus);
                next = member[id.0 as usize];
            }
            references.push((
                ExprId(u32::try_from(id).unwrap_or(u32::MAX)),
                Reference { path, span },
            ));
        }
        references
    }

    /// What it compares with texts by `==`, `!=` and `in`, in the order of nodes.
    pub fn comparisons(&self) -> Vec<Comparison> {
        let ast = self.ast();
        let mut comparisons = Vec::new();
        for node in &ast.nodes {
            let Expr::Binary { op, left, right } = &node.expr else {
                continue;
            };
            let (asked, texts) = match op {
                Binary::Equal | Binary::NotEqual => match literal_text(ast, *right) {
                    Some(text) => (*left, vec![text]),
                    None => (*right, literal_text(ast, *left).into_iter().collect()),
                },
                Binary::In => match &ast.node(*right).expr {
                    Expr::List { items, .. } => {
                        let items = ast.args(*items).iter();
                        (
                            *left,
                            items.filter_map(|item| literal_text(ast, *item)).collect(),
                        )
                    }
                    _ => continue,
                },
                Binary::And
                | Binary::Or
                | Binary::Less
                | Binary::LessEqual
                | Binary::Greater
                | Binary::GreaterEqual
                | Binary::Add
                | Binary::Subtract
                | Binary::Multiply
                | Binary::Divide
                | Binary::Remainder => continue,
            };
            if !texts.is_empty()
                && let Some(path) = path_of(ast, asked)
            {
                comparisons.push(Comparison { path, texts });
            }
        }
        comparisons
    }

    /// The functions and macros it calls, in the order of the text.
    pub fn calls(&self) -> Vec<Call> {
        let ast = self.ast();
        let mut calls = Vec::new();
        for node in &ast.nodes {
            let (name, args) = match &node.expr {
                Expr::Call {
                    function: Some(function),
                    args,
                }
                | Expr::Method {
                    function: Some(function),
                    args,
                    ..
                } => (function.name, ast.args(*args)),
                Expr::Call {
                    function: None,
                    args,
                }
                | Expr::Method {
                    function: None,
                    args,
                    ..
                } => (ast.text_of(node.focus), ast.args(*args)),
                Expr::Select {
                    mode: SelectMode::Has,
                    ..
                } => ("has", &[][..]),
                Expr::Comprehension(_) | Expr::OptionalMap { .. } | Expr::Bind { .. } => {
                    (ast.text_of(node.focus), &[][..])
                }
                Expr::Literal(_)
                | Expr::Name { .. }
                | Expr::Local(_)
                | Expr::Select { .. }
                | Expr::Index { .. }
                | Expr::Unary { .. }
                | Expr::Binary { .. }
                | Expr::Conditional { .. }
                | Expr::List { .. }
                | Expr::Map { .. }
                | Expr::Message { .. } => continue,
            };
            let literals = args.iter().filter_map(|arg| literal_text(ast, *arg));
            calls.push(Call {
                name: name.to_owned(),
                span: node.focus,
                args: args.len(),
                literals: literals.collect(),
            });
        }
        calls.sort_by_key(|call| call.span);
        calls
    }
}

/// The text of a literal and where it stands.
fn literal_text(ast: &Ast, id: ExprId) -> Option<(String, Span)> {
    let node = ast.node(id);
    match &node.expr {
        Expr::Literal(Value::String(text)) => Some((text.to_string(), node.span)),
        _ => None,
    }
}

/// The variable with its members that a node is, when all of them are fixed in the text.
fn path_of(ast: &Ast, id: ExprId) -> Option<Vec<String>> {
    let mut path = Vec::new();
    let mut next = id;
    loop {
        let node = ast.node(next);
        match &node.expr {
            Expr::Name { .. } => {
                path.push(ast.name_of(node).to_owned());
                path.reverse();
                return Some(path);
            }
            Expr::Select {
                operand,
                mode: SelectMode::Member,
            }
            | Expr::Index {
                operand,
                optional: false,
                ..
            } => {
                path.push(static_member(ast, next)?);
                next = *operand;
            }
            _ => return None,
        }
    }
}

/// The name of a member that is fixed in the text: `.name` or `["name"]`.
fn static_member(ast: &Ast, id: ExprId) -> Option<String> {
    let node = ast.node(id);
    match &node.expr {
        Expr::Select { .. } => Some(ast.name_of(node).to_owned()),
        Expr::Index { index, .. } => match &ast.node(*index).expr {
            Expr::Literal(Value::String(text)) => Some(text.to_string()),
            _ => None,
        },
        _ => None,
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("dialect", &self.dialect())
            .field("text", &self.text())
            .finish()
    }
}

impl PartialEq for Program {
    /// Equal texts in the same dialect.
    fn eq(&self, other: &Self) -> bool {
        self.dialect() == other.dialect() && self.text() == other.text()
    }
}
