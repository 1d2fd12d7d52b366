//! What expressions mean where it is easily got wrong.

use expr::{Budget, Dialect, Error, ErrorKind, MapScope, Value, compile};

fn eval(text: &str) -> Result<Value, Error> {
    let program = compile(Dialect::Cel, text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    program.eval(&MapScope::new(), &mut Budget::default())
}

#[track_caller]
fn holds(text: &str) {
    assert_eq!(eval(text), Ok(true.into()), "`{text}`");
}

#[track_caller]
fn fails(text: &str) {
    match eval(text) {
        Ok(value) => panic!("`{text}` is {value:?}"),
        Err(error) => assert_eq!(error.kind, ErrorKind::Eval, "`{text}`: {error}"),
    }
}

#[test]
fn the_alternative_to_a_value_that_is_there_is_not_looked_at() {
    holds("optional.of(1).orValue(1 / 0) == 1");
    holds("optional.of(1).or(optional.of(1 / 0)).value() == 1");
    holds("{'a': 1}.?a.orValue([][0]) == 1");
    fails("optional.none().orValue(1 / 0)");
    fails("optional.none().or(optional.of(1 / 0))");
    fails("optional.of(1).hasValue(1 / 0)");
}

#[test]
fn a_bound_value_that_fails_does_so_where_it_is_used() {
    holds("cel.bind(x, 1 / 0, true)");
    holds("cel.bind(x, 1 / 0, x == 1 || true)");
    holds("cel.bind(x, 1 / 0, cel.bind(y, x + 1, true))");
    fails("cel.bind(x, 1 / 0, x == 1)");
    fails("cel.bind(x, 1 / 0, cel.bind(y, x + 1, y == 1))");
    holds("cel.bind(x, 1 / 0, cel.bind(x, 1, x == 1))");
}

#[test]
fn a_bound_value_that_reaches_a_limit_ends_the_evaluation() {
    let program = compile(Dialect::Cel, "cel.bind(x, lists.range(9000000), true)").unwrap();
    let result = program.eval(&MapScope::new(), &mut Budget::default());
    assert_eq!(result.unwrap_err().kind, ErrorKind::Limit);
}

#[test]
fn a_leading_dot_leaves_types_what_they_are() {
    holds("type(1) == .int && type(timestamp(0)) == .google.protobuf.Timestamp");
    holds("[1].map(int, .int) == [type(1)]");
}

#[test]
fn a_uint_is_read_without_a_sign() {
    holds("uint('5') == 5u && int('+5') == 5");
    fails("uint('+5')");
    fails("uint('-0')");
}

#[test]
fn what_has_no_members_has_none_of_that_name_where_it_is_asked_for_as_an_optional() {
    holds("{'a': null}.a.?b == optional.none()");
    holds("{'a': null}.?a.b.orValue(1) == 1");
    holds("dyn('text')[?0].orValue(1) == 1");
    holds("{1: 2}.?a.orValue(3) == 3 && !has({1: 2}.a)");
    fails("{'a': null}.a.b");
    fails("has({'a': null}.a.b)");
    fails("has({'a': null}.?a.b)");
    fails("dyn('text')[0]");
    fails("dyn([1]).?a");
    fails("optional.of(dyn([1])).a");
    fails("{1: 2}.a");
}

#[test]
fn base64_is_read_with_and_without_padding_whatever_its_last_bits_are() {
    holds(
        "base64.decode('YQ') == b'a' && base64.decode('YQ==') == b'a' && base64.decode('YR') == b'a'",
    );
    fails("base64.decode('Y')");
    fails("base64.decode('Y===')");
    fails("base64.decode('Y-==')");
}

#[test]
fn durations_are_no_numbers() {
    fails("duration(5)");
    fails("int(duration('5s'))");
}

#[test]
fn line_breaks_in_a_literal_are_line_feeds() {
    holds("'''a\r\nb\rc''' == 'a\\nb\\nc' && r'''\\d\r\n''' == '\\\\d\\n'");
    holds("b'''\r\n''' == b'\\n' && '''\\t\r\n\\r''' == '\\t\\n\\r'");
}

#[test]
fn a_text_is_no_double_that_is_too_large_but_may_name_infinity() {
    fails("double('1e400')");
    fails("double('-2e712')");
    holds("double('Infinity') == 1.0 / 0.0 && double('-inf') == -1.0 / 0.0");
    holds("double('1e-400') == 0.0");
}

#[test]
fn what_is_not_a_number_is_neither_greatest_nor_least() {
    fails("math.greatest(1, 0.0 / 0.0)");
    fails("math.least([0.0 / 0.0, 1.0])");
    holds("math.isNaN(math.greatest(0.0 / 0.0))");
    holds("string(math.sign(-0.0)) == '0'");
}

#[test]
fn a_range_of_less_than_nothing_is_an_error() {
    fails("lists.range(-1)");
    holds("lists.range(0) == []");
}

#[test]
fn base64_may_be_broken_into_lines() {
    holds("base64.decode('aGVs\\r\\nbG8=\\n') == b'hello'");
    fails("base64.decode('aGVs bG8=')");
}
