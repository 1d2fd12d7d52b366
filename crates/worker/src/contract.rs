//! How a step and the worker talk: files named by variables, one adapter per dialect.
//!
//! Native: `$FORMIC_OUTPUT` and `$FORMIC_ENV` take `name=value` lines, or for several lines
//! ```text
//! name<<END
//! …
//! END
//! ```
//! `$FORMIC_PATH` takes a folder per line, `$FORMIC_MASK` a text per line that no log shows from then on,
//! `$FORMIC_SUMMARY` Markdown.

use crate::mask::MASK_BYTES;
use model::limits;
use std::collections::BTreeMap;

/// `name` and `value` pairs of a file, in order.
///
/// # Errors
/// With the line, when it is neither form, or a name is no name.
pub fn pairs(variable: &str, text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((place, line)) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let at = |what: &str| format!("line {} of `${variable}`: {what}", place + 1);
        let equals = line.find('=');
        let heredoc = line
            .find("<<")
            .filter(|open| equals.is_none_or(|equals| *open < equals));
        let (name, value) = match (heredoc, equals) {
            (Some(open), _) => {
                let end = &line[open + 2..];
                if end.is_empty() {
                    return Err(at("expected a word behind `<<` that ends the value"));
                }
                let mut value: Vec<&str> = Vec::new();
                loop {
                    match lines.next() {
                        Some((_, line)) if line == end => break,
                        Some((_, line)) => value.push(line),
                        None => {
                            return Err(at(&format!("the value is not ended by a line `{end}`")));
                        }
                    }
                }
                (&line[..open], value.join("\n"))
            }
            (None, Some(equals)) => (&line[..equals], line[equals + 1..].to_owned()),
            (None, None) => {
                let short: String = line.chars().take(40).collect();
                return Err(at(&format!("found `{short}`, expected `name=value`")));
            }
        };
        let name = name.trim();
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        {
            return Err(at(&format!("`{name}` is not a name")));
        }
        pairs.push((name.to_owned(), value));
    }
    Ok(pairs)
}

/// Variables that a step may not set for others: they are the worker's.
pub fn reserved(name: &str) -> bool {
    name.starts_with("FORMIC_")
}

/// The texts of `$FORMIC_MASK`, of which the last line may still be written.
#[must_use]
pub fn masks(text: &[u8]) -> Vec<Vec<u8>> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let long = lines.filter(|line| line.len() >= MASK_BYTES);
    long.map(<[u8]>::to_vec).collect()
}

/// Whether steps that talk by the contract `name` can be run.
///
/// # Errors
/// When they cannot, with the name.
pub fn known(name: &str) -> Result<(), String> {
    match name {
        "native" => Ok(()),
        other => Err(format!(
            "the steps talk by the contract `{other}`; this version of the worker knows `native` only"
        )),
    }
}

/// The most bytes that are read of the file that a step knows by `variable`.
#[must_use]
pub fn most_bytes(variable: &str) -> usize {
    match variable {
        "FORMIC_OUTPUT" => limits::OUTPUTS_BYTES,
        "FORMIC_SUMMARY" => limits::SUMMARY_BYTES,
        _ => limits::STEP_ENV_BYTES,
    }
}

/// What a step wrote into its files; text that is not there is empty.
///
/// # Errors
/// When a file is malformed.
pub fn written(
    output: &str,
    env: &str,
    path: &str,
    mask: &str,
) -> Result<engine::steps::Written, String> {
    let env = pairs("FORMIC_ENV", env)?;
    if let Some((name, _)) = env.iter().find(|(name, _)| reserved(name)) {
        return Err(format!(
            "`$FORMIC_ENV` sets `{name}`; names that begin with `FORMIC_` are taken"
        ));
    }
    let outputs: BTreeMap<String, String> = pairs("FORMIC_OUTPUT", output)?.into_iter().collect();
    let lines = |text: &str| {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    let (path, masks) = (lines(path), lines(mask));
    Ok(engine::steps::Written {
        outputs,
        env,
        path,
        masks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn lines_and_several_lines_are_read_in_order() {
        let text = "a=1\n\nb<<END\nfirst\nsecond=2\nEND\nc=x=y\n";
        let expected = owned(&[("a", "1"), ("b", "first\nsecond=2"), ("c", "x=y")]);
        assert_eq!(pairs("FORMIC_OUTPUT", text), Ok(expected));
    }

    #[test]
    fn a_line_that_is_neither_names_its_place() {
        let error = pairs("FORMIC_OUTPUT", "a=1\nnonsense\n").unwrap_err();
        assert_eq!(
            error,
            "line 2 of `$FORMIC_OUTPUT`: found `nonsense`, expected `name=value`"
        );
    }

    #[test]
    fn a_value_that_never_ends_is_refused() {
        let error = pairs("FORMIC_ENV", "a<<END\nx\n").unwrap_err();
        assert_eq!(
            error,
            "line 1 of `$FORMIC_ENV`: the value is not ended by a line `END`"
        );
    }

    #[test]
    fn steps_of_an_unknown_contract_are_not_run_as_if_they_were_native() {
        assert_eq!(known("native"), Ok(()));
        assert_eq!(
            known("github"),
            Err("the steps talk by the contract `github`; this version of the worker knows `native` only".to_owned())
        );
    }

    #[test]
    fn a_step_may_not_set_the_workers_variables() {
        let error = written("", "FORMIC_RUN=x", "", "").unwrap_err();
        assert_eq!(
            error,
            "`$FORMIC_ENV` sets `FORMIC_RUN`; names that begin with `FORMIC_` are taken"
        );
    }

    #[test]
    fn an_equals_sign_before_the_arrows_makes_a_plain_value() {
        assert_eq!(pairs("FORMIC_ENV", "a=b<<c"), Ok(owned(&[("a", "b<<c")])));
    }
}
