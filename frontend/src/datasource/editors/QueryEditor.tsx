import React from 'react';
import { CoreApp, type QueryEditorProps } from '@grafana/data';
import { Alert, Button, InlineSwitch, RadioButtonGroup } from '@grafana/ui';
import { EditorField, EditorRow, EditorRows } from '@grafana/plugin-ui';
import { type View, VIEWS } from '../../shared/record.generated';
import { idHint } from '../validation';
import { type EditorDataSource } from '../editorDataSource';
import { defaultQuery, hasBaseline, type KtrdrOptions, type KtrdrQuery, type QueryType, typeOf } from '../query';
import { BaselineFields } from './BaselineFields';
import { FilterFields } from './FilterFields';
import { IdField, ListField } from './fields';
import { Hint } from './Hint';
import { MetricFields } from './MetricFields';
import { UploadField } from './UploadField';
import { type Suggestions, useSuggestions } from './useSuggestions';

type Props = QueryEditorProps<EditorDataSource, KtrdrQuery, KtrdrOptions>;

const TYPES: Array<{ value: QueryType; label: string; description: string }> = [
  { value: 'operations', label: 'Operations', description: 'All operations of the time range with their verdicts' },
  { value: 'diagnosis', label: 'Diagnosis', description: 'One operation or trace, with the evidence' },
  { value: 'culprits', label: 'What changed', description: 'Which part of the system behaves differently than before' },
  { value: 'trace', label: 'Trace', description: 'The spans, for the trace view' },
  { value: 'serviceMap', label: 'Service map', description: 'Who called whom, for the node graph' },
  { value: 'metric', label: 'Metric', description: 'Counts, ratios and durations, also for alert rules' },
  { value: 'upload', label: 'File', description: 'Diagnoses a trace file from this computer' },
];

const isAlerting = (app: CoreApp | string | undefined) =>
  app === CoreApp.UnifiedAlerting || app === CoreApp.CloudAlerting;

const views: Suggestions = {
  load: async (text) =>
    VIEWS.filter((view) => view.includes(text.toLowerCase())).map((value) => ({ value, label: value })),
};

/** The query types that make sense in this app (Explore, a dashboard, an alert rule). */
function queryTypesFor(app: CoreApp | string | undefined, current: QueryType) {
  if (isAlerting(app)) {
    return TYPES.filter(({ value }) => value === 'metric');
  }
  return TYPES.filter(({ value }) => value !== 'upload' || app === CoreApp.Explore || current === 'upload');
}

export function QueryEditor({ datasource, query: given, onChange, onRunQuery, app, range }: Props) {
  const query: KtrdrQuery = given.queryType === undefined && !given.query ? { ...defaultQuery(app), ...given } : given;
  const type = typeOf(query);
  const ids = useSuggestions(datasource, 'operation-ids', range);
  const common = { datasource, query, onChange, onRunQuery, range };
  const set = (change: Partial<KtrdrQuery>) => {
    onChange({ ...query, ...change });
    onRunQuery();
  };

  if (isAlerting(app) && type !== 'metric') {
    return (
      <Alert severity="warning" title={`An alert rule cannot use a query of type “${type}”`}>
        <p>An alert rule needs one number per group. The query type Metric returns that.</p>
        <Button variant="secondary" onClick={() => set(defaultQuery(app))}>
          Change to Metric
        </Button>
      </Alert>
    );
  }

  return (
    <EditorRows>
      <EditorRow>
        <EditorField label="Query type">
          <RadioButtonGroup
            aria-label="Query type"
            options={queryTypesFor(app, type)}
            value={type}
            onChange={(queryType) => set({ queryType, ...keepId(query, queryType) })}
          />
        </EditorField>
      </EditorRow>
      {type === 'diagnosis' || type === 'serviceMap' ? (
        <EditorRow>
          <IdField
            id={`ktrdr-${query.refId}-operation`}
            label="Operation or trace id"
            placeholder="op_training_20261122_100505_a41e50c8"
            tooltip="The search starts at the time that the id contains, regardless of the time range"
            value={query.operationId}
            hint={idHint(query.operationId)}
            suggestions={ids}
            onChange={(operationId) => set({ operationId })}
          />
          {type === 'diagnosis' ? (
            <ListField
              id={`ktrdr-${query.refId}-views`}
              label="Views"
              width={40}
              tooltip="Which frames to return; the Diagnosis panel needs all of them"
              values={query.views}
              suggestions={views}
              onChange={(chosen) => set({ views: VIEWS.filter((view): view is View => chosen.includes(view)) })}
            />
          ) : (
            <></>
          )}
          {type === 'diagnosis' ? (
            <EditorField
              label="Follow"
              htmlFor={`ktrdr-${query.refId}-follow`}
              tooltip="Updates live while the operation runs"
            >
              <InlineSwitch
                id={`ktrdr-${query.refId}-follow`}
                value={query.follow ?? true}
                onChange={(event) => set({ follow: event.currentTarget.checked })}
              />
            </EditorField>
          ) : (
            <></>
          )}
        </EditorRow>
      ) : null}
      {type === 'trace' ? (
        <EditorRow>
          <IdField
            id={`ktrdr-${query.refId}-trace`}
            label="Trace or operation id"
            placeholder="Trace id, or an operation id for its main trace"
            value={query.query}
            hint={idHint(query.query)}
            suggestions={ids}
            onChange={(id) => set({ query: id })}
          />
        </EditorRow>
      ) : null}
      {type === 'upload' ? <UploadField {...common} /> : null}
      {type === 'metric' ? <MetricFields {...common} /> : null}
      {hasBaseline(query) ? <BaselineFields {...common} /> : null}
      {type === 'operations' || type === 'metric' || type === 'culprits' ? (
        <FilterFields {...common} withLimit={type === 'operations'} />
      ) : null}
      {isAlerting(app) && JSON.stringify(query).includes('$') ? (
        <Hint text="Alert rules run without a dashboard: template variables are not replaced." />
      ) : null}
    </EditorRows>
  );
}

/** Keeps the id when the query type changes. */
function keepId(query: KtrdrQuery, to: QueryType): Partial<KtrdrQuery> {
  if (to === 'trace') {
    return { query: query.query || query.operationId };
  }
  if (to === 'diagnosis' || to === 'serviceMap') {
    return { operationId: query.operationId || query.query };
  }
  return {};
}
