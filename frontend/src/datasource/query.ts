// The model of a query: the JSON that the backend reads, and the defaults.
import { CoreApp, type DataSourceJsonData } from '@grafana/data';
import { type DataQuery } from '@grafana/schema';
import { type Group, type Measure, type View } from '../shared/record.generated';

export const QUERY_TYPES = [
  'operations',
  'diagnosis',
  'trace',
  'serviceMap',
  'metric',
  'culprits',
  'annotations',
  'upload',
] as const;
export type QueryType = (typeof QUERY_TYPES)[number];

export type Format = 'numeric' | 'timeseries';

export const ORDERS = ['newest', 'worst', 'longest'] as const;
export type Order = (typeof ORDERS)[number];

/** Filters for operations. Every list may contain template variables; an empty list means all. */
export interface Filters {
  types?: string[];
  statuses?: string[];
  verdicts?: string[];
  errorTypes?: string[];
  services?: string[];
  /** logfmt. */
  tags?: string;
  minDuration?: string;
  maxDuration?: string;
}

/** The range that a window is compared with: `now-2h`, ISO 8601 or milliseconds; may contain template variables. */
export interface Baseline {
  from?: string;
  to?: string;
}

export const LISTS = ['types', 'statuses', 'verdicts', 'errorTypes', 'services'] as const;
export type ListFilter = (typeof LISTS)[number];

export interface KtrdrQuery extends DataQuery {
  /** `traceql` comes from exemplar links of Prometheus and means `trace`. */
  queryType?: QueryType | 'traceql' | '';
  /** Operation id or trace id. */
  operationId?: string;
  /** Trace id or operation id for the trace view. Links from other data sources use this name. */
  query?: string;
  views?: View[];
  /** Whether a running operation is updated live; default true. */
  follow?: boolean;
  filters?: Filters;
  /** A string while it contains a template variable or an invalid value. */
  limit?: number | string;
  /** Which operations come first, and remain if there are more than the limit; default `newest`. */
  orderBy?: Order;
  measure?: Measure;
  groupBy?: Group[];
  format?: Format;
  minSeverity?: number;
  /** For `culprits` and the measure `culprit_score`; default: as long as the time range, directly before it. */
  baseline?: Baseline;
  /** Handle of an uploaded trace file. */
  upload?: string;
  /** The file name to show. */
  uploadName?: string;
}

/** The lists of values that a dashboard variable can have. */
export type VariableKind =
  'operation-ids' | 'operation-types' | 'verdicts' | 'statuses' | 'error-types' | 'services' | 'workers';

/** The query of a dashboard variable. */
export interface VariableQuery extends KtrdrQuery {
  kind?: VariableKind;
}

export type HistoryPlace = 'memory' | 'sqlite' | 'postgres';

/** Settings that the browser can write but not read. */
export interface KtrdrSecrets {
  /** URL of the PostgreSQL database of the history. */
  historyUrl?: string;
}

/** Settings of the data source; durations as `48h`. */
export interface KtrdrOptions extends DataSourceJsonData {
  /** Seconds. */
  timeout?: number;
  tenantHeader?: string;
  tenant?: string;
  maxBodyMiB?: number;
  lookback?: string;
  discoveryServices?: string[];
  stallThreshold?: string;
  baselineWindow?: string;
  playbook?: string;
  /** Where operations are kept; nothing is recorded without it. */
  history?: HistoryPlace;
  historyWindow?: string;
  retention?: string;
  maxRequestsPerSecond?: number;
  tracesToLogsV2?: TraceToLogs;
  tracesToMetrics?: TraceToMetrics;
}

/** Grafana's own trace view reads these two from the data source of the trace. */
export interface TraceToLogs {
  datasourceUid?: string;
  customQuery: boolean;
  query?: string;
  tags?: Array<{ key: string; value?: string }>;
  spanStartTimeShift?: string;
  spanEndTimeShift?: string;
  filterByTraceID?: boolean;
  filterBySpanID?: boolean;
}

export interface TraceToMetrics {
  datasourceUid?: string;
  tags?: Array<{ key: string; value?: string }>;
  queries: Array<{ name?: string; query?: string }>;
  spanStartTimeShift?: string;
  spanEndTimeShift?: string;
}

/** The measure of what changed: the largest score of all culprits. */
export const CULPRIT_SCORE: Measure = 'culprit_score';

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 10_000;

/** The type of a query as the editor shows it. Links from other data sources have no type. */
export function typeOf(query: KtrdrQuery): QueryType {
  const { queryType } = query;
  return !queryType || queryType === 'traceql' ? 'trace' : queryType;
}

/** The default query for an app (Explore, a dashboard, an alert rule). */
export function defaultQuery(app?: CoreApp | string): Partial<KtrdrQuery> {
  switch (app) {
    case CoreApp.UnifiedAlerting:
    case CoreApp.CloudAlerting:
      return { queryType: 'metric', measure: 'not_healthy', groupBy: ['verdict', 'operation_type'], format: 'numeric' };
    case CoreApp.Explore:
      return { queryType: 'operations', limit: 20 };
    default:
      return { queryType: 'operations', limit: DEFAULT_LIMIT };
  }
}

const filled = (text?: string) => Boolean(text?.trim());

/** Whether the query is complete enough to run. */
export function isComplete(query: KtrdrQuery): boolean {
  switch (typeOf(query)) {
    case 'diagnosis':
    case 'serviceMap':
      return filled(query.operationId);
    case 'trace':
      return filled(query.query);
    case 'upload':
      return filled(query.upload);
    default:
      return true;
  }
}

/** Whether the query compares its time range with a baseline. */
export const hasBaseline = (query: KtrdrQuery) =>
  typeOf(query) === 'culprits' || (typeOf(query) === 'metric' && query.measure === CULPRIT_SCORE);

const WORDS: Record<QueryType, string> = {
  operations: 'Operations',
  diagnosis: 'Diagnosis',
  trace: 'Trace',
  serviceMap: 'Service map',
  metric: 'Metric',
  culprits: 'What changed',
  annotations: 'Annotations',
  upload: 'Uploaded file',
};

/** The query as text, for the query history and collapsed rows. */
export function displayText(query: KtrdrQuery): string {
  const type = typeOf(query);
  const parts: string[] = [WORDS[type] ?? type];
  if (type === 'diagnosis' || type === 'serviceMap') {
    parts.push(query.operationId ?? '');
  } else if (type === 'trace') {
    parts.push(query.query ?? '');
  } else if (type === 'upload') {
    parts.push(query.uploadName ?? query.upload ?? '');
  } else {
    if (type === 'metric') {
      parts.push(query.measure ?? 'count');
      if (query.groupBy?.length) {
        parts.push(`by ${query.groupBy.join(', ')}`);
      }
    }
    parts.push(...filterWords(query.filters ?? {}));
    if (hasBaseline(query) && (filled(query.baseline?.from) || filled(query.baseline?.to))) {
      parts.push(`against ${query.baseline?.from ?? ''} to ${query.baseline?.to ?? ''}`);
    }
    if (type === 'operations' && query.orderBy && query.orderBy !== 'newest') {
      parts.push(`${query.orderBy} first`);
    }
  }
  return parts.filter(Boolean).join(' ');
}

function filterWords(filters: Filters): string[] {
  const words = LISTS.flatMap((list) => (filters[list]?.length ? [`${list}: ${filters[list]?.join('|')}`] : []));
  if (filled(filters.tags)) {
    words.push(`{${filters.tags?.trim()}}`);
  }
  if (filled(filters.minDuration)) {
    words.push(`≥ ${filters.minDuration}`);
  }
  if (filled(filters.maxDuration)) {
    words.push(`≤ ${filters.maxDuration}`);
  }
  return words;
}
