//! The evaluator: the same verdict every time, never more steps than the budget, no value larger than allowed.

use expr::budget::{MAX_VALUE_DEPTH, MAX_VALUE_WEIGHT};
use expr::value::typed::{from_typed_json, to_typed_json};
use expr::{Budget, Dialect, Error, ErrorKind, Program, Value, compile};

use crate::scope;

/// Evaluates the text with names of every type.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(program) = compile(Dialect::Cel, text) else {
        return;
    };
    let (first, used) = evaluated(&program, scope::STEPS);
    let (again, used_again) = evaluated(&program, scope::STEPS);
    assert_eq!(shown(&first), shown(&again), "two verdicts");
    assert_eq!(used, used_again, "two prices");
    match &first {
        Ok(value) => {
            bounded(value);
            budget_is_exact(&program, used);
        }
        Err(error) => {
            assert!(
                matches!(error.kind, ErrorKind::Eval | ErrorKind::Limit),
                "{error:?}"
            );
            crate::expression::error_fits(error, text);
        }
    }
}

fn evaluated(program: &Program, steps: u64) -> (Result<Value, Error>, u64) {
    let mut budget = Budget::new(steps);
    let result = program.eval(&scope::scope("main"), &mut budget);
    assert!(budget.used() <= steps, "{} of {steps} steps", budget.used());
    (result, budget.used())
}

/// Values of NaN are equal here, so what is compared is what is shown.
fn shown(result: &Result<Value, Error>) -> String {
    format!("{result:?}")
}

fn bounded(value: &Value) {
    assert!(value.depth() <= MAX_VALUE_DEPTH, "{} deep", value.depth());
    assert!(
        value.weight() <= MAX_VALUE_WEIGHT,
        "weighs {}",
        value.weight()
    );
    drop(value.to_json());
    let typed = to_typed_json(value);
    let back = from_typed_json(&typed)
        .unwrap_or_else(|error| panic!("typed JSON is not read back: {error}: {typed}"));
    assert_eq!(format!("{back:?}"), format!("{value:?}"), "from {typed}");
}

/// A value costs what it costs: that many steps are enough, one less is not.
fn budget_is_exact(program: &Program, used: u64) {
    let (result, _) = evaluated(program, used);
    assert!(
        result.is_ok(),
        "{used} steps were enough before: {result:?}"
    );
    if let Some(less) = used.checked_sub(1) {
        let (result, _) = evaluated(program, less);
        let is_limit = |error: &Error| error.kind == ErrorKind::Limit;
        assert!(
            result.as_ref().is_err_and(is_limit),
            "{less} steps of {used} gave {result:?}"
        );
    }
}
