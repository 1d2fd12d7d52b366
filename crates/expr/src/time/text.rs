//! Times as text: RFC 3339 for points, numbers with units for spans.

use std::fmt;

use super::calendar::{civil_from_days, days_from_civil};
use super::{DAY_SECONDS, Duration, NANOS, TimeError, Timestamp};

const TIMESTAMP_FORM: TimeError = TimeError::Form("`2024-05-01T12:30:00Z`");
const DURATION_FORM: TimeError = TimeError::Form("`1h30m` or `1.5s`");

impl Timestamp {
    /// Reads RFC 3339 text.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Result<i64, TimeError> {
            let digits = bytes.get(from..to).ok_or(TIMESTAMP_FORM)?;
            if !digits.iter().all(u8::is_ascii_digit) {
                return Err(TIMESTAMP_FORM);
            }
            Ok(digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
        };
        let expect = |at: usize, wanted: u8| {
            if bytes.get(at) == Some(&wanted) {
                Ok(())
            } else {
                Err(TIMESTAMP_FORM)
            }
        };
        // Five digits of year are a time of this form, only one that is out of range.
        let shift = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
            .saturating_sub(4);
        if shift > 0 {
            return Err(if bytes.get(4 + shift) == Some(&b'-') {
                TimeError::Range
            } else {
                TIMESTAMP_FORM
            });
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        for (at, wanted) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
            expect(at, wanted)?;
        }
        let mut at = 19;
        let mut nanos = 0u32;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            let start = at;
            let mut scale = 100_000_000;
            while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
                nanos += u32::from(digit - b'0') * scale;
                scale /= 10;
                at += 1;
            }
            if at == start {
                return Err(TIMESTAMP_FORM);
            }
        }
        let offset = match bytes.get(at) {
            Some(b'Z') if bytes.len() == at + 1 => 0,
            Some(sign @ (b'+' | b'-')) if bytes.len() == at + 6 => {
                expect(at + 3, b':')?;
                let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
                if hours > 23 || minutes > 59 {
                    return Err(TIMESTAMP_FORM);
                }
                (hours * 3600 + minutes * 60) * if *sign == b'-' { -1 } else { 1 }
            }
            Some(_) | None => return Err(TIMESTAMP_FORM),
        };
        let days_in_month = match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(TIMESTAMP_FORM),
        };
        if day < 1 || day > days_in_month || hour > 23 || minute > 59 || second > 59 {
            return Err(TIMESTAMP_FORM);
        }
        let seconds =
            days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second
                - offset;
        Self::new(seconds, nanos)
    }
}

impl Duration {
    /// Reads text such as `1h30m`, `-1.5s` or `0`.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            Some(_) | None => (false, text),
        };
        if rest == "0" {
            return Ok(Self {
                seconds: 0,
                nanos: 0,
            });
        }
        if rest.is_empty() {
            return Err(DURATION_FORM);
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            let (whole, after) = rest.split_at(digits(rest));
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => after.split_at(digits(after)),
                None => ("", after),
            };
            let end = after
                .find(|c: char| c == '.' || c.is_ascii_digit())
                .unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            let unit: i128 = match unit {
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => NANOS,
                "m" => 60 * NANOS,
                "h" => 3600 * NANOS,
                _ => return Err(DURATION_FORM),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(DURATION_FORM);
            }
            if whole.len() > 20 {
                return Err(TimeError::Range);
            }
            let whole: i128 = if whole.is_empty() {
                0
            } else {
                whole.parse().map_err(|_| DURATION_FORM)?
            };
            let mut scale = unit;
            let mut part = whole * unit;
            for digit in fraction.bytes() {
                scale /= 10;
                part += i128::from(digit - b'0') * scale;
            }
            total += part;
            if total > i128::from(i64::MAX) * NANOS {
                return Err(TimeError::Range);
            }
            rest = after;
        }
        Self::from_total(if negative { -total } else { total })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.seconds.div_euclid(DAY_SECONDS);
        let second_of_day = self.seconds.rem_euclid(DAY_SECONDS);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        fraction(f, self.nanos)?;
        f.write_str("Z")
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seconds < 0 || self.nanos < 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", self.seconds.unsigned_abs())?;
        fraction(f, self.nanos.unsigned_abs())?;
        f.write_str("s")
    }
}

fn fraction(f: &mut fmt::Formatter<'_>, nanos: u32) -> fmt::Result {
    if nanos == 0 {
        return Ok(());
    }
    write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_read_back_what_they_write() {
        for text in [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.5Z",
            "2024-02-29T12:00:00.000000001Z",
            "9999-12-31T23:59:59.999999999Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn timestamps_with_offsets_are_moved_to_utc() {
        assert_eq!(
            Timestamp::parse("2024-01-01T00:30:00+02:00")
                .unwrap()
                .to_string(),
            "2023-12-31T22:30:00Z"
        );
    }

    #[test]
    fn wrong_timestamps_are_refused() {
        for text in [
            "",
            "2024-01-01",
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
        ] {
            assert_eq!(Timestamp::parse(text), Err(TIMESTAMP_FORM), "{text}");
        }
        assert_eq!(
            Timestamp::parse("10000-01-01T00:00:00Z"),
            Err(TimeError::Range)
        );
        assert_eq!(
            Timestamp::parse("0001-01-01T00:00:00+01:00"),
            Err(TimeError::Range)
        );
    }

    #[test]
    fn durations_are_read_in_every_unit() {
        for (text, shown) in [
            ("1h45m47s", "6347s"),
            ("-1.5h", "-5400s"),
            ("0", "0s"),
            ("1ms", "0.001s"),
            ("1.5s", "1.5s"),
            ("-0.5s", "-0.5s"),
            (".5m", "30s"),
        ] {
            assert_eq!(Duration::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "-", "1", "1x", "s", "1.s2", "."] {
            assert_eq!(Duration::parse(text), Err(DURATION_FORM), "{text}");
        }
        assert_eq!(
            Duration::parse("99999999999999999999999h"),
            Err(TimeError::Range)
        );
    }
}
