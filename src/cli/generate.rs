//! `sladd generate`: man pages and completions from the one definition of the command line.

use super::{Cli, GenerateArgs, GenerateCommand};
use crate::error::{Error, Kind};
use clap::CommandFactory;
use std::{io::Write, path::Path, process::ExitCode};

/// Writes what is asked for.
pub fn run(args: &GenerateArgs) -> Result<ExitCode, Error> {
    match &args.what {
        GenerateCommand::Man { directory } => man(directory),
        GenerateCommand::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "sladd", &mut text);
            super::print(&text)
        }
    }
}

fn man(directory: &Path) -> Result<ExitCode, Error> {
    let cannot = |error: std::io::Error| {
        Error::new(Kind::CannotCreate, format!("cannot write man pages to {}: {error}", directory.display()))
    };
    std::fs::create_dir_all(directory).map_err(cannot)?;
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), directory).map_err(cannot)?;
    let mut page = std::fs::File::create(directory.join("sladd.toml.5")).map_err(cannot)?;
    page.write_all(POLICY_PAGE.as_bytes()).map_err(cannot)?;
    Ok(ExitCode::SUCCESS)
}

/// The page about policy files points to the command that prints every key.
const POLICY_PAGE: &str = r#".TH sladd.toml 5
.SH NAME
sladd.toml \- the policy file of sladd
.SH DESCRIPTION
A policy says what happens to each field of a log and how long a record may live. It is chosen with
.B \-\-policy
and in no other way. The command
.B sladd policy show hosting
prints a complete policy with every key, its default and what it means;
.B sladd check FILE
draws every fault of a policy under its line;
.B sladd explain \-\-policy FILE
shows what a policy does to each field, and
.B sladd test FILE
runs its examples.
.SH SEE ALSO
.BR sladd (1)
"#;
