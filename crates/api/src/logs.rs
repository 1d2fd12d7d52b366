//! The document of `formic logs --json`, written piece by piece: a log may be larger than memory.
//!
//! The pieces between [`begin`] and [`END`] are joined by the caller: logs by `,`, and the chunks of a log by `,`.

use crate::protocol::Stream;
use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// The name and version of the document's form.
pub const SCHEMA: &str = "formic.logs/v1";

/// What stands behind the last log.
pub const END: &str = "]}";

/// What stands behind the last chunk of a log.
pub const LOG_END: &str = "]}";

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkDocument {
    /// Number of the step, from 0 over all that were begun.
    pub step: u32,
    /// Its name, once its attempt has ended.
    pub name: Option<String>,
    /// `stdout`, also of both in their true order; `stderr` when kept apart; `system` for what the worker says.
    pub stream: Stream,
    /// When it was read, in milliseconds since 1970.
    pub at_ms: i64,
    /// The bytes, if they are UTF-8 by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes, if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

impl ChunkDocument {
    /// The document of some bytes.
    #[must_use]
    pub fn new(step: u32, name: Option<&str>, stream: Stream, at_ms: i64, bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).ok().map(str::to_owned);
        let base64 = text
            .is_none()
            .then(|| base64::engine::general_purpose::STANDARD.encode(bytes));
        Self {
            step,
            name: name.map(str::to_owned),
            stream,
            at_ms,
            text,
            base64,
        }
    }
}

/// What stands before the first log.
#[must_use]
pub fn begin(run: &str) -> String {
    let (schema, run) = (quoted(SCHEMA), quoted(run));
    format!(r#"{{"schema":{schema},"run":{run},"logs":["#)
}

/// What stands before the first chunk of an attempt's log.
#[must_use]
pub fn log_begin(task: &str, attempt: u32, missing_bytes: u64) -> String {
    let task = quoted(task);
    format!(r#"{{"task":{task},"attempt":{attempt},"missing_bytes":{missing_bytes},"chunks":["#)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_one_document() {
        let chunk = |bytes: &[u8]| {
            let chunk = ChunkDocument::new(0, None, Stream::Stdout, 7, bytes);
            serde_json::to_string(&chunk).unwrap()
        };
        let text = [
            begin("0123"),
            log_begin("a\"b", 2, 5),
            chunk("é\n".as_bytes()),
            ",".to_owned(),
            chunk(b"\xff"),
            LOG_END.to_owned(),
            END.to_owned(),
        ]
        .concat();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], SCHEMA);
        let log = &document["logs"][0];
        assert_eq!(
            (&log["task"], &log["missing_bytes"]),
            (&"a\"b".into(), &5.into())
        );
        assert_eq!(log["chunks"][0]["text"], "é\n");
        assert_eq!(log["chunks"][1]["base64"], "/w==");
        assert_eq!(log["chunks"][1]["stream"], "stdout");
    }
}
