import { formatDuration } from '../../shared/duration';
import { type FlowStep } from '../../shared/record.generated';

export type StepFilter = 'all' | 'path' | 'errors';

export const isError = (step: FlowStep) => step.status === 'error' || Boolean(step.error_type);
export const isGap = (step: FlowStep) => step.kind === 'gap';
/** A client span's own time is spent between the services. */
export const isNetwork = (step: FlowStep) => step.kind === 'client';

export function filterSteps(steps: FlowStep[], stepFilter: StepFilter, text: string): FlowStep[] {
  const wanted = text.trim().toLowerCase();
  return steps.filter(
    (step) =>
      (stepFilter === 'all' || (stepFilter === 'path' ? step.path_ms > 0 : isError(step))) &&
      (wanted === '' || `${step.span} ${step.service} ${step.error_type ?? ''}`.toLowerCase().includes(wanted))
  );
}

/** The usual time on the path beside the present one; undefined without comparable operations. */
export function describeBaseline({ baseline_ms: usual, path_ms: now }: FlowStep): string | undefined {
  if (usual === null) {
    return undefined;
  }
  const times = usual > 0 ? ` (${(now / usual).toFixed(1)} ×)` : '';
  return `usually ${formatDuration(usual)} on the path, now ${formatDuration(now)}${times}`;
}

/** The description of a step for screen readers, after its name. */
export function describeStep(step: FlowStep): string {
  const words = [step.service && step.service !== step.span ? step.service : '', formatDuration(step.duration_ms)];
  if (step.is_bottleneck) {
    words.push('bottleneck');
  }
  words.push(describeBaseline(step) ?? '');
  if (isGap(step)) {
    words.push('gap: no span covers it');
  }
  if (isError(step)) {
    words.push(`error ${step.error_type ?? ''}`.trim());
  }
  return words.filter(Boolean).join(', ');
}

/** Grafana's colours without red and orange, which mean errors and the bottleneck. */
const COLORS = [
  'blue',
  'green',
  'purple',
  'light-blue',
  'dark-green',
  'light-purple',
  'dark-blue',
  'light-green',
  'dark-purple',
];

/** A colour for each service, in the order in which they took part. */
export function serviceColors(steps: FlowStep[]): Map<string, string> {
  const colors = new Map<string, string>();
  for (const { service, kind } of steps) {
    if (kind !== 'gap' && !colors.has(service)) {
      colors.set(service, COLORS[colors.size % COLORS.length] ?? 'blue');
    }
  }
  return colors;
}
