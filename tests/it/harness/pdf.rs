//! Documents of the tests.

/// The sample contract: three pages.
pub fn contract() -> Vec<u8> {
    paraph::cli::contract::sample()
}
