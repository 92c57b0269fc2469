// Operations of KTRDR wait for minutes between steps of milliseconds. On a linear scale such a wait fills almost the whole
// width. Stretches in which nothing starts or ends can therefore be folded: they are drawn shorter.
import { type FlowStep } from '../../shared/record';
import { type Span, ticks } from './scale';

/** A stretch of time (ms) and its position (0 to 1 of the whole width). */
export interface Stretch extends Span {
  left: number;
  right: number;
  folded: boolean;
}

export interface Warp {
  stretches: Stretch[];
  all: Span;
  /** Whether any stretch is folded. */
  folds: boolean;
}

/** A stretch with at least this share of the time is long. */
const LONG = 0.15;
/** Together, long stretches must have this share of the time before they are folded. */
const WORTH = 0.6;
/** Share of the width for all folded stretches together. */
const ROOM = 0.3;

/** The linear scale. */
export const plain = (all: Span): Warp => ({
  stretches: [{ ...all, left: 0, right: 1, folded: false }],
  all,
  folds: false,
});

/** The scale with the long quiet stretches folded, or the linear one if folding does not help. */
export function folded(steps: FlowStep[], all: Span): Warp {
  const length = all.to - all.from;
  const quiet = quietStretches(steps, all).filter(({ from, to }) => to - from >= LONG * length);
  const share = quiet.reduce((sum, { from, to }) => sum + (to - from), 0) / length;
  if (quiet.length === 0 || share < WORTH || share >= 1) {
    return plain(all);
  }
  const perBusy = (1 - ROOM) / (1 - share);
  const perQuiet = ROOM / share;
  const stretches: Stretch[] = [];
  let at = all.from;
  let left = 0;
  const add = (to: number, isFolded: boolean) => {
    if (to > at) {
      const right = left + ((to - at) / length) * (isFolded ? perQuiet : perBusy);
      stretches.push({ from: at, to, left, right, folded: isFolded });
      at = to;
      left = right;
    }
  };
  for (const { from, to } of quiet) {
    add(from, false);
    add(to, true);
  }
  add(all.to, false);
  return { stretches, all, folds: true };
}

/** The stretches in which no span starts or ends. */
function quietStretches(steps: FlowStep[], all: Span): Span[] {
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
export function place({ stretches }: Warp, at: number): number {
  const stretch = stretches.find(({ to }) => at <= to) ?? stretches[stretches.length - 1];
  if (!stretch) {
    return 0;
  }
  const share = (at - stretch.from) / (stretch.to - stretch.from);
  return stretch.left + Math.min(1, Math.max(0, share)) * (stretch.right - stretch.left);
}

/** The time at a position. */
export function momentAt({ stretches }: Warp, where: number): number {
  const stretch = stretches.find(({ right }) => where <= right) ?? stretches[stretches.length - 1];
  if (!stretch) {
    return 0;
  }
  return momentIn(stretch, where);
}

function momentIn({ from, to, left, right }: Stretch, where: number): number {
  const share = (where - left) / (right - left);
  return from + Math.min(1, Math.max(0, share)) * (to - from);
}

/** Distance between two marks of the axis, in pixels. */
const BETWEEN = 90;

/** Round times for the axis, with their positions in the view. */
export function marks(warp: Warp, view: Span, width: number): Array<{ at: number; x: number }> {
  const scale = width / (view.to - view.from);
  const result: Array<{ at: number; x: number }> = [];
  for (const stretch of warp.stretches) {
    const from = Math.max(stretch.left, view.from);
    const to = Math.min(stretch.right, view.to);
    const room = (to - from) * scale;
    if (room <= 0 || stretch.folded) {
      continue;
    }
    const moments = { from: momentIn(stretch, from), to: momentIn(stretch, to) };
    for (const at of ticks(moments, Math.max(1, room / BETWEEN))) {
      const x = (place(warp, at) - view.from) * scale;
      if (x >= -1 && x <= width + 1 && result.every((mark) => Math.abs(mark.x - x) >= BETWEEN * 0.55)) {
        result.push({ at, x });
      }
    }
  }
  return result;
}
