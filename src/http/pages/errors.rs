//! The page of the API's failures. In the language of the API's own messages, English, whatever the appliance's locale.

use super::frame::render;
use askama::Template;

/// One failure under a code.
#[derive(Clone, Debug)]
pub struct Failure {
    /// HTTP status.
    pub status: u16,
    /// What it means.
    pub title: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// All that is told of one code.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The fragment of its address.
    pub anchor: String,
    /// As it stands in `code`.
    pub code: &'static str,
    /// One for each status that it goes with.
    pub failures: Vec<Failure>,
}

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "docs/errors.html")]
pub struct Errors {
    /// Path of `public_url` without the last slash.
    pub root: String,
    /// In the order of the catalogue.
    pub entries: Vec<Entry>,
}

impl Errors {
    /// The whole page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn asset(&self, name: &str) -> String {
        format!("{}{}", self.root, super::assets::href(name))
    }
}
