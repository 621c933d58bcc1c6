//! The kinds of PDF object (ISO 32000-2, 7.3) as values.

use std::fmt;

/// The highest object number that is read or written (ISO 32000-1, Annex C).
pub const OBJECT_NUMBER_MAX: u32 = 8_388_607;

/// The name of an indirect object: number and generation (ISO 32000-2, 7.3.10).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref {
    /// Object number, 1 to [`OBJECT_NUMBER_MAX`]; 0 is never in use.
    pub number: u32,
    /// Generation.
    pub generation: u16,
}

impl Ref {
    /// Object `number` in `generation`.
    pub const fn new(number: u32, generation: u16) -> Self {
        Self { number, generation }
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.generation)
    }
}

impl fmt::Debug for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} R", self.number, self.generation)
    }
}

/// A name without its slash, `#xx` decoded (ISO 32000-2, 7.3.5).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Name {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<Vec<u8>> for Name {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other.as_bytes()
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// For reasons and logs: escaped, cut after `SHOWN_BYTES`.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", shown(&self.0))
    }
}

/// Bytes of the file that a reason shows.
const SHOWN_BYTES: usize = 40;

/// The first bytes of `bytes`, escaped, for reasons.
pub(super) fn shown(bytes: &[u8]) -> String {
    match bytes.split_at_checked(SHOWN_BYTES) {
        Some((first, [_, ..])) => format!("{}...", first.escape_ascii()),
        _ => bytes.escape_ascii().to_string(),
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A real number with the text that it was written with, so that it can be written again without loss.
#[derive(Clone, PartialEq, Eq)]
pub struct Real(Box<str>);

impl Real {
    /// From source text; the lexer has checked one sign, one dot, digits.
    pub(super) fn from_source(text: &str) -> Self {
        Self(text.into())
    }

    /// `[+-]digits.digits` as in the file.
    pub fn source(&self) -> &str {
        &self.0
    }

    /// The value nearest to the text; finite unless there are more than 308 digits before the dot.
    pub fn value(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl fmt::Debug for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A dictionary in the order of the file. The reader rejects duplicate keys; `set` replaces.
///
/// A key whose value is `null` counts as missing (ISO 32000-2, 7.3.7).
#[derive(Clone, PartialEq, Default)]
pub struct Dict {
    entries: Vec<(Name, Object)>,
}

impl Dict {
    /// Without entries.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// From entries whose keys are known to differ.
    pub(super) fn from_distinct(entries: Vec<(Name, Object)>) -> Self {
        Self { entries }
    }

    /// The value of `key`, unless it is missing or `null`; a reference is given as it stands.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<&Object> {
        let key = key.as_ref();
        self.entries
            .iter()
            .find(|(name, _)| name.as_bytes() == key)
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    /// Whether `key` has a value other than `null`.
    pub fn has(&self, key: impl AsRef<[u8]>) -> bool {
        self.get(key).is_some()
    }

    /// Puts `value` at `key`: in the old one's place, else at the end.
    pub fn set(&mut self, key: impl Into<Name>, value: impl Into<Object>) {
        let key = key.into();
        let value = value.into();
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key, value)),
        }
    }

    /// Takes `key` out and gives its value.
    pub fn remove(&mut self, key: impl AsRef<[u8]>) -> Option<Object> {
        let key = key.as_ref();
        let index = self
            .entries
            .iter()
            .position(|(name, _)| name.as_bytes() == key)?;
        Some(self.entries.remove(index).1)
    }

    /// All entries in order, those with `null` too.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Name, &Object)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl fmt::Debug for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.entries.iter().map(|(k, v)| (k, v)))
            .finish()
    }
}

/// A stream: its dictionary and where its encoded data lies in the file.
#[derive(Clone, PartialEq, Debug)]
pub struct Stream {
    /// The stream dictionary.
    pub dict: Dict,
    /// First byte of the encoded data, from the start of the file.
    pub offset: u64,
    /// Bytes of encoded data; `endstream` was found right after them.
    pub length: u64,
}

/// Any object. Nesting is bounded by the lexer, so dropping and cloning don't run deep.
#[derive(Clone, PartialEq)]
pub enum Object {
    /// `null`, also what a missing object is.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number with a dot.
    Real(Real),
    /// A string, literal or hex, decoded but not decrypted.
    String(Vec<u8>),
    /// A name.
    Name(Name),
    /// An array.
    Array(Vec<Object>),
    /// A dictionary.
    Dict(Dict),
    /// A stream; always an indirect object of its own.
    Stream(Box<Stream>),
    /// A reference to an indirect object.
    Ref(Ref),
}

impl Object {
    /// Whether it is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The Boolean.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer; a real is none, whole or not.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, integer or real, if it is finite.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Real(real) => Some(real.value()).filter(|value| value.is_finite()),
            _ => None,
        }
    }

    /// The bytes of the string.
    pub fn as_string(&self) -> Option<&[u8]> {
        match self {
            Self::String(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The name.
    pub const fn as_name(&self) -> Option<&Name> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it is the name `text`.
    pub fn is_name(&self, text: &str) -> bool {
        self.as_name().is_some_and(|name| *name == text)
    }

    /// The elements of the array.
    pub fn as_array(&self) -> Option<&[Object]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The dictionary, not of a stream.
    pub const fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The stream.
    pub const fn as_stream(&self) -> Option<&Stream> {
        match self {
            Self::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The reference.
    pub const fn as_reference(&self) -> Option<Ref> {
        match self {
            Self::Ref(reference) => Some(*reference),
            _ => None,
        }
    }

    /// The kind in words, for reasons.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a Boolean",
            Self::Int(_) => "an integer",
            Self::Real(_) => "a real number",
            Self::String(_) => "a string",
            Self::Name(_) => "a name",
            Self::Array(_) => "an array",
            Self::Dict(_) => "a dictionary",
            Self::Stream(_) => "a stream",
            Self::Ref(_) => "a reference",
        }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Real(value) => write!(f, "{value:?}"),
            Self::String(bytes) => write!(f, "({})", bytes.escape_ascii()),
            Self::Name(name) => write!(f, "{name}"),
            Self::Array(items) => f.debug_list().entries(items).finish(),
            Self::Dict(dict) => write!(f, "{dict:?}"),
            Self::Stream(stream) => write!(f, "{stream:?}"),
            Self::Ref(reference) => write!(f, "{reference:?}"),
        }
    }
}

impl From<bool> for Object {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Object {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Name> for Object {
    fn from(name: Name) -> Self {
        Self::Name(name)
    }
}

impl From<Vec<Object>> for Object {
    fn from(items: Vec<Object>) -> Self {
        Self::Array(items)
    }
}

impl From<Dict> for Object {
    fn from(dict: Dict) -> Self {
        Self::Dict(dict)
    }
}

impl From<Ref> for Object {
    fn from(reference: Ref) -> Self {
        Self::Ref(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_value_counts_as_missing() {
        let mut dict = Dict::new();
        dict.set("A", Object::Null);
        assert_eq!(dict.get("A"), None);
        assert_eq!(dict.len(), 1);
    }

    #[test]
    fn set_replaces_in_place_and_remove_takes_out() {
        let mut dict = Dict::new();
        dict.set("A", 1_i64);
        dict.set("B", 2_i64);
        dict.set("A", 3_i64);
        let keys: Vec<_> = dict.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, [Name::from("A"), Name::from("B")]);
        assert_eq!(dict.remove("A"), Some(Object::Int(3)));
        assert!(!dict.has("A"));
    }

    #[test]
    fn an_object_is_four_words_so_that_large_arrays_stay_bounded() {
        assert!(size_of::<Object>() <= 32);
    }

    #[test]
    fn a_real_keeps_its_source_text() {
        let real = Real::from_source("-.0500");
        assert_eq!(real.source(), "-.0500");
        assert!((real.value() + 0.05).abs() < 1e-12);
    }
}
