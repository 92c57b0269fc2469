//! Printing: the answer on standard output, everything else on standard error.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{args::Format, error::Error, markdown::markdown, operations_table, report, text::Layout};
use diagnosis::Diagnosis;

/// How many operations the question was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// One, by its id.
    One,
    /// Whatever is there.
    List,
}

/// Prints `text` as it is; colours go to a terminal only.
pub(super) fn text(text: &str) -> Result<(), Error> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Write)
}

/// A remark for people, on standard error.
pub(super) fn note(text: &str) {
    // A closed standard error must not stop the command.
    let _ = writeln!(anstream::stderr(), "note: {text}");
}

/// Prints the diagnoses.
pub(super) fn diagnoses(diagnoses: &[Arc<Diagnosis>], format: Option<Format>, asked: Asked) -> Result<(), Error> {
    let layout = Layout::of_stdout();
    let default = if asked == Asked::One || diagnoses.len() == 1 { Format::Report } else { Format::Table };
    let each = |one: &dyn Fn(&Diagnosis) -> String, between: &str| {
        text(&diagnoses.iter().map(|diagnosis| one(diagnosis)).collect::<Vec<_>>().join(between))
    };
    match format.unwrap_or(default) {
        Format::Table if diagnoses.is_empty() => Ok(()),
        Format::Table => text(&operations_table::render(diagnoses, layout)),
        Format::Report => each(&|diagnosis| report::render(diagnosis, layout), "\n"),
        Format::Markdown => each(&|diagnosis| markdown(diagnosis), "\n---\n\n"),
        Format::Json => json(diagnoses),
    }
}

/// Prints `value` as JSON and a line break.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<(), Error> {
    // Not through anstream: JSON has escape sequences escaped already, and a large answer goes out as it is made.
    let mut out = BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, value).map_err(|error| Error::Write(error.into()))?;
    out.write_all(b"\n").and_then(|()| out.flush()).map_err(Error::Write)
}

/// A spinner on a terminal while something takes long; nothing in a pipe. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Waiting(ProgressBar);

impl Waiting {
    /// Shows what is being done.
    pub(super) fn new(what: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        let shown = io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
