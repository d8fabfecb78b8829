//! `sladd`: arguments → command → exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    sladd::cli::main()
}
