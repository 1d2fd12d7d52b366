//! Strings and bytes that remember whether they came from outside.
//!
//! Taint takes no part in equality, order or hashing: it says where a text may go, not what it is.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A shared string with its taint; it derefs to `str`.
#[derive(Clone)]
pub struct Text {
    text: Arc<str>,
    tainted: bool,
}

/// Shared bytes with their taint; they deref to `[u8]`.
#[derive(Clone)]
pub struct Bytes {
    bytes: Arc<[u8]>,
    tainted: bool,
}

impl Text {
    /// A text computed from inputs of which any was tainted.
    pub fn new(text: impl Into<Arc<str>>, tainted: bool) -> Self {
        Self {
            text: text.into(),
            tainted,
        }
    }

    /// Whether it came from outside.
    pub fn is_tainted(&self) -> bool {
        self.tainted
    }

    /// The same text, tainted when it was or when `tainted`.
    #[must_use]
    pub fn with_taint(self, tainted: bool) -> Self {
        Self {
            tainted: self.tainted || tainted,
            ..self
        }
    }

    /// The shared string.
    pub fn as_arc(&self) -> &Arc<str> {
        &self.text
    }
}

impl Bytes {
    /// Bytes computed from inputs of which any was tainted.
    pub fn new(bytes: impl Into<Arc<[u8]>>, tainted: bool) -> Self {
        Self {
            bytes: bytes.into(),
            tainted,
        }
    }

    /// Whether they came from outside.
    pub fn is_tainted(&self) -> bool {
        self.tainted
    }

    /// The same bytes, tainted when they were or when `tainted`.
    #[must_use]
    pub fn with_taint(self, tainted: bool) -> Self {
        Self {
            tainted: self.tainted || tainted,
            ..self
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text, false)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::new(text, false)
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self::new(text, false)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes, false)
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes, false)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        &**self == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        &**self == *other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Bytes {}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
