//! Asks the person at the terminal about tasks that wait for an answer, one at a time.
//!
//! A thread of its own reads the answers, because reading waits; it ends with the process. What it says goes
//! through the run's inbox, as an answer from another terminal would.

use crate::edge;
use crate::text;
use crate::ui::{self, Paint, Ui};
use engine::event::Answer;
use engine::rows::TaskRow;
use model::ids::{RunId, TaskNo};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Command, SqliteStore, Store as _};

/// Asks about the tasks of one run.
pub(crate) struct Prompter {
    run: RunId,
    store: Arc<SqliteStore>,
    /// What the next line answers. Shared, not sent: it changes when somebody else answers first.
    asked: Arc<Mutex<Option<Question>>>,
    is_reading: bool,
}

/// What a task asks a person.
pub(crate) fn question(row: &TaskRow) -> String {
    let asked = row.note.as_deref();
    asked.map_or_else(|| "may it go on?".to_owned(), text::line)
}

/// A question that was asked.
struct Question {
    task: TaskNo,
    /// As it was shown.
    text: String,
}

impl Prompter {
    /// A prompter that has asked nothing.
    pub(crate) fn new(run: RunId, store: Arc<SqliteStore>) -> Self {
        Self {
            run,
            store,
            asked: Arc::default(),
            is_reading: false,
        }
    }

    /// Asks the first of these questions, by task: its key and what is asked.
    pub(crate) fn ask(&mut self, questions: &BTreeMap<TaskNo, (String, String)>, ui: &Ui) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let still = |asked: &Question| questions.contains_key(&asked.task);
        if asked.as_ref().is_some_and(still) {
            return;
        }
        *asked = None;
        let Some((task, (key, prompt))) = questions.first_key_value() else {
            return;
        };
        let key = ui.paint(Paint::Strong, key);
        let text = format!("{key}: {prompt} [y/n] ");
        ui.raw(&text);
        *asked = Some(Question { task: *task, text });
        drop(asked);
        if !self.is_reading {
            self.is_reading = true;
            self.read();
        }
    }

    fn read(&self) {
        let (run, store, asked) = (self.run, Arc::clone(&self.store), Arc::clone(&self.asked));
        std::thread::spawn(move || {
            for line in io::stdin().lines() {
                let Ok(line) = line else {
                    return;
                };
                let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(question) = &*asked else {
                    continue;
                };
                let Some(answer) = meaning(&line) else {
                    ui::aside(&not_understood(&line));
                    ui::aside(question.text.trim_end());
                    continue;
                };
                let (task, by) = (question.task, edge::person());
                let command = Command::Answer { task, answer, by };
                // A run that has ended meanwhile takes no answer, which the person sees anyway.
                if store.inbox_append(run, &command).is_err() {
                    return;
                }
                *asked = None;
            }
        });
    }
}

/// What is said to a line that is no answer.
fn not_understood(line: &str) -> String {
    let words = "`y` or `yes` lets it go on, `n` or `no` does not";
    match line.trim() {
        "" => words.to_owned(),
        other => format!("`{}` is no answer: {words}", text::line(other)),
    }
}

/// What a typed line means.
fn meaning(line: &str) -> Option<Answer> {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(Answer::Approve),
        "n" | "no" => Some(Answer::Reject),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_word_is_an_answer() {
        let meant = ["y", " Yes ", "no", "N", "", "maybe"].map(meaning);
        let (yes, no) = (Some(Answer::Approve), Some(Answer::Reject));
        assert_eq!(meant, [yes, yes, no, no, None, None]);
    }

    #[test]
    fn a_line_that_is_no_answer_is_met_with_the_words_that_are() {
        assert_eq!(
            not_understood("maybe\n"),
            "`maybe` is no answer: `y` or `yes` lets it go on, `n` or `no` does not"
        );
        assert_eq!(
            not_understood(" "),
            "`y` or `yes` lets it go on, `n` or `no` does not"
        );
    }
}
