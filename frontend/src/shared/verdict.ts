// Names, icons and colours of verdicts.
import { type GrafanaTheme2, type IconName } from '@grafana/data';
import { type Severity, type Verdict, VERDICTS } from './record.generated';

export interface VerdictDisplay {
  label: string;
  icon: IconName;
  /** One plain sentence, for tooltips and screen readers. */
  meaning: string;
}

const DISPLAY: Record<Verdict, VerdictDisplay> = {
  healthy: { label: 'Healthy', icon: 'check-circle', meaning: 'The operation completed and nothing is wrong.' },
  running: { label: 'Running', icon: 'sync', meaning: 'The operation is under way and was active recently.' },
  failed: { label: 'Failed', icon: 'times-circle', meaning: 'The operation ended in failure.' },
  stuck: {
    label: 'Stuck',
    icon: 'hourglass',
    meaning: 'The operation has not ended and has been silent for too long.',
  },
  slow: { label: 'Slow', icon: 'clock-nine', meaning: 'The operation took longer than it should.' },
  no_workers: { label: 'No worker', icon: 'users-alt', meaning: 'No worker could be selected.' },
  missing_data: {
    label: 'Missing data',
    icon: 'database',
    meaning: 'Data was missing, or less arrived than requested.',
  },
  unreachable: { label: 'Unreachable', icon: 'plug', meaning: 'A service did not answer.' },
  cancelled: {
    label: 'Cancelled',
    icon: 'minus-circle',
    meaning: 'The operation was ended by a user, its parent or a shutdown.',
  },
  trace_broken: { label: 'Trace broken', icon: 'code-branch', meaning: 'The spans are not sufficient for a verdict.' },
  unknown: { label: 'Unknown', icon: 'question-circle', meaning: 'There is not enough evidence for a verdict.' },
  not_found: { label: 'Not found', icon: 'search', meaning: 'No trace has this id.' },
};

/** The appearance of a verdict; an unknown verdict of a newer backend gets a neutral one. */
export function verdictDisplay(verdict: string): VerdictDisplay {
  return DISPLAY[verdict as Verdict] ?? { label: humanize(verdict), icon: 'question-circle', meaning: '' };
}

/** Whether an operation with this verdict needs no attention. */
export const needsNoAttention = (verdict: Verdict) => verdict === 'healthy' || verdict === 'running';

export const isVerdict = (word: string): word is Verdict => (VERDICTS as readonly string[]).includes(word);

/** `no_workers` → `No workers`. */
export function humanize(word: string): string {
  const text = word.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `NO_CAPABLE_WORKERS` → `No capable workers`. */
export const workerStatusLabel = (status: string) =>
  status === 'SUCCESS' ? 'Selected' : humanize(status.toLowerCase());

export interface Tone {
  /** For lines, bars and icons. */
  main: string;
  /** For text on the panel's background. */
  text: string;
  /** For the background of a verdict. */
  tint: string;
}

/** The colours of a verdict: by its severity, except that running is blue and verdicts without urgency are grey. */
export function tone(theme: GrafanaTheme2, severity: number, verdict?: string): Tone {
  const { colors } = theme;
  const of = (c: { main: string; text: string; transparent: string }): Tone => ({
    main: c.main,
    // Slightly darker or lighter: the plain colour has too little contrast on its own tint.
    text: `color-mix(in srgb, ${c.text} 82%, ${colors.text.maxContrast})`,
    tint: c.transparent,
  });
  if (severity >= 3) {
    return of(colors.error);
  }
  if (severity === 2) {
    return of(colors.warning);
  }
  if (verdict === 'running') {
    return of(colors.info);
  }
  if (verdict === 'healthy') {
    return of(colors.success);
  }
  return { main: colors.text.disabled, text: colors.text.secondary, tint: colors.background.secondary };
}

export const severityLabel = (severity: Severity | number) =>
  ['Fine', 'Notice', 'Warning', 'Critical'][severity] ?? 'Unknown';
