//! Members of matrices: which there are, and what they are called.

use super::*;
use serde_json::json;

fn table(axes: &[(&str, Json)], include: Json, exclude: Json) -> Table {
    let maps = |list: Json| serde_json::from_value(list).unwrap();
    let axes = axes
        .iter()
        .map(|(name, values)| ((*name).to_owned(), values.as_array().unwrap().clone()))
        .collect();
    Table {
        axes,
        include: maps(include),
        exclude: maps(exclude),
    }
}

fn ids(table: &Table) -> Vec<String> {
    table.cells().unwrap().iter().map(Cell::id).collect()
}

#[test]
fn the_last_axis_changes_fastest() {
    let table = table(
        &[("os", json!(["linux", "mac"])), ("n", json!([1, 2]))],
        json!([]),
        json!([]),
    );
    assert_eq!(ids(&table), ["linux,1", "linux,2", "mac,1", "mac,2"]);
}

#[test]
fn exclude_leaves_out_every_cell_that_agrees() {
    let table = table(
        &[("os", json!(["linux", "mac"])), ("n", json!([1, 2]))],
        json!([]),
        json!([{ "os": "mac" }, { "n": 2, "os": "linux" }]),
    );
    assert_eq!(ids(&table), ["linux,1"]);
}

#[test]
fn include_extends_agreeing_cells_and_else_adds_one() {
    // foreign: the example of GitHub's documentation for `jobs.<id>.strategy.matrix.include`.
    let table = table(
        &[
            ("fruit", json!(["apple", "pear"])),
            ("animal", json!(["cat", "dog"])),
        ],
        json!([
            { "color": "green" },
            { "color": "pink", "animal": "cat" },
            { "fruit": "apple", "shape": "circle" },
            { "fruit": "banana" },
            { "fruit": "banana", "animal": "cat" }
        ]),
        json!([]),
    );
    let cells: Vec<Json> = table.cells().unwrap().iter().map(Cell::to_object).collect();
    assert_eq!(
        cells,
        [
            json!({ "fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle" }),
            json!({ "fruit": "apple", "animal": "dog", "color": "green", "shape": "circle" }),
            json!({ "fruit": "pear", "animal": "cat", "color": "pink" }),
            json!({ "fruit": "pear", "animal": "dog", "color": "green" }),
            json!({ "fruit": "banana" }),
            json!({ "fruit": "banana", "animal": "cat" }),
        ]
    );
}

#[test]
fn include_alone_makes_a_matrix() {
    assert_eq!(
        ids(&table(&[], json!([{ "a": 1 }, { "a": 2 }]), json!([]))),
        ["1", "2"]
    );
}

#[test]
fn texts_that_could_be_misread_are_quoted_in_ids() {
    let table = table(
        &[("v", json!(["a b", "3", 3, "x,y", "", true, "1.20"]))],
        json!([]),
        json!([]),
    );
    assert_eq!(
        ids(&table),
        [
            "\"a b\"", "\"3\"", "3", "\"x,y\"", "\"\"", "true", "\"1.20\""
        ]
    );
}

#[test]
fn two_cells_with_one_id_are_refused() {
    let error = table(&[("v", json!(["a", "a"]))], json!([]), json!([]))
        .cells()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "two cells of the matrix are both called `a`; every cell needs values of its own"
    );
}

#[test]
fn an_added_cell_with_the_id_of_another_is_refused() {
    let axes = [("a", json!([9])), ("b", json!(["c"]))];
    let error = table(&axes, json!([{ "b": 9, "z": "c" }]), json!([]))
        .cells()
        .unwrap_err();
    assert_eq!(
        error,
        MatrixError::Doubled {
            id: "9,c".to_owned()
        }
    );
}

#[test]
fn equal_values_that_are_left_out_make_no_equal_cells() {
    let table = table(
        &[("v", json!(["a", "a", "b"]))],
        json!([]),
        json!([{ "v": "a" }]),
    );
    assert_eq!(ids(&table), ["b"]);
}

#[test]
fn a_product_over_the_limit_is_refused_before_it_is_made() {
    let values = json!((0..1000).collect::<Vec<_>>());
    let axes = [("a", values.clone()), ("b", values.clone()), ("c", values)];
    let error = table(&axes, json!([]), json!([])).cells().unwrap_err();
    assert_eq!(
        error,
        MatrixError::TooLarge {
            cells: 1_000_000_000
        }
    );
}

#[test]
fn comparisons_are_counted_before_they_are_made() {
    let numbers = json!((0..50_000).collect::<Vec<_>>());
    let entries = json!(vec![json!({ "n": -1 }); 201]);
    let error = table(&[("n", numbers)], entries, json!([]))
        .cells()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "10050000 comparisons of cells with `include` and `exclude`; at most 10000000 are made"
    );
}

#[test]
fn large_values_are_not_multiplied_over_the_bound() {
    let large = json!(["x".repeat(100_000)]);
    let numbers = json!((0..10_000).collect::<Vec<_>>());
    let of_axes = table(
        &[("a", large), ("n", numbers.clone())],
        json!([]),
        json!([]),
    );
    let added = table(
        &[("n", numbers)],
        json!([{ "a": "x".repeat(100_000) }]),
        json!([]),
    );
    for table in [of_axes, added] {
        let error = table.cells().unwrap_err();
        assert!(matches!(error, MatrixError::TooHeavy { .. }), "{error}");
    }
}

#[test]
fn names_of_one_cell_are_bounded_also_when_many_entries_add_them() {
    let entries: Vec<Json> = (0..101).map(|n| json!({ format!("v{n}"): n })).collect();
    let error = table(&[("a", json!([1]))], json!(entries), json!([]))
        .cells()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a cell of the matrix has 101 values; at most 100 are allowed"
    );
}
