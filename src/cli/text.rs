//! Text in a terminal: its width in columns, cutting, wrapping, colours.

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use diagnosis::{Severity, Verdict};
use trace::{Micros, Time};

/// The layout of the output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Width of the terminal in columns; `None` in a pipe, where nothing is cut.
    pub(super) columns: Option<usize>,
}

/// Maximum width of prose, because longer lines are hard to read.
const PROSE: usize = 100;

impl Layout {
    /// The layout for standard output.
    pub(super) fn of_stdout() -> Self {
        let columns = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0).max(40));
        Self { columns }
    }

    /// Width of prose and bars in columns.
    pub(super) fn prose(self) -> usize {
        self.columns.unwrap_or(PROSE).min(PROSE)
    }

    /// The symbol of a verdict. It is empty in a pipe, where it would make further processing harder.
    pub(super) fn symbol(self, verdict: Verdict) -> &'static str {
        if self.columns.is_some() { symbol(verdict) } else { "" }
    }
}

fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "✓ ",
        Verdict::Running => "▸ ",
        Verdict::Failed => "✗ ",
        Verdict::Stuck => "■ ",
        Verdict::Slow => "◔ ",
        Verdict::NoWorkers => "∅ ",
        Verdict::MissingData => "◌ ",
        Verdict::Unreachable => "⇥ ",
        Verdict::Cancelled => "⊘ ",
        Verdict::TraceBroken => "≠ ",
        Verdict::Unknown | Verdict::NotFound => "? ",
    }
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const CODE: Style = AnsiColor::Cyan.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();

/// The colour of a severity.
pub(super) fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Fine => AnsiColor::Green.on_default(),
        Severity::Notice => AnsiColor::Blue.on_default(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Critical => AnsiColor::Red.on_default().bold(),
    }
}

/// `text` in `style`.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text` in at most `columns`, with `…` where something was cut; control characters are shown as spaces, so that no
/// text of a trace can steer the terminal.
pub(super) fn cut(text: &str, columns: usize) -> String {
    let text = one_line(text);
    if width(&text) <= columns {
        return text;
    }
    let mut used = 0;
    let mut kept = String::new();
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > columns {
            break;
        }
        used += w;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// `text` without line breaks and control characters.
pub(super) fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

/// `text` broken into lines of at most `columns`; words longer than that stay whole (they are meant to be copied).
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in one_line(paragraph).split_whitespace() {
            if !line.is_empty() && width(&line) + 1 + width(word) > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Adds a line.
pub(super) fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = std::fmt::Write::write_fmt(out, text);
    out.push('\n');
}

/// `text` wrapped and indented, `code` between backticks in colour.
pub(super) fn prose(out: &mut String, indent: usize, text: &str, columns: usize) {
    let mut in_code = false;
    for line in wrap(text, columns.saturating_sub(indent)) {
        out.push_str(&" ".repeat(indent));
        for (at, piece) in line.split('`').enumerate() {
            if at > 0 {
                in_code = !in_code;
            }
            if in_code && !piece.is_empty() {
                out.push_str(&paint(CODE, piece));
            } else {
                out.push_str(piece);
            }
        }
        out.push('\n');
    }
}

/// A part of a solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'t> {
    /// A sentence, not indented in the playbook.
    Say(&'t str),
    /// A command to copy, indented in the playbook.
    Run(&'t str),
}

/// The sentences and commands of a solution.
pub(super) fn steps(solution: &str) -> impl Iterator<Item = Step<'_>> {
    solution
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| if line.starts_with("  ") { Step::Run(line.trim()) } else { Step::Say(line.trim()) })
}

/// A solution with its commands on lines of their own, never wrapped.
pub(super) fn solution(out: &mut String, indent: usize, text: &str, columns: usize) {
    for step in steps(text) {
        match step {
            Step::Say(text) => prose(out, indent, text, columns),
            Step::Run(command) => {
                out.push_str(&" ".repeat(indent + 2));
                out.push_str(&paint(CODE, one_line(command)));
                out.push('\n');
            }
        }
    }
}

/// A duration of milliseconds for people.
pub(super) fn ms(ms: f64) -> String {
    Micros((ms * 1000.0).round() as i64).to_string()
}

/// A share of 0 to 1 as `97 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 1.0 { "<1 %".into() } else { format!("{percent:.0} %") }
}

/// A time to the second in UTC, as `2026-11-22 10:05:05`.
pub(super) fn second(at: Time) -> String {
    let text = Time(at.0.div_euclid(1_000_000).saturating_mul(1_000_000)).to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

/// A time to the minute in UTC, as `2026-11-22 10:05`.
pub(super) fn minute(at: Time) -> String {
    second(at).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_two_columns_and_what_is_cut_is_marked() {
        assert_eq!(cut("数据下载失败", 7), "数据下…");
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!(cut("x", 0), "");
    }

    #[test]
    fn a_trace_cannot_steer_the_terminal() {
        assert_eq!(cut("a\x1b[2Jb\nc", 20), "a [2Jb c");
    }

    #[test]
    fn long_words_stay_whole_so_that_they_can_be_copied() {
        assert_eq!(wrap("see http://ib-host:5001/health now", 10), ["see", "http://ib-host:5001/health", "now"]);
    }

    #[test]
    fn indented_lines_of_a_solution_are_commands() {
        let text = "Start it:\n  docker compose up -d db\n\nThen look.";
        let expected = [Step::Say("Start it:"), Step::Run("docker compose up -d db"), Step::Say("Then look.")];
        assert_eq!(steps(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn shares_never_look_like_nothing_when_they_are_something() {
        assert_eq!([percent(0.0), percent(0.002), percent(0.974)], ["0 %", "<1 %", "97 %"]);
    }
}
