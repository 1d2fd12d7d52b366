//! What the tasks themselves wrote: one line each time that an attempt begins, goes on or ends.

use anyhow::{Result, bail, ensure};
use std::collections::BTreeMap;

/// Whether attempts of a task overlapped: nothing of an earlier attempt may come after a later one has begun.
pub(super) fn check(ledger: &str) -> Result<()> {
    let mut newest: BTreeMap<&str, u32> = BTreeMap::new();
    for line in ledger.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, task, attempt] = words[..] else {
            bail!("the ledger has a line of another form: `{line}`");
        };
        let attempt: u32 = attempt.parse()?;
        let seen = newest.entry(task).or_default();
        ensure!(
            attempt >= *seen,
            "attempt {attempt} of `{task}` wrote `{what}` after attempt {seen} had begun"
        );
        ensure!(
            what != "begin" || attempt > *seen,
            "attempt {attempt} of `{task}` began twice"
        );
        *seen = attempt;
    }
    Ok(())
}

/// How many attempts have ended.
pub(super) fn ends(ledger: &str) -> u64 {
    ledger
        .lines()
        .filter(|line| line.starts_with("end "))
        .count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_after_the_other_is_fine() {
        check("begin a 1\ngoes_on a 1\nbegin b 1\nbegin a 2\nend b 1\nend a 2\n").unwrap();
    }

    #[test]
    fn a_line_of_an_attempt_after_the_next_began_is_an_overlap() {
        let error = check("begin a 1\nbegin a 2\ngoes_on a 1\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "attempt 1 of `a` wrote `goes_on` after attempt 2 had begun"
        );
    }

    #[test]
    fn an_attempt_that_begins_twice_is_told() {
        assert!(check("begin a 1\nbegin a 1\n").is_err());
    }
}
