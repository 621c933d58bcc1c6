//! Reading PDF files strictly (ISO 32000-2).
//!
//! **Nothing is repaired.** Two readers that repair a broken file may show two documents, and a signature must say what
//! was signed. So an irregular file is refused with a stable code, a reason and the byte where it went wrong.
//!
//! In reading order: [`error`] (codes and reasons), [`object`] (the nine kinds of object), [`source`] (bytes at an offset),
//! [`lexer`] (tokens and values), [`filter`] (Flate and predictors), [`xref`] (where objects are), [`document`] (an opened file), [`pages`] (the page tree),
//! [`audit`] (everything reachable, and what an upload may not bring).
//!
//! Memory: a window of a few pages of the file, the cross-reference entries, and the inflated object streams; never the
//! whole file. No recursion depends on the input, and [`document::Document`] counts the bytes that it lexes: a file that
//! makes it read the same bytes over and over is refused.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing
    )
)]

pub mod added;
pub mod appearance;
pub mod audit;
pub mod check;
pub mod document;
pub mod error;
pub mod filter;
#[cfg(test)]
#[path = "../../tests/support/pdf.rs"]
pub(crate) mod fixture;
pub mod image;
mod indirect;
pub mod lexer;
#[cfg(test)]
mod mutations;
pub mod object;
pub mod pages;
pub mod place;
pub mod prepare;
pub mod seal;
pub mod sign;
pub mod source;
pub mod text;
pub mod trail;
pub mod update;
pub mod xref;

pub use document::Document;
pub use error::{Code, Error};
pub use object::{Dict, Name, Object, Real, Ref, Stream};
pub use source::ReadAt;
