//! Identifies a playbook, so that operations are judged again when it has changed.

use diagnosis::playbook::Playbook;
use sha2::{Digest as _, Sha256};
use store::PlaybookHash;

/// The hash of a playbook's text. Playbooks that differ only in comments, spaces or the order of keys have the same hash,
/// on every platform and in every run.
#[must_use]
pub fn playbook_hash(playbook: &Playbook) -> PlaybookHash {
    hash_of(&playbook.normalized_text())
}

fn hash_of(text: &str) -> PlaybookHash {
    let digest = Sha256::digest(text);
    let first = digest.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    PlaybookHash(first.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(setting: &str) -> PlaybookHash {
        playbook_hash(&Playbook::from_setting(setting).unwrap())
    }

    #[test]
    fn only_what_a_playbook_says_counts() {
        let one = hash("[thresholds]\nslow_factor = 3.0\nclock_skew = \"1s\"\n");
        assert_eq!(one, hash("# faster\n[thresholds]\nclock_skew   = '1s' # s\n\nslow_factor = 3.0"));
        let others = ["ktrdr", "generic", "[thresholds]\nslow_factor = 4.0\nclock_skew = \"1s\""].map(hash);
        assert!(!others.contains(&one));
        assert_ne!(others[0], others[1]);
        assert_eq!(others[0], playbook_hash(&Playbook::ktrdr()));
    }

    #[test]
    fn a_stored_hash_is_known_again_by_every_later_build() {
        // printf 'a = 1\n' | sha256sum
        assert_eq!(hash_of("a = 1\n"), PlaybookHash(0xcb78_bd8a_17f7_b751_u64.cast_signed()));
    }
}
