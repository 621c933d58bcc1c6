//! The executable: arguments go to `paraph::cli`.

fn main() {}
