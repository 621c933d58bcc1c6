//! The pages that people see: plain structs in, HTML out, and the other way round for what they send back.
//!
//! This is a pure library. A *view* is a struct of plain values with `html()`; a *form* is a struct with
//! `parse(body)`, which gives the form or the problems to show; [`assets`] gives styles, scripts and the icon by address.
//! Nothing here knows a session, the store or a status code other than the one that a state page names.
//!
//! Texts come from [`crate::i18n`]; the templates lie in `assets/pages`, the rest in `assets/web`. Pages carry no inline script or
//! style and work without any script: a view is always the complete, linear form, and scripts only rearrange it.

pub mod admin;
pub mod admin_form;
pub mod assets;
pub mod errors;
pub mod form;
pub mod frame;
pub mod problem;
pub mod review;
pub mod sign;
pub mod signature;
pub mod state;

#[cfg(test)]
mod preview;
