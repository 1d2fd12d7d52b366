//! What the failure of a task means.

use super::TaskBuilder;
use model::plan::{Expression, Late, Retry, Tolerance};

impl TaskBuilder {
    /// Is tried again up to `max` times, after pauses that begin with a second and double.
    pub fn retry(mut self, max: u32) -> Self {
        self.def.retry.max = max;
        self
    }

    /// Is tried again by this rule.
    pub fn retry_with(mut self, retry: Retry) -> Self {
        self.def.retry = retry;
        self
    }

    /// Is tried again only if this CEL expression over `failure` is true.
    pub fn retry_when(mut self, condition: &str) -> Self {
        self.def.retry.when = Some(Expression::cel(condition));
        self
    }

    /// Limits the time of an attempt.
    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.def.timeout_ms = Some(Late::Known(timeout_ms));
        self
    }

    /// Limits the time of an attempt by a CEL expression.
    pub fn timeout_by(mut self, expression: &str) -> Self {
        self.def.timeout_ms = Some(Late::Computed(Expression::cel(expression)));
        self
    }

    /// Its failure counts as success.
    pub fn tolerate(mut self) -> Self {
        self.def.tolerance = Tolerance::Always;
        self
    }

    /// Its failure with one of these exit codes counts as success.
    pub fn tolerate_codes<const N: usize>(mut self, codes: [i32; N]) -> Self {
        self.def.tolerance = Tolerance::ExitCodes(codes.to_vec());
        self
    }

    /// Its failure counts as success if this CEL expression over `failure` is true.
    pub fn tolerate_when(mut self, condition: &str) -> Self {
        self.def.tolerance = Tolerance::When(Expression::cel(condition));
        self
    }

    /// After its failure others go on with the defaults of its outputs.
    pub fn not_critical(mut self) -> Self {
        self.def.critical = false;
        self
    }

    /// May run twice without harm.
    pub fn idempotent(mut self) -> Self {
        self.def.idempotent = true;
        self
    }
}
