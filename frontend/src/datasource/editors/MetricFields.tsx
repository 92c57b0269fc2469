import React from 'react';
import { Combobox, type ComboboxOption, RadioButtonGroup } from '@grafana/ui';
import { EditorField, EditorRow } from '@grafana/plugin-ui';
import { type Group, GROUPS, type Measure, type Verdict, VERDICTS } from '../../shared/record.generated';
import { verdictDisplay } from '../../shared/verdict';
import { CULPRIT_SCORE, type Format, type KtrdrQuery } from '../query';
import { ListField } from './fields';
import { type Suggestions } from './useSuggestions';

interface Props {
  query: KtrdrQuery;
  onChange: (query: KtrdrQuery) => void;
  onRunQuery: () => void;
}

/** The measures that have a label of their own; the others count a verdict. */
const LABELS: Record<Exclude<Measure, Verdict> | 'failed', [string, string]> = {
  count: ['Operations', 'How many there were'],
  failed: ['Failed', 'How many ended in failure, by status'],
  not_healthy: ['In trouble', 'How many have a verdict other than healthy and running'],
  failure_ratio: ['Failure ratio', 'Failed among all, 0 to 1'],
  p50_duration: ['Median duration', 'In milliseconds'],
  p95_duration: ['95th percentile duration', 'In milliseconds'],
  max_duration: ['Longest duration', 'In milliseconds'],
  slowdown: ['Slowdown', 'Largest ratio to the baseline'],
  culprit_score: ['Culprit score', 'What changed: the largest score, in milliseconds; 0 if nothing deviates'],
};

const LABELLED_OPTIONS = Object.entries(LABELS).map(([value, [label, description]]) => ({
  value: value as Measure,
  label,
  description,
}));

// A metric searches for operations. "Not found" is the verdict of a query by id.
const COUNTED_VERDICTS = VERDICTS.filter((verdict) => verdict !== 'failed' && verdict !== 'not_found');

const MEASURE_OPTIONS: Array<ComboboxOption<Measure>> = [
  ...LABELLED_OPTIONS,
  ...COUNTED_VERDICTS.map((value) => ({
    value,
    label: `Verdict: ${verdictDisplay(value).label}`,
    description: `How many have this verdict. ${verdictDisplay(value).meaning}`,
  })),
];

const FORMATS = [
  { value: 'numeric' as Format, label: 'Number', description: 'One number per group, for stats, bars and alert rules' },
  {
    value: 'timeseries' as Format,
    label: 'Time series',
    description: 'Numbers over time, by the end of the operation',
  },
];

const groupsOf = (known: readonly Group[]): Suggestions => ({
  load: async (text) =>
    known.filter((group) => group.includes(text.toLowerCase())).map((value) => ({ value, label: value })),
});
const groups = groupsOf(GROUPS);
/** The score of culprits compares the whole range: it has one group and one format. */
const culpritGroups = groupsOf(['service']);

/** The query with another measure, and with the groups and the format that this measure has. */
function withMeasure(query: KtrdrQuery, measure: Measure): Partial<KtrdrQuery> {
  return measure === CULPRIT_SCORE
    ? { measure, format: 'numeric', groupBy: query.groupBy?.filter((group) => group === 'service') }
    : { measure };
}

/** Selects the measure and the groups. */
export function MetricFields({ query, onChange, onRunQuery }: Props) {
  const set = (change: Partial<KtrdrQuery>) => {
    onChange({ ...query, ...change });
    onRunQuery();
  };
  const isScore = query.measure === CULPRIT_SCORE;
  const measureId = `ktrdr-${query.refId}-measure`;
  return (
    <EditorRow>
      <EditorField label="Measure" htmlFor={measureId}>
        <Combobox
          id={measureId}
          width={32}
          options={MEASURE_OPTIONS}
          value={query.measure ?? 'count'}
          onChange={({ value }) => set(withMeasure(query, value))}
        />
      </EditorField>
      <ListField
        id={`ktrdr-${query.refId}-group`}
        label="Group by"
        width={40}
        placeholder="No groups: one number"
        values={query.groupBy}
        suggestions={isScore ? culpritGroups : groups}
        onChange={(values) =>
          set({ groupBy: values.filter((v): v is Group => (GROUPS as readonly string[]).includes(v)) })
        }
      />
      <EditorField label="Format">
        <RadioButtonGroup
          aria-label="Format"
          options={FORMATS}
          disabledOptions={isScore ? (['timeseries'] as Format[]) : []}
          value={query.format ?? 'numeric'}
          onChange={(format) => set({ format: format as Format })}
        />
      </EditorField>
    </EditorRow>
  );
}
