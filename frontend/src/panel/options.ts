import { type PanelOptionsEditorBuilder } from '@grafana/data';

export const PROOFS = ['timeline', 'findings', 'errors', 'http', 'workers', 'evidence'] as const;
export type Proof = (typeof PROOFS)[number];

export const PROOF_LABELS: Record<Proof, string> = {
  timeline: 'Timeline',
  findings: 'Findings',
  errors: 'Errors',
  http: 'HTTP calls',
  workers: 'Workers',
  evidence: 'Evidence',
};

export type ListOrder = 'severity' | 'newest' | 'duration';

export interface PanelOptions {
  /** Order of the list of operations. */
  order: ListOrder;
  hideHealthy: boolean;
  /** Figures below the verdict. */
  showFigures: boolean;
  showSolution: boolean;
  proofs: Proof[];
  firstProof: Proof | 'auto';
}

export const DEFAULTS: PanelOptions = {
  order: 'severity',
  hideHealthy: false,
  showFigures: true,
  showSolution: true,
  proofs: [...PROOFS],
  firstProof: 'auto',
};

export function buildOptions(builder: PanelOptionsEditorBuilder<PanelOptions>) {
  const proofs = PROOFS.map((value) => ({ value, label: PROOF_LABELS[value] }));
  builder
    .addRadio({
      path: 'order',
      name: 'Order',
      category: ['List of operations'],
      defaultValue: DEFAULTS.order,
      settings: {
        options: [
          { value: 'severity', label: 'Severity' },
          { value: 'newest', label: 'Newest' },
          { value: 'duration', label: 'Duration' },
        ],
      },
    })
    .addBooleanSwitch({
      path: 'hideHealthy',
      name: 'Hide healthy operations',
      description: 'Leaves out healthy and running operations',
      category: ['List of operations'],
      defaultValue: DEFAULTS.hideHealthy,
    })
    .addBooleanSwitch({
      path: 'showSolution',
      name: 'Root cause and solution',
      category: ['One operation'],
      defaultValue: DEFAULTS.showSolution,
    })
    .addBooleanSwitch({
      path: 'showFigures',
      name: 'Figures',
      description: 'Duration, bottleneck, worker, error and baseline',
      category: ['One operation'],
      defaultValue: DEFAULTS.showFigures,
    })
    .addMultiSelect({
      path: 'proofs',
      name: 'Proof',
      description: 'Tabs below the verdict; those without content are left out',
      category: ['One operation'],
      defaultValue: DEFAULTS.proofs,
      settings: { options: proofs as never },
    })
    .addSelect({
      path: 'firstProof',
      name: 'Opens with',
      category: ['One operation'],
      defaultValue: DEFAULTS.firstProof,
      settings: { options: [{ value: 'auto', label: 'Evidence for the verdict' }, ...proofs] },
    });
}
