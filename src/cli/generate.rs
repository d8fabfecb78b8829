//! `sladd generate`: man pages and completions from the one definition of the command line, and set-ups.

use super::{Cli, GenerateArgs, GenerateCommand, deploy};
use crate::{
    error::{Error, Kind},
    policy,
};
use clap::{CommandFactory, builder::Resettable};
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
        GenerateCommand::List => super::print(deploy::list().as_bytes()),
        GenerateCommand::Setup(words) => deploy::run(words),
    }
}

fn man(directory: &Path) -> Result<ExitCode, Error> {
    let cannot = |error: std::io::Error| {
        Error::new(Kind::CannotCreate, format!("cannot write man pages to {}: {error}", directory.display()))
    };
    std::fs::create_dir_all(directory).map_err(cannot)?;
    // The exit codes get a section of their own.
    let command = Cli::command().disable_help_subcommand(true).after_help(Resettable::Reset);
    clap_mangen::generate_to(command, directory).map_err(cannot)?;
    let append = |name: &str, text: &str| {
        let mut page = std::fs::File::options().create(true).append(true).open(directory.join(name)).map_err(cannot)?;
        page.write_all(text.as_bytes()).map_err(cannot)
    };
    append("sladd.1", MORE)?;
    append("sladd-pipe.1", MORE)?;
    std::fs::write(directory.join("sladd.toml.5"), policy_page()).map_err(cannot)?;
    Ok(ExitCode::SUCCESS)
}

/// The page about policy files: the commands that help with one, and a complete one.
fn policy_page() -> String {
    let mut page = POLICY_PAGE.to_owned();
    for line in policy::show("hosting").unwrap_or_default().lines() {
        // No line of an example is a request, no byte of it an escape.
        page.push_str("\\&");
        page.push_str(&line.replace('\\', "\\e"));
        page.push('\n');
    }
    page.push_str(".fi\n.SH SEE ALSO\n.BR sladd (1)\n");
    page
}

/// What the pages of the pipe say beyond its options.
const MORE: &str = r#".SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
What is in the pipe is still minimised and written, until its writer closes it or 5 seconds are over. A second signal
takes only what is there; a third ends at once.
.TP
.B SIGUSR1
Opens the file of
.B \-\-output
again, after it was moved away.
.SH "EXIT STATUS"
.TP
.B 0
Done, also when the reader of the output goes away.
.TP
.B 1
Done, but what
.B \-\-fail\-on
names was met; an example of
.B sladd test
failed;
.B sladd scan
found something.
.TP
.B 2
Bad command line, or a terminal as input.
.TP
.B 65
Bad input data: too many lines do not fit the format, or the input is no text but compressed, an archive or in UTF\-16; nothing is
written of that.
.TP
.B 66
An input is missing or is a directory.
.TP
.B 73
The output cannot be created.
.TP
.B 74
Reading or writing failed.
.TP
.B 77
No permission.
.TP
.B 78
A bad policy or key.
.SH EXAMPLES
.nf
sladd < access.log > minimised.log
sladd \-\-policy policy.toml \-\-on\-stall shed \-o access.log < access.fifo
CustomLog "|/usr/local/bin/sladd \-q \-o /var/log/sladd/access.log" combined
.fi
.SH "SEE ALSO"
.BR sladd.toml (5),
.BR sladd\-check (1),
.BR sladd\-explain (1)
"#;

/// How the page about policy files begins.
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
.SH "A COMPLETE POLICY"
This is the built-in policy
.BR hosting ,
which holds where no other is named. A policy of your own starts with
.B base = """hosting"""
and states only what differs.
.PP
.nf
"#;
