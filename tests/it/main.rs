//! The one integration binary: the real server over HTTP. Each file is a journey or a house rule.

#![allow(clippy::unwrap_used, reason = "a test's helper fails its test")]
#![allow(clippy::print_stderr, reason = "a test that skips says so")]

mod admin;
mod api;
mod auth;
mod bad_files;
mod bad_input;
mod binary;
mod browser;
#[path = "../support/pdf.rs"]
mod built;
mod contract;
mod doors;
mod envelopes;
mod evidence;
mod examples;
mod file_seals;
mod golden;
mod harness;
mod idempotency;
mod keeping;
mod lifecycle;
mod mail;
mod odd_files;
mod pki;
mod signing;
mod tidy;
mod trail;
mod waiting;
mod webhooks;
mod worker;
