//! Prints, as one JSON document, how many expressions per second Formic and the `cel` crate go through.
//!
//! `rival FOLDER ROUNDS`, with the folder of the conformance tests. Called by `cargo xtask bench language`; needs
//! `--features rivals`. Only tests count that both get right. The `cel` crate has no checker: it parses and executes,
//! while this crate parses, checks and evaluates. The sides take turns and the best round of each counts. Programs
//! without the parsing are measured too.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a tool for developers"
)]

#[path = "../tests/it/case.rs"]
mod case;

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use case::Bindings;
use expr::{Budget, Dialect, ErrorKind, MapScope, Program, Scope, TypeEnv, Value, check, compile};
use serde_json::Value as Json;

fn main() {
    // The other side recurses without bound.
    let big = std::thread::Builder::new().stack_size(256 * 1024 * 1024);
    big.spawn(run).unwrap().join().unwrap();
}

fn run() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap();
    let rounds: usize = arguments.next().map_or(10, |text| text.parse().unwrap());
    std::panic::set_hook(Box::new(|_| {}));
    let mut all = 0;
    let mut cases = Vec::new();
    for test in tests(Path::new(&folder)) {
        all += 1;
        cases.extend(Case::of(&test));
    }
    let mut best = [Duration::MAX; 5];
    for _ in 0..rounds {
        let pass = |work: &dyn Fn(&Case)| {
            let begin = Instant::now();
            cases.iter().for_each(work);
            begin.elapsed()
        };
        let times = [
            pass(&|case| case.theirs_whole()),
            pass(&|case| case.ours_whole()),
            pass(&|case| case.theirs_executed()),
            pass(&|case| case.ours_checked()),
            pass(&|case| case.ours_evaluated()),
        ];
        for (best, time) in best.iter_mut().zip(times) {
            *best = (*best).min(time);
        }
    }
    let per_s = |time: Duration| cases.len() as f64 / time.as_secs_f64();
    let [theirs, ours, executed, checked, evaluated] = best.map(per_s);
    println!(
        "{}",
        serde_json::json!({
            "tests": all,
            "counted": cases.len(),
            "theirs_per_s": theirs,
            "ours_per_s": ours,
            "theirs_execute_per_s": executed,
            "ours_check_eval_per_s": checked,
            "ours_eval_per_s": evaluated,
        })
    );
}

/// The tests that need no protobuf.
fn tests(folder: &Path) -> Vec<Json> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let read = |path| -> Vec<Json> {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let mut tests: Vec<Json> = files.into_iter().flat_map(read).collect();
    tests.retain(|test| test["needs_protobuf"] != true && test["check_only"] != true);
    tests
}

/// A test that both sides get right, ready to go.
struct Case {
    text: String,
    is_checked: bool,
    env: TypeEnv,
    scope: Box<dyn Scope>,
    program: Program,
    their_env: Arc<cel::Env>,
    their_context: cel::Context<'static, 'static>,
    their_program: cel::Program,
}

impl Case {
    fn of(test: &Json) -> Option<Self> {
        let text = test["expr"].as_str()?.to_owned();
        let wanted = test
            .get("value")
            .or_else(|| test["typed_result"].get("result"))
            .map(case::value);
        if wanted.is_none() && test.get("eval_error").is_none() {
            return None;
        }
        let program = compile(Dialect::Cel, &text).ok()?;
        let is_checked = test["disable_check"] != true;
        let env = case::environment(test);
        if is_checked && check(&program, &env).is_err() {
            return None;
        }
        let scope = scope(test);
        let ours = program.eval(&*scope, &mut Budget::default());
        let is_right = match (&wanted, &ours) {
            (Some(wanted), Ok(value)) => case::same(value, wanted),
            (None, Err(error)) => error.kind == ErrorKind::Eval,
            _ => false,
        };
        let (their_env, their_context, their_program) = theirs(test, &text)?;
        let executed = catch_unwind(AssertUnwindSafe(|| their_program.execute(&their_context)));
        let agrees = match (&wanted, executed.ok()?) {
            (Some(wanted), Ok(value)) => {
                to_theirs(wanted).is_some_and(|wanted| alike(&value, &wanted))
            }
            (None, Err(_)) => true,
            _ => false,
        };
        (is_right && agrees).then_some(Self {
            text,
            is_checked,
            env,
            scope,
            program,
            their_env,
            their_context,
            their_program,
        })
    }

    fn theirs_whole(&self) {
        let program = self.their_env.compile(&self.text).unwrap();
        drop(black_box(program.execute(&self.their_context)));
    }

    fn theirs_executed(&self) {
        drop(black_box(self.their_program.execute(&self.their_context)));
    }

    fn ours_whole(&self) {
        let program = compile(Dialect::Cel, &self.text).unwrap();
        self.check_and_evaluate(&program);
    }

    fn ours_checked(&self) {
        self.check_and_evaluate(&self.program);
    }

    fn check_and_evaluate(&self, program: &Program) {
        if self.is_checked {
            drop(black_box(check(program, &self.env)));
        }
        drop(black_box(
            program.eval(&*self.scope, &mut Budget::default()),
        ));
    }

    fn ours_evaluated(&self) {
        drop(black_box(
            self.program.eval(&*self.scope, &mut Budget::default()),
        ));
    }
}

/// Variables as a pipeline has them; only tests with namespaces need more.
fn scope(test: &Json) -> Box<dyn Scope> {
    if test["container"]
        .as_str()
        .is_some_and(|name| !name.is_empty())
    {
        return Box::new(Bindings::of(test));
    }
    let mut scope = MapScope::new();
    for (name, value) in bindings(test) {
        scope.insert(name, value);
    }
    Box::new(scope)
}

fn bindings(test: &Json) -> Vec<(String, Value)> {
    let bindings = test["bindings"].as_array().cloned().unwrap_or_default();
    let named = |binding: &Json| {
        let name = binding["key"].as_str().unwrap().to_owned();
        (name, case::value(&binding["value"]["value"]))
    };
    bindings.iter().map(named).collect()
}

type Theirs = (Arc<cel::Env>, cel::Context<'static, 'static>, cel::Program);

/// The other side with all that it has: optionals, strings, lists, math, encoders.
fn theirs(test: &Json, text: &str) -> Option<Theirs> {
    let ready = AssertUnwindSafe(|| -> Option<Theirs> {
        let mut env = cel::Env::stdlib().with_optional_support(true);
        env.add_extension(cel::extensions::strings).ok()?;
        env.add_extension(cel::extensions::lists).ok()?;
        env.add_extension(cel::extensions::math).ok()?;
        env.add_extension(cel::extensions::encoders).ok()?;
        if let Some(name) = test["container"].as_str().filter(|name| !name.is_empty()) {
            env.set_container(name).ok()?;
        }
        let env = Arc::new(env);
        let program = env.compile(text).ok()?;
        let mut context = cel::Context::with_env(Arc::clone(&env));
        for (name, value) in bindings(test) {
            context.add_variable_from_value(name, to_theirs(&value)?);
        }
        Some((env, context, program))
    });
    catch_unwind(ready).ok()?
}

fn to_theirs(value: &Value) -> Option<cel::Value> {
    use cel::objects::Key;
    use expr::value::Key as OwnKey;
    Some(match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Int(value) => cel::Value::Int(*value),
        Value::Uint(value) => cel::Value::UInt(*value),
        Value::Double(value) => cel::Value::Float(*value),
        Value::String(text) => cel::Value::String(Arc::new(text.to_string())),
        Value::Bytes(bytes) => cel::Value::Bytes(Arc::new(bytes.to_vec())),
        Value::List(list) => {
            let items: Option<Vec<cel::Value>> = list.iter().map(to_theirs).collect();
            cel::Value::List(Arc::new(items?))
        }
        Value::Map(map) => {
            let entry = |(key, value): (&OwnKey, &Value)| {
                let key = match key.to_value() {
                    Value::Bool(value) => Key::Bool(value),
                    Value::Int(value) => Key::Int(value),
                    Value::Uint(value) => Key::Uint(value),
                    Value::String(text) => Key::String(Arc::new(text.to_string())),
                    _ => return None,
                };
                Some((key, to_theirs(value)?))
            };
            let entries: Option<std::collections::HashMap<Key, cel::Value>> =
                map.iter().map(entry).collect();
            cel::Value::Map(entries?.into())
        }
        _ => return None,
    })
}

fn alike(value: &cel::Value, wanted: &cel::Value) -> bool {
    match (value, wanted) {
        (cel::Value::Float(a), cel::Value::Float(b)) => {
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
        }
        _ => value == wanted,
    }
}
