//! Amounts in whole cents. Fractions of a cent are rounded half up, once, where they arise.

use std::{fmt, iter::Sum, ops::Add, str::FromStr};

/// An amount of money, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money {
    pub cents: u64,
}

/// A text that is not an amount.
#[derive(Debug, PartialEq, Eq)]
pub struct NotMoney(pub String);

impl Money {
    pub const fn from_cents(cents: u64) -> Self {
        Self { cents }
    }

    /// The price of several.
    pub fn times(self, count: u32) -> Self {
        Self::from_cents(self.cents * u64::from(count))
    }

    /// A share of the amount in basis points (1 % = 100), rounded half up.
    pub fn share(self, basis_points: u32) -> Self {
        Self::from_cents((self.cents * u64::from(basis_points) + 5_000) / 10_000)
    }

    /// The amount without another; never below zero.
    pub fn without(self, other: Self) -> Self {
        Self::from_cents(self.cents.saturating_sub(other.cents))
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::from_cents(self.cents + other.cents)
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.cents / 100, self.cents % 100)
    }
}

impl fmt::Display for NotMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an amount like `12.50`", self.0)
    }
}

impl FromStr for Money {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let wrong = || NotMoney(text.to_owned());
        let (whole, rest) = text.split_once('.').unwrap_or((text, "00"));
        let all_digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(rest) || rest.len() != 2 {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let rest: u64 = rest.parse().map_err(|_| wrong())?;
        let cents = whole
            .checked_mul(100)
            .and_then(|cents| cents.checked_add(rest));
        cents.map(Self::from_cents).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_alike() {
        for text in ["0.00", "0.05", "12.50", "1999.99"] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
        assert_eq!("7".parse(), Ok(Money::from_cents(700)));
    }

    #[test]
    fn half_amounts_and_signs_are_refused() {
        for text in [
            "",
            ".50",
            "1.5",
            "1.234",
            "-1.00",
            "+1.00",
            "1,50",
            "99999999999999999999.00",
        ] {
            assert_eq!(text.parse::<Money>(), Err(NotMoney(text.into())), "{text}");
        }
    }

    #[test]
    fn shares_round_half_up() {
        assert_eq!(Money::from_cents(50).share(100), Money::from_cents(1));
        assert_eq!(Money::from_cents(49).share(100), Money::from_cents(0));
        assert_eq!(
            Money::from_cents(1_999).share(1_900),
            Money::from_cents(380)
        );
    }

    #[test]
    fn a_discount_never_makes_money() {
        assert_eq!(
            Money::from_cents(5).without(Money::from_cents(9)),
            Money::default()
        );
    }
}
