//! Names that are almost like a misspelt one, as hints.

/// The name that is most like `word`, if one is: at most a third of its letters differ.
pub(crate) fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let most = (word.chars().count() / 3).max(1);
    let ranked = names.into_iter().filter(|name| *name != word).map(|name| (distance(word, name), name));
    ranked.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name)
}

/// How many letters must be inserted, left out, changed or swapped with the next one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, of_a) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, of_b) in b.iter().enumerate() {
            let at = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&row, j) + usize::from(of_a != of_b);
            let mut least = changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(of_b) && b.get(j - 1) == Some(of_a);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_the_letters_may_differ() {
        let names = ["severity", "summary", "solution"];
        assert_eq!(nearest("severty", names), Some("severity"));
        assert_eq!(nearest("sumamry", names), Some("summary"));
        assert_eq!(nearest("solution", names), None, "it is not a hint for itself");
        assert_eq!(nearest("verdict", names), None);
        assert_eq!((distance("", "ab"), distance("ab", "ba"), distance("abc", "abd")), (2, 1, 1));
        assert_eq!([nearest("abcxyf", ["abcdef"]), nearest("abxxyf", ["abcdef"])], [Some("abcdef"), None]);
    }
}
