// Names, icons and meanings of the kinds of culprits.
import { type IconName } from '@grafana/data';
import { type Confidence, type CulpritKind } from './record.generated';
import { humanize } from './verdict';

interface KindDisplay {
  label: string;
  icon: IconName;
  /** One plain sentence, for tooltips. */
  meaning: string;
}

const KINDS: Record<CulpritKind, KindDisplay> = {
  span: { label: 'Own time', icon: 'clock-nine', meaning: 'Its spans take longer by themselves.' },
  network: { label: 'Network', icon: 'exchange-alt', meaning: 'Callers wait longer for it than it works.' },
  gap: { label: 'Gap', icon: 'hourglass', meaning: 'Work starts later after its dispatch. No span covers this time.' },
  errors: { label: 'Errors', icon: 'times-circle', meaning: 'Errors arise there.' },
  missing: { label: 'Missing', icon: 'minus-circle', meaning: 'It is usually called and now is not.' },
};

/** The appearance of a kind; an unknown kind of a newer backend gets a neutral one. */
export const kindDisplay = (kind: string): KindDisplay =>
  KINDS[kind as CulpritKind] ?? { label: humanize(kind), icon: 'question-circle', meaning: '' };

const CONFIDENCES: Record<Confidence, string> = {
  high: 'Many operations deviate there, and no other service comes close.',
  medium: 'Enough operations deviate, but another service does so too, or it is about absence.',
  low: 'Fewer than 5 operations deviate, or the baseline has fewer than 20.',
};

/** Why the confidence is as it is. */
export const confidenceMeaning = (confidence: string): string => CONFIDENCES[confidence as Confidence] ?? '';
