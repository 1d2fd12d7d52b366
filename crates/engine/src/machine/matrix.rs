//! Matrices: decided once or member by member, and their members.

use super::Machine;
use super::ready::Rule;
use crate::rows::{Ended, TaskState};
use model::ids::TaskNo;
use model::reason::SkipCause;
use model::time::Timestamp;

impl Machine {
    /// A matrix whose rule does not look at `matrix` is decided once; else each member for itself.
    pub(super) fn decide_matrix(&mut self, no: TaskNo, now: Timestamp) {
        let each = match self.rule_reads_matrix(no) {
            Ok(each) => each,
            Err(message) => return self.fail_matrix(no, &message, now),
        };
        if !each {
            match self.rule(no) {
                Ok(Rule::Start) => {}
                Ok(Rule::Skip(cause)) => return self.skip_matrix(no, cause, now),
                Err(message) => return self.fail_matrix(no, &message, now),
            }
        }
        if !self.index.groups.contains_key(&no) {
            match self.late_cells(no) {
                Ok(cells) => self.add_members(no, cells, now),
                Err(message) => return self.fail_matrix(no, &message, now),
            }
        }
        let Some(group) = self.index.groups.get(&no).cloned() else {
            return self.end(no, Ended::Skipped(SkipCause::EmptyMatrix), now);
        };
        self.put(no, TaskState::Open, now);
        for member in (group.first.0..group.first.0 + group.count).map(TaskNo) {
            if self.row(member).ended().is_some() {
                continue;
            }
            if self.row(member).reused_from.is_some() {
                self.take_over_result(member, now);
            } else if each {
                self.decide_one(member, now);
            } else {
                self.begin(member, now);
            }
        }
    }

    fn skip_matrix(&mut self, no: TaskNo, cause: SkipCause, now: Timestamp) {
        for member in self.members(no) {
            self.end(member, Ended::Skipped(cause), now);
        }
        self.end(no, Ended::Skipped(cause), now);
    }

    fn fail_matrix(&mut self, no: TaskNo, message: &str, now: Timestamp) {
        for member in self.members(no) {
            self.end(member, Ended::Skipped(SkipCause::Parent), now);
        }
        self.fail_with(no, message.to_owned(), now);
    }

    fn rule_reads_matrix(&mut self, no: TaskNo) -> Result<bool, String> {
        let condition = self.plan.task(self.row(no).def).start.condition.clone();
        let Some(condition) = condition else {
            return Ok(false);
        };
        let program = self.texts.program(&condition)?;
        let mut references = program.references().into_iter();
        Ok(references.any(|reference| reference.path.first().is_some_and(|name| name == "matrix")))
    }

    /// The members of a matrix that have not ended.
    pub(super) fn members(&self, matrix: TaskNo) -> Vec<TaskNo> {
        let Some(group) = self.index.groups.get(&matrix) else {
            return Vec::new();
        };
        let all = (group.first.0..group.first.0 + group.count).map(TaskNo);
        all.filter(|member| self.row(*member).ended().is_none())
            .collect()
    }
}
