//! What is said where text from outside would be run: in a script, as a program, in a variable that decides what runs.

use super::fix::{self, Proposed};
use super::{Found, Inside, Look, Walk, written};
use crate::codes;
use crate::diagnostics::Span;
use crate::read::{Slot, Use};
use crate::variables;
use model::limits;

impl Walk<'_, '_> {
    /// Reports what is tainted in a script.
    pub(super) fn script(
        &mut self,
        look: &mut Look<'_>,
        each: &Use,
        inside: &Inside,
        proposed: &mut Proposed,
    ) {
        let Some(draft) = each.task.map(|task| &look.unit.file.tasks[task]) else {
            return;
        };
        for found in look.tainted(each, inside) {
            if self.report.is_full() {
                return;
            }
            let named = (&found.reference, found.program);
            let help = fix::help(look.unit, draft, each, named, proposed);
            let message = if found.reference.path[0] == "glob" {
                "names of files are text from outside and may hold commands".to_owned()
            } else {
                let whole = written(&found.reference.path);
                format!("`{whole}` is text from outside and may hold commands")
            };
            self.tainted(&codes::TAINTED_SCRIPT, found, message, help);
        }
    }

    /// Reports a program whose name is tainted.
    pub(super) fn program(&mut self, look: &mut Look<'_>, each: &Use, inside: &Inside) {
        let Some(draft) = each.task.map(|task| &look.unit.file.tasks[task]) else {
            return;
        };
        for found in look.tainted(each, inside) {
            if self.report.is_full() {
                return;
            }
            let whole = written(&found.reference.path);
            let message =
                format!("`{whole}` is text from outside and would say which program runs");
            let help = match fix::starter(draft, each) {
                Some(starter) => format!(
                    "`{starter}` starts what stands behind it: name the program there, and what that works on behind it, \
                     `command: [{starter}, program, argument]`"
                ),
                None => "name the program itself; what it works on comes behind it, `command: [program, argument]`".to_owned(),
            };
            self.tainted(&codes::TAINTED_SCRIPT, found, message, help);
        }
    }

    /// Reports a tainted value of a variable that programs run or load code from.
    pub(super) fn variable(&mut self, look: &mut Look<'_>, each: &Use, inside: &Inside) {
        let Slot::Env(name) = &each.slot else { return };
        let Some(does) = variables::power_of(name) else {
            return;
        };
        let draft = each.task.map(|task| &look.unit.file.tasks[task]);
        for found in look.tainted(each, inside) {
            if self.report.is_full() {
                return;
            }
            let other = fix::other_variable(look.unit, draft, &found.reference.path);
            let whole = written(&found.reference.path);
            let message =
                format!("`{name}` may not hold `{whole}`, which is text from outside: {does}");
            let is_given = matches!(found.reference.path.as_slice(), [root, name] if root == "env" && *name == other);
            let help = if is_given {
                format!("write a fixed value here; programs find the text itself in `{other}`")
            } else {
                format!(
                    "write a fixed value here; the text itself can go through another variable: `env: {{ {other}: \"${{{{ {whole} }}}}\" }}`"
                )
            };
            self.tainted(&codes::TAINTED_VARIABLE, found, message, help);
        }
    }

    /// Says, once, that text from outside is no longer followed at `call`.
    pub(super) fn lost(&mut self, call: Span) {
        if std::mem::replace(&mut self.is_lost, true) {
            return;
        }
        let most = limits::TAINT_LOOKS;
        self.report
            .error(
                &codes::LIMIT,
                call,
                format!(
                    "the files that tasks use get text from outside in more than {most} combinations of params, which are too \
                     many to follow"
                ),
            )
            .help("give such text to fewer params, or use the files with the same ones each time");
    }

    fn tainted(
        &mut self,
        code: &'static codes::Code,
        found: Found<'_>,
        message: String,
        help: String,
    ) {
        let Found {
            reference, origin, ..
        } = found;
        let added = self.report.error(code, reference.span, message).help(help);
        if origin.span != reference.span {
            added.label(origin.span, origin.text);
        }
    }
}
