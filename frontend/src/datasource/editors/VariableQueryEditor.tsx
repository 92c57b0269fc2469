import React from 'react';
import { type QueryEditorProps } from '@grafana/data';
import { Combobox } from '@grafana/ui';
import { EditorField, EditorRow, EditorRows } from '@grafana/plugin-ui';
import { type EditorDataSource } from '../editorDataSource';
import { type KtrdrOptions, type VariableKind, type VariableQuery } from '../query';
import { FilterFields } from './FilterFields';

type Props = QueryEditorProps<EditorDataSource, VariableQuery, KtrdrOptions>;

const KINDS: Array<{ value: VariableKind; label: string; description: string }> = [
  { value: 'operation-ids', label: 'Operation ids', description: 'Newest first' },
  { value: 'operation-types', label: 'Operation types', description: 'training, backtesting, data_load …' },
  { value: 'verdicts', label: 'Verdicts', description: 'All possible verdicts' },
  { value: 'statuses', label: 'Statuses', description: 'All possible statuses' },
  { value: 'error-types', label: 'Error types', description: 'Classes of the errors in the time range' },
  { value: 'services', label: 'Services', description: 'Services that Jaeger knows' },
  { value: 'workers', label: 'Workers', description: 'Workers that were selected in the time range' },
];

const FIXED: VariableKind[] = ['verdicts', 'statuses'];

/** Selects the values of a dashboard variable. */
export function VariableQueryEditor({ datasource, query, onChange, range }: Props) {
  const current: VariableQuery = { ...query, refId: query?.refId || 'KtrdrVariable' };
  const kind = current.kind ?? 'operation-ids';
  return (
    <EditorRows>
      <EditorRow>
        <EditorField label="Values" htmlFor="ktrdr-variable-kind">
          <Combobox
            id="ktrdr-variable-kind"
            width={32}
            options={KINDS}
            value={kind}
            onChange={({ value }) => onChange({ ...current, kind: value })}
          />
        </EditorField>
      </EditorRow>
      {FIXED.includes(kind) ? null : (
        <FilterFields datasource={datasource} query={current} onChange={onChange} onRunQuery={() => {}} range={range} />
      )}
    </EditorRows>
  );
}
