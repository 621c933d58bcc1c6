//! Where commands answer: results on standard output, everything else on standard error.

use crate::config::Faults;
use std::io::Write as _;

/// The two streams. A reader that went away is no fault of ours: writing on is tried and its failure ignored.
pub struct Output {
    json: bool,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read the answer.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A line of the answer.
    pub fn line(&mut self, text: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// A text of the answer, as it is.
    pub fn text(&mut self, text: &str) {
        let _ = write!(std::io::stdout().lock(), "{text}");
    }

    /// The whole answer as JSON.
    pub fn value(&mut self, value: &serde_json::Value) {
        self.line(&value.to_string());
    }

    /// A line that isn't the answer.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Why it failed: on standard error for people, on standard output for programs.
    pub fn failure(&mut self, text: &str) {
        if self.json {
            self.value(&serde_json::json!({ "error": text }));
        } else {
            self.note(&format!("error: {text}"));
        }
    }

    /// All faults of a configuration.
    pub(super) fn faults(&mut self, faults: &Faults) {
        if self.json {
            let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
            self.value(&serde_json::json!({ "error": "configuration", "faults": list }));
        } else {
            self.note(&faults.to_string());
        }
    }
}
