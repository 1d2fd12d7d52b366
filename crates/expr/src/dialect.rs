//! The languages an expression can be written in.
//!
//! A plan stores every expression with its dialect; adding one adds a variant here and an arm in `compile`, and
//! touches nothing outside this crate.

/// A language of expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// The Common Expression Language with the usual extensions.
    Cel,
}

impl Dialect {
    /// The dialect with that name, as stored in plans and given on the command line.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "cel" => Some(Self::Cel),
            _ => None,
        }
    }

    /// Its name, which `from_name` reads back.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cel => "cel",
        }
    }
}
