import React from 'react';
import { DataSourcePicker } from '@grafana/runtime';
import { Field, Switch } from '@grafana/ui';
import { ConfigSection, ConfigSubSection } from '@grafana/plugin-ui';
import { durationHint } from '../validation';
import { type KtrdrOptions, type TraceToLogs, type TraceToMetrics } from '../query';
import { SettingField } from './SettingField';

interface Props {
  options: KtrdrOptions;
  onChange: (change: Partial<KtrdrOptions>) => void;
  disabled?: boolean;
}

type Tags = Array<{ key: string; value?: string }>;

/** Converts between the text `service.name as service, host` and Grafana's list of pairs. */
const writeTags = (tags: Tags | undefined) =>
  tags?.map(({ key, value }) => (value ? `${key} as ${value}` : key)).join(', ');
const readTags = (text: string | undefined): Tags | undefined =>
  text
    ?.split(',')
    .map((part) => part.trim().split(/\s+as\s+/))
    .flatMap(([key, value]) => (key ? [value ? { key, value } : { key }] : []));

/** Links from a span to its logs and metrics. Grafana's trace view renders them. */
export function TraceLinks({ options, onChange, disabled }: Props) {
  const logs: TraceToLogs = options.tracesToLogsV2 ?? { customQuery: false };
  const metrics: TraceToMetrics = options.tracesToMetrics ?? { queries: [] };
  const setLogs = (change: Partial<TraceToLogs>) => onChange({ tracesToLogsV2: { ...logs, ...change } });
  const setMetrics = (change: Partial<TraceToMetrics>) => onChange({ tracesToMetrics: { ...metrics, ...change } });
  const query = metrics.queries[0];

  return (
    <ConfigSection
      title="Links from spans"
      description="The trace view offers them at each span."
      isCollapsible
      isInitiallyOpen={Boolean(logs.datasourceUid || metrics.datasourceUid)}
    >
      <ConfigSubSection title="Trace to logs">
        <Field label="Data source" htmlFor="ktrdr-logs-source" description="Where the logs of the services are.">
          <DataSourcePicker
            inputId="ktrdr-logs-source"
            logs
            noDefault
            width={40}
            current={logs.datasourceUid}
            disabled={disabled}
            onChange={({ uid }) => setLogs({ datasourceUid: uid })}
            onClear={() => setLogs({ datasourceUid: undefined })}
          />
        </Field>
        <SettingField
          id="ktrdr-logs-tags"
          label="Labels"
          description="Span attributes to filter by, as “service.name as service, host.name”."
          placeholder="service.name as service"
          value={writeTags(logs.tags)}
          onCommit={(text) => setLogs({ tags: readTags(text) })}
          disabled={disabled}
        />
        <SettingField
          id="ktrdr-logs-start"
          label="Earlier by"
          description="How far before the span's start to look, such as 5m."
          value={logs.spanStartTimeShift?.replace(/^-/, '')}
          check={durationHint}
          onCommit={(text) => setLogs({ spanStartTimeShift: text && `-${text}` })}
          disabled={disabled}
          width={16}
        />
        <SettingField
          id="ktrdr-logs-end"
          label="Later by"
          description="How far after the span's end to look, such as 5m."
          value={logs.spanEndTimeShift}
          check={durationHint}
          onCommit={(text) => setLogs({ spanEndTimeShift: text })}
          disabled={disabled}
          width={16}
        />
        <Field label="Filter by trace id" htmlFor="ktrdr-logs-trace">
          <Switch
            id="ktrdr-logs-trace"
            value={logs.filterByTraceID ?? false}
            disabled={disabled}
            onChange={(event) => setLogs({ filterByTraceID: event.currentTarget.checked })}
          />
        </Field>
        <Field label="Filter by span id" htmlFor="ktrdr-logs-span">
          <Switch
            id="ktrdr-logs-span"
            value={logs.filterBySpanID ?? false}
            disabled={disabled}
            onChange={(event) => setLogs({ filterBySpanID: event.currentTarget.checked })}
          />
        </Field>
        <SettingField
          id="ktrdr-logs-query"
          label="Custom query"
          description="Instead of the filters above; ${__tags}, ${__span.spanId} and ${__trace.traceId} are replaced."
          placeholder={'{${__tags}} |= "${__trace.traceId}"'}
          value={logs.query}
          onCommit={(text) => setLogs({ query: text, customQuery: Boolean(text) })}
          disabled={disabled}
          width={60}
        />
      </ConfigSubSection>
      <ConfigSubSection title="Trace to metrics">
        <Field label="Data source" htmlFor="ktrdr-metrics-source" description="Where the metrics of the services are.">
          <DataSourcePicker
            inputId="ktrdr-metrics-source"
            metrics
            noDefault
            width={40}
            current={metrics.datasourceUid}
            disabled={disabled}
            onChange={({ uid }) => setMetrics({ datasourceUid: uid })}
            onClear={() => setMetrics({ datasourceUid: undefined })}
          />
        </Field>
        <SettingField
          id="ktrdr-metrics-tags"
          label="Labels"
          description="Span attributes that the query uses, as “service.name as job”."
          placeholder="service.name as job"
          value={writeTags(metrics.tags)}
          onCommit={(text) => setMetrics({ tags: readTags(text) })}
          disabled={disabled}
        />
        <SettingField
          id="ktrdr-metrics-query"
          label="Query"
          description="The query to run; $__tags is replaced by the labels."
          placeholder="sum(rate(http_requests_total{$__tags}[5m]))"
          value={query?.query}
          onCommit={(text) => setMetrics({ queries: text ? [{ name: query?.name ?? 'Metrics', query: text }] : [] })}
          disabled={disabled}
          width={60}
        />
      </ConfigSubSection>
    </ConfigSection>
  );
}
