//! Prints how fast expressions are, and how much of a processor the dearest ones take that the default budget lets
//! through.
//!
//! Run with `cargo run --release -p expr --example speed`. The second table is what `DEFAULT_STEPS` is calibrated
//! with: every line should stay below 100 ms.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a tool for developers"
)]

use std::time::Instant;

use expr::{Budget, Dialect, MapScope, TypeEnv, Value, check, compile};

fn main() {
    everyday();
    dearest();
}

fn scope() -> MapScope {
    let json = serde_json::json!({
        "object": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [
            {"name": "a", "image": "registry.io/a:1.0"}, {"name": "b", "image": "registry.io/b:latest"}]}},
        "signal": {"branch": "release/1.2", "number": 7},
        "numbers": (0..50).collect::<Vec<i64>>(),
    });
    MapScope::from_json(json.as_object().unwrap())
}

fn everyday() {
    println!(
        "{:>10} {:>10} {:>10}  expression",
        "compile", "check", "eval"
    );
    let scope = scope();
    for text in [
        "signal.branch == 'main'",
        "signal.branch.startsWith('release/') && signal.number > 3",
        "object.spec.containers.all(c, c.image.startsWith('registry.io/') && !c.image.endsWith(':latest'))",
        "has(object.metadata.labels) && 'app' in object.metadata.labels ? object.metadata.labels.app : 'none'",
        "object.spec.?initContainers.orValue([]) + object.spec.containers",
        "numbers.filter(n, n % 2 == 0).map(n, n * n).exists(n, n > 2000)",
        "signal.branch.matches('^release/[0-9]+\\\\.[0-9]+$')",
        "'%s-%d'.format([signal.branch, signal.number])",
    ] {
        let program = compile(Dialect::Cel, text).unwrap();
        let env = TypeEnv::open();
        let compiled = time(|| compile(Dialect::Cel, text).unwrap());
        let checked = time(|| check(&program, &env).unwrap());
        let evaluated = time(|| program.eval(&scope, &mut Budget::default()).unwrap());
        println!("{compiled:>8.2}us {checked:>8.2}us {evaluated:>8.2}us  {text}");
    }
}

/// Microseconds of one call, from the fastest of several rounds.
fn time<T>(f: impl Fn() -> T) -> f64 {
    let round = || {
        let start = Instant::now();
        for _ in 0..200 {
            std::hint::black_box(f());
        }
        start.elapsed().as_secs_f64() * 1e6 / 200.0
    };
    (0..20).map(|_| round()).fold(f64::MAX, f64::min)
}

/// What this thread had of a processor, so that a busy machine does not count.
fn processor_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

fn dearest() {
    println!("\n{:>9} {:>9} {:>8}  expression", "ms", "steps", "ns/step");
    let long = "x".repeat(1_000_000);
    let mut scope = scope();
    scope.insert("long", Value::string(long.as_str()));
    scope.insert("text", Value::string("abcdefghij".repeat(100)));
    scope.insert("many", Value::list((0..900_000).map(Value::Int).collect()));
    scope.insert(
        "words",
        Value::list(
            (0..2000)
                .map(|n| Value::string(format!("word{n}")))
                .collect(),
        ),
    );
    scope.insert("unicode", Value::string("ä".repeat(500_000)));
    scope.insert("commas", Value::string(",".repeat(900_000)));
    let loops = |body: &str| format!("lists.range(100000).map(x, {body}).size()");
    let mut texts = vec![
        "lists.range(1000).map(a, lists.range(1000).map(b, a)).size()".to_owned(),
        "lists.range(1000).map(a, lists.range(1000).exists(b, b == -1)).size()".to_owned(),
        "lists.range(1000).map(a, lists.range(1000).exists(b, b / 0 == 1) || true).size()"
            .to_owned(),
        "lists.range(1000).map(a, {'x': a}.map(k, v, k + string(v))).size()".to_owned(),
        "many == many && many + [1] != many".to_owned(),
        "many.reverse().size()".to_owned(),
        "many.sort().size()".to_owned(),
        "many.slice(0, 40000).map(x, -x).sort().size()".to_owned(),
        "many.slice(0, 1900).distinct().size()".to_owned(),
        "words.distinct().size()".to_owned(),
        "words.sort().size()".to_owned(),
        "words.sortBy(w, w).size()".to_owned(),
        "words.all(w, w in words)".to_owned(),
        "sets.equivalent(words.slice(0, 900), words.slice(0, 900).reverse())".to_owned(),
        "many.transformMap(k, v, v).size()".to_owned(),
        "many.slice(0, 100000).map(x, string(x)).join(',').size()".to_owned(),
        "many.slice(0, 50000).map(x, [x]).flatten().size()".to_owned(),
        "words.map(w, words.join(w)).size()".to_owned(),
        "json.encode(many).size()".to_owned(),
        "json.decode(json.encode(many.slice(0, 100000))).size()".to_owned(),
        "json.decode('[' + many.slice(0, 200000).map(x, '[]').join(',') + ']').size()".to_owned(),
        "commas.split(',').size()".to_owned(),
        "commas.split('').size()".to_owned(),
        "commas.replace(',', 'x').size()".to_owned(),
        "commas.replace('', 'x').size()".to_owned(),
        "long.replace('x', '').size()".to_owned(),
        "regex.replace(commas.substring(0, 100000), ',', 'x').size()".to_owned(),
        "regex.extractAll(commas.substring(0, 100000), ',').size()".to_owned(),
        "strings.quote(commas).size()".to_owned(),
        "base64.encode(bytes(long)).size()".to_owned(),
        "'%s'.format([many]).size()".to_owned(),
        "'%s'.format([words.map(w, {w: [w, {w: w}]})]).size()".to_owned(),
        format!(
            "lists.range(1000).map(x, '{}'.format([{}])).size()",
            "%x".repeat(50),
            "x,".repeat(50)
        ),
        format!(
            "lists.range(1000).map(x, '{}'.format([{}])).size()",
            "%.1000f".repeat(50),
            "1.5,".repeat(50)
        ),
        "text.matches('(a|b)*a(a|b|c|d|e|f|g|h|i|j){20}z')".to_owned(),
        "text.matches('[a-j]*a[a-j]{500}z')".to_owned(),
        "(text + text + text).matches('([a-j]*a[a-j]{50}){3}z')".to_owned(),
        "unicode.substring(0, 1000).matches('(\\\\pL*\\\\pL{20}){2}z')".to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('[^a][^b][^c].....' + string(x))).size()"
            .to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('a{1000}' + string(x))).size()".to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('((((((((((a))))))))))' + string(x))).size()"
            .to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('(?i)abcdefghijklmnopqrst' + string(x))).size()"
            .to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('a|b|c|d|e|f|g|h|i|j|k|l' + string(x))).size()"
            .to_owned(),
        "long.matches('(a|b|c|x)*y')".to_owned(),
        "long.matches('(x+x+)+y')".to_owned(),
        "long.matches('x{1,100}y')".to_owned(),
        "long.matches('(?:x?){60}x{60}y')".to_owned(),
        "unicode.matches('\\\\w+z')".to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('\\\\w{1,20}' + string(x))).size()".to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('[a-z]' + string(x))).size()".to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('\\\\pL\\\\pL\\\\pL' + string(x))).size()"
            .to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('(?i)\\\\pL{8}' + string(x))).size()".to_owned(),
        "lists.range(10000).map(x, 'abc'.matches('(?:a{10}){10}' + string(x))).size()".to_owned(),
    ];
    for body in [
        "long.size()",
        "unicode.size()",
        "unicode.indexOf('z')",
        "unicode.charAt(499999)",
        "unicode.substring(1, 499999).size()",
        "unicode.lastIndexOf('z')",
        "unicode.reverse().size()",
        "unicode.trim().size()",
        "long.contains('xxxxxxxxxxxxxxxxy')",
        "long.upperAscii() == long",
        "long == long",
        "long < long",
        "text + text",
        "text.matches('^[a-z]+$')",
        "timestamp('2024-05-01T12:30:00Z').getHours('America/New_York')",
        "timestamp('2024-05-01T12:30:00+02:00')",
        "string(timestamp(x))",
        "duration('1h2m3s')",
        "double('1.7976931348623157e308')",
        "string(1.7976931348623157e308)",
        "string(x)",
        "{'a': x, 'b': [x, x, x]}",
        "{'a': x, 'b': [x, x, x]} == {'a': x, 'b': [x, x, x]}",
        "object.spec.containers[0].image.split('/')[1]",
        "optional.of(x).optMap(y, y + 1).orValue(0)",
        "nope.foo || true",
        "math.greatest(x, 2, 3, 4)",
        "type(x) == int",
        "int('12345')",
    ] {
        texts.push(loops(body));
    }
    for text in texts {
        let program =
            compile(Dialect::Cel, &text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut budget = Budget::default();
        let start = processor_ns();
        let result = program.eval(&scope, &mut budget);
        let ms = (processor_ns() - start) as f64 / 1e6;
        let used = budget.used();
        let end = result.map_or_else(
            |error| error.kind.name().to_owned(),
            |value| value.type_name().to_owned(),
        );
        let shown: String = text.chars().take(90).collect();
        let mark = if ms > 100.0 { " <<<" } else { "" };
        println!(
            "{ms:>9.2} {used:>9} {:>8.1}  {end:6} {shown}{mark}",
            ms * 1e6 / used.max(1) as f64
        );
    }
}
