//! What the text of a scalar means to a key that wants a number, a time, a size or a name.
//!
//! Pure functions over text. The checker asks them whether a value fits, the readers ask for the value.

use crate::yaml::{Scalar, Style};

/// `true` or `false` without quotes.
pub(crate) fn boolean(scalar: &Scalar<'_>) -> Option<bool> {
    match (scalar.style, &*scalar.text) {
        (Style::Plain, "true") => Some(true),
        (Style::Plain, "false") => Some(false),
        (_, _) => None,
    }
}

/// A whole number in decimal digits without quotes, leading zeros or signs other than `-`. To a JSON Schema, and so to
/// editors, `2.0` is one too.
pub(crate) fn integer(scalar: &Scalar<'_>) -> Option<i64> {
    let text = &*scalar.text;
    let digits = text.strip_suffix(".0").unwrap_or(text);
    let value: i64 = digits.parse().ok()?;
    (scalar.style == Style::Plain && value.to_string() == digits).then_some(value)
}

/// A decimal number without quotes, as JSON writes them; `3.10` is 3.1 here, since a number is asked for.
pub(crate) fn number(scalar: &Scalar<'_>) -> Option<serde_json::Number> {
    if scalar.style != Style::Plain {
        return None;
    }
    number_text(&scalar.text)
}

/// A number as JSON writes them, that can be kept.
pub(crate) fn number_text(text: &str) -> Option<serde_json::Number> {
    model::number::parse(text).ok()
}

/// Milliseconds of `1h30m`, `90s`, `500ms`, as many as a `u64` can say. `None` when it is no such text.
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            return None;
        }
        let amount: u64 = rest[..digits].parse().unwrap_or(u64::MAX);
        rest = &rest[digits..];
        let letters = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_lowercase())
                .len();
        let unit_ms: u64 = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.saturating_add(amount.saturating_mul(unit_ms));
    }
    (!text.is_empty()).then_some(total)
}

/// Pattern of what [`duration_ms`] takes, for the schema.
pub(crate) const DURATION_PATTERN: &str = "^([0-9]+(ms|s|m|h|d))+$";

/// Bytes of `2GiB`, `512 MiB`, `1.5GB`, `64KiB`. All that [`SIZE_PATTERN`] takes fits.
pub(crate) fn size_bytes(text: &str) -> Option<u64> {
    let letters = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let amount = &text[..text.len() - letters.len()];
    let letters = letters.strip_prefix(' ').unwrap_or(letters);
    let (_, unit_bytes) = size_units().find(|(unit, _)| *unit == letters)?;
    let (whole, places) = amount.split_once('.').unwrap_or((amount, "0"));
    let most_digits = if unit_bytes < 1_000_000_000_000 { 6 } else { 4 };
    if whole.len() > most_digits || places.len() > 3 {
        return None;
    }
    let milli = decimal(amount)?.floor_milli;
    milli.checked_mul(unit_bytes).map(|milli| milli / 1000)
}

/// The units of sizes, with their bytes.
pub(crate) const SIZE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Whether a unit of sizes is a power of 1,024.
pub(crate) fn is_binary(unit: &str) -> bool {
    unit.contains('i')
}

/// Everything that is taken as a unit of sizes: `Mi` for `MiB` too.
pub(crate) fn size_units() -> impl Iterator<Item = (&'static str, u64)> {
    let short = SIZE_UNITS.into_iter().filter(|(unit, _)| is_binary(unit));
    let short = short.map(|(unit, bytes)| (unit.trim_end_matches('B'), bytes));
    SIZE_UNITS.into_iter().chain(short)
}

/// Pattern of what [`size_bytes`] takes, for the schema.
pub(crate) const SIZE_PATTERN: &str = "^([0-9]{1,6}(\\.[0-9]{1,3})? ?(B|[KMG]iB|[KMG]i|[KMG]B)|[0-9]{1,4}(\\.[0-9]{1,3})? ?(TiB|Ti|TB))$";

/// Thousandths of a CPU of `2`, `0.5`, `500m`; parts of a thousandth count as one.
pub(crate) fn cpu_milli(scalar: &Scalar<'_>) -> Option<u32> {
    let milli = match scalar.text.strip_suffix('m') {
        Some(amount) if !amount.contains('.') => decimal(amount)?.floor_milli / 1000,
        Some(_) => return None,
        None => amount(scalar)?.ceil_milli(),
    };
    u32::try_from(milli)
        .ok()
        .filter(|milli| *milli <= 10_000_000)
}

/// Pattern of what [`cpu_milli`] takes as text, for the schema.
pub(crate) const CPU_PATTERN: &str =
    "^0*(([0-9]{1,7}|10000000)m|[0-9]{1,4}(\\.[0-9]+)?|10000(\\.0+)?)$";

/// Thousandths of a factor from 1 to 100; parts of a thousandth count as one.
pub(crate) fn factor_milli(scalar: &Scalar<'_>) -> Option<u64> {
    let amount = amount(scalar)?;
    let fits = amount.floor_milli >= 1_000 && amount.ceil_milli() <= 100_000;
    fits.then(|| amount.ceil_milli())
}

/// Pattern of what [`factor_milli`] takes as text, for the schema.
pub(crate) const FACTOR_PATTERN: &str = "^0*([1-9][0-9]?(\\.[0-9]+)?|100(\\.0+)?)$";

/// A number that is not negative, in thousandths.
struct Amount {
    /// Whole thousandths.
    floor_milli: u64,
    /// Whether there is a part of a thousandth more.
    is_more: bool,
}

impl Amount {
    const fn ceil_milli(&self) -> u64 {
        self.floor_milli.saturating_add(self.is_more as u64)
    }
}

/// Decimal digits, or any other number that is one to an editor too, such as `1e-7`.
fn amount(scalar: &Scalar<'_>) -> Option<Amount> {
    let other = || {
        let tiny = scalar.to_json().as_f64()?;
        (0.0..0.001).contains(&tiny).then_some(Amount {
            floor_milli: 0,
            is_more: tiny > 0.0,
        })
    };
    decimal(&scalar.text).or_else(other)
}

/// A number in decimal digits, as large as thousandths can say.
fn decimal(text: &str) -> Option<Amount> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(places) {
        return None;
    }
    let (kept, rest) = places.split_at(places.len().min(3));
    let fraction: u64 = format!("{kept:0<3}").parse().ok()?;
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    Some(Amount {
        floor_milli: whole.saturating_mul(1000).saturating_add(fraction),
        is_more: rest.contains(|digit| digit != '0'),
    })
}

/// A name of a task, step, param, output, artifact or axis: a letter or `_`, then letters, digits, `_` and `-`.
pub(crate) fn is_name(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    first && rest && text.len() <= NAME_LENGTH
}

/// Longest name.
pub(crate) const NAME_LENGTH: usize = 100;
/// Pattern of [`is_name`], for the schema.
pub(crate) const NAME_PATTERN: &str = "^[A-Za-z_][A-Za-z0-9_-]{0,99}$";

/// What [`is_name`] asks for, as a literal for those that `concat!` makes.
macro_rules! name_form {
    () => {
        "up to 100 letters from `a` to `z`, large or small, digits, `_` and `-`, and begins with a letter or `_`"
    };
}
pub(crate) use name_form;

/// What [`is_name`] asks for, for help.
pub(crate) const NAME_RULE: &str = concat!("a name has ", name_form!());

/// The nearest text that is a name, for help; nothing when too little of the text would be left.
pub(crate) fn mended_name(text: &str) -> Option<String> {
    let is_kept = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let text = text.trim();
    let kept = text.chars().filter(is_kept).count();
    let lost = text.chars().filter(|c| !c.is_ascii()).count();
    if lost >= kept {
        return None;
    }
    let words = text.split(|c: char| !is_kept(&c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut name: String = words.join("-").chars().take(NAME_LENGTH - 1).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    is_name(&name).then_some(name)
}

/// A name of an environment variable that every shell can read.
pub(crate) fn is_variable(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What [`is_variable`] asks for, for help.
pub(crate) const VARIABLE_RULE: &str = "a variable's name has letters from `A` to `Z`, large or small, digits and `_`, and does not begin with a digit";

/// The nearest text that is the name of a variable, for help.
pub(crate) fn mended_variable(text: &str) -> Option<String> {
    let odd = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let mended = mended_name(text.trim_matches(odd))?.replace('-', "_");
    is_variable(&mended).then_some(mended)
}

/// Pattern of [`is_variable`], for the schema.
pub(crate) const VARIABLE_PATTERN: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar<'_> {
        Scalar {
            text: text.into(),
            style: Style::Plain,
        }
    }

    #[test]
    fn durations_add_up_and_need_units() {
        assert_eq!(duration_ms("90s"), Some(90_000));
        assert_eq!(duration_ms("1h30m"), Some(5_400_000));
        assert_eq!(duration_ms("500ms"), Some(500));
        assert_eq!(duration_ms("90"), None);
        assert_eq!(duration_ms("1.5h"), None);
        assert_eq!(duration_ms(""), None);
        assert_eq!(duration_ms("s"), None);
        assert_eq!(duration_ms("99999999999999999999s"), Some(u64::MAX));
        assert_eq!(duration_ms("999999999999999999d"), Some(u64::MAX));
    }

    #[test]
    fn sizes_know_binary_and_decimal_units() {
        assert_eq!(size_bytes("2GiB"), Some(2 << 30));
        assert_eq!(size_bytes("1.5 GB"), Some(1_500_000_000));
        assert_eq!(size_bytes("2G"), None);
        assert_eq!(size_bytes("9999.999TiB"), Some(10_995_115_178_248_372));
        assert_eq!(size_bytes("10000TiB"), None);
        assert_eq!(size_bytes("2"), None);
    }

    #[test]
    fn cpus_are_whole_or_thousandths() {
        assert_eq!(cpu_milli(&plain("2")), Some(2000));
        assert_eq!(cpu_milli(&plain("0.5")), Some(500));
        assert_eq!(cpu_milli(&plain("250m")), Some(250));
        assert_eq!(cpu_milli(&plain("2.5m")), None);
        assert_eq!(cpu_milli(&plain("-1")), None);
    }

    #[test]
    fn parts_of_a_thousandth_count_as_one() {
        assert_eq!(cpu_milli(&plain("0.0001")), Some(1));
        assert_eq!(cpu_milli(&plain("1e-7")), Some(1));
        assert_eq!(cpu_milli(&plain("10000.0001")), None);
        assert_eq!(factor_milli(&plain("1.23456")), Some(1235));
        assert_eq!(factor_milli(&plain("0.9999")), None);
        assert_eq!(factor_milli(&plain("100.0001")), None);
    }

    #[test]
    fn a_name_that_is_none_is_mended() {
        assert!(is_name("unit-tests_2"));
        assert!(!is_name("2nd"));
        assert_eq!(mended_name("unit tests").as_deref(), Some("unit-tests"));
        assert_eq!(mended_name("2nd").as_deref(), Some("_2nd"));
        assert_eq!(mended_name("-xy!").as_deref(), Some("xy"));
        assert_eq!(mended_name("a / b").as_deref(), Some("a-b"));
        assert_eq!(mended_name("-é€x!"), None);
        assert_eq!(mended_variable("[my-var]").as_deref(), Some("my_var"));
    }
}
