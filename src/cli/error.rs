//! Errors of the command line. Each message says what failed and what to try.

use std::{io, path::PathBuf};

use crate::{history::LocationError, investigate};
use diagnosis::playbook::PlaybookError;
use jaeger::{self, ErrorKind};
#[cfg(feature = "demo")]
use testbed::simulation::{ScrapeError, SendError};

/// Everything that can keep the command line from answering.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Wrong usage that clap cannot see.
    #[error("{0}")]
    Usage(String),
    /// A file that cannot be read.
    #[error("cannot read {}: {source}{}", name(path), hint(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that holds no traces.
    #[error(
        "{} is not a trace file: {source}. A trace file is an export of Jaeger's user interface (menu \"Trace JSON\"), an \
         answer of Jaeger's API, or OTLP JSON; get one with `curl -s http://localhost:16686/api/traces/TRACE_ID`",
        name(path)
    )]
    NoTraces {
        /// The file.
        path: PathBuf,
        /// Why.
        source: jaeger::DecodeError,
    },
    /// A playbook with mistakes.
    #[error("{} is not a valid playbook:\n{}", name(path), mistakes(.errors))]
    Playbook {
        /// The file.
        path: PathBuf,
        /// All mistakes.
        errors: Vec<PlaybookError>,
    },
    /// A playbook of which parts can never apply.
    #[error("{} can be used, but parts of it never apply:\n{}", name(path), mistakes(.found))]
    Unreachable {
        /// The file.
        path: PathBuf,
        /// The parts.
        found: Vec<PlaybookError>,
    },
    /// A rule that is not in the playbook.
    #[error("no rule is called `{rule}`{near}; `ktrdr-diagnose playbook explain` lists all rules")]
    NoRule {
        /// What was asked for.
        rule: String,
        /// What it may have been, as a sentence part.
        near: String,
    },
    /// An operation that is not in the file.
    #[error("no operation `{id}` in {}; {known}", name(path))]
    NotInFile {
        /// What was asked for.
        id: String,
        /// The file.
        path: PathBuf,
        /// What is in it.
        known: String,
    },
    /// Jaeger gave no usable answer.
    #[error("{0}")]
    Jaeger(#[from] jaeger::Error),
    /// A store that cannot be named so.
    #[error("--store: {0}")]
    Location(#[from] LocationError),
    /// The store cannot be read or written.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The question cannot be answered.
    #[error(transparent)]
    Question(#[from] investigate::Error),
    /// Traces cannot be sent.
    #[cfg(feature = "demo")]
    #[error("{0}")]
    Feed(#[from] SendError),
    /// Metrics cannot be served.
    #[cfg(feature = "demo")]
    #[error("{0}")]
    Scrape(#[from] ScrapeError),
    /// Standard output is closed or full.
    #[error("cannot write the answer: {0}")]
    Write(io::Error),
    /// The machine refuses something.
    #[error("{0}")]
    System(String),
}

impl Error {
    /// The exit status that goes with it.
    pub(super) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Location(_) => 2,
            #[cfg(feature = "demo")]
            Self::Feed(SendError::Address(_)) => 2,
            Self::Jaeger(error) | Self::Question(investigate::Error::Jaeger(error))
                if matches!(error.kind(), ErrorKind::Address | ErrorKind::Settings) =>
            {
                2
            }
            _ => 1,
        }
    }

    /// Whether the reader of standard output went away, so that an error message is pointless.
    pub(super) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn name(path: &std::path::Path) -> String {
    if path.as_os_str() == "-" { "standard input".into() } else { path.display().to_string() }
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => " (is the path right? `-` reads standard input)",
        io::ErrorKind::IsADirectory => " (name a file in it)",
        _ => "",
    }
}

fn mistakes(errors: &[PlaybookError]) -> String {
    errors.iter().map(|error| format!("  {error}")).collect::<Vec<_>>().join("\n")
}
