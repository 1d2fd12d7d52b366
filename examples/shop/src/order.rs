//! An order: the whole cart is taken from the shelves, or nothing is.

use crate::{
    cart::{Cart, Totals},
    inventory::{Inventory, InventoryError},
};

/// What the customer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub items: u32,
    pub totals: Totals,
}

/// Takes the cart's products from the inventory and prices them. On an error the inventory is as before.
pub fn place(cart: &Cart, inventory: &mut Inventory) -> Result<Receipt, InventoryError> {
    let mut after = inventory.clone();
    for (number, count) in &cart.counts {
        after.remove(number, *count)?;
    }
    let receipt = Receipt {
        items: cart.counts.values().sum(),
        totals: cart.totals(inventory)?,
    };
    *inventory = after;
    Ok(receipt)
}

/// Orders one of everything again and again, `rounds` times at most, and tells how many orders went through.
pub fn sell_out(inventory: &mut Inventory, rounds: u32) -> u32 {
    let mut orders = 0;
    for _ in 0..rounds {
        let mut cart = Cart::default();
        let on_shelf = inventory
            .products
            .iter()
            .filter(|(_, product)| product.count > 0);
        on_shelf.for_each(|(number, _)| cart.add(number, 1));
        if cart.counts.is_empty() || place(&cart, inventory).is_err() {
            break;
        }
        orders += 1;
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        Inventory::parse("heading\ntea,Tea,4.20,3\nmug,Mug,12.00,1\n").unwrap()
    }

    fn cart(lines: &[(&str, u32)]) -> Cart {
        let mut cart = Cart::default();
        lines
            .iter()
            .for_each(|(number, count)| cart.add(number, *count));
        cart
    }

    #[test]
    fn an_order_empties_the_shelves() {
        let mut inventory = inventory();
        let receipt = place(&cart(&[("tea", 3), ("mug", 1)]), &mut inventory).unwrap();
        assert_eq!((receipt.items, receipt.totals.net.cents), (4, 2_460));
        assert!(
            inventory
                .products
                .values()
                .all(|product| product.count == 0)
        );
    }

    #[test]
    fn an_order_that_cannot_be_filled_takes_nothing() {
        let mut shelves = inventory();
        assert!(place(&cart(&[("mug", 1), ("tea", 4)]), &mut shelves).is_err());
        assert_eq!(shelves, inventory());
    }

    #[test]
    fn everything_is_sold_after_as_many_orders_as_the_tallest_pile() {
        let mut inventory = inventory();
        assert_eq!(sell_out(&mut inventory, 100), 3);
        assert_eq!(sell_out(&mut inventory, 100), 0);
    }
}
