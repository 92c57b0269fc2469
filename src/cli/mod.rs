//! The command line tool `ktrdr-diagnose`: the plugin's answers in a terminal, as a table, a report, Markdown or JSON.

mod args;
mod critical_path;
mod culprits;
mod culprits_markdown;
#[cfg(feature = "demo")]
mod demo;
mod error;
#[cfg(feature = "demo")]
mod feed;
mod file;
mod kept;
mod markdown;
mod operations;
mod operations_table;
mod output;
mod playbook;
mod report;
mod signal;
mod source;
mod table;
mod text;
mod watch;

#[cfg(test)]
mod tests;

use std::{io::Write, process::ExitCode};

use clap::Parser;

pub use markdown::markdown;

use self::{
    args::{Cli, Command},
    error::Error,
    text::{BAD, paint},
};

/// Runs the command line. The exit status is 0 if it answered, 1 if it could not, 2 for wrong usage.
#[must_use]
pub fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            // If standard error is closed, only the exit status reports the failure.
            let _ = writeln!(anstream::stderr(), "{} {error}", paint(BAD.bold(), "error:"));
            ExitCode::from(error.status())
        }
    }
}

fn run(cli: &Cli) -> Result<(), Error> {
    match &cli.command {
        Command::Operation(args) => wait(operations::operation(args)),
        Command::Operations(args) => wait(operations::operations(args)),
        Command::File(args) => file::run(args),
        Command::Culprits(args) if args.files.is_empty() => wait(culprits::of_ranges(args)),
        Command::Culprits(args) => culprits::of_files(args),
        Command::Watch(args) => wait(watch::run(args)),
        Command::CriticalPath(args) => critical_path::run(args),
        Command::Playbook(args) => playbook::run(args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => match &args.feed {
            Some(to) => wait(feed::run(to, args)),
            None => wait(demo::run(args)),
        },
    }
}

fn wait(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Error::System(format!("cannot start: {error}")))?.block_on(work)
}
