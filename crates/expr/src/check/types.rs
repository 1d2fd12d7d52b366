//! The types the checker reasons about.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::budget::{MAX_VALUE_DEPTH, MAX_VALUE_WEIGHT};
use crate::value::{TypeName, Value};

/// The type of an expression. `Dyn` fits everywhere and is looked at while evaluating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Any type.
    Dyn,
    /// `null`.
    Null,
    /// A truth value.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A floating-point number.
    Double,
    /// A text.
    String,
    /// A sequence of bytes.
    Bytes,
    /// A point in time.
    Timestamp,
    /// A span of time.
    Duration,
    /// A list of elements of one type.
    List(Arc<Self>),
    /// A map from keys of one type to values of one type.
    Map(Arc<Self>, Arc<Self>),
    /// A value that may be absent.
    Optional(Arc<Self>),
    /// A value or `null`.
    Nullable(Arc<Self>),
    /// A type as a value, such as `int`.
    Type(Arc<Self>),
    /// A record with known members.
    Object(Arc<ObjectType>),
    /// A type of the host's that only its own functions look into.
    Opaque(Arc<str>, Arc<[Self]>),
    /// A type parameter in a signature, such as `A`.
    Param(Arc<str>),
    /// A type being inferred; never part of a result.
    Var(u32),
}

/// A record: members with their types. Unknown members are errors, unless it is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectType {
    /// What messages call it, such as `task outputs`.
    pub name: String,
    /// Its members.
    pub fields: BTreeMap<String, Type>,
    /// Members that exist only later, with the reason as a fragment: `known only when the task has ended`.
    pub later: BTreeMap<String, String>,
    /// Whether it may have other members, of any type.
    pub open: bool,
}

impl ObjectType {
    /// A closed record without members.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// The same record with one more member.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, field: Type) -> Self {
        self.fields.insert(name.into(), field);
        self
    }

    /// The same record with a member that exists only later.
    #[must_use]
    pub fn with_later(mut self, name: impl Into<String>, reason: impl Into<String>) -> Self {
        self.later.insert(name.into(), reason.into());
        self
    }
}

impl From<ObjectType> for Type {
    fn from(object: ObjectType) -> Self {
        Self::Object(Arc::new(object))
    }
}

impl Type {
    /// A list of `item`.
    pub fn list(item: Self) -> Self {
        Self::List(Arc::new(item))
    }

    /// A map from `key` to `value`.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    /// An optional `inner`; optionals of optionals are kept.
    pub fn optional(inner: Self) -> Self {
        Self::Optional(Arc::new(inner))
    }

    /// `inner` or `null`.
    pub fn nullable(inner: Self) -> Self {
        Self::Nullable(Arc::new(inner))
    }

    /// The type of a value, as narrow as its elements allow; `dyn` for values too large to look into.
    pub fn of(value: &Value) -> Self {
        if value.depth() > MAX_VALUE_DEPTH || value.weight() > MAX_VALUE_WEIGHT {
            return Self::Dyn;
        }
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Uint(_) => Self::Uint,
            Value::Double(_) => Self::Double,
            Value::String(_) => Self::String,
            Value::Bytes(_) => Self::Bytes,
            Value::List(list) => Self::list(Self::of_all(list.iter())),
            Value::Map(map) => Self::map(
                Self::common(map.iter().map(|(key, _)| Self::of(&key.to_value()))),
                Self::of_all(map.iter().map(|(_, value)| value)),
            ),
            Value::Timestamp(_) => Self::Timestamp,
            Value::Duration(_) => Self::Duration,
            Value::Network(_) => Self::named(value.type_of()),
            Value::Type(kind) => Self::Type(Arc::new(Self::named(*kind))),
            Value::Optional(Some(inner)) => Self::optional(Self::of(inner)),
            Value::Optional(None) => Self::optional(Self::Dyn),
        }
    }

    fn of_all<'a>(values: impl Iterator<Item = &'a Value>) -> Self {
        Self::common(values.map(Self::of))
    }

    /// The one type of all, or `dyn`.
    fn common(mut types: impl Iterator<Item = Self>) -> Self {
        match types.next() {
            Some(first) if types.all(|other| other == first) => first,
            Some(_) | None => Self::Dyn,
        }
    }

    /// The type a type's name stands for.
    pub(crate) fn named(kind: TypeName) -> Self {
        match kind {
            TypeName::Null => Self::Null,
            TypeName::Bool => Self::Bool,
            TypeName::Int => Self::Int,
            TypeName::Uint => Self::Uint,
            TypeName::Double => Self::Double,
            TypeName::String => Self::String,
            TypeName::Bytes => Self::Bytes,
            TypeName::List => Self::list(Self::Dyn),
            TypeName::Map => Self::map(Self::Dyn, Self::Dyn),
            TypeName::Timestamp => Self::Timestamp,
            TypeName::Duration => Self::Duration,
            TypeName::Ip | TypeName::Cidr => Self::Opaque(kind.name().into(), Arc::from([])),
            TypeName::Type => Self::Type(Arc::new(Self::Dyn)),
            TypeName::Optional => Self::optional(Self::Dyn),
        }
    }

    /// Whether a value of the type `other` may stand where this type is wanted; `dyn` on either side fits.
    pub fn accepts(&self, other: &Self) -> bool {
        super::unify::Inference::default().assign(self, other)
    }

    /// Whether values of this type can hold text, and so taint.
    pub fn holds_text(&self) -> bool {
        match self {
            Self::Null
            | Self::Bool
            | Self::Int
            | Self::Uint
            | Self::Double
            | Self::Timestamp
            | Self::Duration
            | Self::Type(_) => false,
            Self::Dyn
            | Self::String
            | Self::Bytes
            | Self::Opaque(..)
            | Self::Param(_)
            | Self::Var(_) => true,
            Self::List(inner) | Self::Optional(inner) | Self::Nullable(inner) => inner.holds_text(),
            Self::Map(key, value) => key.holds_text() || value.holds_text(),
            Self::Object(object) => object.open || object.fields.values().any(Self::holds_text),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Var(_) => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Map(key, value) => write!(f, "map<{key}, {value}>"),
            Self::Optional(inner) => write!(f, "optional<{inner}>"),
            Self::Nullable(inner) => write!(f, "{inner} or null"),
            Self::Type(inner) => write!(f, "type<{inner}>"),
            Self::Object(object) if object.name.is_empty() => f.write_str("object"),
            Self::Object(object) => f.write_str(&object.name),
            Self::Opaque(name, params) if params.is_empty() => f.write_str(name),
            Self::Opaque(name, params) => {
                let params: Vec<String> = params.iter().map(ToString::to_string).collect();
                write!(f, "{name}<{}>", params.join(", "))
            }
            Self::Param(name) => f.write_str(name),
        }
    }
}
