//! Names of params: whether the pipeline has them, and how to declare one.

use super::Names;
use crate::codes;
use crate::diagnostics::Report;
use crate::expression::Reference;
use crate::nearest::nearest;

/// For a name that is nearly `params`: the param, and how to declare it if there is none.
pub(super) fn meant(names: &Names<'_>, reference: &Reference) -> String {
    match reference.path.get(1) {
        Some(name) if !names.open && !names.params.contains_key(name.as_str()) => {
            match nearest(name, names.params.keys().copied()) {
                Some(near) => format!("did you mean `params.{near}`?"),
                None => format!(
                    "did you mean `params.{name}`? It has to be declared: `params: {{ {name}: {{ type: string }} }}`"
                ),
            }
        }
        Some(_) | None => "did you mean `params`?".to_owned(),
    }
}

/// Reports a param that the pipeline does not declare.
pub(super) fn check(report: &mut Report<'_>, names: &Names<'_>, reference: &Reference) {
    let Some(name) = reference.path.get(1).filter(|_| !names.open) else {
        return;
    };
    if names.params.contains_key(name.as_str()) {
        return;
    }
    report
        .error(
            &codes::UNKNOWN_NAME,
            reference.span,
            format!("the pipeline has no param `{name}`"),
        )
        .help(match nearest(name, names.params.keys().copied()) {
            Some(near) => format!("did you mean `params.{near}`?"),
            None => format!("declare it: `params: {{ {name}: {{ type: string }} }}`"),
        });
}
