//! Texts with placeholders: the summaries, causes and remedies of rules.
//!
//! `{symbol}` is filled in from the operation, `{symbol|the symbol}` has a default, `{{` and `}}` are literal braces. A
//! placeholder may come to nothing; then the template's own text around it is tidied (a doubled space, a space before a
//! comma, empty parentheses). A value is never touched: what a trace says appears as it stands there, at most cut at its end.

use std::borrow::Cow;

use super::placeholders::Bindings;

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its counterpart.
    #[error("`{0}` stands alone; write `{0}{0}` for a literal brace")]
    LoneBrace(char),
    /// Braces around something that cannot be a name.
    #[error(
        "`{{{0}}}` is not a placeholder (lower-case letters, digits and `_`, then perhaps `|` and a default); write `{{{{` and \
         `}}}}` for literal braces"
    )]
    NotAName(String),
}

/// A text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    raw: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    indent: String,
    parts: Vec<Part>,
}

impl Line {
    /// Indented lines are commands to copy.
    fn is_command(&self) -> bool {
        !self.indent.is_empty()
    }

    /// Whether it ends with a colon of its own.
    fn announces(&self) -> bool {
        matches!(self.parts.last(), Some(Part::Text(text)) if text.ends_with(':'))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder { name: String, default: Option<String> },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A brace that stands alone, or braces around something that is not a name.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let raw = text.trim().to_owned();
        let lines = raw.lines().map(parse_line).collect::<Result<_, _>>()?;
        Ok(Self { raw, lines })
    }

    /// The text as it was written.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Its placeholders, with whether each has a default.
    pub fn placeholders(&self) -> impl Iterator<Item = (&str, bool)> {
        self.lines.iter().flat_map(|line| &line.parts).filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Placeholder { name, default } => Some((name.as_str(), default.is_some())),
        })
    }

    /// The text with its placeholders filled. Of several lines those with a placeholder that has neither value nor default
    /// are left out (a command without its argument helps nobody); in a single line such a placeholder becomes `unknown`.
    #[must_use]
    pub fn fill(&self, bindings: &Bindings) -> String {
        self.render(bindings).0
    }

    /// Like [`Self::fill`], beginning with a capital letter unless a text of a trace stands there.
    #[must_use]
    pub fn sentence(&self, bindings: &Bindings) -> String {
        let (text, begins_with_quote) = self.render(bindings);
        let mut rest = text.chars();
        match rest.next() {
            Some(first) if !begins_with_quote => first.to_uppercase().chain(rest).collect(),
            _ => text,
        }
    }

    /// The filled text, and whether it begins with a text of a trace.
    fn render(&self, bindings: &Bindings) -> (String, bool) {
        let only = self.lines.len() <= 1;
        let mut filled: Vec<Option<Filled>> = self
            .lines
            .iter()
            .map(|line| Some(fill_line(line, bindings)).filter(|filled| only || filled.complete))
            .collect();
        for (ix, line) in self.lines.iter().enumerate() {
            let commands = self.lines.iter().zip(&filled).skip(ix + 1).take_while(|(line, _)| line.is_command());
            let (all, left_out) =
                commands.fold((0, 0), |(all, out), (_, filled)| (all + 1, out + usize::from(filled.is_none())));
            // An announcement of commands that are all left out announces nothing.
            if !line.is_command()
                && all > 0
                && all == left_out
                && line.announces()
                && let Some(Some(announcement)) = filled.get_mut(ix)
            {
                announcement.text.pop();
                announcement.text.push('.');
            }
        }
        let filled: Vec<Filled> = filled.into_iter().flatten().collect();
        let begins_with_quote = filled.first().is_some_and(|line| line.begins_with_quote);
        let lines: Vec<String> = filled.into_iter().map(|line| line.text).collect();
        (lines.join("\n"), begins_with_quote)
    }
}

fn parse_line(line: &str) -> Result<Line, TemplateError> {
    let body = line.trim_start();
    let indent = line.get(..line.len() - body.len()).unwrap_or_default().to_owned();
    let (mut parts, mut text) = (Vec::new(), String::new());
    let mut rest = body.trim_end();
    while let Some(at) = rest.find(['{', '}']) {
        let (before, braces) = rest.split_at(at);
        text.push_str(before);
        let brace = if braces.starts_with('{') { '{' } else { '}' };
        if braces.get(1..).is_some_and(|next| next.starts_with(brace)) {
            text.push(brace);
            rest = braces.get(2..).unwrap_or_default();
            continue;
        }
        let inside = braces.strip_prefix('{').and_then(|inside| inside.split_once('}'));
        let (inside, tail) = inside.ok_or(TemplateError::LoneBrace(brace))?;
        let (name, default) = inside.split_once('|').map_or((inside, None), |(name, default)| (name, Some(default)));
        if !is_name(name) || default.is_some_and(|default| default.contains('{')) {
            return Err(TemplateError::NotAName(inside.to_owned()));
        }
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(Part::Placeholder { name: name.to_owned(), default: default.map(str::to_owned) });
        rest = tail;
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(Line { indent, parts })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// A line with its placeholders filled.
struct Filled {
    text: String,
    /// Whether every placeholder had a value or a default.
    complete: bool,
    begins_with_quote: bool,
}

fn fill_line(line: &Line, bindings: &Bindings) -> Filled {
    let mut out = Writer::new(&line.indent);
    let mut complete = true;
    let mut begins_with_quote = None;
    for part in &line.parts {
        let before = out.text.len();
        let quoted = match part {
            Part::Text(text) => {
                out.own_text(text);
                false
            }
            Part::Placeholder { name, default } => match bindings.binding(name) {
                Some(binding) if binding.quoted && line.is_command() => {
                    out.value(&shell_word(&binding.text));
                    true
                }
                Some(binding) => {
                    out.value(&binding.text);
                    binding.quoted
                }
                None => {
                    complete &= default.is_some();
                    out.value(default.as_deref().unwrap_or("unknown"));
                    false
                }
            },
        };
        if out.text.len() > before {
            begins_with_quote.get_or_insert(quoted);
        }
    }
    Filled { text: out.finish(), complete, begins_with_quote: begins_with_quote.unwrap_or(false) }
}

/// A text of a trace within a command, quoted where a shell would read more into it than a word.
fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+=,".contains(c);
    if text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")).into() }
}

/// Writes a line, and tidies the template's own text around placeholders that come to nothing.
struct Writer {
    text: String,
    /// From here on the text is the template's own and may be tidied.
    own_from: usize,
    /// A placeholder that came to nothing was the last part.
    gap: bool,
}

impl Writer {
    fn new(indent: &str) -> Self {
        Self { text: indent.to_owned(), own_from: indent.len(), gap: false }
    }

    fn value(&mut self, text: &str) {
        self.gap = text.is_empty();
        if !text.is_empty() {
            self.text.push_str(text);
            self.own_from = self.text.len();
        }
    }

    fn own_text(&mut self, mut text: &str) {
        if self.gap {
            if let Some(rest) = text.strip_prefix(')').filter(|_| self.own().ends_with('(')) {
                self.text.pop();
                text = rest;
            }
            let rest = text.trim_start_matches(' ');
            if rest.starts_with([':', ',', '.', ';', ')']) {
                self.trim_spaces();
                text = rest;
            } else if self.own().ends_with(' ') || self.text.trim_start().is_empty() {
                text = rest;
            }
            // Spaces alone may still stand before punctuation or the end.
            self.gap = rest.is_empty();
        }
        self.text.push_str(text);
    }

    /// The template's own text at the end.
    fn own(&self) -> &str {
        self.text.get(self.own_from..).unwrap_or_default()
    }

    fn trim_spaces(&mut self) {
        let kept = self.own().trim_end_matches(' ').len();
        self.text.truncate(self.own_from + kept);
    }

    fn finish(mut self) -> String {
        if self.gap {
            self.trim_spaces();
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Placeholder;

    fn filled(text: &str) -> String {
        let mut bindings = Bindings::default();
        bindings.quote_group("symbol", "EURUSD");
        bindings.set(Placeholder::Target, "");
        bindings.quote(Placeholder::Message, "fit() missing  1 ( x ) , :{gone}");
        Template::parse(text).unwrap().fill(&bindings)
    }

    #[test]
    fn placeholders_are_filled_or_take_their_default() {
        assert_eq!(filled("load {symbol} -t {timeframe|1h}"), "load EURUSD -t 1h");
        assert_eq!(filled("{url}"), "unknown");
        assert_eq!(filled("do:\n  ktrdr workers"), "do:\n  ktrdr workers");
        assert_eq!(filled("do:\n  ktrdr workers\n  ktrdr status {operation}"), "do:\n  ktrdr workers");
        assert_eq!(filled("Ask KTRDR:\n  ktrdr status {operation}"), "Ask KTRDR.");
        assert_eq!(filled("Ask:\n  ktrdr status {operation}\nThen:\n  ktrdr workers"), "Ask.\nThen:\n  ktrdr workers");
        assert_eq!(filled("Start:\n  docker compose up {url|a b}"), "Start:\n  docker compose up a b");
        assert_eq!(filled("Ask KTRDR\n  ktrdr status {operation}"), "Ask KTRDR", "only a colon announces");
        assert_eq!(filled("One thing:\nAsk KTRDR"), "One thing:\nAsk KTRDR", "there was never a command");
    }

    /// Review B5.
    #[test]
    fn only_the_templates_own_text_is_tidied() {
        assert_eq!(filled("No data for {symbol} {target|}: gone"), "No data for EURUSD: gone");
        assert_eq!(filled("{symbol} ({target|}) is {target|} gone"), "EURUSD is gone");
        assert_eq!(filled("{target|} Gone {target|}"), "Gone");
        assert_eq!(filled("Gone {target|} {target|}, {symbol}"), "Gone, EURUSD");
        assert_eq!(filled("print(1)  ; main() {symbol}"), "print(1)  ; main() EURUSD");
        let message = "fit() missing  1 ( x ) , :{gone}";
        assert_eq!(filled("{message} {target|}: {message}"), format!("{message}: {message}"));
        assert_eq!(filled("one:\n  {target|} two {target|}"), "one:\n  two");
    }

    /// Review B5: a literal brace dropped the whole line.
    #[test]
    fn doubled_braces_are_literal() {
        assert_eq!(filled("ps:\n  docker ps --format '{{{{.Names}}}}'"), "ps:\n  docker ps --format '{{.Names}}'");
        assert_eq!(filled("{{symbol}} is {symbol}}}"), "{symbol} is EURUSD}");
        let broken = |text: &str| Template::parse(text).unwrap_err();
        assert_eq!(broken("a { b"), TemplateError::LoneBrace('{'));
        assert_eq!(broken("a } b"), TemplateError::LoneBrace('}'));
        assert_eq!(broken("{.Names}"), TemplateError::NotAName(".Names".into()));
        assert_eq!(broken("{}"), TemplateError::NotAName(String::new()));
        assert_eq!(broken("{a|{b}"), TemplateError::NotAName("a|{b".into()));
    }

    #[test]
    fn a_sentence_begins_with_a_capital_unless_a_trace_says_otherwise() {
        let mut bindings = Bindings::default();
        bindings.set(Placeholder::Target, "the worker");
        bindings.quote(Placeholder::Address, "elsewhere:1234");
        let sentence = |text: &str| Template::parse(text).unwrap().sentence(&bindings);
        assert_eq!(sentence("{target} is gone"), "The worker is gone");
        assert_eq!(sentence("{address} is gone"), "elsewhere:1234 is gone");
        assert_eq!(sentence("{url|the service} is gone"), "The service is gone");
        assert_eq!(sentence("gone"), "Gone");
        assert_eq!(sentence("{url|}{address} is gone"), "elsewhere:1234 is gone", "an empty text begins nothing");
    }

    #[test]
    fn texts_of_traces_within_commands_are_single_words() {
        let mut bindings = Bindings::default();
        bindings.quote_group("symbol", "EUR; rm -rf 'x'");
        let text = Template::parse("load:\n  ktrdr data load {symbol}").unwrap().fill(&bindings);
        assert_eq!(
            text,
            r"load:
  ktrdr data load 'EUR; rm -rf '\''x'\'''"
        );
        assert_eq!(shell_word("http://a:1/b_c-d.e"), "http://a:1/b_c-d.e");
    }
}
