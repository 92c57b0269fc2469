//! All mistakes of a playbook text that cannot be read, each with its line: unknown tables and fields, values of the wrong
//! kind, invalid patterns and durations. A reader stops at the first, so each is noted, taken out, and the rest read again.

use std::ops::Range;

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer, Error},
};

use super::{PlaybookError, similar::nearest, tables::Tables};

/// How many mistakes of one text are listed.
const MOST: usize = 50;

/// The line of a byte, from 1.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or_default().matches('\n').count() + 1
}

/// The mistakes of a text, in the order of its lines.
pub(super) fn find(text: &str) -> Vec<PlaybookError> {
    let (mut document, syntax) = DeTable::parse_recoverable(text);
    let mut found: Vec<PlaybookError> = syntax.iter().map(|error| mistake(text, error)).collect();
    while found.len() < MOST && syntax.is_empty() {
        let Err(error) = Tables::deserialize(Deserializer::from(document.clone())) else { break };
        found.push(mistake(text, &error));
        if !error.span().is_some_and(|span| take_out(document.get_mut(), &span)) {
            break;
        }
    }
    found.sort_by_key(|error| error.line);
    found.dedup();
    found
}

fn mistake(text: &str, error: &Error) -> PlaybookError {
    let line = line_at(text, error.span().map_or(0, |span| span.start));
    let message = error.message();
    let mut message = message.to_owned();
    // `unknown field `severty`, expected one of `id`, `severity` …`
    let mut quoted = error.message().split('`').skip(1).step_by(2);
    if let Some(word) = quoted.next().filter(|_| message.starts_with("unknown "))
        && let Some(near) = nearest(word, quoted)
    {
        message = format!("{}; perhaps `{near}`", message.split(',').next().unwrap_or(&message));
    }
    PlaybookError { line, message }
}

/// Takes out the innermost entry at a place; whether there was one.
fn take_out(table: &mut DeTable<'_>, place: &Range<usize>) -> bool {
    if table.iter_mut().any(|(_, value)| take_out_below(value, place)) {
        return true;
    }
    let holds = |span: Range<usize>| span.start <= place.start && place.end <= span.end;
    let key = table.iter().find(|(key, value)| holds(key.span()) || holds(value.span())).map(|(key, _)| key.clone());
    key.is_some_and(|key| table.remove(&key).is_some())
}

fn take_out_below(value: &mut Spanned<DeValue<'_>>, place: &Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Table(table) => take_out(table, place),
        DeValue::Array(items) => items.iter_mut().any(|item| take_out_below(item, place)),
        _ => false,
    }
}
