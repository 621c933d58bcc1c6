//! What is wrong with a configuration, said so that it can be put right: where, what, and the line with a caret under the place.

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    place: Place,
    message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing to point at: a default, or two settings together.
    Nowhere,
    /// An environment variable, or a whole file.
    Named(String),
    /// A line of a file.
    Line {
        file: String,
        number: usize,
        text: String,
        /// Characters before the caret, and carets.
        column: usize,
        width: usize,
    },
}

/// Every fault of a configuration, in the order of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

/// A file's name beside its text, to point into.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

impl Source {
    pub(super) fn new(path: &Path, text: String) -> Self {
        Self {
            name: path.display().to_string(),
            text,
        }
    }

    /// The number of the line that holds byte `at`, from 1.
    pub(super) fn line_number(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        before.iter().filter(|b| **b == b'\n').count() + 1
    }
}

impl Fault {
    /// A fault of no single place: the message names the settings.
    pub(super) fn anywhere(message: impl Into<String>) -> Self {
        Self {
            place: Place::Nowhere,
            message: message.into(),
        }
    }

    /// A fault of an environment variable or of a file as a whole.
    pub(super) fn named(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: Place::Named(name.into()),
            message: message.into(),
        }
    }

    /// A fault of the bytes `span` of a file.
    pub(super) fn at(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        let bytes = source.text.as_bytes();
        let start = span.start.min(bytes.len());
        let line_start = bytes
            .get(..start)
            .unwrap_or_default()
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let line_end = bytes
            .get(start..)
            .unwrap_or_default()
            .iter()
            .position(|b| *b == b'\n')
            .map_or(bytes.len(), |at| start + at);
        let count = |from: usize, to: usize| {
            source
                .text
                .get(from..to.max(from))
                .map_or(0, |text| text.chars().count())
        };
        let line = source.text.get(line_start..line_end).unwrap_or_default();
        let (text, cut) = without_secret(line.trim_end_matches('\r'));
        let column = count(line_start, start).min(cut);
        let width = count(start, span.end.min(line_end));
        Self {
            place: Place::Line {
                file: source.name.clone(),
                number: source.line_number(start),
                width: width.clamp(1, cut.saturating_sub(column).max(1)),
                column,
                text,
            },
            message: message.into(),
        }
    }

    fn line(&self) -> usize {
        match &self.place {
            Place::Line { number, .. } => *number,
            Place::Named(_) => usize::MAX - 1,
            Place::Nowhere => usize::MAX,
        }
    }
}

/// The line as it may be shown, and how many characters of it the caret may stand under: behind a key that sounds like a secret nothing
/// is shown, for this is also said where somebody put the secret itself into the file.
fn without_secret(line: &str) -> (String, usize) {
    if let Some((key, value)) = line.split_once('=') {
        let name = key.to_ascii_lowercase();
        let telling = [
            "pas", "pw", "key", "secret", "token", "auth", "pin", "cred", "master",
        ];
        if telling.iter().any(|word| name.contains(word)) && !value.trim().is_empty() {
            let shown = format!("{key}= ...");
            let length = shown.chars().count();
            return (shown, length);
        }
    }
    (line.to_owned(), usize::MAX)
}

impl Faults {
    /// Adds one.
    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The faults as separate texts, for machines.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    pub(super) fn sort(&mut self) {
        self.0.sort_by_key(Fault::line);
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Nowhere => write!(f, "{}", self.message),
            Place::Named(name) => write!(f, "{name}: {}", self.message),
            Place::Line {
                file,
                number,
                text,
                column,
                width,
            } => {
                let gutter = number.to_string().len();
                writeln!(f, "{file}:{number}: {}", self.message)?;
                writeln!(f, "{number} | {text}")?;
                let before: String = text
                    .chars()
                    .take(*column)
                    .map(|c| if c == '\t' { '\t' } else { ' ' })
                    .collect();
                write!(f, "{:gutter$} | {before}{}", "", "^".repeat(*width))
            }
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "error: {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
