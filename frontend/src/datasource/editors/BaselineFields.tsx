import React from 'react';
import { RadioButtonGroup } from '@grafana/ui';
import { EditorField, EditorRow } from '@grafana/plugin-ui';
import { type Baseline, type KtrdrQuery } from '../query';
import { momentHint } from '../validation';
import { TextField } from './fields';

interface Props {
  query: KtrdrQuery;
  onChange: (query: KtrdrQuery) => void;
  onRunQuery: () => void;
}

type Choice = 'before' | 'other';

const CHOICES: Array<{ value: Choice; label: string; description: string }> = [
  { value: 'before', label: 'The time before', description: 'As long as the time range, directly before it' },
  { value: 'other', label: 'Another range', description: 'For example the same hours of yesterday' },
];

/** Selects the range that the time range is compared with. */
export function BaselineFields({ query, onChange, onRunQuery }: Props) {
  const { baseline } = query;
  const set = (change: Baseline) => onChange({ ...query, baseline: { ...baseline, ...change } });
  const choose = (choice: Choice) => {
    const { baseline: _, ...rest } = query;
    onChange(choice === 'other' ? { ...query, baseline: { from: '', to: '' } } : rest);
    if (choice === 'before') {
      onRunQuery();
    }
  };
  const end = (key: 'from' | 'to', label: string, placeholder: string) => (
    <TextField
      id={`ktrdr-${query.refId}-baseline-${key}`}
      label={label}
      placeholder={placeholder}
      tooltip="now-2h, 2026-11-22T10:05:00Z, milliseconds, or a template variable"
      width={26}
      value={baseline?.[key]}
      check={momentHint}
      onCommit={(text) => set({ [key]: text.trim() })}
      // One end alone is not a range yet.
      onRunQuery={() => baseline?.[key === 'from' ? 'to' : 'from'] && onRunQuery()}
    />
  );
  return (
    <EditorRow>
      <EditorField label="Compared with" tooltip="What the operations of the time range are compared with">
        <RadioButtonGroup
          aria-label="Compared with"
          options={CHOICES}
          value={baseline ? 'other' : 'before'}
          onChange={choose}
        />
      </EditorField>
      {baseline ? end('from', 'Baseline from', 'now-2h') : <></>}
      {baseline ? end('to', 'Baseline to', 'now-1h') : <></>}
    </EditorRow>
  );
}
