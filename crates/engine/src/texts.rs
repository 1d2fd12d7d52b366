//! Parsed expressions by their text, so that one is parsed once however many tasks share it; and what is said of one
//! that is wrong, with its place.

use expr::{Budget, Dialect, Program, Scope, Template, Value};
use model::plan::{Expression, Text, ValueType};
use model::{Json, limits};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Programs and templates that were parsed before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    programs: Twofold<Program>,
    templates: Twofold<Arc<Template>>,
    /// The plan's further files, see [`model::plan::Plan::more_files`].
    files: Vec<String>,
    steps: u64,
}

/// Values by dialect and text: the same text means something else in another dialect.
#[derive(Debug, Clone)]
pub(crate) struct Twofold<T>(BTreeMap<String, BTreeMap<String, T>>);

impl<T> Default for Twofold<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Clone> Twofold<T> {
    /// What is kept for `expression`.
    fn find(&self, expression: &Expression) -> Option<T> {
        let of_dialect = self.0.get(&expression.dialect)?;
        of_dialect.get(&expression.text).cloned()
    }

    /// What is kept for `expression`, else what `make` gives, which is kept.
    pub(crate) fn of(&mut self, expression: &Expression, make: impl FnOnce() -> T) -> T {
        self.find(expression).unwrap_or_else(|| {
            let made = make();
            self.keep(expression, made.clone());
            made
        })
    }

    fn keep(&mut self, expression: &Expression, value: T) {
        let of_dialect = self.0.entry(expression.dialect.clone()).or_default();
        of_dialect.insert(expression.text.clone(), value);
    }
}

/// What it takes to copy one value of a list, in steps.
pub(crate) const COPY: u64 = 4;

/// Letters of an expression and of a value that a sentence about a fault shows.
const SHOWN: usize = 200;

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

    /// Counts work beside evaluation as `steps`.
    pub(crate) const fn spend(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
    }

    /// The parsed form of `expression`.
    pub(crate) fn program(&mut self, expression: &Expression) -> Result<Program, String> {
        if let Some(program) = self.programs.find(expression) {
            return Ok(program);
        }
        let program = expr::compile(dialect(expression)?, &expression.text)
            .map_err(|error| self.wrong(expression, &error))?;
        self.programs.keep(expression, program.clone());
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
                let found = format!("{value:?}");
                let found = cut(&found, SHOWN);
                format!("{name} is {found}, not a length of time")
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

    /// What `text` gives to the input `name` in `scope`: the value as its declared type, and whether text from outside may
    /// be in it.
    pub(crate) fn input(
        &mut self,
        (name, value_type): (&str, &ValueType),
        text: &Text,
        scope: &dyn Scope,
    ) -> Result<(Json, bool), String> {
        let value = self.text(text, scope)?;
        self.spend(COPY * u64::from(value.weight()));
        let read = crate::steps::input(name, value_type, json(&value)?);
        let read = read.map_err(|message| match text {
            Text::Literal(_) => message,
            Text::Template(expression) => format!("{}: {message}", self.named(expression)),
        })?;
        Ok((read, value.is_tainted()))
    }

    /// The parsed form of a text with expressions.
    pub(crate) fn template(&mut self, expression: &Expression) -> Result<Arc<Template>, String> {
        if let Some(template) = self.templates.find(expression) {
            return Ok(template);
        }
        let template = Template::parse(dialect(expression)?, &expression.text)
            .map_err(|error| self.wrong(expression, &error))?;
        let template = Arc::new(template);
        self.templates.keep(expression, Arc::clone(&template));
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
        self.spend(steps);
    }

    /// The sentence about an error: the expression, its place, what is wrong.
    fn wrong(&self, expression: &Expression, error: &expr::Error) -> String {
        format!("{}: {error}", self.named(expression))
    }

    /// An expression with its place. The pipeline's own file needs no name, those that it uses or includes do.
    pub(crate) fn named(&self, expression: &Expression) -> String {
        let text = cut(expression.as_written(), SHOWN);
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

/// At most so many `letters` of `text`, with `…` behind them where there are more.
pub(crate) fn cut(text: &str, letters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
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

fn dialect(expression: &Expression) -> Result<Dialect, String> {
    Dialect::from_name(&expression.dialect).ok_or_else(|| {
        format!(
            "expressions in `{}` cannot be evaluated by this version",
            expression.dialect
        )
    })
}
