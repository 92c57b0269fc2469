// Reads the data source's frames into the record. Frames are recognised by their name, or by their columns if a
// transformation has renamed them.
import { type DataFrame, type PanelData } from '@grafana/data';
import { type DataSourceRef } from '@grafana/schema';
import {
  type Diagnosis,
  type ErrorEntry,
  type Evidence,
  type Finding,
  type FlowStep,
  type HttpCall,
  type PathStep,
  type WorkerSelection,
} from '../shared/record';

export interface Lists {
  flow: FlowStep[];
  errors: ErrorEntry[];
  http: HttpCall[];
  workers: WorkerSelection[];
  evidence: Evidence[];
}

export interface Model {
  /** One per operation, in the order of the frame. */
  operations: Diagnosis[];
  /** The lists of the operation `listsOf`. */
  lists: Lists;
  hasLists: boolean;
  /** Whether the answer is about one operation (or the operations of one trace) rather than a search. */
  isDiagnosis: boolean;
  datasource?: DataSourceRef;
  /** Names of the frames that this panel cannot read. */
  foreign: string[];
}

type ListName = keyof Lists;
type Kind = 'operations' | ListName;

/** Columns by which a frame is recognised. */
const MARKS: Array<[Kind, string[]]> = [
  ['operations', ['verdict', 'summary']],
  ['flow', ['span', 'path_ms', 'depth']],
  ['errors', ['error_message', 'role']],
  ['http', ['method', 'status_code', 'target_service']],
  ['workers', ['worker_type', 'worker_status']],
  ['evidence', ['rule', 'key', 'value']],
];

function kindOf(frame: DataFrame): Kind | undefined {
  const has = new Set(frame.fields.map((field) => field.name));
  return MARKS.find(([, columns]) => columns.every((column) => has.has(column)))?.[0];
}

export function readModel(data: Pick<PanelData, 'series' | 'request'>): Model {
  const lists: Lists = { flow: [], errors: [], http: [], workers: [], evidence: [] };
  const model: Model = { operations: [], lists, hasLists: false, isDiagnosis: false, foreign: [] };
  for (const frame of data.series) {
    const kind = kindOf(frame);
    if (kind === 'operations') {
      model.operations.push(...rows(frame).map(asDiagnosis));
      model.isDiagnosis ||= frame.name === 'diagnosis';
    } else if (kind) {
      model.hasLists = true;
      const read: (row: Row) => unknown = READ[kind];
      (lists[kind] as unknown[]).push(...rows(frame).map(read));
    } else if (frame.fields.length > 0) {
      model.foreign.push(frame.name ?? frame.refId ?? 'without name');
    }
    model.datasource ??= sourceOf(frame);
  }
  model.isDiagnosis ||= model.hasLists;
  model.datasource ??= data.request?.targets.find((target) => target.datasource)?.datasource ?? undefined;
  return model;
}

/** The data source of a frame: from its plugin, else from the links of its columns. */
function sourceOf(frame: DataFrame): DataSourceRef | undefined {
  const said = frame.meta?.custom?.datasource;
  if (said?.uid) {
    return said;
  }
  for (const field of frame.fields) {
    const uid = field.config?.links?.find((link) => link.internal?.datasourceUid)?.internal?.datasourceUid;
    if (uid) {
      return { uid };
    }
  }
  return undefined;
}

type Row = Record<string, unknown>;

function rows(frame: DataFrame): Row[] {
  return Array.from({ length: frame.length }, (_, index) => {
    const row: Row = {};
    for (const field of frame.fields) {
      row[field.name] = field.values[index];
    }
    return row;
  });
}

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));
const maybeText = (value: unknown): string | null =>
  value === null || value === undefined || value === '' ? null : String(value);
const number = (value: unknown): number => maybeNumber(value) ?? 0;

function maybeNumber(value: unknown): number | null {
  if (value === null || value === undefined || value === '') {
    return null;
  }
  const result = Number(value);
  return Number.isFinite(result) ? result : null;
}

/** Milliseconds since 1970 of a number or an RFC 3339 string. */
export function moment(value: unknown): number | null {
  if (typeof value === 'string' && !/^\d+$/.test(value)) {
    const at = Date.parse(value);
    return Number.isNaN(at) ? null : at;
  }
  return maybeNumber(value);
}

/** A column of JSON: arrays, or strings if a transformation has serialised them. */
function array<T>(value: unknown): T[] {
  if (typeof value === 'string') {
    try {
      return array(JSON.parse(value));
    } catch {
      return [];
    }
  }
  return Array.isArray(value) ? value : [];
}

function asDiagnosis(row: Row): Diagnosis {
  return {
    operation_id: maybeText(row.operation_id),
    operation_type: text(row.operation_type) || 'unknown',
    status: (text(row.status) || 'unknown') as Diagnosis['status'],
    verdict: (text(row.verdict) || 'unknown') as Diagnosis['verdict'],
    rule: text(row.rule),
    severity: number(row.severity) as Diagnosis['severity'],
    summary: text(row.summary),
    root_cause: maybeText(row.root_cause),
    solution: maybeText(row.solution),
    confidence: (text(row.confidence) || 'high') as Diagnosis['confidence'],
    confidence_reason: maybeText(row.confidence_reason),
    evidence: array<Evidence>(row.evidence),
    findings: array<Finding>(row.findings),
    bottleneck_span: maybeText(row.bottleneck_span),
    bottleneck_service: maybeText(row.bottleneck_service),
    bottleneck_span_id: maybeText(row.bottleneck_span_id),
    bottleneck_kind: maybeText(row.bottleneck_kind) as Diagnosis['bottleneck_kind'],
    bottleneck_ms: maybeNumber(row.bottleneck_ms),
    bottleneck_share: maybeNumber(row.bottleneck_share),
    worker_status: maybeText(row.worker_status),
    worker_id: maybeText(row.worker_id),
    workers_total: maybeNumber(row.workers_total),
    workers_capable: maybeNumber(row.workers_capable),
    workers_available: maybeNumber(row.workers_available),
    error_type: maybeText(row.error_type),
    error_message: maybeText(row.error_message),
    error_span: maybeText(row.error_span),
    error_service: maybeText(row.error_service),
    error_span_id: maybeText(row.error_span_id),
    error_stacktrace: maybeText(row.error_stacktrace),
    error_path: array<PathStep>(row.error_path),
    start: moment(row.start),
    end: moment(row.end),
    duration_ms: maybeNumber(row.duration_ms),
    progress_percent: maybeNumber(row.progress_percent),
    progress_phase: maybeText(row.progress_phase),
    progress_at: moment(row.progress_at),
    last_activity: moment(row.last_activity),
    baseline_ms: maybeNumber(row.baseline_ms),
    slowdown: maybeNumber(row.slowdown),
    attempts: number(row.attempts),
    services: array<string>(row.services),
    span_count: number(row.span_count),
    error_count: number(row.error_count),
    folded_spans: number(row.folded_spans),
    trace_id: maybeText(row.trace_id),
    trace_ids: array<string>(row.trace_ids),
    partial: row.partial === true,
    remarks: array<string>(row.remarks),
  };
}

const READ: { [K in ListName]: (row: Row) => Lists[K][number] } = {
  flow: (row) => ({
    span: text(row.span),
    service: text(row.service),
    span_id: maybeText(row.span_id),
    trace_id: maybeText(row.trace_id),
    depth: number(row.depth),
    kind: text(row.kind),
    status: text(row.status),
    start: moment(row.start) ?? 0,
    offset_ms: number(row.offset_ms),
    duration_ms: number(row.duration_ms),
    self_ms: number(row.self_ms),
    path_ms: number(row.path_ms),
    baseline_ms: maybeNumber(row.baseline_ms),
    is_bottleneck: row.is_bottleneck === true,
    folded: number(row.folded),
    error_type: maybeText(row.error_type),
  }),
  errors: (row) => ({
    time: moment(row.time) ?? 0,
    service: text(row.service),
    span: text(row.span),
    span_id: text(row.span_id),
    trace_id: text(row.trace_id),
    error_type: maybeText(row.error_type),
    error_message: maybeText(row.error_message),
    role: text(row.role),
    stacktrace: maybeText(row.stacktrace),
  }),
  http: (row) => ({
    time: moment(row.time) ?? 0,
    method: maybeText(row.method),
    url: maybeText(row.url),
    route: maybeText(row.route),
    service: text(row.service),
    target_service: maybeText(row.target_service),
    status_code: maybeNumber(row.status_code),
    duration_ms: number(row.duration_ms),
    error_type: maybeText(row.error_type),
    span_id: text(row.span_id),
    trace_id: text(row.trace_id),
  }),
  workers: (row) => ({
    time: moment(row.time) ?? 0,
    span: text(row.span),
    operation_type: text(row.operation_type),
    worker_type: maybeText(row.worker_type),
    worker_status: maybeText(row.worker_status),
    total: maybeNumber(row.total),
    capable: maybeNumber(row.capable),
    available: maybeNumber(row.available),
    worker_id: maybeText(row.worker_id),
    duration_ms: number(row.duration_ms),
    span_id: text(row.span_id),
    trace_id: text(row.trace_id),
  }),
  evidence: (row) => ({
    rule: text(row.rule),
    kind: text(row.kind),
    trace_id: maybeText(row.trace_id),
    span_id: maybeText(row.span_id),
    service: maybeText(row.service),
    span: maybeText(row.span),
    key: text(row.key),
    value: text(row.value),
    at: moment(row.at),
    summary: maybeText(row.summary),
  }),
};

/** The key of an operation: its id, else its trace (a refused start has no id). */
export const keyOf = (operation: Diagnosis): string =>
  operation.operation_id ?? operation.trace_id ?? `${operation.operation_type}@${operation.start}`;

export function sortOperations(operations: Diagnosis[], order: 'severity' | 'newest' | 'duration'): Diagnosis[] {
  const newest = (a: Diagnosis, b: Diagnosis) => (b.start ?? 0) - (a.start ?? 0);
  const by = {
    newest,
    severity: (a: Diagnosis, b: Diagnosis) => b.severity - a.severity || newest(a, b),
    duration: (a: Diagnosis, b: Diagnosis) => (b.duration_ms ?? 0) - (a.duration_ms ?? 0) || newest(a, b),
  };
  return [...operations].sort(by[order]);
}
