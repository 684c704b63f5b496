//! The `kforensics` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(kforensics::cli::main())
}
