import React from 'react';
import { type DataSourceSettings } from '@grafana/data';
import { Field, RadioButtonGroup, SecretInput } from '@grafana/ui';
import { ConfigSection } from '@grafana/plugin-ui';
import { parseDuration } from '../../shared/duration';
import { durationHint } from '../validation';
import { type HistoryPlace, type KtrdrOptions, type KtrdrSecrets } from '../query';
import { HistoryState } from './HistoryState';
import { NumberSettingField, SettingField } from './SettingField';

type Settings = DataSourceSettings<KtrdrOptions, KtrdrSecrets>;

interface Props {
  settings: Settings;
  onChange: (settings: Settings) => void;
}

const DEFAULT_WINDOW = '7d';
const DEFAULT_RETENTION = '90d';
const MOST_REQUESTS_PER_SECOND = 1000;

const PLACES: Array<{ value: HistoryPlace | 'off'; label: string; description: string }> = [
  { value: 'off', label: 'Off', description: 'Every question asks Jaeger.' },
  { value: 'memory', label: 'Memory', description: 'In the plugin, until Grafana restarts; at most 64 MiB.' },
  { value: 'sqlite', label: 'SQLite', description: "In a file in the server administrator's folder." },
  { value: 'postgres', label: 'PostgreSQL', description: 'In a database that several Grafana servers share.' },
];

const rateHint = (text: string) => {
  const rate = Number(text);
  return text.trim() === '' || (rate > 0 && rate <= MOST_REQUESTS_PER_SECOND)
    ? undefined
    : `A number above 0, at most ${MOST_REQUESTS_PER_SECOND}.`;
};

const retentionHint = (window: string | undefined) => (text: string) => {
  const kept = parseDuration(text || DEFAULT_RETENTION);
  const read = parseDuration(window ?? DEFAULT_WINDOW);
  return kept !== null && read !== null && kept < read
    ? 'Operations must be kept at least as long as the past is read.'
    : durationHint(text);
};

/** Whether operations are recorded, where they are kept, and what is recorded already. */
export function HistorySettings({ settings, onChange }: Props) {
  const { uid, jsonData: options, secureJsonFields, readOnly } = settings;
  const change = (part: Partial<KtrdrOptions>) => onChange({ ...settings, jsonData: { ...options, ...part } });
  const setUrl = (historyUrl: string, isConfigured: boolean) =>
    onChange({
      ...settings,
      secureJsonFields: { ...secureJsonFields, historyUrl: isConfigured },
      secureJsonData: { ...settings.secureJsonData, historyUrl },
    });
  const place = PLACES.find(({ value }) => value === options.history) ?? PLACES[0]!;

  return (
    <ConfigSection
      title="History"
      description="Reads each operation from Jaeger once and keeps it, so that dashboards and alert rules need not ask Jaeger again."
    >
      <Field label="Keep operations" description={place.description}>
        <RadioButtonGroup
          options={PLACES.map(({ value, label }) => ({ value, label }))}
          value={place.value}
          disabled={readOnly}
          onChange={(value) => change({ history: value === 'off' ? undefined : value })}
        />
      </Field>
      {options.history === 'postgres' ? (
        <Field
          label="Database URL"
          htmlFor="ktrdr-history-url"
          description="As postgres://USER:PASSWORD@HOST/DATABASE. Stored encrypted."
        >
          <SecretInput
            id="ktrdr-history-url"
            width={60}
            placeholder="postgres://grafana:secret@postgres:5432/history"
            isConfigured={Boolean(secureJsonFields?.historyUrl)}
            value={settings.secureJsonData?.historyUrl ?? ''}
            disabled={readOnly}
            onChange={(event) => setUrl(event.currentTarget.value, false)}
            onReset={() => setUrl('', false)}
          />
        </Field>
      ) : null}
      {place.value === 'off' ? null : (
        <>
          <SettingField
            id="ktrdr-history-window"
            label="Read the past"
            description="How far back operations are read from Jaeger after the first start."
            placeholder={DEFAULT_WINDOW}
            value={options.historyWindow}
            check={durationHint}
            onCommit={(historyWindow) => change({ historyWindow })}
            disabled={readOnly}
            width={16}
          />
          <SettingField
            id="ktrdr-retention"
            label="Keep for"
            description="Older operations are deleted."
            placeholder={DEFAULT_RETENTION}
            value={options.retention}
            check={retentionHint(options.historyWindow)}
            onCommit={(retention) => change({ retention })}
            disabled={readOnly}
            width={16}
          />
          <NumberSettingField
            id="ktrdr-requests"
            label="Requests per second"
            description="How often Jaeger is asked at most while operations are recorded."
            placeholder="5"
            value={options.maxRequestsPerSecond}
            check={rateHint}
            onCommit={(maxRequestsPerSecond) => change({ maxRequestsPerSecond })}
            disabled={readOnly}
            width={16}
          />
          <HistoryState uid={uid} />
        </>
      )}
    </ConfigSection>
  );
}
