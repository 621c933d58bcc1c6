//! What holds for the domain as a whole; what holds for one module is tested beside it.

mod bodies;
mod chain;
mod examples;
mod matrix;
mod property;
mod requests;
mod sending;
