import React from 'react';
import { ConfigSection, ConfigSubSection } from '@grafana/plugin-ui';
import { durationHint } from '../validation';
import { type KtrdrOptions } from '../query';
import { PlaybookField } from './PlaybookField';
import { SettingField } from './SettingField';

interface Props {
  uid: string;
  options: KtrdrOptions;
  onChange: (change: Partial<KtrdrOptions>) => void;
  disabled?: boolean;
}

const globs = (text: string | undefined) => {
  const names = (text ?? '').split(/[\s,]+/).filter(Boolean);
  return names.length > 0 ? names : undefined;
};

/** The settings specific to KTRDR: services to search, allowed silence, rules. */
export function KtrdrSettings({ uid, options, onChange, disabled }: Props) {
  return (
    <ConfigSection
      title="Diagnosis"
      description="Where to search for operations, and when they count as stuck or slow."
    >
      <ConfigSubSection title="Search">
        <SettingField
          id="ktrdr-discovery-services"
          label="Services"
          description="Services to search, separated by commas; * is a wildcard. Separates several deployments in one Jaeger."
          placeholder="all"
          value={options.discoveryServices?.join(', ')}
          onCommit={(text) => onChange({ discoveryServices: globs(text) })}
          disabled={disabled}
        />
        <SettingField
          id="ktrdr-lookback"
          label="Look back"
          description="How far before the time range to look for operations that still run: a stuck operation emits nothing."
          placeholder="48h"
          value={options.lookback}
          check={durationHint}
          onCommit={(lookback) => onChange({ lookback })}
          disabled={disabled}
          width={16}
        />
      </ConfigSubSection>
      <ConfigSubSection title="Judgement">
        <SettingField
          id="ktrdr-stall-threshold"
          label="Stuck after"
          description="Allowed silence of a running operation. Empty: by type and phase, as defined in the playbook."
          placeholder="from the playbook"
          value={options.stallThreshold}
          check={durationHint}
          onCommit={(stallThreshold) => onChange({ stallThreshold })}
          disabled={disabled}
          width={16}
        />
        <SettingField
          id="ktrdr-baseline-window"
          label="Baseline window"
          description="How far back completed operations are compared to detect slow ones."
          placeholder="7d"
          value={options.baselineWindow}
          check={durationHint}
          onCommit={(baselineWindow) => onChange({ baselineWindow })}
          disabled={disabled}
          width={16}
        />
        <PlaybookField
          uid={uid}
          value={options.playbook}
          onChange={(playbook) => onChange({ playbook })}
          disabled={disabled}
        />
      </ConfigSubSection>
    </ConfigSection>
  );
}
