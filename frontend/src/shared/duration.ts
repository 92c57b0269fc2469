// Durations: as people type them (`1m30s`, `250ms`) and as people read them.

const UNITS: Record<string, number> = {
  us: 0.001,
  µs: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const SHAPE = /^(?:\d+(?:\.\d+)?(?:us|µs|ms|s|m|h|d))+$/;

/** Milliseconds of a text like `1m30s`; null when it is not a duration. */
export function parseDuration(text: string): number | null {
  const compact = text.replace(/\s+/g, '');
  if (!SHAPE.test(compact)) {
    return null;
  }
  let ms = 0;
  for (const [, number, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(us|µs|ms|s|m|h|d)/g)) {
    ms += Number(number) * (UNITS[unit ?? ''] ?? 0);
  }
  return ms;
}

const tidy = (value: number, digits: number) => String(Number(value.toFixed(digits)));

/** Two units at most: `1h 4m`, `24m 3s`, `1.52 s`, `41 ms`, `380 µs`. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) {
    return '–';
  }
  if (ms < 0) {
    return `-${formatDuration(-ms)}`;
  }
  if (ms === 0) {
    return '0 ms';
  }
  if (ms < 1) {
    return `${tidy(ms * 1000, 0)} µs`;
  }
  if (ms < 999.5) {
    return `${tidy(ms, ms < 10 ? 1 : 0)} ms`;
  }
  if (ms < 59_950) {
    return `${tidy(ms / 1000, ms < 9_995 ? 2 : 1)} s`;
  }
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) {
    return two(seconds, 60, 'm', 's');
  }
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1440) {
    return two(minutes, 60, 'h', 'm');
  }
  return two(Math.round(ms / 3_600_000), 24, 'd', 'h');
}

function two(value: number, by: number, large: string, small: string): string {
  const rest = value % by;
  return rest === 0 ? `${Math.floor(value / by)}${large}` : `${Math.floor(value / by)}${large} ${rest}${small}`;
}

/** `97 %`; one decimal below ten per cent. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) {
    return '–';
  }
  const percent = share * 100;
  return `${percent < 10 ? tidy(percent, 1) : Math.round(percent)} %`;
}

/** `3m ago`, `just now`; for moments before `now`. */
export function formatAge(at: number, now: number): string {
  const age = now - at;
  return age < 2000 ? 'just now' : `${formatDuration(Math.floor(age / 1000) * 1000)} ago`;
}
