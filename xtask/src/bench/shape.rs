//! Pipelines of no-op tasks.

use std::fmt::Write as _;

const HEAD: &str = "name: bench\ntasks:\n";

/// `count` tasks that need nothing.
pub(super) fn independent(count: usize) -> String {
    (0..count).fold(HEAD.to_owned(), |mut text, task| {
        writeln!(text, "  t{task}: {{ run: 'true' }}").expect("text grows");
        text
    })
}

/// `count` tasks, each of which needs the one before.
pub(super) fn chain(count: usize) -> String {
    let first = format!("{HEAD}  t0: {{ run: 'true' }}\n");
    (1..count).fold(first, |mut text, task| {
        let before = task - 1;
        writeln!(text, "  t{task}: {{ needs: [t{before}], run: 'true' }}").expect("text grows");
        text
    })
}

/// `deep` layers of `wide` tasks, each of which needs all of the layer before.
pub(super) fn layers(wide: usize, deep: usize) -> String {
    let members = numbers(wide);
    (0..deep).fold(HEAD.to_owned(), |mut text, layer| {
        let needs = match layer.checked_sub(1) {
            Some(before) => format!("needs: [t{before}], "),
            None => String::new(),
        };
        writeln!(
            text,
            "  t{layer}: {{ {needs}matrix: {{ n: [{members}] }}, run: 'true' }}"
        )
        .expect("text grows");
        text
    })
}

/// A matrix of `count` members that need nothing. A pipeline file could not name so many tasks.
pub(super) fn matrix(count: usize) -> String {
    let mut wide = count.isqrt();
    while !count.is_multiple_of(wide) {
        wide -= 1;
    }
    let (a, b) = (numbers(wide), numbers(count / wide));
    format!("{HEAD}  t: {{ matrix: {{ a: [{a}], b: [{b}] }}, run: 'true' }}\n")
}

fn numbers(count: usize) -> String {
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_links_every_task_to_the_one_before() {
        let text = chain(3);
        assert!(
            text.ends_with(
                "  t1: { needs: [t0], run: 'true' }\n  t2: { needs: [t1], run: 'true' }\n"
            )
        );
    }

    #[test]
    fn matrix_has_as_many_cells_as_asked_for() {
        assert!(matrix(6).contains("a: [0, 1], b: [0, 1, 2]"));
    }
}
