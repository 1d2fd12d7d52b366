//! Whom or what a task waits for that may start: a person, a pause.

use super::Decision;
use super::judged::Judged;
use super::outlook::Fate;
use model::plan::{Activation, TaskDef};

/// Adds to what is said about a task whom it then waits for; `prompt` is what a person is asked.
pub(super) fn with_waits(task: &TaskDef, judged: Judged, prompt: Option<&str>) -> Judged {
    if judged.decision != Decision::Run {
        return judged;
    }
    let Some(waits) = waits_for(task, prompt) else {
        return judged;
    };
    // Without a condition there is nothing to say but that the needs have ended, which the list of needs says.
    let judged = match says_more(task) {
        true => {
            let reason = format!("{}; {waits}", judged.reason);
            judged.because(reason)
        }
        false => judged.because(waits),
    };
    match &task.activation {
        // Nobody has to start it, and then it is skipped.
        Activation::Manual { blocking: false } => Judged {
            decision: Decision::Unknown,
            fate: Fate::Released,
            ..judged
        },
        Activation::Manual { blocking: true }
        | Activation::Automatic
        | Activation::Delayed { .. } => judged,
    }
}

/// Whether the condition of a task says when it starts.
pub(super) fn says_more(task: &TaskDef) -> bool {
    let condition = task.start.condition.as_ref();
    condition.is_some_and(|condition| condition.as_written() != "always()")
}

fn waits_for(task: &TaskDef, prompt: Option<&str>) -> Option<String> {
    let person = match (&task.activation, prompt) {
        (Activation::Manual { blocking: true }, _) => {
            Some("waits for a person who starts it".to_owned())
        }
        (Activation::Manual { blocking: false }, _) => {
            Some("runs only if a person starts it".to_owned())
        }
        (Activation::Automatic | Activation::Delayed { .. }, Some(prompt)) => {
            Some(format!("waits for a person's consent: {prompt}"))
        }
        (Activation::Automatic | Activation::Delayed { .. }, None) => None,
    };
    let pause = match &task.activation {
        Activation::Delayed { .. } => Some("starts after a pause".to_owned()),
        Activation::Automatic | Activation::Manual { .. } => None,
    };
    match (pause, person) {
        (Some(pause), Some(person)) => Some(format!("{pause}, then {person}")),
        (pause, person) => pause.or(person),
    }
}
