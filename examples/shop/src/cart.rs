//! What a customer wants: numbers and counts, and what it costs.

use std::collections::BTreeMap;

use crate::{
    inventory::{Inventory, InventoryError},
    money::Money,
};

/// From this many of one product on, that line is cheaper.
const BULK_COUNT: u32 = 10;
/// The bulk discount: 10 %.
const BULK_BASIS_POINTS: u32 = 1_000;
/// Value added tax: 19 %.
const TAX_BASIS_POINTS: u32 = 1_900;

/// Counts by product number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cart {
    pub counts: BTreeMap<String, u32>,
}

/// What a cart costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    pub net: Money,
    pub tax: Money,
    pub gross: Money,
}

impl Cart {
    /// Puts more of a product into the cart.
    pub fn add(&mut self, number: &str, count: u32) {
        let entry = self.counts.entry(number.to_owned()).or_default();
        *entry = entry.saturating_add(count);
    }

    /// Prices every line, takes off bulk discounts, adds tax on the sum.
    pub fn totals(&self, inventory: &Inventory) -> Result<Totals, InventoryError> {
        let lines: Result<Vec<Money>, _> = self
            .counts
            .iter()
            .map(|(number, count)| Ok(line_price(inventory.find(number)?.price, *count)))
            .collect();
        let net: Money = lines?.into_iter().sum();
        let tax = net.share(TAX_BASIS_POINTS);
        Ok(Totals {
            net,
            tax,
            gross: net + tax,
        })
    }
}

fn line_price(price: Money, count: u32) -> Money {
    let full = price.times(count);
    if count < BULK_COUNT {
        full
    } else {
        full.without(full.share(BULK_BASIS_POINTS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(lines: &[(&str, u32)]) -> Result<Totals, InventoryError> {
        let inventory = Inventory::parse("heading\ntea,Tea,4.20,99\nmug,Mug,12.00,5\n").unwrap();
        let mut cart = Cart::default();
        for (number, count) in lines {
            cart.add(number, *count);
        }
        cart.totals(&inventory)
    }

    #[test]
    fn an_empty_cart_costs_nothing() {
        assert_eq!(totals(&[]).unwrap().gross, Money::default());
    }

    #[test]
    fn tax_is_added_to_the_sum() {
        let totals = totals(&[("tea", 2), ("mug", 1)]).unwrap();
        assert_eq!(
            (totals.net.cents, totals.tax.cents, totals.gross.cents),
            (2_040, 388, 2_428)
        );
    }

    #[test]
    fn ten_of_one_kind_are_cheaper_than_nine_and_one() {
        assert_eq!(totals(&[("tea", 9)]).unwrap().net.cents, 3_780);
        assert_eq!(totals(&[("tea", 9), ("tea", 1)]).unwrap().net.cents, 3_780);
    }

    #[test]
    fn an_unknown_product_has_no_price() {
        assert_eq!(
            totals(&[("cup", 1)]),
            Err(InventoryError::Unknown {
                number: "cup".into()
            })
        );
    }
}
