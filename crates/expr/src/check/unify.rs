//! Inference: which type may stand for which, and what type variables come to mean.
//!
//! `dyn` fits in both directions. A variable takes the first type it meets and becomes more general when a later one
//! asks for it (`list<int>` and then `list<dyn>` is `list<dyn>`). Types nested deeper than `MAX_DEPTH` are `dyn`, so
//! that no walk over them can overflow the stack.

use std::sync::Arc;

use super::types::Type;

/// What is known about type variables.
#[derive(Debug, Default)]
pub(super) struct Inference {
    bindings: Vec<Option<Type>>,
    /// What bindings were before they were changed, oldest first.
    trail: Vec<(u32, Option<Type>)>,
}

/// A state to come back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    variables: usize,
    changes: usize,
}

/// Deepest nesting of types that is looked at.
pub(super) const MAX_DEPTH: u32 = 48;

impl Inference {
    /// A new variable.
    pub(super) fn fresh(&mut self) -> Type {
        self.bindings.push(None);
        Type::Var(u32::try_from(self.bindings.len() - 1).unwrap_or(u32::MAX))
    }

    /// A point to come back to when an overload does not fit.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            variables: self.bindings.len(),
            changes: self.trail.len(),
        }
    }

    /// Forgets everything learnt since the mark.
    pub(super) fn back_to(&mut self, mark: Mark) {
        while self.trail.len() > mark.changes {
            let Some((id, before)) = self.trail.pop() else {
                break;
            };
            if let Some(binding) = self.bindings.get_mut(id as usize) {
                *binding = before;
            }
        }
        self.bindings.truncate(mark.variables);
    }

    /// The type with type parameters replaced by fresh variables, the same for the same name.
    pub(super) fn instantiate(&mut self, kind: &Type, names: &mut Vec<(Arc<str>, Type)>) -> Type {
        match kind {
            Type::Param(name) => match names.iter().find(|(own, _)| own == name) {
                Some((_, variable)) => variable.clone(),
                None => {
                    let variable = self.fresh();
                    names.push((Arc::clone(name), variable.clone()));
                    variable
                }
            },
            _ => map_inner(kind, &mut |inner| self.instantiate(inner, names)),
        }
    }

    /// The type behind variables, one level deep.
    pub(super) fn shallow(&self, kind: &Type) -> Type {
        let mut kind = kind;
        while let Type::Var(id) = kind {
            match self.bindings.get(*id as usize) {
                Some(Some(bound)) => kind = bound,
                Some(None) | None => break,
            }
        }
        kind.clone()
    }

    /// The type with every variable replaced; what stays unknown is `dyn`.
    pub(super) fn resolve(&self, kind: &Type) -> Type {
        self.resolve_at(kind, MAX_DEPTH)
    }

    fn resolve_at(&self, kind: &Type, depth: u32) -> Type {
        match self.shallow(kind) {
            Type::Var(_) => Type::Dyn,
            _ if depth == 0 => Type::Dyn,
            other => map_inner(&other, &mut |inner| self.resolve_at(inner, depth - 1)),
        }
    }

    /// Whether `actual` may stand where `expected` is wanted; learns about variables on the way.
    pub(super) fn assign(&mut self, expected: &Type, actual: &Type) -> bool {
        self.assign_at(expected, actual, MAX_DEPTH)
    }

    fn assign_at(&mut self, expected: &Type, actual: &Type, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return true;
        };
        match (expected, actual) {
            (Type::Var(a), Type::Var(b)) if a == b => return true,
            (Type::Var(id), _) => return self.assign_variable(*id, actual, depth),
            (_, Type::Var(id)) => {
                return match self.bindings.get(*id as usize).cloned().flatten() {
                    Some(bound) => self.assign_at(expected, &bound, depth),
                    None => {
                        self.bind(*id, expected.clone());
                        true
                    }
                };
            }
            _ => {}
        }
        match (expected, actual) {
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (
                Type::Nullable(_)
                | Type::Optional(_)
                | Type::Object(_)
                | Type::Timestamp
                | Type::Duration
                | Type::Opaque(..),
                Type::Null,
            ) => true,
            (Type::Nullable(a), Type::Nullable(b)) => self.assign_at(a, b, depth),
            (Type::Nullable(a), b) => self.assign_at(a, b, depth),
            (a, Type::Nullable(b)) => self.assign_at(a, b, depth),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.assign_at(a, b, depth)
            }
            (Type::Map(ak, av), Type::Map(bk, bv)) => {
                self.assign_at(ak, bk, depth) && self.assign_at(av, bv, depth)
            }
            (Type::Map(key, value), Type::Object(object)) => {
                self.assign_at(key, &Type::String, depth)
                    && object
                        .fields
                        .values()
                        .all(|field| self.assign_at(value, field, depth))
            }
            (Type::Object(object), Type::Map(key, value)) => {
                self.assign_at(key, &Type::String, depth)
                    && object
                        .fields
                        .values()
                        .all(|field| self.assign_at(field, value, depth))
            }
            (Type::Object(a), Type::Object(b)) => a.fields.iter().all(|(name, field)| {
                b.fields
                    .get(name)
                    .is_none_or(|other| self.assign_at(field, other, depth))
            }),
            (Type::Opaque(a, of_a), Type::Opaque(b, of_b)) => {
                a == b
                    && of_a.len() == of_b.len()
                    && of_a
                        .iter()
                        .zip(of_b.iter())
                        .all(|(a, b)| self.assign_at(a, b, depth))
            }
            (Type::Type(_), Type::Type(_)) => true,
            (a, b) => a == b,
        }
    }

    fn assign_variable(&mut self, id: u32, actual: &Type, depth: u32) -> bool {
        let before = self.mark();
        match self.bindings.get(id as usize).cloned().flatten() {
            None => {
                self.bind(id, actual.clone());
                true
            }
            Some(bound) if self.assign_at(&bound, actual, depth) => {
                self.bind(id, self.most_general(&bound, actual, depth));
                true
            }
            Some(bound) => {
                // A null met first, also as an item, says little: what comes later decides.
                self.back_to(before);
                let fits = self.assign_at(actual, &bound, depth);
                if fits {
                    self.bind(id, actual.clone());
                }
                fits
            }
        }
    }

    /// Binds a variable, unless to a type that contains it.
    fn bind(&mut self, id: u32, kind: Type) {
        if self.shallow(&kind) == Type::Var(id) {
            return;
        }
        let kind = if self.mentions(&kind, id, MAX_DEPTH) {
            Type::Dyn
        } else {
            kind
        };
        if let Some(binding) = self.bindings.get_mut(id as usize) {
            self.trail.push((id, binding.replace(kind)));
        }
    }

    /// Whether a type contains a variable; too deep to tell counts as yes.
    fn mentions(&self, kind: &Type, id: u32, depth: u32) -> bool {
        let mut found = depth == 0;
        match self.shallow(kind) {
            Type::Var(own) => return own == id,
            other if !found => {
                map_inner(&other, &mut |inner| {
                    found |= self.mentions(inner, id, depth - 1);
                    Type::Dyn
                });
            }
            _ => {}
        }
        found
    }

    /// The more general of two types that fit each other.
    fn most_general(&self, a: &Type, b: &Type, depth: u32) -> Type {
        let Some(depth) = depth.checked_sub(1) else {
            return Type::Dyn;
        };
        match (&self.shallow(a), &self.shallow(b)) {
            (Type::Dyn, _) | (_, Type::Dyn) => Type::Dyn,
            (Type::Var(_), other) | (other, Type::Var(_) | Type::Null) => other.clone(),
            (Type::Nullable(a), other) => Type::nullable(self.most_general(a, other, depth)),
            (other, Type::Nullable(b)) => Type::nullable(self.most_general(other, b, depth)),
            (Type::List(a), Type::List(b)) => Type::list(self.most_general(a, b, depth)),
            (Type::Optional(a), Type::Optional(b)) => {
                Type::optional(self.most_general(a, b, depth))
            }
            (Type::Map(ak, av), Type::Map(bk, bv)) => Type::map(
                self.most_general(ak, bk, depth),
                self.most_general(av, bv, depth),
            ),
            (Type::Opaque(name, of_a), Type::Opaque(_, of_b)) => {
                let params = of_a
                    .iter()
                    .zip(of_b.iter())
                    .map(|(a, b)| self.most_general(a, b, depth));
                Type::Opaque(Arc::clone(name), params.collect())
            }
            (Type::Object(a), Type::Object(b)) if a != b => Type::map(Type::String, Type::Dyn),
            (a, _) => a.clone(),
        }
    }

    /// One type for both, `dyn` when they do not fit each other.
    pub(super) fn join(&mut self, a: &Type, b: &Type) -> Type {
        let before = self.mark();
        if self.fits_either_way(a, b) {
            return match self.shallow(a) {
                Type::Null => b.clone(),
                _ => self.most_general(a, b, MAX_DEPTH),
            };
        }
        self.back_to(before);
        Type::Dyn
    }

    /// Whether one of two types may stand for the other.
    pub(super) fn fits_either_way(&mut self, a: &Type, b: &Type) -> bool {
        let before = self.mark();
        self.assign(a, b) || {
            self.back_to(before);
            self.assign(b, a)
        }
    }
}

/// The type with `f` applied to the types it is made of. Members of records are left alone: they have no variables.
fn map_inner(kind: &Type, f: &mut impl FnMut(&Type) -> Type) -> Type {
    match kind {
        Type::List(item) => Type::list(f(item)),
        Type::Map(key, value) => Type::map(f(key), f(value)),
        Type::Optional(inner) => Type::optional(f(inner)),
        Type::Nullable(inner) => Type::nullable(f(inner)),
        Type::Type(inner) => Type::Type(Arc::new(f(inner))),
        Type::Opaque(name, params) => {
            Type::Opaque(Arc::clone(name), params.iter().map(f).collect())
        }
        Type::Dyn
        | Type::Null
        | Type::Bool
        | Type::Int
        | Type::Uint
        | Type::Double
        | Type::String
        | Type::Bytes
        | Type::Timestamp
        | Type::Duration
        | Type::Object(_)
        | Type::Param(_)
        | Type::Var(_) => kind.clone(),
    }
}

/// The type, or `dyn` when it is nested too deeply.
pub(super) fn capped(kind: Type) -> Type {
    if is_deeper(&kind, MAX_DEPTH) {
        Type::Dyn
    } else {
        kind
    }
}

fn is_deeper(kind: &Type, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return true;
    };
    match kind {
        Type::List(inner) | Type::Optional(inner) | Type::Nullable(inner) | Type::Type(inner) => {
            is_deeper(inner, depth)
        }
        Type::Map(key, value) => is_deeper(key, depth) || is_deeper(value, depth),
        Type::Opaque(_, params) => params.iter().any(|param| is_deeper(param, depth)),
        Type::Dyn
        | Type::Null
        | Type::Bool
        | Type::Int
        | Type::Uint
        | Type::Double
        | Type::String
        | Type::Bytes
        | Type::Timestamp
        | Type::Duration
        | Type::Object(_)
        | Type::Param(_)
        | Type::Var(_) => false,
    }
}
