//! Reading JSON that strangers wrote: every fault at once, each with a JSON pointer (RFC 6901), and nothing accepted in silence.
//!
//! [`Members`] reads one object. Every name asked for is a known one; whatever is left at the end is refused with the nearest
//! of them. What the API knows and this version doesn't carry out is refused by name.

use super::limits;
use super::text::{self, TextFault};
use super::time::Timestamp;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where: a JSON pointer, empty for the whole body.
    pub pointer: String,
    /// What, stably.
    pub code: &'static str,
    /// What, for people; names the member and says what is wanted.
    pub message: String,
}

/// A member or value that the API knows and this version doesn't carry out.
pub const NOT_AVAILABLE: &str = "not_available";
/// The workspace named is not this appliance's: the answer is 403, not 400.
pub const UNKNOWN_WORKSPACE: &str = "unknown_workspace";

impl Problem {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code,
            message: message.into(),
        }
    }
}

/// Faults found so far; at most [`limits::PROBLEMS_MAX`] are kept.
#[derive(Default)]
pub struct Faults(RefCell<Vec<Problem>>);

impl Faults {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    pub fn add(&self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        let mut problems = self.0.borrow_mut();
        if problems.len() < limits::PROBLEMS_MAX {
            problems.push(Problem::new(pointer, code, message));
        }
    }

    /// Whether one more would not be kept: nothing is looked for any longer then.
    fn are_full(&self) -> bool {
        self.0.borrow().len() >= limits::PROBLEMS_MAX
    }

    /// `meant`, if there were none.
    ///
    /// # Errors
    /// All of them.
    pub fn or<T>(self, meant: Option<T>) -> Result<T, Vec<Problem>> {
        let problems = self.0.into_inner();
        match meant {
            Some(meant) if problems.is_empty() => Ok(meant),
            _ if problems.is_empty() => Err(vec![Problem::new(
                "",
                "invalid_value",
                "The request is incomplete.",
            )]),
            _ => Err(problems),
        }
    }
}

/// The members of one object, taken out one by one.
pub struct Members<'f> {
    pointer: String,
    map: Map<String, Value>,
    known: Vec<&'static str>,
    faults: &'f Faults,
}

/// What a value is, for "must be a text, not a number".
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The nearest of `known`, if one is near enough to be what was meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(&folded, &k.to_lowercase()), k))
        .filter(|(nearness, _)| *nearness >= 0.84)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

impl<'f> Members<'f> {
    /// The members of `value`; anything but an object is a fault.
    pub fn of(value: Value, pointer: impl Into<String>, faults: &'f Faults) -> Option<Self> {
        let pointer = pointer.into();
        match value {
            Value::Object(map) => Some(Self {
                pointer,
                map,
                known: Vec::new(),
                faults,
            }),
            other => {
                let what = if pointer.is_empty() {
                    "The body"
                } else {
                    "This"
                };
                faults.add(
                    pointer,
                    "wrong_type",
                    format!("{what} must be an object, not {}.", kind_of(&other)),
                );
                None
            }
        }
    }

    /// The pointer to a member.
    pub fn at(&self, name: &str) -> String {
        format!(
            "{}/{}",
            self.pointer,
            name.replace('~', "~0").replace('/', "~1")
        )
    }

    /// A fault of a member.
    pub fn fault(&self, name: &str, code: &'static str, message: impl Into<String>) {
        self.faults.add(self.at(name), code, message);
    }

    /// Whether the member is there, be it `null`.
    pub fn has(&mut self, name: &'static str) -> bool {
        self.known.push(name);
        self.map.contains_key(name)
    }

    /// The member's value; `null` is like absence.
    pub fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.map.remove(name).filter(|v| !v.is_null())
    }

    fn wrong_type(&self, name: &str, wanted: &str, value: &Value) {
        self.fault(
            name,
            "wrong_type",
            format!("`{name}` must be {wanted}, not {}.", kind_of(value)),
        );
    }

    /// A text, as it stands.
    pub fn string(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            other => {
                self.wrong_type(name, "a text", &other);
                None
            }
        }
    }

    fn checked(
        &mut self,
        name: &'static str,
        check: impl FnOnce(&str) -> Result<String, TextFault>,
    ) -> Option<String> {
        let text = self.string(name)?;
        match check(&text) {
            Ok(text) => Some(text),
            Err(TextFault::Empty) => None,
            Err(fault) => {
                self.fault(name, text_code(fault), format!("`{name}` {fault}."));
                None
            }
        }
    }

    /// One clean line; an empty one is like absence.
    pub fn line(&mut self, name: &'static str, chars_max: usize) -> Option<String> {
        self.checked(name, |text| text::line(text, chars_max))
    }

    /// Several clean lines; empty ones are like absence.
    pub fn lines(&mut self, name: &'static str, chars_max: usize) -> Option<String> {
        self.checked(name, |text| text::lines(text, chars_max))
    }

    /// A text that says something more precise.
    pub fn parsed<T>(&mut self, name: &'static str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let text = self.string(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(name, "invalid_value", format!("`{name}` {why}."));
                None
            }
        }
    }

    /// A moment.
    pub fn moment(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.string(name)?;
        let moment = Timestamp::parse(&text).ok();
        if moment.is_none() {
            self.fault(
                name,
                "invalid_value",
                format!("`{name}` must be a date and time as in 2026-11-24T09:30:00Z."),
            );
        }
        moment
    }

    /// True or false.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            other => {
                self.wrong_type(name, "true or false", &other);
                None
            }
        }
    }

    /// A whole number from `min` to `max`.
    pub fn whole(&mut self, name: &'static str, min: u64, max: u64) -> Option<u64> {
        let value = self.take(name)?;
        match value.as_u64() {
            Some(n) if (min..=max).contains(&n) => Some(n),
            _ if value.is_number() => {
                self.fault(
                    name,
                    "invalid_value",
                    format!("`{name}` must be a whole number from {min} to {max}."),
                );
                None
            }
            _ => {
                self.wrong_type(name, "a whole number", &value);
                None
            }
        }
    }

    /// A number from `min` to `max`.
    pub fn number(&mut self, name: &'static str, min: f64, max: f64) -> Option<f64> {
        let value = self.take(name)?;
        match value.as_f64() {
            Some(n) if (min..=max).contains(&n) => Some(n),
            Some(_) => {
                self.fault(
                    name,
                    "invalid_value",
                    format!("`{name}` must be a number from {min} to {max}."),
                );
                None
            }
            None => {
                self.wrong_type(name, "a number", &value);
                None
            }
        }
    }

    /// One of a few words; those in `waiting` are refused as not available.
    pub fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[T],
        as_str: impl Fn(T) -> &'static str,
        waiting: &[&str],
    ) -> Option<T> {
        let text = self.string(name)?;
        let found = words.iter().copied().find(|w| as_str(*w) == text);
        if found.is_none() {
            if waiting.contains(&text.as_str()) {
                self.not_available(name, Some(&text));
            } else {
                let all: Vec<&str> = words.iter().map(|w| as_str(*w)).collect();
                self.fault(
                    name,
                    "invalid_value",
                    format!("`{name}` must be one of {}.", all.join(", ")),
                );
            }
        }
        found
    }

    /// A list of at most `max` items, each with its pointer.
    pub fn list(&mut self, name: &'static str, max: usize) -> Option<Vec<(String, Value)>> {
        match self.take(name)? {
            Value::Array(items) if items.len() > max => {
                self.fault(
                    name,
                    "too_many",
                    format!(
                        "`{name}` has {} items; at most {max} are taken.",
                        items.len()
                    ),
                );
                None
            }
            Value::Array(items) => {
                let at = self.at(name);
                Some(
                    items
                        .into_iter()
                        .enumerate()
                        .map(|(i, item)| (format!("{at}/{i}"), item))
                        .collect(),
                )
            }
            other => {
                self.wrong_type(name, "a list", &other);
                None
            }
        }
    }

    /// Says that a member must be there.
    pub fn require<T>(&mut self, name: &'static str, value: Option<T>) -> Option<T> {
        // A member that was there and is gone has had its own fault named already.
        if value.is_none() {
            let at = self.at(name);
            if !self
                .faults
                .0
                .borrow()
                .iter()
                .any(|p| p.pointer.starts_with(&at))
            {
                self.fault(name, "required", format!("`{name}` is required."));
            }
        }
        value
    }

    /// A member, or a value of it, that the API knows and this version doesn't carry out.
    pub fn not_available(&self, name: &str, value: Option<&str>) {
        let what = value.map_or_else(|| format!("`{name}`"), |v| format!("`{name}`: `{v}`"));
        self.fault(
            name,
            NOT_AVAILABLE,
            format!("{what} is not available in this version."),
        );
    }

    /// A member that this version doesn't carry out. Asking for nothing (`null`, `false`, an empty list) is granted.
    pub fn waits(&mut self, name: &'static str) {
        match self.take(name) {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Array(items)) if items.is_empty() => {}
            Some(_) => self.not_available(name, None),
        }
    }

    /// A member of which this version carries out one value, the one that holds anyway.
    pub fn waits_unless(&mut self, name: &'static str, only: &str) {
        match self.take(name) {
            None => {}
            Some(Value::String(text)) if text == only => {}
            Some(Value::String(text)) => self.not_available(name, Some(&text::kept(&text, 40))),
            Some(other) => self.wrong_type(name, "a text", &other),
        }
    }

    /// A member that only answers have.
    pub fn read_only(&mut self, name: &'static str) {
        if self.take(name).is_some() {
            self.fault(name, "read_only", format!("`{name}` can't be set."));
        }
    }

    /// What is left is known to nobody.
    pub fn finish(mut self) {
        for name in std::mem::take(&mut self.map).keys() {
            if self.faults.are_full() {
                break;
            }
            // A stranger may send a megabyte as a name: it is neither measured nor sent back.
            let shown = text::kept(name, UNKNOWN_NAME_CHARS_MAX);
            let hint = nearest(&shown, self.known.iter().copied())
                .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            self.fault(
                &shown,
                "unknown_member",
                format!("`{shown}` is not known here.{hint}"),
            );
        }
    }
}

/// Characters of an unknown member's name that an answer repeats.
const UNKNOWN_NAME_CHARS_MAX: usize = 60;

/// The stable code of a text's fault.
pub fn text_code(fault: TextFault) -> &'static str {
    match fault {
        TextFault::Empty => "required",
        TextFault::TooLong { .. } => "too_long",
        TextFault::Forbidden(_) => "forbidden_character",
    }
}
