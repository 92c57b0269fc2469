import React from 'react';
import { type TimeRange } from '@grafana/data';
import { RadioButtonGroup } from '@grafana/ui';
import { EditorField, EditorRow } from '@grafana/plugin-ui';
import { STATUSES, VERDICTS } from '../../shared/record.generated';
import { humanize } from '../../shared/verdict';
import { durationHint, limitHint, rangeHint, tagsHint } from '../validation';
import { type SuggestionSource } from '../editorDataSource';
import { DEFAULT_LIMIT, type Filters, type KtrdrQuery, ORDERS } from '../query';
import { ListField, TextField } from './fields';
import { useSuggestions } from './useSuggestions';

interface Props {
  datasource: SuggestionSource;
  query: KtrdrQuery;
  onChange: (query: KtrdrQuery) => void;
  onRunQuery: () => void;
  range?: TimeRange;
  withLimit?: boolean;
}

/** The filters of a query. */
export function FilterFields({ datasource, query, onChange, onRunQuery, range, withLimit }: Props) {
  const filters = query.filters ?? {};
  const id = (name: string) => `ktrdr-${query.refId}-${name}`;
  const types = useSuggestions(datasource, 'operation-types', range);
  const statuses = useSuggestions(datasource, STATUSES);
  const verdicts = useSuggestions(datasource, VERDICTS);
  const errorTypes = useSuggestions(datasource, 'error-types', range);
  const services = useSuggestions(datasource, 'services', range);

  const set = (change: Partial<Filters>) => onChange({ ...query, filters: withoutEmpty({ ...filters, ...change }) });
  const setAndRun = (change: Partial<Filters>) => {
    set(change);
    onRunQuery();
  };

  return (
    <>
      <EditorRow>
        <ListField
          id={id('types')}
          label="Type"
          values={filters.types}
          suggestions={types}
          onChange={(values) => setAndRun({ types: values })}
        />
        <ListField
          id={id('verdicts')}
          label="Verdict"
          values={filters.verdicts}
          suggestions={verdicts}
          onChange={(values) => setAndRun({ verdicts: values })}
        />
        <ListField
          id={id('statuses')}
          label="Status"
          values={filters.statuses}
          suggestions={statuses}
          onChange={(values) => setAndRun({ statuses: values })}
        />
        <ListField
          id={id('errors')}
          label="Error type"
          values={filters.errorTypes}
          suggestions={errorTypes}
          onChange={(values) => setAndRun({ errorTypes: values })}
        />
        <ListField
          id={id('services')}
          label="Service"
          tooltip="Operations that involve one of these services"
          values={filters.services}
          suggestions={services}
          onChange={(values) => setAndRun({ services: values })}
        />
      </EditorRow>
      <EditorRow>
        <TextField
          id={id('tags')}
          label="Tags"
          tooltip="Attributes of at least one span of the operation, in logfmt"
          placeholder="http.status_code=503 data.symbol=AAPL"
          width={50}
          value={filters.tags}
          check={tagsHint}
          onCommit={(tags) => set({ tags })}
          onRunQuery={onRunQuery}
        />
        <TextField
          id={id('min')}
          label="Min duration"
          placeholder="e.g. 30s"
          value={filters.minDuration}
          check={durationHint}
          onCommit={(minDuration) => set({ minDuration })}
          onRunQuery={onRunQuery}
        />
        <TextField
          id={id('max')}
          label="Max duration"
          placeholder="e.g. 1h30m"
          value={filters.maxDuration}
          check={durationHint}
          problem={rangeHint(filters.minDuration, filters.maxDuration)}
          onCommit={(maxDuration) => set({ maxDuration })}
          onRunQuery={onRunQuery}
        />
        {withLimit ? (
          <TextField
            id={id('limit')}
            label="Limit"
            tooltip="Maximum number of operations, 1 to 10000"
            placeholder={String(DEFAULT_LIMIT)}
            width={12}
            value={query.limit}
            check={limitHint}
            onCommit={(text) => onChange({ ...query, limit: asLimit(text) })}
            onRunQuery={onRunQuery}
          />
        ) : (
          <></>
        )}
        {withLimit ? (
          <EditorField label="First" tooltip="Which operations come first, and remain if there are more than the limit">
            <RadioButtonGroup
              aria-label="First"
              options={ORDERS.map((value) => ({ value, label: humanize(value) }))}
              value={query.orderBy ?? 'newest'}
              onChange={(orderBy) => {
                onChange({ ...query, orderBy });
                onRunQuery();
              }}
            />
          </EditorField>
        ) : (
          <></>
        )}
      </EditorRow>
    </>
  );
}

const asLimit = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : text.trim() || undefined);

/** Removes empty filters, so that saved queries stay readable. */
function withoutEmpty(filters: Filters): Filters | undefined {
  const kept = Object.entries(filters).filter(([, value]) =>
    Array.isArray(value) ? value.length > 0 : Boolean(value)
  );
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}
