//! The program as a customer meets it.

use std::process::{Command, Output};

fn shop(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_shop");
    Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program starts")
}

fn printed(arguments: &[&str]) -> String {
    let output = shop(arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the program prints UTF-8")
}

fn refused(arguments: &[&str]) -> String {
    let output = shop(arguments);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("the program prints UTF-8")
}

#[test]
fn a_cart_is_priced_with_tax() {
    assert_eq!(
        printed(&["totals", "data/stock.csv", "tea=2", "mug=1"]),
        "net 20.40 tax 3.88 gross 24.28\n"
    );
}

#[test]
fn an_order_says_what_was_bought() {
    assert_eq!(
        printed(&["order", "data/stock.csv", "tea=10"]),
        "10 items, 44.98\n"
    );
}

#[test]
fn too_large_an_order_is_refused_with_the_number_left() {
    let said = refused(&["order", "data/stock.csv", "pot=9"]);
    assert_eq!(said, "error: only 4 of `pot` are left, 9 were asked for\n");
}

#[test]
fn a_wrong_file_is_named() {
    assert!(refused(&["totals", "nowhere.csv"]).starts_with("error: cannot read `nowhere.csv`"));
}

#[test]
fn prices_are_converted_and_rounded() {
    let printed = printed(&["convert", "data/stock.csv", "data/rates.csv", "USD"]);
    assert_eq!(
        printed,
        "mug,Blue mug,12.96\npot,Iron pot,37.79\ntea,Green tea,4.54\n"
    );
}

#[test]
fn an_unknown_command_shows_the_known_ones() {
    assert!(refused(&["dance"]).contains("shop totals LIST"));
}
