//! Parses query parameters as Jaeger's Go code does.

use trace::Micros;

/// Query parameters in their order in the request. A name can occur several times.
pub(super) type Params = Vec<(String, String)>;

/// The first value of a parameter that is not empty. `names` are the parameter's aliases in order of preference.
pub(super) fn first<'p>(params: &'p Params, names: &[&str]) -> Option<&'p str> {
    names.iter().find_map(|name| {
        params.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    })
}

/// All values of a parameter.
pub(super) fn all<'p>(params: &'p Params, name: &'p str) -> impl Iterator<Item = &'p str> {
    params.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Parses a JSON object whose values are texts. Jaeger rejects all other values.
pub(super) fn object(text: &str) -> Option<Params> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    object.into_iter().map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect()
}

/// Parses a Go duration such as `1h30m`, `1.5s` or `250us`. A number without a unit is not a duration, except 0.
pub(super) fn duration(text: &str) -> Option<Micros> {
    if text == "0" {
        return Some(Micros(0));
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|ch: char| !ch.is_ascii_digit() && ch != '.')?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|ch: char| ch.is_ascii_digit() || ch == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let micros = match unit {
            "ns" => 1e-3,
            "us" | "µs" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            "m" => 60e6,
            "h" => 3600e6,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * micros;
        rest = tail;
    }
    (!text.is_empty()).then_some(Micros(total.round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, micros) in [("1.5s", 1_500_000), ("1h30m", 5_400_000_000), ("250us", 250), ("100ms", 100_000)] {
            assert_eq!(duration(text), Some(Micros(micros)), "{text}");
        }
        for bad in ["", "5", "s", "1x", "ms5"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn attributes_must_be_texts() {
        assert_eq!(object(r#"{"a":"1"}"#), Some(vec![("a".to_owned(), "1".to_owned())]));
        assert_eq!(object(r#"{"error":true}"#), None);
        assert_eq!(object("[]"), None);
    }
}
