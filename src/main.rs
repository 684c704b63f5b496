//! The `kforensics` command.
fn main() {}
