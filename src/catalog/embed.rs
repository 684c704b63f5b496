//! Build script: rebuild when a file is added to the catalogue (`include_dir!` notices only changed ones).
#[expect(
    clippy::print_stdout,
    reason = "this is how a build script talks to cargo"
)]
fn main() {
    println!("cargo::rerun-if-changed=src/catalog/facts");
}
