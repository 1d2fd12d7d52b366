//! Text from outside in the variables of a task, which may hold each other.
//!
//! They are followed for some turns, since the time that all would take grows with the square of their number. What may
//! hold more after that counts as tainted.

use super::{Inside, Look, Origin};
use crate::read::{Slot, Use};

/// Turns in which variables of a task that hold each other are followed.
const TURNS: usize = 10;

impl Look<'_> {
    /// Adds the tainted variables of a task. They may hold others, so a text that is tainted by one is found in the next
    /// turn; what holds others after the last turn counts as tainted.
    pub(super) fn variables(&mut self, uses: &[&Use], inside: &mut Inside) {
        for turn in 0..=TURNS {
            let before = inside.env.len();
            for each in uses {
                let Slot::Env(name) = &each.slot else {
                    continue;
                };
                if inside.env.contains_key(name) {
                    continue;
                }
                let others = each.references.iter().find(|each| each.path[0] == "env");
                let too_far = others.filter(|_| turn == TURNS).map(|other| Origin {
                    span: other.span,
                    text: format!("`{name}` holds variables that hold others, too many to follow"),
                });
                if let Some(origin) = self.taint(each, inside).or(too_far) {
                    inside.env.insert(name.clone(), origin);
                }
            }
            if inside.env.len() == before {
                return;
            }
        }
    }
}
