// Parses durations (`1m30s`, `250ms`) and formats them. The backend does the same (crates/diagnosis/src/playbook/values.rs,
// crates/trace/src/time.rs); tests/shared/durations.json tests both.

/** Microseconds of a unit. */
const UNITS: Record<string, number> = {
  ns: 1e-3,
  us: 1,
  µs: 1,
  μs: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
  d: 86_400e6,
  w: 604_800e6,
};
const PART = /^(\d+(?:\.\d+)?)\s*(ns|us|µs|μs|ms|s|m|h|d|w)(?![a-zµμ])\s*/;
/** The maximum of the backend. */
const LONGEST = 1e17;

/** Milliseconds of a string like `1m30s`; null if it is not a duration. */
export function parseDuration(text: string): number | null {
  let rest = text.trim();
  if (rest === '') {
    return null;
  }
  let us = 0;
  while (rest !== '') {
    const part = PART.exec(rest);
    if (!part) {
      return null;
    }
    us += Number(part[1]) * (UNITS[part[2] ?? ''] ?? 0);
    rest = rest.slice(part[0].length);
  }
  return us < LONGEST ? Math.round(us) / 1000 : null;
}

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Two units at most: `1 h 4 min`, `24 min 3 s`, `1.5 s`, `41 ms`, `380 µs`. The unit is chosen after rounding, so that no
 * text reads `1000 ms` or `60.0 s`.
 */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) {
    return '–';
  }
  const us = Math.round(Math.abs(ms) * 1000);
  return us === 0 ? '0 ms' : `${ms < 0 ? '-' : ''}${formatMicros(us)}`;
}

function formatMicros(us: number): string {
  const rounded = (unit: number) => Math.floor((us + Math.floor(unit / 2)) / unit);
  if (us < 1000) {
    return `${us} µs`;
  }
  if (rounded(100) < 100) {
    return `${(rounded(100) / 10).toFixed(1)} ms`;
  }
  if (rounded(1000) < 1000) {
    return `${rounded(1000)} ms`;
  }
  if (rounded(SECOND / 10) < 600) {
    return `${(rounded(SECOND / 10) / 10).toFixed(1)} s`;
  }
  if (rounded(SECOND) < 3600) {
    return two(rounded(SECOND), 60, 'min', 's');
  }
  if (rounded(MINUTE) < 24 * 60) {
    return two(rounded(MINUTE), 60, 'h', 'min');
  }
  return two(rounded(HOUR), 24, 'd', 'h');
}

const two = (value: number, by: number, large: string, small: string) =>
  `${Math.floor(value / by)} ${large} ${value % by} ${small}`;

/** `97 %`; one decimal below ten per cent. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) {
    return '–';
  }
  const percent = share * 100;
  return `${percent < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

/** `3 min 0 s ago`, `just now`; for moments before `now`. */
export function formatAge(at: number, now: number): string {
  const age = now - at;
  return age < 2000 ? 'just now' : `${formatDuration(Math.floor(age / 1000) * 1000)} ago`;
}
