//! What the product is about, as pure data and pure functions: no I/O, no clock, no chance, no SQL, no HTTP.

pub mod digest;
pub mod time;
