// Frames as the backend sends them, for tests without a backend.
import { type DataFrame, FieldType, toDataFrame } from '@grafana/data';
import {
  type Culprit,
  type Diagnosis,
  type ErrorEntry,
  type FlowStep,
  type HttpCall,
} from '../src/shared/record.generated';

const TIMES = new Set(['start', 'end', 'time', 'at', 'progress_at', 'last_activity']);
const T0 = Date.UTC(2026, 10, 22, 10, 5, 5);

/** One frame with a column for each property. */
export function frame<T extends object>(name: string, rows: T[], meta: DataFrame['meta'] = {}): DataFrame {
  const names = Object.keys(rows[0] ?? {}) as Array<keyof T & string>;
  return toDataFrame({
    name,
    refId: 'A',
    meta: { preferredVisualisationPluginId: 'ktrdr-diagnosis-panel', ...meta },
    fields: names.map((field) => {
      const values = rows.map((row) => row[field]);
      const sample = values.find((value) => value !== null && value !== undefined);
      const type = TIMES.has(field) ? FieldType.time : typeof sample === 'object' ? FieldType.other : undefined;
      return { name: field, type, values };
    }),
  });
}

export function operation(change: Partial<Diagnosis> = {}): Diagnosis {
  return {
    operation_id: 'op_training_20261122_100505_a41e50c8',
    operation_type: 'training',
    status: 'failed',
    verdict: 'failed',
    rule: 'error.data_not_found',
    severity: 3,
    summary: 'Training failed: no data for AAPL 1h',
    root_cause: 'The symbol was never downloaded.',
    solution: 'Download it:\n  ktrdr data load AAPL 1h\n  ktrdr models train',
    confidence: 'medium',
    confidence_reason: 'the worker’s spans are missing',
    evidence: [],
    findings: [],
    bottleneck_span: 'training loop',
    bottleneck_service: 'training-worker',
    bottleneck_span_id: null,
    bottleneck_kind: 'gap',
    bottleneck_ms: 1_440_000,
    bottleneck_share: 0.97,
    worker_status: 'SUCCESS',
    worker_id: 'training-worker-1',
    workers_total: 4,
    workers_capable: 2,
    workers_available: 1,
    error_type: 'DataNotFoundError',
    error_message: 'AAPL 1h not found',
    error_span: 'training.data_loading',
    error_service: 'training-worker',
    error_span_id: 'aaaaaaaaaaaaaaaa',
    error_stacktrace: 'Traceback (most recent call last):\n  File "x.py", line 1',
    error_path: [
      { service: 'training-worker', span: 'training.data_loading', span_id: 'aaaaaaaaaaaaaaaa' },
      { service: 'api', span: 'POST /trainings/start', span_id: 'bbbbbbbbbbbbbbbb' },
    ],
    start: T0,
    end: T0 + 1_500_000,
    duration_ms: 1_500_000,
    progress_percent: null,
    progress_phase: null,
    progress_at: null,
    last_activity: T0 + 1_500_000,
    baseline_ms: null,
    slowdown: null,
    attempts: 1,
    services: ['api', 'training-worker'],
    span_count: 42,
    error_count: 2,
    folded_spans: 7,
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    trace_ids: ['4bf92f3577b34da6a3ce929d0e0e4736'],
    partial: false,
    remarks: [],
    ...change,
  };
}

export function step(change: Partial<FlowStep> = {}): FlowStep {
  return {
    span: 'training.start',
    service: 'training-worker',
    span_id: 'cccccccccccccccc',
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    depth: 0,
    kind: 'server',
    status: 'unset',
    start: T0,
    offset_ms: 0,
    duration_ms: 1000,
    self_ms: 500,
    path_ms: 500,
    baseline_ms: null,
    is_bottleneck: false,
    folded: 0,
    error_type: null,
    ...change,
  };
}

export const errorEntry = (change: Partial<ErrorEntry> = {}): ErrorEntry => ({
  time: T0 + 900,
  service: 'training-worker',
  span: 'training.data_loading',
  span_id: 'aaaaaaaaaaaaaaaa',
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  error_type: 'DataNotFoundError',
  error_message: 'AAPL 1h not found',
  role: 'origin',
  stacktrace: null,
  ...change,
});

export const httpCall = (change: Partial<HttpCall> = {}): HttpCall => ({
  time: T0 + 100,
  method: 'POST',
  url: 'http://training-worker-1:5005/training/start',
  route: '/training/start',
  service: 'api',
  target_service: 'training-worker',
  status_code: null,
  duration_ms: 10,
  error_type: 'ConnectError',
  span_id: 'dddddddddddddddd',
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  ...change,
});

export function culprit(change: Partial<Culprit> = {}): Culprit {
  return {
    rank: 1,
    service: 'ib-host',
    kind: 'span',
    summary: 'ib-host takes 1 min 55 s longer in 22 of 26 operations (usually 13.7 s) in ib.fetch_historical',
    affected: 22,
    excess_ms: 115_000,
    share: 0.69,
    confidence: 'high',
    example_trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    caller: null,
    span: 'ib.fetch_historical',
    operation_types: ['data_load'],
    baseline_ms: 13_700,
    error_ratio: 0,
    baseline_error_ratio: 0,
    score: 46_000,
    example_trace_ids: ['4bf92f3577b34da6a3ce929d0e0e4736', '5cf92f3577b34da6a3ce929d0e0e4737'],
    evidence: [
      {
        rule: 'culprit.span',
        kind: 'comparison',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
        span_id: 'aaaaaaaaaaaaaaaa',
        service: 'ib-host',
        span: 'ib.fetch_historical',
        key: 'time on the critical path',
        value: '2 min 11 s more than 13.7 s',
        at: T0,
        summary: '',
      },
    ],
    ...change,
  };
}

/** The answer to what changed; without rows, it still has its columns. */
export function comparison(rows: Culprit[], custom: object = {}): DataFrame {
  const columns = Object.keys(culprit()) as Array<keyof Culprit>;
  const range = (hour: number) => ({ from: T0 - hour * 3_600_000, to: T0 - (hour - 1) * 3_600_000 });
  return toDataFrame({
    name: 'culprits',
    refId: 'A',
    meta: {
      custom: {
        compared: 'operations',
        operations: 55,
        baselineOperations: 64,
        isThin: false,
        window: range(1),
        baseline: range(2),
        datasource: { uid: 'ktrdr', type: 'ktrdr-diagnosis-datasource' },
        ...custom,
      },
    },
    fields: columns.map((name) => ({ name, values: rows.map((row) => row[name]) })),
  });
}
