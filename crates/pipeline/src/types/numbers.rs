//! Values that are declared as numbers: each may be whole or not, which the expression language tells apart.
//!
//! Their type is open, so that no right expression is refused. But one of the ways has to fit: a number that is compared
//! with a text fits in none.

use super::of;
use crate::expression::{self, Fault};
use crate::names::{self, Names};
use crate::read::Use;
use expr::Program;
use expr::check::{ObjectType, Type, TypeEnv};
use model::plan::ValueType;
use std::collections::BTreeMap;

/// Numbers of one expression that are looked at as whole and as others; with more none is.
const TRIED: usize = 3;

/// Checks an expression with every number that it reads once as whole and once as another. Gives what is wrong when all
/// are whole, if no way fits.
pub(super) fn check(
    names: &Names<'_>,
    each: &Use,
    program: &Program,
    env: &TypeEnv,
) -> Result<(), Vec<Fault>> {
    if expression::lone_name(program).is_some() {
        return Ok(());
    }
    // Only what is read: a file may have thousands of names, and as many expressions.
    let mut known: BTreeMap<Vec<String>, &ValueType> = BTreeMap::new();
    for path in expression::paths(program) {
        let declared = [2, 4].into_iter().find_map(|length| {
            let path = path.get(..length)?;
            Some((path.to_vec(), names::type_at(names, each, path)?))
        });
        known.extend(declared);
    }
    let is_number = |value_type: &ValueType| *value_type == ValueType::Number;
    let count = known.values().filter(|found| is_number(found)).count();
    if count == 0 || count > TRIED {
        return Ok(());
    }
    let mut first = None;
    for way in 0..1_u32 << count {
        let mut roots = Members::default();
        let mut bit = 0;
        for (path, value_type) in &known {
            let kind = if !is_number(value_type) {
                of(value_type)
            } else {
                bit += 1;
                let is_whole = way & (1 << (bit - 1)) == 0;
                if is_whole { Type::Int } else { Type::Double }
            };
            roots.add(path, kind);
        }
        let mut env = env.clone();
        for (root, members) in roots.0 {
            env.declare(&root, members.into_type(&root));
        }
        match expression::type_of(program, &env) {
            Ok(_) => return Ok(()),
            Err(faults) => drop(first.get_or_insert(faults)),
        }
    }
    first.map_or(Ok(()), Err)
}

/// Types by path, for records that may have other members too.
#[derive(Default)]
struct Members(BTreeMap<String, Member>);

enum Member {
    Value(Type),
    Record(Members),
}

impl Members {
    fn add(&mut self, path: &[String], kind: Type) {
        let Some((name, rest)) = path.split_first() else {
            return;
        };
        if rest.is_empty() {
            self.0.insert(name.clone(), Member::Value(kind));
            return;
        }
        let member = self.0.entry(name.clone());
        let member = member.or_insert_with(|| Member::Record(Self::default()));
        if let Member::Record(members) = member {
            members.add(rest, kind);
        }
    }
}

impl Member {
    fn into_type(self, name: &str) -> Type {
        let members = match self {
            Self::Value(kind) => return kind,
            Self::Record(members) => members.0.into_iter(),
        };
        let fields = members.map(|(name, member)| {
            let kind = member.into_type(&name);
            (name, kind)
        });
        let record = ObjectType {
            name: name.to_owned(),
            fields: fields.collect(),
            open: true,
            ..ObjectType::default()
        };
        record.into()
    }
}
