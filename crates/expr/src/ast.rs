//! The parsed expression.
//!
//! Nodes live in one vector, children before parents, and point to each other by index: dropping is flat, and walks
//! that need no order are loops. Names are spans of the text. Local variables of macros are resolved to slots while
//! parsing, functions to entries of the table.
//!
//! A node's *left* child (the target of a member, the left operand) may be nested as deeply as the text is long;
//! whoever walks it does so in a loop. All other children are nested at most `MAX_NESTING` deep.

use std::sync::Arc;

use crate::functions::Function;
use crate::span::Span;
use crate::value::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ExprId(pub(crate) u32);

/// The place of a local variable while evaluating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) u32);

/// A range of `Ast::extra`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

#[derive(Debug)]
pub(crate) struct Ast {
    pub(crate) text: Arc<str>,
    pub(crate) nodes: Vec<Node>,
    /// Arguments and elements, referred to by `Args`.
    pub(crate) extra: Vec<ExprId>,
    pub(crate) root: ExprId,
    /// How many slots an evaluation needs.
    pub(crate) slots: usize,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) expr: Expr,
    /// The whole of it.
    pub(crate) span: Span,
    /// The operator, name or bracket that a message points at.
    pub(crate) focus: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Negate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelectMode {
    /// `a.b`
    Member,
    /// `a.?b`
    Optional,
    /// `has(a.b)`
    Has,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Macro {
    All,
    Exists,
    ExistsOne,
    /// `map(x, f)`, `map(x, p, f)` and `transformList`.
    Map,
    Filter,
    TransformMap,
    TransformMapEntry,
    SortBy,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Comprehension {
    pub(crate) kind: Macro,
    pub(crate) range: ExprId,
    /// The element; with `second`, the index or key.
    pub(crate) first: Slot,
    pub(crate) second: Option<Slot>,
    pub(crate) filter: Option<ExprId>,
    pub(crate) body: ExprId,
}

#[derive(Debug)]
pub(crate) enum Expr {
    Literal(Value),
    /// A variable; `absolute` when written with a leading dot.
    Name {
        absolute: bool,
    },
    Local(Slot),
    Select {
        operand: ExprId,
        mode: SelectMode,
    },
    Index {
        operand: ExprId,
        index: ExprId,
        optional: bool,
    },
    Unary {
        op: Unary,
        operand: ExprId,
    },
    Binary {
        op: Binary,
        left: ExprId,
        right: ExprId,
    },
    Conditional {
        test: ExprId,
        yes: ExprId,
        no: ExprId,
    },
    /// A call without target; the name may be qualified (`math.greatest`). `None`: a host function.
    Call {
        function: Option<&'static Function>,
        args: Args,
    },
    /// A call with target.
    Method {
        function: Option<&'static Function>,
        target: ExprId,
        args: Args,
    },
    /// Elements; `optionals` holds the indexes of optional ones in order.
    List {
        items: Args,
        optionals: Box<[u32]>,
    },
    /// Keys and values in turn; `optionals` holds the indexes of optional entries in order.
    Map {
        entries: Args,
        optionals: Box<[u32]>,
    },
    /// `Name{field: value}`: values in order. This language has no such types, but other hosts' may.
    Message {
        values: Args,
    },
    Comprehension(Box<Comprehension>),
    /// `optMap` and `optFlatMap`.
    OptionalMap {
        target: ExprId,
        slot: Slot,
        body: ExprId,
        flat: bool,
    },
    /// `cel.bind`.
    Bind {
        slot: Slot,
        init: ExprId,
        body: ExprId,
    },
}

impl Ast {
    pub(crate) fn node(&self, id: ExprId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn args(&self, args: Args) -> &[ExprId] {
        &self.extra[args.start as usize..(args.start + args.len) as usize]
    }

    pub(crate) fn text_of(&self, span: Span) -> &str {
        span.of(&self.text)
    }

    /// The name a node's focus spells: backquotes do not belong to it.
    pub(crate) fn name_of(&self, node: &Node) -> &str {
        self.text_of(node.focus).trim_matches('`')
    }

    /// The name `node` with the members above it in `spine`, the outermost first, that may belong to it.
    pub(crate) fn dotted_name(&self, node: &Node, spine: &[ExprId]) -> DottedName {
        let mut path = self.name_of(node).to_owned();
        let mut ends = vec![path.len()];
        for id in spine.iter().rev() {
            let member = self.node(*id);
            let Expr::Select {
                mode: SelectMode::Member,
                ..
            } = member.expr
            else {
                break;
            };
            path.push('.');
            path.push_str(self.name_of(member));
            ends.push(path.len());
            if ends.len() > MAX_DOTS {
                break;
            }
        }
        DottedName { path, ends }
    }
}

/// Most parts of a dotted name that are tried.
const MAX_DOTS: usize = 32;

/// A name, and what it is with one member behind it, with two, and so on.
pub(crate) struct DottedName {
    /// The longest.
    pub(crate) path: String,
    /// Where each ends in `path`, the shortest first.
    pub(crate) ends: Vec<usize>,
}

impl Expr {
    /// The child that may be nested without bound.
    pub(crate) fn left(&self) -> Option<ExprId> {
        match self {
            Self::Select { operand, .. } | Self::Index { operand, .. } => Some(*operand),
            Self::Binary { left, .. } => Some(*left),
            Self::Method { target, .. } | Self::OptionalMap { target, .. } => Some(*target),
            Self::Comprehension(comprehension) => Some(comprehension.range),
            Self::Literal(_)
            | Self::Name { .. }
            | Self::Local(_)
            | Self::Unary { .. }
            | Self::Conditional { .. }
            | Self::Call { .. }
            | Self::List { .. }
            | Self::Map { .. }
            | Self::Message { .. }
            | Self::Bind { .. } => None,
        }
    }
}

impl Binary {
    /// As written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::And => "&&",
            Self::Or => "||",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl Unary {
    /// As written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::Negate => "-",
        }
    }
}
