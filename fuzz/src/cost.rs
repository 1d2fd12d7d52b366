//! The cost of an expression: whatever the checker takes, checking, evaluating and writing it ends within a moment.
//!
//! The other targets allow few steps, so that many expressions are tried. This one allows all that a pipeline allows, over
//! long lists and texts, and looks at the time: the steps are calibrated so that none of them takes longer than others.
//! Without libFuzzer, that is in the suite, the steps are few and the time is left alone.

use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use expr::value::typed::to_typed_text;
use expr::value::{Bytes, Key};
use expr::{Budget, Dialect, MapScope, TypeEnv, Value, check, compile};

use crate::scope;

/// What is promised of a release build, times what the counters of libFuzzer and the checks of its build add.
const LONGEST: Duration = Duration::from_millis(100 * 4);
/// Steps of one evaluation in the suite, whose build is not optimised.
const STEPS_OF_SUITE: u64 = 20_000;

/// Checks, evaluates and writes the text, once and as often as the steps allow.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // Behind a line break, as the text may end in a comment. What goes wrong costs as well.
    let often = format!("lists.range(90000).all(again, [{text}\n].size() == 1 || true)");
    for text in [text, &often] {
        if cfg!(feature = "libfuzzer") {
            in_time(text);
        } else {
            answered(text, Budget::new(STEPS_OF_SUITE));
        }
    }
}

/// What holds for a committed seed besides: it is an expression. Another costs nothing, and tells nothing.
pub fn hold_seed(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("a seed is text");
    let program = compile(Dialect::Cel, text).expect("a seed compiles");
    check(&program, &TypeEnv::open()).expect("a seed has types");
    hold(bytes);
}

fn in_time(text: &str) {
    LazyLock::force(&SCOPE);
    let began = used();
    answered(text, Budget::default());
    let took = used() - began;
    assert!(took <= LONGEST, "{} ms", took.as_millis());
}

/// The time that this thread has had a processor: what others on the machine do does not count.
fn used() -> Duration {
    let said = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux keeps times");
    let nanos = said.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("the first number is nanoseconds"))
}

fn answered(text: &str, mut budget: Budget) {
    if let Ok(program) = compile(Dialect::Cel, text)
        && check(&program, &TypeEnv::open()).is_ok()
        && let Ok(value) = program.eval(&*SCOPE, &mut budget)
    {
        drop(to_typed_text(&value));
    }
}

/// The names of the other targets, and long lists and texts beside them.
static SCOPE: LazyLock<MapScope> = LazyLock::new(|| {
    let mut scope = scope::scope("main");
    let numbers = (0..10_000).map(|number| Value::Int(number * 7_919 % 10_007));
    let words = (0..2_000).map(|number| Value::string(format!("word {number}/ä")));
    let pairs = (0..2_000).map(|number| {
        (
            Key::from(format!("key {number}").as_str()),
            Value::Int(number),
        )
    });
    scope.insert("numbers", Value::list(numbers.collect()));
    scope.insert("words", Value::list(words.collect()));
    scope.insert("pairs", Value::map(pairs));
    scope.insert("letters", Value::string("aäb,".repeat(50_000)));
    scope.insert("octets", Value::Bytes(Bytes::from(vec![0xc3; 200_000])));
    scope
});
