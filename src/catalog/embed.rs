//! Build script: rebuild when a file is added to the catalogue (`include_dir!` notices only changed ones).
fn main() {
    println!("cargo::rerun-if-changed=src/catalog/facts");
}
