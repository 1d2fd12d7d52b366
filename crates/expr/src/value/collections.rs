//! Lists and maps.
//!
//! Both are built once and never changed, and carry what their elements add up to: depth, logical size, taint. A map
//! is a vector sorted by key: `1` and `1u` are the same key. Values deeper than the evaluator makes are dropped
//! without recursion, so that no caller can overflow the stack by building them.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::{Text, Value, text_weight};
use crate::budget::MAX_VALUE_DEPTH;

/// A list of values; it derefs to a slice.
#[derive(Debug, Clone)]
pub struct List {
    items: Vec<Value>,
    shape: Shape,
}

/// A map in order of its keys.
#[derive(Debug, Clone)]
pub struct Map {
    entries: Vec<(Key, Value)>,
    shape: Shape,
}

/// The key of a map. Numbers of equal value are equal keys, whatever their type.
#[derive(Clone)]
pub enum Key {
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A text.
    String(Text),
}

/// What the elements add up to.
#[derive(Debug, Clone, Copy)]
struct Shape {
    depth: u16,
    weight: u32,
    tainted: bool,
}

impl Shape {
    const EMPTY: Self = Self {
        depth: 1,
        weight: 1,
        tainted: false,
    };

    fn add(&mut self, value: &Value) {
        self.depth = self.depth.max(value.depth().saturating_add(1));
        self.weight = self.weight.saturating_add(value.weight());
        self.tainted |= value.is_tainted();
    }
}

impl List {
    /// A list of these items.
    pub fn new(items: Vec<Value>) -> Self {
        let mut shape = Shape::EMPTY;
        for item in &items {
            shape.add(item);
        }
        Self { items, shape }
    }

    /// Whether text from outside is in any element.
    pub fn is_tainted(&self) -> bool {
        self.shape.tainted
    }

    pub(super) fn depth(&self) -> u16 {
        self.shape.depth
    }

    pub(super) fn weight(&self) -> u32 {
        self.shape.weight
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.items
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
    }
}

impl Map {
    /// A map of these entries, or the key that occurs twice.
    pub fn new(mut entries: Vec<(Key, Value)>) -> Result<Self, Key> {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(pair[0].0.clone());
            }
        }
        Ok(Self::from_sorted(entries))
    }

    /// A map of these entries; of equal keys the last one stays.
    pub fn last_wins(mut entries: Vec<(Key, Value)>) -> Self {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.reverse();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.dedup_by(|a, b| a.0 == b.0);
        }
        Self::from_sorted(entries)
    }

    fn from_sorted(entries: Vec<(Key, Value)>) -> Self {
        let mut shape = Shape::EMPTY;
        for (key, value) in &entries {
            shape.add(value);
            if let Key::String(text) = key {
                shape.tainted |= text.is_tainted();
                shape.weight = shape.weight.saturating_add(text_weight(text.len()));
            }
        }
        Self { entries, shape }
    }

    /// The value under a key.
    pub fn get(&self, key: &Key) -> Option<&Value> {
        let at = self
            .entries
            .binary_search_by(|(own, _)| own.cmp(key))
            .ok()?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// The value under a string key.
    pub fn get_str(&self, name: &str) -> Option<&Value> {
        let at = self
            .entries
            .binary_search_by(|(own, _)| match own {
                Key::String(text) => (**text).cmp(name),
                Key::Bool(_) | Key::Int(_) | Key::Uint(_) => Ordering::Less,
            })
            .ok()?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// The entries in order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The entry at a position in the order of keys.
    pub fn entry(&self, at: usize) -> Option<(&Key, &Value)> {
        self.entries.get(at).map(|(key, value)| (key, value))
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether text from outside is in any key or value.
    pub fn is_tainted(&self) -> bool {
        self.shape.tainted
    }

    /// The same map with every text in it marked as coming from outside.
    #[must_use]
    pub(super) fn tainted(&self) -> Self {
        let entries = self.entries.iter().map(|(key, value)| {
            let key = match key {
                Key::String(text) => Key::String(text.clone().with_taint(true)),
                Key::Bool(_) | Key::Int(_) | Key::Uint(_) => key.clone(),
            };
            (key, value.clone().tainted())
        });
        Self::from_sorted(entries.collect())
    }

    pub(super) fn depth(&self) -> u16 {
        self.shape.depth
    }

    pub(super) fn weight(&self) -> u32 {
        self.shape.weight
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Key {
    /// The key that a value stands for, if it can be one. A double is a key when it is a whole number.
    pub fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Int(value) => Some(Self::Int(*value)),
            Value::Uint(value) => Some(Self::Uint(*value)),
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Double(value) => whole(*value),
            Value::Null
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Timestamp(_)
            | Value::Duration(_)
            | Value::Network(_)
            | Value::Type(_)
            | Value::Optional(_) => None,
        }
    }

    /// The key as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::String(text) => Value::String(text.clone()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Uint(_) => 1,
            Self::String(_) => 2,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the bounds are checked before the cast"
)]
fn whole(value: f64) -> Option<Key> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if value.trunc() != value {
        None
    } else if (-TWO_63..TWO_63).contains(&value) {
        Some(Key::Int(value as i64))
    } else if (TWO_63..2.0 * TWO_63).contains(&value) {
        #[expect(clippy::cast_sign_loss, reason = "the value is positive")]
        Some(Key::Uint(value as u64))
    } else {
        None
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Int(a), Self::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Uint(a), Self::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Bool(_), _) | (Self::Int(_), _) | (Self::Uint(_), _) | (Self::String(_), _) => {
                self.rank().cmp(&other.rank())
            }
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Uint(value) => write!(f, "{value}"),
            Self::String(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_value(), f)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.shape.depth > MAX_VALUE_DEPTH {
            drop_flat(std::mem::take(&mut self.items));
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if self.shape.depth > MAX_VALUE_DEPTH {
            drop_flat(self.entries.drain(..).map(|(_, value)| value).collect());
        }
    }
}

/// Drops nested values with a list of what is left to drop instead of the call stack.
fn drop_flat(mut left: Vec<Value>) {
    while let Some(value) = left.pop() {
        match value {
            Value::List(list) => {
                if let Ok(mut list) = Arc::try_unwrap(list) {
                    left.append(&mut list.items);
                    list.shape = Shape::EMPTY;
                }
            }
            Value::Map(map) => {
                if let Ok(mut map) = Arc::try_unwrap(map) {
                    left.extend(map.entries.drain(..).map(|(_, value)| value));
                    map.shape = Shape::EMPTY;
                }
            }
            Value::Optional(Some(inner)) => left.extend(Arc::try_unwrap(inner).ok()),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::String(_)
            | Value::Bytes(_)
            | Value::Timestamp(_)
            | Value::Duration(_)
            | Value::Network(_)
            | Value::Type(_)
            | Value::Optional(None) => {}
        }
    }
}
