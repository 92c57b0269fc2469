//! The command line `ktrdr-diagnose`: the same answers as the plugin gives, in a terminal.

mod args;
mod connect;
mod critical_path;
mod culprits;
mod demo;
mod error;
mod feed;
mod file;
mod list;
mod markdown;
mod output;
mod playbook;
mod report;
mod signal;
mod source;
mod table;
mod text;
mod time;

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

/// Reads the arguments, answers, and says how it went: 0 answered, 1 could not, 2 wrong usage.
#[must_use]
pub fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(anstream::stderr(), "{} {error}", paint(BAD.bold(), "error:"));
            ExitCode::from(error.status())
        }
    }
}

fn run(cli: &Cli) -> Result<(), Error> {
    match &cli.command {
        Command::Operation(args) => wait(connect::operation(args)),
        Command::Operations(args) => wait(connect::operations(args)),
        Command::File(args) => file::run(args),
        Command::Culprits(args) if args.files.is_empty() => wait(culprits::of_ranges(args)),
        Command::Culprits(args) => culprits::of_files(args),
        Command::CriticalPath(args) => critical_path::run(args),
        Command::Playbook(args) => playbook::run(args),
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
