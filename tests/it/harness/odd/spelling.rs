//! How values are spelt (ISO 32000-2, 7.2 and 7.3): white space, comments, names, strings and numbers in every allowed way.

use super::Chance;
use std::collections::BTreeMap;

/// A PDF value.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`, which in a dictionary is as good as nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number in thousandths, so that it is the same on every machine.
    Thousandths(i64),
    /// A name without its slash.
    Name(String),
    /// A string's bytes.
    Text(Vec<u8>),
    /// An array.
    Array(Vec<Value>),
    /// A dictionary, in this order.
    Dict(Vec<(String, Value)>),
    /// A reference; the generation is the file's affair.
    Ref(u32),
}

/// A name.
pub fn name(text: &str) -> Value {
    Value::Name(text.to_owned())
}

/// A string.
pub fn text(text: &str) -> Value {
    Value::Text(text.as_bytes().to_vec())
}

/// A dictionary.
pub fn dict<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Dict(
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

/// An array of integers.
pub fn ints(of: &[i64]) -> Value {
    Value::Array(of.iter().map(|number| Value::Int(*number)).collect())
}

/// What ends a line outside streams.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Lf,
    Cr,
    CrLf,
    /// Another one each time.
    Mixed,
}

/// A program's spelling.
pub struct Spelling {
    pub end: End,
    /// White space and comments where none are needed, in percent of the places.
    pub loose: u8,
    /// Names, strings and numbers spelt in an unusual way, in percent.
    pub strange: u8,
}

impl Spelling {
    /// An end of line.
    pub fn end(&self, chance: &mut Chance) -> &'static [u8] {
        match self.end {
            End::Lf => b"\n",
            End::Cr => b"\r",
            End::CrLf => b"\r\n",
            End::Mixed => chance.pick(&[b"\n" as &[u8], b"\r", b"\r\n"]),
        }
    }

    /// The value as bytes of a file in which objects have these generations (0 where none is named).
    pub fn spell(
        &self,
        value: &Value,
        generations: &BTreeMap<u32, u16>,
        chance: &mut Chance,
    ) -> Vec<u8> {
        let mut tokens = Vec::new();
        self.tokens(value, generations, chance, &mut tokens);
        let mut out = Vec::new();
        for token in tokens {
            let needed = out.last().is_some_and(|last| is_regular(*last)) && is_regular(token[0]);
            let gap = self.gap(needed, chance);
            out.extend(gap);
            out.extend(token);
        }
        out
    }

    fn gap(&self, needed: bool, chance: &mut Chance) -> Vec<u8> {
        let end = self.end(chance);
        if !chance.percent(self.loose) {
            return if needed { b" ".to_vec() } else { Vec::new() };
        }
        match chance.between(0, 5) {
            0 => end.to_vec(),
            1 => b"  ".to_vec(),
            2 => b"\t".to_vec(),
            3 if self.strange > 0 => [b"% (<< ] endobj", end].concat(),
            4 if self.strange > 0 => b"\0\x0c ".to_vec(),
            _ => b" ".to_vec(),
        }
    }

    fn tokens(
        &self,
        value: &Value,
        generations: &BTreeMap<u32, u16>,
        chance: &mut Chance,
        out: &mut Vec<Vec<u8>>,
    ) {
        match value {
            Value::Null => out.push(b"null".to_vec()),
            Value::Bool(it) => out.push(it.to_string().into_bytes()),
            Value::Int(it) => out.push(self.integer(*it, chance)),
            Value::Thousandths(it) => out.push(self.real(*it, chance)),
            Value::Name(it) => out.push(self.name(it, chance)),
            Value::Text(it) => out.push(self.string(it, chance)),
            Value::Ref(number) => {
                let generation = generations.get(number).copied().unwrap_or(0);
                // Plain white space only: a comment or a NUL inside a reference stops the renderer, and pyHanko.
                let mut gap = || match chance.percent(self.loose / 2) {
                    true => chance.pick(&["\t", "  ", "\r\n", "\n"]),
                    false => " ",
                };
                let (first, second) = (gap(), gap());
                out.push(format!("{number}{first}{generation}{second}R").into_bytes());
            }
            Value::Array(items) => {
                out.push(b"[".to_vec());
                for item in items {
                    self.tokens(item, generations, chance, out);
                }
                out.push(b"]".to_vec());
            }
            Value::Dict(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                if chance.percent(self.strange) {
                    chance.shuffle(&mut entries);
                }
                out.push(b"<<".to_vec());
                for (key, value) in entries {
                    out.push(self.name(key, chance));
                    self.tokens(value, generations, chance, out);
                }
                // An entry whose value is null is no entry (7.3.7).
                if chance.percent(self.strange / 4) {
                    out.push(b"/Nothing".to_vec());
                    out.push(b"null".to_vec());
                }
                out.push(b">>".to_vec());
            }
        }
    }

    fn integer(&self, number: i64, chance: &mut Chance) -> Vec<u8> {
        let strange = chance.percent(self.strange);
        match chance.between(0, 1) {
            0 if strange && number >= 0 => format!("+{number}"),
            1 if strange && number >= 0 => format!("00{number}"),
            _ => number.to_string(),
        }
        .into_bytes()
    }

    fn real(&self, thousandths: i64, chance: &mut Chance) -> Vec<u8> {
        let sign = if thousandths < 0 { "-" } else { "" };
        let (whole, part) = (
            thousandths.unsigned_abs() / 1000,
            thousandths.unsigned_abs() % 1000,
        );
        let strange = chance.percent(self.strange);
        if part == 0 {
            return if strange {
                format!("{sign}{whole}.").into_bytes()
            } else {
                format!("{sign}{whole}").into_bytes()
            };
        }
        if strange && whole == 0 {
            return format!("{sign}.{part:03}").into_bytes();
        }
        format!("{sign}{whole}.{part:03}").into_bytes()
    }

    fn name(&self, name: &str, chance: &mut Chance) -> Vec<u8> {
        let mut out = b"/".to_vec();
        let strange = chance.percent(self.strange);
        for byte in name.bytes() {
            let must = !is_regular(byte) || byte == b'#' || !(0x21..=0x7e).contains(&byte);
            if must || (strange && chance.percent(20)) {
                out.extend(format!("#{byte:02X}").bytes());
            } else {
                out.push(byte);
            }
        }
        out
    }

    fn string(&self, bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
        let binary = bytes.iter().any(|byte| !(0x20..0x7f).contains(byte));
        if binary || chance.percent(self.strange) {
            return self.hexadecimal(bytes, chance);
        }
        let mut out = b"(".to_vec();
        for byte in bytes {
            let strange = chance.percent(self.strange);
            match byte {
                b'(' | b')' | b'\\' => out.extend([b'\\', *byte]),
                // Three digits, for a digit may follow.
                _ if strange && chance.percent(20) => out.extend(format!("\\{byte:03o}").bytes()),
                _ if strange && chance.percent(10) => {
                    // A line broken in the string is no part of it; nor is a backslash before a letter that means nothing.
                    out.extend([b"\\", self.end(chance)].concat());
                    out.push(*byte);
                }
                _ => out.push(*byte),
            }
        }
        out.push(b')');
        out
    }

    fn hexadecimal(&self, bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
        let mut out = b"<".to_vec();
        for (at, byte) in bytes.iter().enumerate() {
            let strange = chance.percent(self.strange);
            let digits = if strange {
                format!("{byte:02x} ")
            } else {
                format!("{byte:02X}")
            };
            // A last digit that is missing is 0 (7.3.4.3).
            if strange && at + 1 == bytes.len() && byte % 16 == 0 {
                out.push(digits.as_bytes()[0]);
            } else {
                out.extend(digits.bytes());
            }
        }
        out.push(b'>');
        out
    }
}

fn is_regular(byte: u8) -> bool {
    !matches!(
        byte,
        0 | 9
            | 10
            | 12
            | 13
            | 32
            | b'('
            | b')'
            | b'<'
            | b'>'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'/'
            | b'%'
    )
}
