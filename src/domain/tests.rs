//! What holds for the domain as a whole; what holds for one module is tested beside it.

pub(crate) mod bodies;
pub(crate) mod chain;
pub(crate) mod examples;
mod matrix;
mod property;
mod requests;
mod sending;
