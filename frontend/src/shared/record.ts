// The Diagnosis record as the backend sends it: one row of the frames `operations` and `diagnosis`, and the lists of one
// operation. Field names and values are those of the frames. Times are milliseconds since 1970, as Grafana decodes them.

export const VERDICTS = [
  'healthy',
  'running',
  'failed',
  'stuck',
  'slow',
  'no_workers',
  'missing_data',
  'unreachable',
  'cancelled',
  'trace_broken',
  'unknown',
  'not_found',
] as const;
export type Verdict = (typeof VERDICTS)[number];

export const STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled', 'unknown'] as const;
export type OperationStatus = (typeof STATUSES)[number];

/** 0 fine, 1 notice, 2 warning, 3 critical. */
export type Severity = 0 | 1 | 2 | 3;

export type SectionKind = 'span' | 'network' | 'gap';

/** A piece of evidence: a place in a trace. */
export interface Evidence {
  rule: string;
  kind: string;
  trace_id: string | null;
  span_id: string | null;
  service: string | null;
  span: string | null;
  key: string;
  value: string;
  at: number | string | null;
  /** Summary of its finding; only in the frame `evidence`. */
  summary?: string | null;
}

/** A rule that applies to the operation. */
export interface Finding {
  rule: string;
  verdict: Verdict;
  severity: Severity;
  summary: string;
  root_cause: string | null;
  solution: string | null;
  evidence: Evidence[];
}

/** A span that an error passed through. */
export interface PathStep {
  service: string;
  span: string;
  span_id: string;
}

/** One operation's diagnosis; null is "unknown". */
export interface Diagnosis {
  operation_id: string | null;
  operation_type: string;
  status: OperationStatus;
  verdict: Verdict;
  rule: string;
  severity: Severity;
  summary: string;
  root_cause: string | null;
  solution: string | null;
  confidence: 'high' | 'medium' | 'low';
  confidence_reason: string | null;
  evidence: Evidence[];
  findings: Finding[];
  bottleneck_span: string | null;
  bottleneck_service: string | null;
  bottleneck_span_id: string | null;
  bottleneck_kind: SectionKind | null;
  bottleneck_ms: number | null;
  bottleneck_share: number | null;
  worker_status: string | null;
  worker_id: string | null;
  workers_total: number | null;
  workers_capable: number | null;
  workers_available: number | null;
  error_type: string | null;
  error_message: string | null;
  error_span: string | null;
  error_service: string | null;
  error_span_id: string | null;
  error_stacktrace: string | null;
  error_path: PathStep[];
  start: number | null;
  end: number | null;
  duration_ms: number | null;
  progress_percent: number | null;
  progress_phase: string | null;
  progress_at: number | null;
  last_activity: number | null;
  baseline_ms: number | null;
  slowdown: number | null;
  attempts: number;
  services: string[];
  span_count: number;
  error_count: number;
  folded_spans: number;
  trace_id: string | null;
  trace_ids: string[];
  partial: boolean;
  remarks: string[];
}

/** A step of the execution flow: a span or a gap. */
export interface FlowStep {
  span: string;
  service: string;
  span_id: string | null;
  trace_id: string | null;
  depth: number;
  /** `client`, `server`, `internal` …, empty if unknown, `gap` for a gap. */
  kind: string;
  /** `ok`, `error`, `unset`; `missing` for a parent that is referenced but absent. */
  status: string;
  start: number;
  offset_ms: number;
  duration_ms: number;
  self_ms: number;
  path_ms: number;
  /** Median time on the path of the same section in comparable operations. */
  baseline_ms: number | null;
  is_bottleneck: boolean;
  folded: number;
  error_type: string | null;
}

export interface ErrorEntry {
  time: number;
  service: string;
  span: string;
  span_id: string;
  trace_id: string;
  error_type: string | null;
  error_message: string | null;
  /** `origin`, `propagated`, `suppressed` or `wrapper`. */
  role: string;
  stacktrace: string | null;
}

export interface HttpCall {
  time: number;
  method: string | null;
  url: string | null;
  route: string | null;
  service: string;
  target_service: string | null;
  status_code: number | null;
  duration_ms: number;
  error_type: string | null;
  span_id: string;
  trace_id: string;
}

export interface WorkerSelection {
  time: number;
  span: string;
  operation_type: string;
  worker_type: string | null;
  worker_status: string | null;
  total: number | null;
  capable: number | null;
  available: number | null;
  worker_id: string | null;
  duration_ms: number;
  span_id: string;
  trace_id: string;
}
