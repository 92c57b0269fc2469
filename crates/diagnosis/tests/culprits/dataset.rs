//! Recorded faults and normal traffic as requests, and ways to take less of them.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use diagnosis::culprits::{RequestProfile, profiles};

use crate::faults::{self, Fault};

/// One folder of the data.
pub(crate) struct System {
    pub(crate) name: String,
    pub(crate) normal: Vec<RequestProfile>,
    pub(crate) faults: Vec<(Fault, Vec<RequestProfile>)>,
}

impl System {
    pub(crate) fn load(folder: &Path) -> Self {
        let requests =
            |file: &str| faults::traces(&folder.join(file)).iter().flat_map(profiles).collect::<Vec<RequestProfile>>();
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            normal: requests("normal.csv.gz"),
            faults: faults::faults(folder).into_iter().map(|fault| (fault.clone(), requests(&fault.file))).collect(),
        }
    }

    /// All folders below `root` that have a list of faults.
    pub(crate) fn load_all(root: &Path) -> Vec<Self> {
        let entries = std::fs::read_dir(root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
        let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        folders.retain(|folder| folder.join("faults.json").exists());
        folders.sort();
        assert!(!folders.is_empty(), "no folder with a faults.json below {}", root.display());
        folders.iter().map(|folder| Self::load(folder)).collect()
    }
}

/// A numeric sequence that looks random and is always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    /// `n` of the requests, and the others.
    fn split(&mut self, requests: &[RequestProfile], n: usize) -> (Vec<RequestProfile>, Vec<RequestProfile>) {
        let mut shuffled = requests.to_vec();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, self.below(at + 1));
        }
        let rest = shuffled.split_off(n.min(shuffled.len()));
        (shuffled, rest)
    }
}

const MINUTE: i64 = 60_000_000;

/// Normal traffic in the pieces that it was recorded in: a pause of a minute ends one.
fn recordings(normal: &[RequestProfile]) -> Vec<Vec<RequestProfile>> {
    let mut sorted = normal.to_vec();
    sorted.sort_by_key(|request| request.start);
    let mut pieces: Vec<Vec<RequestProfile>> = Vec::new();
    for request in sorted {
        match pieces.last_mut() {
            Some(piece) if piece.last().is_some_and(|last| (request.start - last.start).0 <= MINUTE) => {
                piece.push(request);
            }
            _ => pieces.push(vec![request]),
        }
    }
    pieces.retain(|piece| piece.len() >= 20);
    pieces
}

/// The requests that start in each 20 s of a recording.
fn thirds(recording: &[RequestProfile]) -> Vec<Vec<RequestProfile>> {
    let first = recording.iter().map(|request| request.start).min().unwrap_or_default();
    let mut parts: BTreeMap<i64, Vec<RequestProfile>> = BTreeMap::new();
    for request in recording {
        parts.entry((request.start - first).0 / (MINUTE / 3)).or_default().push(request.clone());
    }
    parts.into_values().filter(|part| part.len() >= 10).collect()
}

pub(crate) type Pair = (String, Vec<RequestProfile>, Vec<RequestProfile>);

/// Fault-free windows with fault-free baselines: normal traffic split in two, in many ways.
pub(crate) fn fault_free(system: &System, random_splits: usize) -> Vec<Pair> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut sorted = system.normal.clone();
    sorted.sort_by_key(|request| request.start);
    let later = sorted.split_off(sorted.len() / 2);
    pairs.push(("earlier half, later half".to_owned(), sorted.clone(), later.clone()));
    pairs.push(("earlier half, later half".to_owned(), later, sorted));
    let pieces = recordings(&system.normal);
    let without = |part: &[RequestProfile]| -> Vec<RequestProfile> {
        let known: HashSet<_> = part.iter().map(|request| (request.trace_id, request.start)).collect();
        let others = system.normal.iter().filter(|request| !known.contains(&(request.trace_id, request.start)));
        others.cloned().collect()
    };
    for (at, piece) in pieces.iter().enumerate() {
        if pieces.len() > 1 {
            pairs.push(("one recorded minute, all others".to_owned(), piece.clone(), without(piece)));
        }
        for other in pieces.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other) {
            pairs.push(("one recorded minute, another".to_owned(), piece.clone(), other.clone()));
        }
        for part in thirds(piece) {
            let rest = without(&part);
            pairs.push(("20 s, all others".to_owned(), part, rest));
        }
    }
    let mut random = Random(7);
    for size in [10, 20, 50, 100, 200, 500] {
        for _ in (0..random_splits).filter(|_| size <= system.normal.len() / 2) {
            let (window, rest) = random.split(&system.normal, size);
            pairs.push((format!("{size} random requests, all others"), window, rest));
        }
    }
    for _ in 0..random_splits {
        let (window, rest) = random.split(&system.normal, system.normal.len() / 2);
        pairs.push(("random halves".to_owned(), window, rest));
    }
    pairs
}

/// Faults seen through less data than there is.
pub(crate) fn reduced(system: &System) -> Vec<(String, &Fault, Vec<RequestProfile>, Vec<RequestProfile>)> {
    let mut random = Random(11);
    let mut cases = Vec::new();
    for (fault, window) in &system.faults {
        for percent in [50, 25] {
            for _ in 0..2 {
                let (part, _) = random.split(window, window.len() * percent / 100);
                cases.push((format!("{percent} % of the window"), fault, part, system.normal.clone()));
            }
        }
        for part in thirds(window) {
            cases.push(("20 s of the window".to_owned(), fault, part, system.normal.clone()));
        }
        for recording in recordings(&system.normal) {
            cases.push(("one recorded minute as baseline".to_owned(), fault, window.clone(), recording));
        }
        for _ in 0..2 {
            let ((part, _), (baseline, _)) = (random.split(window, 200), random.split(&system.normal, 200));
            cases.push(("200 requests against 200".to_owned(), fault, part, baseline));
        }
    }
    cases
}
