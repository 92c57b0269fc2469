//! Durations as people write them: `1m30s`, `48h`, `250ms`.

use crate::trace::Micros;

/// Units and their length in microseconds; longer names first, so that `ms` is not read as `m`.
const UNITS: [(&str, f64); 10] = [
    ("ns", 1e-3),
    ("us", 1.0),
    ("µs", 1.0),
    ("μs", 1.0),
    ("ms", 1e3),
    ("s", 1e6),
    ("m", 60e6),
    ("h", 3_600e6),
    ("d", 86_400e6),
    ("w", 604_800e6),
];

/// Reads a sum of numbers with units; `None` for anything else, also for a number without a unit.
pub(super) fn parse(text: &str) -> Option<Micros> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let number: f64 = number.parse().ok()?;
        let (after, length) = UNITS.iter().find_map(|(unit, length)| Some((after.strip_prefix(unit)?, length)))?;
        total += number * length;
        rest = after.trim_start();
    }
    (total < 1e17).then_some(Micros(total.round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_numbers_with_units_are_durations() {
        let cases = [("1m30s", 90_000_000), ("48h", 172_800_000_000), ("250ms", 250_000), ("1.5s", 1_500_000)];
        for (text, us) in cases {
            assert_eq!(parse(text), Some(Micros(us)), "{text}");
        }
        assert_eq!(parse(" 7d "), Some(Micros::from_secs(604_800)));
        for bad in ["", "5", "m", "1x", "-3s", "1..2s", "s1", "99999999999999999999w"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
