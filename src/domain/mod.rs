//! What the product is about, as pure data and pure functions: no I/O, no clock, no chance, no SQL, no HTTP.

pub mod alarm;
pub mod audit;
pub mod command;
pub mod contact;
pub mod definition;
pub mod digest;
pub mod envelope;
pub mod environment;
pub mod event;
pub mod field;
pub mod ids;
pub mod limits;
pub mod network;
pub mod origin;
pub mod problem;
pub mod recipient;
pub mod refusal;
pub mod scope;
pub mod secret;
pub mod text;
pub mod time;
pub mod webhook;

#[cfg(test)]
pub(crate) mod tests;
