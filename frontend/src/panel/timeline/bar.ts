// Where the parts of a step's bar are drawn, in pixels.
import { type FlowStep } from '../../shared/record';

/** Where a bar starts and ends; may lie outside of what is shown. */
export interface Ends {
  left: number;
  right: number;
}

/** On a bar shorter than this a mark would be all there is. */
export const DISTINCT = 5;

/** Where a time after the start of a step is drawn. */
export const placeOf = ({ left, right }: Ends, { duration_ms: all }: FlowStep, ms: number): number =>
  left + (ms / (all || 1)) * Math.max(2, right - left);

/** Where the mark of the usual time on the path is drawn; undefined without such a time, and where it cannot be seen. */
export function baselineMark(ends: Ends, step: FlowStep, width: number): number | undefined {
  if (step.baseline_ms === null) {
    return undefined;
  }
  const mark = placeOf(ends, step, step.baseline_ms);
  const distinct = Math.max(mark, placeOf(ends, step, step.path_ms)) - ends.left >= DISTINCT;
  return distinct && mark >= 0 && mark <= width ? mark : undefined;
}
