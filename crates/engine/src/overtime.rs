//! What is said of an attempt, call or step that was stopped for its time: one wording, with the limit where it is known.
//!
//! It decides nothing: when a limit is over is the machines' business.

/// The sentence about `what`, whose limit was `limit_ms`.
#[must_use]
pub fn sentence(what: &str, limit_ms: Option<u64>) -> String {
    let limit = limit_ms.map_or_else(String::new, |ms| format!(" of {}", length(ms)));
    format!("{what} took longer than its `timeout`{limit}")
}

/// A length of time, exact, in the largest unit that divides it.
fn length(ms: u64) -> String {
    let units = [(3_600_000, "h"), (60_000, "min"), (1000, "s")];
    let fits = units
        .iter()
        .find(|(unit_ms, _)| ms >= *unit_ms && ms.is_multiple_of(*unit_ms));
    fits.map_or_else(
        || format!("{ms} ms"),
        |(unit_ms, unit)| format!("{} {unit}", ms / unit_ms),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_exact() {
        let shown = [0, 300, 1500, 2000, 90_000, 300_000, 7_200_000].map(length);
        let expected = ["0 ms", "300 ms", "1500 ms", "2 s", "90 s", "5 min", "2 h"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn limit_that_is_not_known_is_left_out() {
        assert_eq!(sentence("it", None), "it took longer than its `timeout`");
    }
}
