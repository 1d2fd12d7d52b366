//! What lies on the shelves: products by their number, with price and count.

use std::{collections::BTreeMap, fmt};

use crate::money::Money;

/// One product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub name: String,
    pub price: Money,
    pub count: u32,
}

/// All products by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    pub products: BTreeMap<String, Product>,
}

/// Why a list or a removal is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum InventoryError {
    BadLine {
        line: usize,
        reason: String,
    },
    Unknown {
        number: String,
    },
    TooFew {
        number: String,
        wanted: u32,
        left: u32,
    },
}

impl fmt::Display for InventoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadLine { line, reason } => write!(f, "line {line}: {reason}"),
            Self::Unknown { number } => write!(f, "there is no product `{number}`"),
            Self::TooFew {
                number,
                wanted,
                left,
            } => {
                write!(
                    f,
                    "only {left} of `{number}` are left, {wanted} were asked for"
                )
            }
        }
    }
}

impl Inventory {
    /// Reads lines of `number,name,price,count`; the first line is a heading.
    pub fn parse(text: &str) -> Result<Self, InventoryError> {
        let mut inventory = Self::default();
        for (index, line) in text.lines().enumerate().skip(1) {
            let bad = |reason: String| InventoryError::BadLine {
                line: index + 1,
                reason,
            };
            let [number, name, price, count] = line.split(',').collect::<Vec<_>>()[..] else {
                return Err(bad("a line has four columns".into()));
            };
            let price = price.parse().map_err(|error| bad(format!("{error}")))?;
            let count = count
                .parse()
                .map_err(|_| bad(format!("`{count}` is not a count")))?;
            let product = Product {
                name: name.into(),
                price,
                count,
            };
            if inventory.products.insert(number.into(), product).is_some() {
                return Err(bad(format!("product `{number}` is listed twice")));
            }
        }
        Ok(inventory)
    }

    pub fn find(&self, number: &str) -> Result<&Product, InventoryError> {
        self.products
            .get(number)
            .ok_or_else(|| InventoryError::Unknown {
                number: number.into(),
            })
    }

    /// Takes some off the shelf, or none at all.
    pub fn remove(&mut self, number: &str, wanted: u32) -> Result<(), InventoryError> {
        let unknown = || InventoryError::Unknown {
            number: number.into(),
        };
        let product = self.products.get_mut(number).ok_or_else(unknown)?;
        let left = product.count;
        let too_few = || InventoryError::TooFew {
            number: number.into(),
            wanted,
            left,
        };
        product.count = left.checked_sub(wanted).ok_or_else(too_few)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "number,name,price,count\ntea,Green tea,4.20,10\nmug,Blue mug,12.00,1\n";

    #[test]
    fn a_list_is_read_with_prices_and_counts() {
        let inventory = Inventory::parse(LIST).unwrap();
        let tea = Product {
            name: "Green tea".into(),
            price: Money::from_cents(420),
            count: 10,
        };
        assert_eq!(inventory.find("tea"), Ok(&tea));
        assert_eq!(inventory.products.len(), 2);
    }

    #[test]
    fn a_broken_line_is_named() {
        let broken = |line: &str| {
            Inventory::parse(&format!("heading\n{line}\n"))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            broken("tea,Tea,4.2,1"),
            "line 2: `4.2` is not an amount like `12.50`"
        );
        assert_eq!(broken("tea,Tea,4.20"), "line 2: a line has four columns");
        assert_eq!(broken("tea,Tea,4.20,-1"), "line 2: `-1` is not a count");
        assert_eq!(
            broken("a,A,1.00,1\na,A,1.00,1"),
            "line 3: product `a` is listed twice"
        );
    }

    #[test]
    fn nothing_is_taken_when_too_few_are_left() {
        let mut inventory = Inventory::parse(LIST).unwrap();
        let error = inventory.remove("mug", 2).unwrap_err();
        assert_eq!(
            error,
            InventoryError::TooFew {
                number: "mug".into(),
                wanted: 2,
                left: 1
            }
        );
        assert_eq!(inventory.find("mug").unwrap().count, 1);
    }
}
