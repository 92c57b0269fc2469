import { type PanelOptionsEditorBuilder } from '@grafana/data';

export const TABS = ['timeline', 'findings', 'errors', 'http', 'workers', 'evidence'] as const;
export type EvidenceTab = (typeof TABS)[number];

export const TAB_LABELS: Record<EvidenceTab, string> = {
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
  // Saved dashboards contain these two names.
  /** The tabs that are shown. */
  proofs: EvidenceTab[];
  /** The tab that is open at first; `auto` chooses it by the verdict. */
  firstProof: EvidenceTab | 'auto';
}

export const DEFAULTS: PanelOptions = {
  order: 'severity',
  hideHealthy: false,
  showFigures: true,
  showSolution: true,
  proofs: [...TABS],
  firstProof: 'auto',
};

export function buildOptions(builder: PanelOptionsEditorBuilder<PanelOptions>) {
  const tabs = TABS.map((value) => ({ value, label: TAB_LABELS[value] }));
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
      name: 'Tabs',
      description: 'Tabs below the verdict; those without content are left out',
      category: ['One operation'],
      defaultValue: DEFAULTS.proofs,
      settings: { options: tabs as never },
    })
    .addSelect({
      path: 'firstProof',
      name: 'Opens with',
      category: ['One operation'],
      defaultValue: DEFAULTS.firstProof,
      settings: { options: [{ value: 'auto', label: 'Evidence for the verdict' }, ...tabs] },
    });
}
