//! placeholder
fn main() { }
