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

/// Tasks with a matrix in [`matrices`].
pub(super) const MATRICES: usize = 16;

/// A file of a hundred lines: matrices of two axes, each `axis` long, with values in the environment.
pub(super) fn matrices(axis: usize) -> String {
    let values = numbers(axis);
    let mut text = "# Many tasks from few lines.\nname: matrices\nshell: bash\ntasks:\n".to_owned();
    for number in 0..MATRICES {
        write!(
            text,
            "  t{number}:\n    matrix: {{ a: [{values}], b: [{values}] }}\n    run: make \"$A\" \"$B\"\n    env:\n      A: ${{{{ matrix.a }}}}\n      B: ${{{{ matrix.b }}}}\n"
        )
        .expect("text grows");
    }
    text
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
    fn matrices_are_a_hundred_lines() {
        assert_eq!(matrices(2).lines().count(), 100);
    }

    #[test]
    fn matrix_has_as_many_cells_as_asked_for() {
        assert!(matrix(6).contains("a: [0, 1], b: [0, 1, 2]"));
    }
}
