//! What the placeholders of a template are filled with.

use std::collections::BTreeMap;

/// Most characters of a text from a trace within a sentence.
const MAX_QUOTE: usize = 300;

/// Declares the placeholders with the names that they have in a playbook.
macro_rules! placeholders {
    ($($placeholder:ident $name:literal),* $(,)?) => {
        /// What the engine fills into a template. Named groups of an error's `messages` are placeholders too.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "named by what they hold; docs/playbook.md describes each")]
        pub enum Placeholder { $($placeholder),* }

        impl Placeholder {
            /// All placeholders.
            pub const ALL: &[Self] = &[$(Self::$placeholder),*];

            /// Its name in a playbook.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$placeholder => $name),* }
            }
        }
    };
}

placeholders! {
    Operation "operation", OperationType "operation_type", Doer "doer", Duration "duration", Baseline "baseline",
    Slowdown "slowdown", GrownSpan "grown_span", GrownService "grown_service", GrownBy "grown_by", Share "share", Bottleneck "bottleneck", BottleneckService "bottleneck_service", Phase "phase",
    Silence "silence", Allowed "allowed", Threshold "threshold", Percent "percent", WorkerType "worker_type",
    WorkerContainer "worker_container", AtWorker "at_worker", Total "total", Capable "capable", Available "available",
    Address "address", Target "target", Caller "caller", Url "url", StatusCode "status_code", ErrorType "error_type",
    ErrorAt "error_at", Message "message", Span "span", Check "check", Reason "reason", State "state", Count "count",
    Value "value",
}

/// What the placeholders of a template are filled with.
#[derive(Clone, Debug, Default)]
pub struct Bindings(BTreeMap<String, Binding>);

/// What one placeholder is filled with.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) text: String,
    /// It stands in a trace, so not even its first letter is changed.
    pub(super) quoted: bool,
}

impl Bindings {
    /// Sets a placeholder to words of our own; an empty text counts as absent.
    pub fn set(&mut self, placeholder: Placeholder, text: impl Into<String>) {
        self.insert(placeholder.name(), Binding { text: text.into(), quoted: false });
    }

    /// Sets a placeholder to a text of a trace: its first line, cut at 300 characters. An empty text counts as absent.
    pub fn quote(&mut self, placeholder: Placeholder, text: &str) {
        self.quote_group(placeholder.name(), text);
    }

    /// Like [`Self::quote`], for a named group of a pattern or a word of the playbook.
    pub fn quote_group(&mut self, name: &str, text: &str) {
        self.insert(name, Binding { text: first_line(text), quoted: true });
    }

    fn insert(&mut self, name: &str, binding: Binding) {
        if !binding.text.is_empty() {
            self.0.insert(name.to_owned(), binding);
        }
    }

    /// What a placeholder is set to.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|binding| binding.text.as_str())
    }

    pub(super) fn binding(&self, name: &str) -> Option<&Binding> {
        self.0.get(name)
    }

    /// These bindings with others on top.
    #[must_use]
    pub fn with(mut self, more: &Self) -> Self {
        self.0.extend(more.0.iter().map(|(name, binding)| (name.clone(), binding.clone())));
        self
    }
}

/// The first line that says something, at most 300 characters of it; `…` marks what is missing at its end.
#[must_use]
pub fn first_line(text: &str) -> String {
    let ends_line = |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let text = text.trim();
    let (line, more) = text.split_once(ends_line).map_or((text, false), |(line, _)| (line, true));
    match line.char_indices().nth(MAX_QUOTE) {
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or(line)),
        None if more => format!("{line}…"),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_one_line_and_cut_at_its_end() {
        assert_eq!(first_line("a  b\nc"), "a  b…");
        assert_eq!(first_line("\n a \r\n"), "a");
        assert_eq!(first_line(&"é".repeat(MAX_QUOTE)), "é".repeat(MAX_QUOTE));
        assert_eq!(first_line(&"é".repeat(MAX_QUOTE + 1)), format!("{}…", "é".repeat(MAX_QUOTE)));
    }
}
