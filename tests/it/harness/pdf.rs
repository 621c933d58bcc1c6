//! Documents of the tests.

/// The sample contract: three pages.
pub fn pages(_count: usize) -> Vec<u8> {
    paraph::cli::contract::sample()
}
