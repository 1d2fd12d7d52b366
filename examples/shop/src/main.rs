//! The command line of the shop: reads a list, answers on standard output.

use std::{env, fs, process::ExitCode};

use shop::{cart::Cart, inventory::Inventory, money::Money, order};

const USAGE: &str = "shop totals LIST NUMBER=COUNT...   price a cart
shop order LIST NUMBER=COUNT...    take a cart from the shelves
shop convert LIST RATES CURRENCY   print the list in another currency
shop sell-out LIST ROUNDS          order one of everything until nothing is left";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match answer(&arguments) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn answer(arguments: &[&str]) -> Result<String, String> {
    match arguments {
        ["help"] => Ok(USAGE.to_owned()),
        ["totals", list, lines @ ..] => {
            let totals = cart(lines)?
                .totals(&read_list(list)?)
                .map_err(|error| error.to_string())?;
            Ok(format!(
                "net {} tax {} gross {}",
                totals.net, totals.tax, totals.gross
            ))
        }
        ["order", list, lines @ ..] => {
            let receipt = order::place(&cart(lines)?, &mut read_list(list)?)
                .map_err(|error| error.to_string())?;
            Ok(format!("{} items, {}", receipt.items, receipt.totals.gross))
        }
        ["convert", list, rates, currency] => convert(&read_list(list)?, &read(rates)?, currency),
        ["sell-out", list, rounds] => {
            let rounds = rounds
                .parse()
                .map_err(|_| format!("`{rounds}` is not a count"))?;
            Ok(format!(
                "{} orders",
                order::sell_out(&mut read_list(list)?, rounds)
            ))
        }
        _ => Err(format!("that is not a command\n{USAGE}")),
    }
}

fn cart(lines: &[&str]) -> Result<Cart, String> {
    let mut cart = Cart::default();
    for line in lines {
        let parsed = line
            .split_once('=')
            .and_then(|(number, count)| Some((number, count.parse().ok()?)));
        let (number, count) = parsed.ok_or_else(|| format!("`{line}` is not like `tea=2`"))?;
        cart.add(number, count);
    }
    Ok(cart)
}

/// Rates are lines of `CURRENCY,RATE` with the rate in hundredths, as amounts are.
fn convert(inventory: &Inventory, rates: &str, currency: &str) -> Result<String, String> {
    let named = rates
        .lines()
        .find_map(|line| line.strip_prefix(currency)?.strip_prefix(','));
    let rate: Money = named
        .ok_or_else(|| format!("there is no rate for `{currency}`"))?
        .parse()
        .map_err(|error| format!("the rate of `{currency}`: {error}"))?;
    let lines = inventory.products.iter().map(|(number, product)| {
        let cents = (product.price.cents * rate.cents + 50) / 100;
        format!("{number},{},{}", product.name, Money::from_cents(cents))
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn read_list(path: &str) -> Result<Inventory, String> {
    Inventory::parse(&read(path)?).map_err(|error| format!("`{path}`: {error}"))
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}"))
}
