//! CPU time and memory of a process, from `/proc`.

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// CPU time in ticks of a hundredth of a second.
    ticks: u64,
    /// Resident memory in bytes.
    pub(super) resident: usize,
}

impl Usage {
    /// Nothing if there is no such process.
    pub(super) fn of(pid: Option<u32>) -> Self {
        let Some(pid) = pid else { return Self::default() };
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let stat = read("stat");
        // The second field is the name in parentheses and may contain spaces.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let field = |nth: usize| fields.get(nth).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let status = read("status");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = resident.and_then(|text| text.split_whitespace().next()?.parse::<usize>().ok());
        Self { ticks: field(11) + field(12), resident: kibibytes.unwrap_or(0) << 10 }
    }

    /// The share of a core since then, in percent.
    pub(super) fn share_since(self, before: Self, seconds: f64) -> f64 {
        self.ticks.saturating_sub(before.ticks) as f64 / seconds
    }
}
