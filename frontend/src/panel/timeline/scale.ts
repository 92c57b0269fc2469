import { type FlowStep } from '../../shared/record.generated';

/** A range of the operation's time, in milliseconds after the start of its window; or of the width, 0 to 1. */
export interface Span {
  from: number;
  to: number;
}

/** The whole range: from the first start to the last end. */
export function extent(steps: FlowStep[]): Span {
  let from = 0;
  let to = 0;
  for (const step of steps) {
    from = Math.min(from, step.offset_ms);
    to = Math.max(to, step.offset_ms + step.duration_ms);
  }
  return { from, to: to > from ? to : from + 1 };
}

/** The whole width. */
export const UNIT: Span = { from: 0, to: 1 };

/** The deepest zoom: a millionth. */
const SHORTEST = 1e-6;

/** The range around `at` that is `factor` times as long, limited to `all`. */
export function zoomed(view: Span, all: Span, factor: number, at: number): Span {
  const length = Math.min(all.to - all.from, Math.max(SHORTEST * (all.to - all.from), (view.to - view.from) * factor));
  const share = (at - view.from) / (view.to - view.from);
  return within({ from: at - share * length, to: at + (1 - share) * length }, all);
}

export function panned(view: Span, all: Span, by: number): Span {
  return within({ from: view.from + by, to: view.to + by }, all);
}

/** Shifts a range until it lies inside. */
function within(view: Span, all: Span): Span {
  const length = Math.min(view.to - view.from, all.to - all.from);
  const from = Math.min(Math.max(view.from, all.from), all.to - length);
  return { from, to: from + length };
}

/** Round times for an axis, about `count` of them. */
export function ticks(view: Span, count: number): number[] {
  const rough = (view.to - view.from) / Math.max(1, count);
  const step = STEPS.find((candidate) => candidate >= rough) ?? power(rough);
  const first = Math.ceil(view.from / step) * step;
  const result: number[] = [];
  for (let at = first; at <= view.to && result.length < 50; at += step) {
    result.push(at);
  }
  return result;
}

const power = (rough: number) => 10 ** Math.ceil(Math.log10(rough));
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
  ...[-3, -2, -1, 0, 1, 2].flatMap((e) => [1, 2, 5].map((m) => m * 10 ** e)),
  ...[1, 2, 5, 10, 15, 30].map((s) => s * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((m) => m * MINUTE),
  ...[1, 2, 4, 6, 12, 24, 48, 96, 192].map((h) => h * HOUR),
];
