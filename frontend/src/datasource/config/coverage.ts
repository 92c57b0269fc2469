// What the history of a data source covers: the backend's answer, and its words.
import { dateTimeFormat } from '@grafana/data';
import { getBackendSrv } from '@grafana/runtime';
import { lastValueFrom } from 'rxjs';
import { messageOf } from '../errorMessage';

export interface Gap {
  from: number;
  to: number;
  reason: string;
}

/** The answer of the resource `coverage`. Times are milliseconds since 1970. */
export interface Coverage {
  activity: 'off' | 'opening' | 'failed' | 'starting' | 'recording' | 'standby' | 'failing' | 'ended';
  error?: string | null;
  writer?: string | null;
  place?: string;
  completeSince?: number | null;
  lagSeconds?: number | null;
  caughtUp?: boolean;
  gaps?: Gap[];
  gapCount?: number;
  requestsPerSecond?: number;
  clockSkewSeconds?: number | null;
  unproven?: boolean;
}

/** From this difference on, the clocks are worth a word. */
const LARGE_SKEW_SECONDS = 5;

/** What the history of a data source covers. */
export async function fetchCoverage(uid: string): Promise<Coverage> {
  try {
    const { data } = await lastValueFrom(
      getBackendSrv().fetch<Coverage>({
        method: 'GET',
        url: `/api/datasources/uid/${uid}/resources/coverage`,
        showErrorAlert: false,
      })
    );
    return data;
  } catch (error) {
    return { activity: 'failed', error: messageOf(error) };
  }
}

export interface CoverageWords {
  severity: 'info' | 'success' | 'warning' | 'error';
  title: string;
  lines: string[];
}

/** What a person should know about it. */
export function coverageWords(coverage: Coverage): CoverageWords {
  const lines = details(coverage);
  switch (coverage.activity) {
    case 'off':
      return { severity: 'info', title: 'Nothing is recorded: save the settings first', lines };
    case 'opening':
    case 'starting':
      return { severity: 'info', title: 'The history is being opened', lines };
    case 'failed':
      return { severity: 'error', title: 'The history cannot be used', lines };
    case 'failing':
      return { severity: 'warning', title: 'Recording has failed and is tried again', lines };
    case 'ended':
      return { severity: 'info', title: 'Recording has ended; the next question starts it again', lines };
    case 'standby':
      return { severity: 'success', title: `Another process records: ${coverage.writer ?? 'unknown'}`, lines };
    case 'recording':
      return coverage.caughtUp
        ? { severity: 'success', title: 'The history is recorded', lines }
        : { severity: 'info', title: 'The history is being filled', lines };
  }
}

function details(coverage: Coverage): string[] {
  const { error, place, completeSince, lagSeconds, requestsPerSecond, clockSkewSeconds, unproven } = coverage;
  const lines: string[] = [];
  if (error) {
    lines.push(error);
  }
  if (place === undefined) {
    return lines;
  }
  lines.push(`Kept in: ${place}`);
  const behind = isNumber(lagSeconds) ? `, ${Math.max(0, Math.round(lagSeconds))} s behind` : '';
  lines.push(
    isNumber(completeSince)
      ? `Complete since ${dateTimeFormat(completeSince)}${behind}`
      : `Nothing is complete yet${behind}`
  );
  if (isNumber(requestsPerSecond)) {
    lines.push(`${requestsPerSecond.toFixed(1)} requests per second to Jaeger`);
  }
  if (isNumber(clockSkewSeconds) && Math.abs(clockSkewSeconds) > LARGE_SKEW_SECONDS) {
    lines.push(`Jaeger's clock differs by ${Math.round(clockSkewSeconds)} s`);
  }
  if (unproven) {
    lines.push("Jaeger's storage does not fill its limits reliably: completeness is not proven");
  }
  const gaps = coverage.gaps ?? [];
  gaps.forEach(({ from, to, reason }) =>
    lines.push(`Missing from ${dateTimeFormat(from)} to ${dateTimeFormat(to)}: ${reason}`)
  );
  const more = (coverage.gapCount ?? gaps.length) - gaps.length;
  if (more > 0) {
    lines.push(`… and ${more} earlier gaps`);
  }
  return lines;
}

const isNumber = (value: number | null | undefined): value is number => typeof value === 'number';
