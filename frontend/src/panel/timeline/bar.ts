// Positions of the parts of a step's bar, in pixels.
import { type FlowStep } from '../../shared/record.generated';

/** Where a bar starts and ends; may lie outside of the visible part. */
export interface BarEnds {
  left: number;
  right: number;
}

/** On a bar shorter than this, the mark would cover the bar. */
export const MIN_MARK_DISTANCE = 5;

/** Position of a time after the start of a step. */
export const positionInBar = ({ left, right }: BarEnds, { duration_ms: all }: FlowStep, ms: number): number =>
  left + (ms / (all || 1)) * Math.max(2, right - left);

/** Position of the mark of the usual time on the path; undefined without such a time, or if it is not visible. */
export function baselineMark(ends: BarEnds, step: FlowStep, width: number): number | undefined {
  if (step.baseline_ms === null) {
    return undefined;
  }
  const mark = positionInBar(ends, step, step.baseline_ms);
  const distinct = Math.max(mark, positionInBar(ends, step, step.path_ms)) - ends.left >= MIN_MARK_DISTANCE;
  return distinct && mark >= 0 && mark <= width ? mark : undefined;
}
