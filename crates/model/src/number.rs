//! Numbers as texts give them: params, outputs, defaults.
//!
//! A whole number is kept to its last digit or refused; one with a decimal point or an exponent is as near as 64 bits
//! come to it, and whole if that is: `1e3` is 1000.

use serde_json::Number;

/// Why a text is no number that can be kept. As text it says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNumber {
    /// It is none, as JSON writes them.
    #[error("a number")]
    NotANumber,
    /// It is a whole number of more than 64 bits.
    #[error("a number from {min} to {max}", min = i64::MIN, max = i64::MAX)]
    WholeOutOfRange,
    /// Its exponent is too large.
    #[error("a number from -1.7e308 to 1.7e308")]
    OutOfRange,
}

/// Reads a number as JSON writes them.
///
/// # Errors
/// When it is none, or one that would become another.
pub fn parse(text: &str) -> Result<Number, BadNumber> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_json =
        !digits.starts_with('0') || !digits[1..].starts_with(|c: char| c.is_ascii_digit());
    if !digits.is_empty() && is_json && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let whole = text
            .parse::<i64>()
            .map_err(|_| BadNumber::WholeOutOfRange)?;
        return Ok(Number::from(whole));
    }
    let number: Result<Number, _> = serde_json::from_str(text);
    number.map(whole).map_err(|_| {
        let is_infinite = text.parse::<f64>().is_ok_and(f64::is_infinite);
        if is_infinite && digits.starts_with(|c: char| c.is_ascii_digit()) {
            BadNumber::OutOfRange
        } else {
            BadNumber::NotANumber
        }
    })
}

/// The number without a point, as long as every whole number near it can be told from it.
fn whole(number: Number) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(value) if value.fract() == 0.0 && value.abs() < EXACT => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole and has at most 53 bits"
            )]
            let whole = value as i64;
            Number::from(whole)
        }
        Some(_) | None => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_keep_every_digit_or_are_refused() {
        assert_eq!(parse("-9223372036854775808"), Ok(Number::from(i64::MIN)));
        assert_eq!(
            parse("9223372036854775808"),
            Err(BadNumber::WholeOutOfRange)
        );
        assert_eq!(
            parse("-99999999999999999999"),
            Err(BadNumber::WholeOutOfRange)
        );
        assert_eq!(parse("-0"), Ok(Number::from(0)));
    }

    #[test]
    fn numbers_are_written_as_in_json() {
        assert_eq!(
            parse("3.50").map(|number| number.to_string()),
            Ok("3.5".to_owned())
        );
        assert_eq!(
            parse("1e3").map(|number| number.to_string()),
            Ok("1000".to_owned())
        );
        assert_eq!(parse("-1.0"), Ok(Number::from(-1)));
        assert_eq!(
            parse("1e300").map(|number| number.to_string()),
            Ok("1e+300".to_owned())
        );
        assert_eq!(parse("1e999"), Err(BadNumber::OutOfRange));
        for text in [
            "",
            "-",
            "four",
            "017",
            "+1",
            "inf",
            "1_000",
            "0x1",
            "99999999999999999999x",
        ] {
            assert_eq!(parse(text), Err(BadNumber::NotANumber), "{text}");
        }
    }
}
