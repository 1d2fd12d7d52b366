//! The checker: errors have places, and the type that it promises holds for the value.

use expr::{Budget, Dialect, Type, TypeEnv, Value, check, compile};

use crate::scope;

/// Checks the text in an open and in a closed environment and holds the promise against the value.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(program) = compile(Dialect::Cel, text) else {
        return;
    };
    let value = program.eval(&scope::scope("main"), &mut Budget::new(scope::STEPS));
    for env in [TypeEnv::open(), scope::environment()] {
        match check(&program, &env) {
            Ok(kind) => {
                if let Ok(value) = &value {
                    assert!(fits(&kind, value), "{kind} does not hold for {value:?}");
                    assert!(
                        !value.is_tainted() || expr::Program::can_be_tainted(&kind),
                        "{kind} holds no text, and {value:?} is tainted"
                    );
                }
            }
            Err(errors) => {
                assert!(!errors.is_empty(), "refused without a word");
                for error in &errors {
                    crate::expression::error_fits(error, text);
                }
            }
        }
    }
}

/// Whether a value is of a type, down to the elements.
fn fits(kind: &Type, value: &Value) -> bool {
    match kind {
        Type::Dyn | Type::Opaque(..) | Type::Param(_) | Type::Var(_) => true,
        Type::Null => matches!(value, Value::Null),
        Type::Bool => matches!(value, Value::Bool(_)),
        Type::Int => matches!(value, Value::Int(_)),
        Type::Uint => matches!(value, Value::Uint(_)),
        Type::Double => matches!(value, Value::Double(_)),
        Type::String => matches!(value, Value::String(_)),
        Type::Bytes => matches!(value, Value::Bytes(_)),
        Type::Timestamp => matches!(value, Value::Timestamp(_)),
        Type::Duration => matches!(value, Value::Duration(_)),
        Type::Type(_) => matches!(value, Value::Type(_)),
        Type::List(item) => {
            let items = value.as_list();
            items.is_some_and(|items| items.iter().all(|each| fits(item, each)))
        }
        Type::Map(key, item) => value.as_map().is_some_and(|map| {
            map.iter()
                .all(|(own, each)| fits(key, &own.to_value()) && fits(item, each))
        }),
        Type::Optional(inner) => {
            matches!(value, Value::Optional(held) if held.as_ref().is_none_or(|held| fits(inner, held)))
        }
        Type::Nullable(inner) => matches!(value, Value::Null) || fits(inner, value),
        Type::Object(object) => value.as_map().is_some_and(|map| {
            map.iter().all(|(key, each)| {
                let field = object.fields.get(&key.to_string());
                field.map_or(object.open, |field| fits(field, each))
            })
        }),
    }
}
