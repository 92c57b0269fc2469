// The words of a comparison: how much was compared, and by how much a culprit deviates.
import { dateTimeFormat } from '@grafana/data';
import { type TimeZone } from '@grafana/schema';
import { formatDuration, formatShare } from '../../shared/duration';
import { type Culprit } from '../../shared/record.generated';
import { type Comparison, type Range } from '../readFrames';

/** `1 operation`, `12 operations`. */
const counted = (count: number, plural: string) => `${count} ${count === 1 ? plural.replace(/s$/, '') : plural}`;

function formatRange({ from, to }: Range, timeZone: TimeZone): string {
  const format = (at: number, pattern: string) => dateTimeFormat(at, { timeZone, format: pattern });
  const day = 'YYYY-MM-DD';
  const isSameDay = format(from, day) === format(to, day);
  return `${format(from, `${day} HH:mm`)} to ${format(to, isSameDay ? 'HH:mm' : `${day} HH:mm`)}`;
}

/** What was compared with what. */
export function comparedWords(comparison: Comparison, timeZone: TimeZone): string {
  const { compared, operations, baselineOperations, window, baseline } = comparison;
  const of = (range: Range | undefined) => (range ? ` of ${formatRange(range, timeZone)}` : '');
  return `${counted(operations, compared)}${of(window)} compared with ${counted(baselineOperations, compared)}${of(baseline)}`;
}

/** By how much a culprit deviates, in two or three words. */
export function amountWords({ kind, excess_ms: excess, error_ratio: errors, affected }: Culprit): string {
  if (kind === 'errors') {
    return `${formatShare(errors)} errors`;
  }
  return excess === null ? `${affected} without` : `+ ${formatDuration(excess)}`;
}

/** Where it is: `caller → service`, or the service alone. */
export const placeWords = ({ service, caller }: Culprit) => (caller ? `${caller} → ${service}` : service);

/** The key of a culprit: what remains the same when the answer is refreshed. */
export const keyOfCulprit = ({ kind, service, caller, span }: Culprit) => [kind, caller, service, span].join('\n');
