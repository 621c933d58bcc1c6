//! Paraph: a self-hosted e-signature appliance.
//!
//! **An envelope is a pure state machine; every change to it is one transaction that writes the new state, its audit entry
//! and its outgoing messages together; everything else is a thin shell around that.**
//!
//! The modules in reading order; the whole map stands in `src/ARCHITECTURE.md`.

pub mod ambient;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod i18n;
pub mod jobs;
pub mod outbound;
pub mod pdf;
pub mod pki;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod vault;
pub mod worker;
