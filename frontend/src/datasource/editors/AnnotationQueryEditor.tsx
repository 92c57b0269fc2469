import React from 'react';
import { type QueryEditorProps } from '@grafana/data';
import { RadioButtonGroup } from '@grafana/ui';
import { EditorField, EditorRow, EditorRows } from '@grafana/plugin-ui';
import { type EditorDataSource } from '../editorDataSource';
import { type KtrdrOptions, type KtrdrQuery } from '../query';
import { FilterFields } from './FilterFields';

type Props = QueryEditorProps<EditorDataSource, KtrdrQuery, KtrdrOptions>;

const SEVERITIES = [
  { value: 3, label: 'Critical', description: 'Failed, stuck, no worker, unreachable' },
  { value: 2, label: 'Warning and above', description: 'Also slow and incomplete data' },
  { value: 1, label: 'Notice and above', description: 'Also cancelled, broken traces and unknown' },
];

/** Selects the operations that are marked on charts. */
export function AnnotationQueryEditor({ datasource, query, onChange, onRunQuery, range }: Props) {
  const current: KtrdrQuery = { minSeverity: 2, ...query, refId: query?.refId || 'Anno', queryType: 'annotations' };
  return (
    <EditorRows>
      <EditorRow>
        <EditorField
          label="Mark operations of severity"
          tooltip="Each is drawn from its start to its end, with verdict and cause"
        >
          <RadioButtonGroup
            aria-label="Mark operations of severity"
            options={SEVERITIES}
            value={current.minSeverity}
            onChange={(minSeverity) => {
              onChange({ ...current, minSeverity });
              onRunQuery();
            }}
          />
        </EditorField>
      </EditorRow>
      <FilterFields
        datasource={datasource}
        query={current}
        onChange={onChange}
        onRunQuery={onRunQuery}
        range={range}
        withLimit
      />
    </EditorRows>
  );
}
