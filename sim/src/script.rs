//! What a fake command does, written as the script of its step: `ms=300 print=2 exit=1 flaky=2 set:v=@`.
//!
//! So a plan says everything, also one that was compiled from generated YAML, and the executor reads it back from
//! the command that it is given, after all templates were computed.

use model::digest::Digest;
use std::fmt;

/// What a command does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// How long it takes by itself.
    pub run_ms: u64,
    /// How many lines it prints.
    pub prints: u64,
    /// Its exit code.
    pub exit_code: i32,
    /// So many times it fails before `exit_code` is 0.
    pub fails_first: u32,
    /// It goes on when it is asked to end.
    pub is_stubborn: bool,
    /// A process of it lives on behind it.
    pub leaves_process: bool,
    /// Values that it gives; `@` stands for its attempt, `#` for what it is made of ([`Script::made`]).
    pub sets: Vec<(String, String)>,
    /// Values that it was given, by the task that gave them.
    pub reads: Vec<(String, String)>,
}

impl Script {
    /// The script with this text; unknown words mean nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut script = Self::default();
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match name {
                "ms" => script.run_ms = value.parse().unwrap_or_default(),
                "print" => script.prints = value.parse().unwrap_or_default(),
                "exit" => script.exit_code = value.parse().unwrap_or_default(),
                "flaky" => script.fails_first = value.parse().unwrap_or_default(),
                "stubborn" => script.is_stubborn = true,
                "leaves" => script.leaves_process = true,
                _ => {
                    if let Some(name) = name.strip_prefix("set:") {
                        script.sets.push((name.to_owned(), value.to_owned()));
                    } else if let Some(task) = name.strip_prefix("read:") {
                        script.reads.push((task.to_owned(), value.to_owned()));
                    }
                }
            }
        }
        script
    }
}

impl Script {
    /// The value that a command with this script gives for `#` while the source has this content: every command that
    /// does the same gives the same.
    #[must_use]
    pub fn made(&self, source: u64) -> String {
        let digest = Digest::of(format!("{self} {source}").as_bytes());
        format!("made-{}", &digest.to_hex()[..12])
    }
}

impl fmt::Display for Script {
    /// As [`Script::read`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ms={} print={} exit={}",
            self.run_ms, self.prints, self.exit_code
        )?;
        if self.fails_first > 0 {
            write!(f, " flaky={}", self.fails_first)?;
        }
        if self.is_stubborn {
            f.write_str(" stubborn")?;
        }
        if self.leaves_process {
            f.write_str(" leaves")?;
        }
        for (name, value) in &self.sets {
            write!(f, " set:{name}={value}")?;
        }
        for (task, value) in &self.reads {
            write!(f, " read:{task}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_back() {
        let script = Script {
            run_ms: 20,
            prints: 3,
            exit_code: 7,
            fails_first: 1,
            is_stubborn: true,
            leaves_process: true,
            sets: vec![("v".into(), "@".into())],
            reads: vec![("t1".into(), "x".into())],
        };
        assert_eq!(Script::read(&script.to_string()), script);
    }
}
