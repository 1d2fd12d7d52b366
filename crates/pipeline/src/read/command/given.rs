//! Who gets the words of a command, one after the other, and which of them are run.
//!
//! A word is told by those before it alone. What a program does with a file that a word names is not looked at.

use super::options::{Optional, is_glued, is_joined, module, optional};
use super::programs::{CONTAINERS, Interpreter, Options, PLAIN, Programmed, SHELLED};
use super::{interpreter, is_option, options_of, programmed};

/// Who gets the words of a command, one after the other.
pub(super) struct Given {
    taker: Taker,
    /// What the next word is to the taker.
    next: Next,
    /// Whether a word may name a further program.
    starts: Starts,
    /// Options of the program itself whose value is run.
    options: &'static [&'static str],
    /// What the first argument is that is no option.
    first: First,
    /// The interpreter that was named on the way.
    met: Option<&'static Interpreter>,
}

/// The program that gets a word.
#[derive(Clone, Copy)]
enum Taker {
    /// One that is in no table, or whose code is over.
    Other,
    /// One that gives everything to a shell.
    Shell,
    Interpreter(&'static Interpreter),
    Programmed(&'static Programmed),
}

/// What a word is that stands behind an option.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Whatever it looks like.
    Open,
    Code,
    /// A program, with its arguments behind it or in the same word.
    Command,
    /// A module of Python, which may start what its arguments name.
    Module,
    Value,
}

/// What the first argument of a program is that has code in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Code,
    /// The code was given by an option, or before.
    Data,
}

/// Which words behind a program name another one that it starts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starts {
    None,
    /// One that has its options right behind it.
    Adjacent,
    /// Any, with its options anywhere: `docker run --entrypoint sh IMAGE -c …`.
    Anywhere,
}

impl Given {
    pub(super) fn of(program: &str) -> Self {
        let taker = if SHELLED.contains(&program) {
            Taker::Shell
        } else if let Some(found) = interpreter(program) {
            Taker::Interpreter(found)
        } else if let Some(found) = programmed(program) {
            Taker::Programmed(found)
        } else {
            Taker::Other
        };
        let starts = match taker {
            Taker::Interpreter(found) if found.options == Options::Anywhere => Starts::Anywhere,
            Taker::Shell | Taker::Interpreter(_) | Taker::Programmed(_) => Starts::None,
            Taker::Other if PLAIN.contains(&program) => Starts::None,
            Taker::Other if CONTAINERS.contains(&program) => Starts::Anywhere,
            Taker::Other => Starts::Adjacent,
        };
        Self {
            taker,
            next: Next::Open,
            starts,
            options: options_of(program).unwrap_or_default(),
            first: First::Code,
            met: None,
        }
    }

    /// Whether the next word is run.
    pub(super) fn is_code(&mut self, word: &str) -> bool {
        match std::mem::replace(&mut self.next, Next::Open) {
            Next::Code => return true,
            Next::Command => {
                self.started(word);
                return true;
            }
            Next::Module => {
                self.module(word);
                return false;
            }
            Next::Value => return false,
            Next::Open => {}
        }
        if is_joined(word, self.options) || is_glued(word, self.options) {
            return true;
        }
        if self.options.contains(&word) {
            self.next = Next::Command;
            return false;
        }
        match self.taker {
            Taker::Shell => true,
            Taker::Interpreter(found) => self.interpreted(found, word),
            Taker::Programmed(found) => self.programmed(found, word),
            Taker::Other => self.started(word),
        }
    }

    fn interpreted(&mut self, found: &'static Interpreter, word: &str) -> bool {
        if !is_option(word) {
            if found.options == Options::First {
                self.taker = Taker::Other;
            }
            return self.started(word);
        }
        if let Some(name) = module(found, word) {
            self.taker = Taker::Other;
            if name.is_empty() {
                self.next = Next::Module;
            } else {
                self.module(name);
            }
            return false;
        }
        match optional(found, word) {
            Optional::Code => true,
            // That of what it has started.
            Optional::Before(Next::Open | Next::Value) if self.of_met().is_some() => {
                self.started(word)
            }
            Optional::Before(next) => {
                self.next = next;
                false
            }
        }
    }

    /// What follows are the arguments of a module.
    fn module(&mut self, name: &str) {
        self.starts = if PLAIN.contains(&name) {
            Starts::None
        } else {
            Starts::Adjacent
        };
    }

    /// The interpreter on the way whose options may stand anywhere behind it.
    fn of_met(&self) -> Option<&'static Interpreter> {
        self.met.filter(|_| self.starts == Starts::Anywhere)
    }

    fn programmed(&mut self, found: &'static Programmed, word: &str) -> bool {
        let glued = |option: &&str| !option.starts_with("--") && word.starts_with(option);
        let is_code = found.code.contains(&word) || found.files.contains(&word);
        if is_code {
            self.first = First::Data;
        }
        if found.code.contains(&word) {
            self.next = Next::Code;
        } else if found.values.contains(&word) || found.files.contains(&word) {
            self.next = Next::Value;
        } else if is_joined(word, found.code) || found.code.iter().any(glued) {
            self.first = First::Data;
            return true;
        } else if !is_option(word) {
            return std::mem::replace(&mut self.first, First::Data) == First::Code;
        }
        false
    }

    /// A word of a program that may start others.
    fn started(&mut self, word: &str) -> bool {
        if self.starts == Starts::None {
            return false;
        }
        if let Some(found) = interpreter(word) {
            if found.options == Options::Anywhere {
                // What it starts may also be the name of a user: `su node -c …`.
                self.starts = Starts::Anywhere;
                self.taker = Taker::Interpreter(found);
            } else if self.starts == Starts::Adjacent {
                self.taker = Taker::Interpreter(found);
            }
            self.met = Some(found);
        } else if let Some(found) = programmed(word) {
            self.taker = Taker::Programmed(found);
            self.first = First::Code;
        } else if let Some(found) = self.of_met() {
            match optional(found, word) {
                Optional::Code => return true,
                Optional::Before(Next::Code) => self.next = Next::Code,
                Optional::Before(_) => {}
            }
        }
        false
    }
}
