//! The concurrency group of the run, as far as it is known before there is one.

use super::names::{Names, roots};
use expr::{Budget, Dialect, Program, Template};
use model::plan::{Plan, Text};

/// Why the group of the run cannot be computed with its params and its signal. `None` also for a group that reads `run`,
/// which only a run can answer.
#[must_use]
pub fn group_fault(plan: &Plan) -> Option<expr::Error> {
    let Text::Template(expression) = &plan.concurrency.as_ref()?.group else {
        return None;
    };
    let dialect = Dialect::from_name(&expression.dialect)?;
    let template = Template::parse(dialect, &expression.text).ok()?;
    let mut read = template.programs().flat_map(Program::references);
    if read.any(|reference| reference.path.first().is_some_and(|name| name == "run")) {
        return None;
    }
    let roots = roots(plan);
    let names = Names::new(&roots, None, None);
    template.eval(&names, &mut Budget::default()).err()
}
