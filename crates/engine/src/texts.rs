//! Parsed expressions by their text, so that one is parsed once however many tasks share it; and what is said of one
//! that is wrong, with its place.

use expr::{Budget, Dialect, Program, Scope, Template, Value};
use model::plan::{Expression, Text};
use model::{Json, limits};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is wrong with a text that holds a character which ends every text of a program.
pub(crate) const NUL_IN_TEXT: &str =
    "the text holds the character U+0000, which no program can be given";

/// Programs and templates that were parsed before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    programs: BTreeMap<(String, String), Program>,
    templates: BTreeMap<(String, String), Arc<Template>>,
    /// The plan's further files, see [`model::plan::Plan::more_files`].
    files: Vec<String>,
    steps: u64,
}

impl Texts {
    /// Nothing parsed yet, of a plan with these further files.
    pub(crate) fn of(files: &[String]) -> Self {
        Self {
            files: files.to_vec(),
            ..Self::default()
        }
    }

    /// What was evaluated so far, in steps; eight bytes of an expression count as one, whether they were come to or not.
    pub(crate) const fn steps(&self) -> u64 {
        self.steps
    }

    /// The parsed form of `expression`.
    pub(crate) fn program(&mut self, expression: &Expression) -> Result<Program, String> {
        let key = key(expression);
        if let Some(program) = self.programs.get(&key) {
            return Ok(program.clone());
        }
        let program = expr::compile(dialect(expression)?, &expression.text)
            .map_err(|error| self.wrong(expression, &error))?;
        self.programs.insert(key, program.clone());
        Ok(program)
    }

    /// The value of `expression` in `scope`.
    pub(crate) fn value(
        &mut self,
        expression: &Expression,
        scope: &dyn Scope,
    ) -> Result<Value, String> {
        let program = self.program(expression)?;
        self.part(&program, expression, scope)
    }

    /// Whether `condition` is true in `scope`.
    pub(crate) fn is_true(
        &mut self,
        condition: &Expression,
        scope: &dyn Scope,
    ) -> Result<bool, String> {
        let value = self.value(condition, scope)?;
        value.as_bool().ok_or_else(|| {
            let (name, found) = (self.named(condition), value.type_name());
            format!("{name} is of type {found}; a condition must be true or false")
        })
    }

    /// The length of time that `expression` is in `scope`, as a duration or a number of milliseconds.
    pub(crate) fn length_ms(
        &mut self,
        expression: &Expression,
        scope: &dyn Scope,
    ) -> Result<u64, String> {
        let value = self.value(expression, scope)?;
        length_ms(&value)
            .filter(|ms| *ms <= limits::TIMEOUT_MS)
            .ok_or_else(|| {
                let name = self.named(expression);
                format!("{name} is {value:?}, not a length of time")
            })
    }

    /// The value of `text` in `scope`: a lone expression keeps its type.
    pub(crate) fn text(&mut self, text: &Text, scope: &dyn Scope) -> Result<Value, String> {
        let expression = match text {
            Text::Literal(literal) => return Ok(Value::from(literal.as_str())),
            Text::Template(expression) => expression,
        };
        let template = self.template(expression)?;
        let mut budget = Budget::default();
        let value = template.eval(scope, &mut budget);
        self.count(&budget, expression.text.len());
        value.map_err(|error| self.wrong(expression, &error))
    }

    /// The parsed form of a text with expressions.
    pub(crate) fn template(&mut self, expression: &Expression) -> Result<Arc<Template>, String> {
        let key = key(expression);
        if let Some(template) = self.templates.get(&key) {
            return Ok(Arc::clone(template));
        }
        let template = Template::parse(dialect(expression)?, &expression.text)
            .map_err(|error| self.wrong(expression, &error))?;
        let template = Arc::new(template);
        self.templates.insert(key, Arc::clone(&template));
        Ok(template)
    }

    /// The value of one of the expressions of the text `whole`.
    pub(crate) fn part(
        &mut self,
        program: &Program,
        whole: &Expression,
        scope: &dyn Scope,
    ) -> Result<Value, String> {
        let mut budget = Budget::default();
        let value = program.eval(scope, &mut budget);
        self.count(&budget, program.text().len());
        value.map_err(|error| self.wrong(whole, &error))
    }

    fn count(&mut self, budget: &Budget, bytes: usize) {
        let steps = budget.used().saturating_add(bytes as u64 / 8);
        self.steps = self.steps.saturating_add(steps);
    }

    /// The sentence about an error: the expression, its place, what is wrong.
    fn wrong(&self, expression: &Expression, error: &expr::Error) -> String {
        format!("{}: {error}", self.named(expression))
    }

    /// An expression with its place. The pipeline's own file needs no name, those that it uses or includes do.
    pub(crate) fn named(&self, expression: &Expression) -> String {
        let text = expression.as_written();
        let Some(at) = expression.at else {
            return format!("`{text}`");
        };
        let further = usize::try_from(at.file).ok().and_then(|n| n.checked_sub(1));
        match further.and_then(|n| self.files.get(n)) {
            Some(file) => format!("`{text}` ({file}:{})", at.line),
            None => format!("`{text}` (line {})", at.line),
        }
    }
}

/// `value` as JSON.
pub(crate) fn json(value: &Value) -> Result<Json, String> {
    value.to_json().map_err(|error| error.to_string())
}

/// A length of time: a duration, or a number of milliseconds.
fn length_ms(value: &Value) -> Option<u64> {
    let ms = if let Value::Duration(duration) = value {
        let nanos_ms = i64::from(duration.nanos() / 1_000_000);
        duration
            .seconds()
            .checked_mul(1000)?
            .checked_add(nanos_ms)?
    } else {
        value.as_int()?
    };
    u64::try_from(ms).ok()
}

/// The same text means something else in another dialect.
fn key(expression: &Expression) -> (String, String) {
    (expression.dialect.clone(), expression.text.clone())
}

fn dialect(expression: &Expression) -> Result<Dialect, String> {
    Dialect::from_name(&expression.dialect).ok_or_else(|| {
        format!(
            "expressions in `{}` cannot be evaluated by this version",
            expression.dialect
        )
    })
}
