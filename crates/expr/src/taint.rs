//! Whether text from outside may reach the result of an expression, before any value is known.
//!
//! This is the static twin of the taint that values carry: text flows through strings, lists and maps, not through
//! comparisons, tests, sizes and numbers. It errs on the side of taint.

use crate::ast::{Ast, Binary, Comprehension, Expr, ExprId, Macro, SelectMode, Slot};
use crate::check::{Signature, Type};
use crate::program::{Program, Reference};

impl Program {
    /// A variable from which tainted text may reach the result, by the caller's verdict on each variable that the
    /// expression uses. `None` when the result is certainly clean.
    pub fn tainted_by(&self, is_tainted: &dyn Fn(&Reference) -> bool) -> Option<Reference> {
        let ast = self.ast();
        let references = self.references_by_node();
        let sources = local_sources(ast);
        // Children stand before their parents, so one pass in order sees every child first.
        let mut flows: Vec<Option<ExprId>> = Vec::with_capacity(ast.nodes.len());
        for (at, node) in ast.nodes.iter().enumerate() {
            let id = ExprId(u32::try_from(at).unwrap_or(u32::MAX));
            let flow = |id: ExprId| flows.get(id.0 as usize).copied().flatten();
            let any = |ids: &[ExprId]| ids.iter().find_map(|id| flow(*id));
            flows.push(match &node.expr {
                Expr::Name { .. } => {
                    let found = references.binary_search_by_key(&id, |(name, _)| *name);
                    found
                        .is_ok_and(|at| is_tainted(&references[at].1))
                        .then_some(id)
                }
                Expr::Local(_) => sources[at].and_then(flow),
                Expr::Select {
                    mode: SelectMode::Has,
                    ..
                }
                | Expr::Literal(_)
                | Expr::Unary { .. } => None,
                Expr::Select { operand, .. } | Expr::Index { operand, .. } => flow(*operand),
                Expr::Binary {
                    op: Binary::Add,
                    left,
                    right,
                } => any(&[*left, *right]),
                Expr::Binary { .. } => None,
                Expr::Conditional { yes, no, .. } => any(&[*yes, *no]),
                Expr::Call { function, args } | Expr::Method { function, args, .. } => {
                    let gives_text = function.is_none_or(|function| {
                        let gives = |text: &&str| {
                            Signature::parse(text).is_ok_and(|s| s.result.holds_text())
                        };
                        function.signatures.iter().any(gives)
                    });
                    if gives_text {
                        node.expr
                            .left()
                            .and_then(flow)
                            .or_else(|| any(ast.args(*args)))
                    } else {
                        None
                    }
                }
                Expr::List { items, .. } => any(ast.args(*items)),
                Expr::Map { entries, .. } => any(ast.args(*entries)),
                Expr::Message { values } => any(ast.args(*values)),
                Expr::Comprehension(comprehension) => comprehension_flow(comprehension, flow),
                Expr::OptionalMap { body, .. } | Expr::Bind { body, .. } => flow(*body),
            });
        }
        let name = flows.get(ast.root.0 as usize).copied().flatten()?;
        references
            .into_iter()
            .find(|(own, _)| *own == name)
            .map(|(_, reference)| reference)
    }

    /// Whether a result of that type can hold text at all.
    pub fn can_be_tainted(kind: &Type) -> bool {
        kind.holds_text()
    }
}

fn comprehension_flow(
    comprehension: &Comprehension,
    flow: impl Fn(ExprId) -> Option<ExprId>,
) -> Option<ExprId> {
    match comprehension.kind {
        Macro::All | Macro::Exists | Macro::ExistsOne => None,
        Macro::Filter | Macro::SortBy => flow(comprehension.range),
        Macro::Map | Macro::TransformMapEntry => flow(comprehension.body),
        // Keys stay what they were.
        Macro::TransformMap => flow(comprehension.body).or_else(|| flow(comprehension.range)),
    }
}

/// For every use of a local variable the node its value comes from.
///
/// The nodes of a body stand between what the variable is made from and the node that declares it, and deeper
/// declarations use higher slots; so walking declarations from the outside in, the last one to claim a use is right.
fn local_sources(ast: &Ast) -> Vec<Option<ExprId>> {
    let mut sources = vec![None; ast.nodes.len()];
    for (at, node) in ast.nodes.iter().enumerate().rev() {
        let (from, slots): (ExprId, [Option<Slot>; 2]) = match &node.expr {
            Expr::Comprehension(comprehension) => (
                comprehension.range,
                [Some(comprehension.first), comprehension.second],
            ),
            Expr::OptionalMap { target, slot, .. } => (*target, [Some(*slot), None]),
            Expr::Bind { slot, init, .. } => (*init, [Some(*slot), None]),
            _ => continue,
        };
        for (body, source) in ast
            .nodes
            .iter()
            .zip(sources.iter_mut())
            .take(at)
            .skip(from.0 as usize + 1)
        {
            if let Expr::Local(slot) = body.expr
                && slots.contains(&Some(slot))
            {
                *source = Some(from);
            }
        }
    }
    sources
}
