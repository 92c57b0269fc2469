// Operations of KTRDR wait for minutes between steps of milliseconds. On a linear scale such a wait fills almost the whole
// width. Segments in which nothing starts or ends can therefore be folded: they are drawn shorter.
import { type FlowStep } from '../../shared/record.generated';
import { type Span, ticks } from './scale';

/** A segment of time (ms) and its position (0 to 1 of the whole width). */
export interface Segment extends Span {
  left: number;
  right: number;
  folded: boolean;
}

export interface CompressedScale {
  segments: Segment[];
  all: Span;
  /** Whether any segment is folded. */
  isFolded: boolean;
}

/** A quiet segment is folded only if it has at least this share of the time. */
const MIN_QUIET_SHARE = 0.15;
/** Nothing is folded unless the quiet segments together have at least this share of the time. */
const MIN_FOLDED_SHARE = 0.6;
/** Share of the width for all folded segments together. */
const FOLDED_WIDTH = 0.3;

/** The linear scale. */
export const linearScale = (all: Span): CompressedScale => ({
  segments: [{ ...all, left: 0, right: 1, folded: false }],
  all,
  isFolded: false,
});

/** The scale with the long quiet segments folded, or the linear one if folding does not help. */
export function foldedScale(steps: FlowStep[], all: Span): CompressedScale {
  const length = all.to - all.from;
  const quiet = quietSegments(steps, all).filter(({ from, to }) => to - from >= MIN_QUIET_SHARE * length);
  const share = quiet.reduce((sum, { from, to }) => sum + (to - from), 0) / length;
  if (quiet.length === 0 || share < MIN_FOLDED_SHARE || share >= 1) {
    return linearScale(all);
  }
  const perBusy = (1 - FOLDED_WIDTH) / (1 - share);
  const perQuiet = FOLDED_WIDTH / share;
  const segments: Segment[] = [];
  let at = all.from;
  let left = 0;
  const add = (to: number, isQuiet: boolean) => {
    if (to > at) {
      const right = left + ((to - at) / length) * (isQuiet ? perQuiet : perBusy);
      segments.push({ from: at, to, left, right, folded: isQuiet });
      at = to;
      left = right;
    }
  };
  for (const { from, to } of quiet) {
    add(from, false);
    add(to, true);
  }
  add(all.to, false);
  return { segments, all, isFolded: true };
}

/** The segments in which no span starts or ends. */
function quietSegments(steps: FlowStep[], all: Span): Span[] {
  const moments = [all.from, all.to];
  for (const step of steps) {
    if (step.kind !== 'gap') {
      moments.push(step.offset_ms, step.offset_ms + step.duration_ms);
    }
  }
  moments.sort((a, b) => a - b);
  return moments.flatMap((to, index) => {
    const from = moments[index - 1];
    return from !== undefined && to > from ? [{ from, to }] : [];
  });
}

/** Position of a time, 0 to 1. */
export function positionOf({ segments }: CompressedScale, at: number): number {
  const segment = segments.find(({ to }) => at <= to) ?? segments[segments.length - 1];
  if (!segment) {
    return 0;
  }
  const share = (at - segment.from) / (segment.to - segment.from);
  return segment.left + Math.min(1, Math.max(0, share)) * (segment.right - segment.left);
}

/** The time at a position. */
export function timeAt({ segments }: CompressedScale, where: number): number {
  const segment = segments.find(({ right }) => where <= right) ?? segments[segments.length - 1];
  if (!segment) {
    return 0;
  }
  return timeIn(segment, where);
}

function timeIn({ from, to, left, right }: Segment, where: number): number {
  const share = (where - left) / (right - left);
  return from + Math.min(1, Math.max(0, share)) * (to - from);
}

/** Distance between two marks of the axis, in pixels. */
const TICK_DISTANCE = 90;

/** Round times for the axis, with their positions in the view. */
export function axisTicks(timeScale: CompressedScale, view: Span, width: number): Array<{ at: number; x: number }> {
  const scale = width / (view.to - view.from);
  const result: Array<{ at: number; x: number }> = [];
  for (const segment of timeScale.segments) {
    const from = Math.max(segment.left, view.from);
    const to = Math.min(segment.right, view.to);
    const available = (to - from) * scale;
    if (available <= 0 || segment.folded) {
      continue;
    }
    const moments = { from: timeIn(segment, from), to: timeIn(segment, to) };
    for (const at of ticks(moments, Math.max(1, available / TICK_DISTANCE))) {
      const x = (positionOf(timeScale, at) - view.from) * scale;
      if (x >= -1 && x <= width + 1 && result.every((mark) => Math.abs(mark.x - x) >= TICK_DISTANCE * 0.55)) {
        result.push({ at, x });
      }
    }
  }
  return result;
}
