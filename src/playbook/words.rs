//! Small notions that playbook tables are made of: globs, regular expressions, durations, texts with gaps.

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::trace::Micros;

/// A name pattern in which `*` stands for any text and `?` for one character.
#[derive(Clone, PartialEq)]
pub struct Glob(wildmatch::WildMatch);

impl Glob {
    /// A pattern from its text.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(wildmatch::WildMatch::new(pattern))
    }

    /// Whether the whole name fits.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::new(&text))
    }
}

/// Whether a name fits one of several patterns.
#[must_use]
pub fn any_fits(globs: &[Glob], name: &str) -> bool {
    globs.iter().any(|glob| glob.fits(name))
}

/// A regular expression over an error message.
#[derive(Clone, Debug)]
pub struct Pattern(pub regex::Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        regex::Regex::new(&text)
            .map(Self)
            .map_err(|e| D::Error::custom(format!("'{text}' is no regular expression: {e}")))
    }
}

/// A duration as people write it: `90s`, `1h30m`, `250ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub Micros);

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no duration; write for example 90s, 1h30m or 250ms (units: ns, us, ms, s, m, h, d, w)")]
pub struct NoDuration(String);

impl FromStr for Duration {
    type Err = NoDuration;

    fn from_str(text: &str) -> Result<Self, NoDuration> {
        let refuse = || NoDuration(text.to_owned());
        let mut rest = text.trim();
        let mut total = 0.0;
        if rest.is_empty() {
            return Err(refuse());
        }
        while !rest.is_empty() {
            let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(refuse)?;
            let (digits, tail) = rest.split_at(number);
            // `.5s` and `1.s` are refused: a digit stands on both sides of the point.
            if !(digits.starts_with(|c: char| c.is_ascii_digit()) && digits.ends_with(|c: char| c.is_ascii_digit())) {
                return Err(refuse());
            }
            let value: f64 = digits.parse().map_err(|_| refuse())?;
            let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit);
            let micros = match unit.trim() {
                "ns" => 1e-3,
                "us" | "µs" | "μs" => 1.0,
                "ms" => 1e3,
                "s" => 1e6,
                "m" => 60e6,
                "h" => 3600e6,
                "d" => 86_400e6,
                "w" => 604_800e6,
                _ => return Err(refuse()),
            };
            total += value * micros;
            rest = tail;
        }
        if total < 1e17 { Ok(Self(Micros(total.round() as i64))) } else { Err(refuse()) }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// What a text's gaps are filled with.
#[derive(Clone, Debug, Default)]
pub struct Fill(BTreeMap<Cow<'static, str>, String>);

impl Fill {
    /// Sets a word; an empty value counts as absent.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.insert(key.into(), value);
        }
    }

    /// Sets a word unless it is set already.
    pub fn set_default(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let key = key.into();
        if !self.0.contains_key(&key) {
            self.set(key, value);
        }
    }

    /// A word that is set.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// This fill with the words of another on top.
    #[must_use]
    pub fn with(mut self, more: &Self) -> Self {
        self.0.extend(more.0.iter().map(|(key, value)| (key.clone(), value.clone())));
        self
    }
}

/// A text with gaps: `{symbol}`, or with a default `{symbol|the symbol}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(String);

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(text.trim().to_owned()))
    }
}

impl Template {
    /// The text with its gaps filled. Of several lines those with a gap that has neither word nor default are left out
    /// (a command without its argument helps nobody); in a single line such a gap becomes `unknown`.
    #[must_use]
    pub fn fill(&self, fill: &Fill) -> String {
        if !self.0.contains('\n') {
            return tidy(&fill_line(&self.0, fill).unwrap_or_else(|text| text));
        }
        let mut lines: Vec<String> = self.0.lines().filter_map(|line| fill_line(line, fill).ok()).collect();
        // An announcement of commands that are all left out announces nothing.
        if lines.len() == 1
            && let Some(only) = lines.first_mut()
            && only.ends_with(':')
        {
            only.pop();
            only.push('.');
        }
        tidy(&lines.join("\n"))
    }

    /// The text as it was written.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }
}

/// A line with its gaps filled; the error is the same with `unknown` in the gaps that have neither word nor default.
fn fill_line(line: &str, fill: &Fill) -> Result<String, String> {
    let mut out = String::with_capacity(line.len() + 32);
    let mut rest = line;
    let mut whole = true;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((gap, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        let (key, default) = gap.split_once('|').map_or((gap, None), |(key, default)| (key, Some(default)));
        let word = fill.get(key).or(default);
        whole &= word.is_some();
        out.push_str(word.unwrap_or("unknown"));
        rest = tail;
    }
    out.push_str(rest);
    if whole { Ok(out) } else { Err(out) }
}

/// Empty gaps leave double spaces and spaces before punctuation.
fn tidy(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let body = line.trim_start();
        let indent = line.get(..line.len() - body.len()).unwrap_or_default();
        let mut words = body.split_whitespace().collect::<Vec<_>>().join(" ");
        for (bad, good) in [(" :", ":"), (" ,", ","), ("()", ""), (" )", ")")] {
            words = words.replace(bad, good);
        }
        format!("{indent}{}", words.trim_end())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_or_take_their_default() {
        let mut fill = Fill::default();
        fill.set("symbol", "EURUSD");
        fill.set("empty", "");
        let text = |t: &str| Template(t.to_owned()).fill(&fill);
        assert_eq!(text("load {symbol} -t {timeframe|1h}"), "load EURUSD -t 1h");
        assert_eq!(text("No data for {symbol} {empty|}: gone"), "No data for EURUSD: gone");
        assert_eq!(text("{never} {"), "unknown {");
        assert_eq!(text("do:\n  ktrdr workers"), "do:\n  ktrdr workers");
        assert_eq!(text("do:\n  ktrdr workers\n  ktrdr status {operation}"), "do:\n  ktrdr workers");
        assert_eq!(text("Ask KTRDR:\n  ktrdr status {operation}"), "Ask KTRDR.");
    }

    #[test]
    fn globs_take_the_whole_name() {
        assert!(Glob::new("* http send").fits("GET /health http send"));
        assert!(!Glob::new("cli.*").fits("my cli.train"));
    }
}
