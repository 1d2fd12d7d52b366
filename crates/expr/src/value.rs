//! The values of expressions.
//!
//! Invariants: cloning is cheap (everything large is shared); strings, bytes, lists and maps know whether text from
//! outside is in them (*taint*), numbers, booleans, times and types are always clean; lists and maps know their
//! depth and logical size, so that the evaluator can refuse a value before walking it.

mod collections;
mod compare;
mod json;
mod text;
pub mod typed;

pub use collections::{Key, List, Map};
pub use text::{Bytes, Text};

use std::fmt;
use std::sync::Arc;

use crate::network::Network;
use crate::time::{Duration, Timestamp};

/// A value. Its `PartialEq` is exact (`1` is not `1u`) and ignores taint; `Value::equals` is the language's `==`.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer, written `1u`.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// A text.
    String(Text),
    /// A sequence of bytes, written `b"…"`.
    Bytes(Bytes),
    /// A list.
    List(Arc<List>),
    /// A map in order of its keys.
    Map(Arc<Map>),
    /// A point in time.
    Timestamp(Timestamp),
    /// A span of time.
    Duration(Duration),
    /// An IP address or network.
    Network(Network),
    /// A type, as `type(x)` gives it.
    Type(TypeName),
    /// A value that may be absent.
    Optional(Option<Arc<Self>>),
}

/// The type of a value at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeName {
    /// `null_type`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `list`
    List,
    /// `map`
    Map,
    /// `google.protobuf.Timestamp`
    Timestamp,
    /// `google.protobuf.Duration`
    Duration,
    /// `net.IP`
    Ip,
    /// `net.CIDR`
    Cidr,
    /// `type`
    Type,
    /// `optional_type`
    Optional,
}

impl TypeName {
    /// Every type.
    pub const ALL: [Self; 15] = [
        Self::Null,
        Self::Bool,
        Self::Int,
        Self::Uint,
        Self::Double,
        Self::String,
        Self::Bytes,
        Self::List,
        Self::Map,
        Self::Timestamp,
        Self::Duration,
        Self::Ip,
        Self::Cidr,
        Self::Type,
        Self::Optional,
    ];

    /// The name by which expressions call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Map => "map",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Duration => "google.protobuf.Duration",
            Self::Ip => "net.IP",
            Self::Cidr => "net.CIDR",
            Self::Type => "type",
            Self::Optional => "optional_type",
        }
    }

    /// The type with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Value {
    /// A string that did not come from outside.
    pub fn string(text: impl Into<Text>) -> Self {
        Self::String(text.into())
    }

    /// A list.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(List::new(items)))
    }

    /// A map; of equal keys the last one stays.
    pub fn map(entries: impl IntoIterator<Item = (Key, Self)>) -> Self {
        Self::Map(Arc::new(Map::last_wins(entries.into_iter().collect())))
    }

    /// An optional that holds `value`.
    pub fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// The same value with every text in it marked as coming from outside.
    #[must_use]
    pub fn tainted(self) -> Self {
        match self {
            Self::String(text) => Self::String(text.with_taint(true)),
            Self::Bytes(bytes) => Self::Bytes(bytes.with_taint(true)),
            Self::List(list) => Self::list(list.iter().cloned().map(Self::tainted).collect()),
            Self::Map(map) => Self::Map(Arc::new(map.tainted())),
            Self::Optional(Some(inner)) => Self::some(Self::clone(&inner).tainted()),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Double(_)
            | Self::Timestamp(_)
            | Self::Duration(_)
            | Self::Network(_)
            | Self::Type(_)
            | Self::Optional(None) => self,
        }
    }

    /// Whether text from outside is in it.
    pub fn is_tainted(&self) -> bool {
        match self {
            Self::String(text) => text.is_tainted(),
            Self::Bytes(bytes) => bytes.is_tainted(),
            Self::List(list) => list.is_tainted(),
            Self::Map(map) => map.is_tainted(),
            Self::Optional(Some(inner)) => inner.is_tainted(),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Double(_)
            | Self::Timestamp(_)
            | Self::Duration(_)
            | Self::Network(_)
            | Self::Type(_)
            | Self::Optional(None) => false,
        }
    }

    /// Its type.
    pub fn type_of(&self) -> TypeName {
        match self {
            Self::Null => TypeName::Null,
            Self::Bool(_) => TypeName::Bool,
            Self::Int(_) => TypeName::Int,
            Self::Uint(_) => TypeName::Uint,
            Self::Double(_) => TypeName::Double,
            Self::String(_) => TypeName::String,
            Self::Bytes(_) => TypeName::Bytes,
            Self::List(_) => TypeName::List,
            Self::Map(_) => TypeName::Map,
            Self::Timestamp(_) => TypeName::Timestamp,
            Self::Duration(_) => TypeName::Duration,
            Self::Network(Network::Ip(_)) => TypeName::Ip,
            Self::Network(Network::Cidr(..)) => TypeName::Cidr,
            Self::Type(_) => TypeName::Type,
            Self::Optional(_) => TypeName::Optional,
        }
    }

    /// The short name of its type for messages and documents: `null`, `timestamp`, `optional`, otherwise as in
    /// expressions.
    pub fn type_name(&self) -> &'static str {
        match self.type_of() {
            TypeName::Null => "null",
            TypeName::Timestamp => "timestamp",
            TypeName::Duration => "duration",
            TypeName::Optional => "optional",
            other @ (TypeName::Bool
            | TypeName::Int
            | TypeName::Uint
            | TypeName::Double
            | TypeName::String
            | TypeName::Bytes
            | TypeName::List
            | TypeName::Map
            | TypeName::Ip
            | TypeName::Cidr
            | TypeName::Type) => other.name(),
        }
    }

    /// The text, when it is a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The truth value, when it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The number, when it is an `int`.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The elements, when it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self {
            Some(list)
        } else {
            None
        }
    }

    /// The map, when it is one.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self {
            Some(map)
        } else {
            None
        }
    }

    /// The member of a map by name.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.as_map()?.get_str(name)
    }

    /// How deeply it is nested; 0 for everything but lists, maps and optionals.
    pub fn depth(&self) -> u16 {
        let mut value = self;
        let mut around = 0u16;
        while let Self::Optional(Some(inner)) = value {
            around = around.saturating_add(1);
            value = inner;
        }
        match value {
            Self::List(list) => around.saturating_add(list.depth()),
            Self::Map(map) => around.saturating_add(map.depth()),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Double(_)
            | Self::String(_)
            | Self::Bytes(_)
            | Self::Timestamp(_)
            | Self::Duration(_)
            | Self::Network(_)
            | Self::Type(_)
            | Self::Optional(_) => around,
        }
    }

    /// Its logical size: one per node and per 16 bytes of text, shared parts counted as often as they occur.
    pub fn weight(&self) -> u32 {
        match self {
            Self::String(text) => text_weight(text.len()),
            Self::Bytes(bytes) => text_weight(bytes.len()),
            Self::List(list) => list.weight(),
            Self::Map(map) => map.weight(),
            Self::Optional(Some(inner)) => inner.weight().saturating_add(1),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Uint(_)
            | Self::Double(_)
            | Self::Timestamp(_)
            | Self::Duration(_)
            | Self::Network(_)
            | Self::Type(_)
            | Self::Optional(None) => 1,
        }
    }
}

fn text_weight(len: usize) -> u32 {
    u32::try_from(len / 16 + 1).unwrap_or(u32::MAX)
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Uint(value) => write!(f, "{value}u"),
            Self::Double(value) => write!(f, "{value:?}"),
            Self::String(text) => write!(f, "{:?}", &**text),
            Self::Bytes(bytes) => write!(f, "b{:?}", String::from_utf8_lossy(bytes)),
            Self::List(list) => f.debug_list().entries(list.iter()).finish(),
            Self::Map(map) => f.debug_map().entries(map.iter()).finish(),
            Self::Timestamp(value) => write!(f, "timestamp({value})"),
            Self::Duration(value) => write!(f, "duration({value})"),
            Self::Network(value) => write!(f, "{value}"),
            Self::Type(value) => f.write_str(value.name()),
            Self::Optional(Some(inner)) => write!(f, "optional.of({inner:?})"),
            Self::Optional(None) => f.write_str("optional.none()"),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Uint(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::string(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::string(value)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::list(items)
    }
}
