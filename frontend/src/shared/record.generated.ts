// Generated from the backend's record (crates/diagnosis/src/record, crates/frames/src). Do not edit: change the record and run
// UPDATE_DOCS=1 cargo test --test record. docs/reading-a-diagnosis.md explains the fields.

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

export const CONFIDENCES = ['low', 'medium', 'high'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

export const WORKER_STATUSES = [
  'SUCCESS',
  'NO_WORKERS_STARTED',
  'NO_CAPABLE_WORKERS',
  'ALL_WORKERS_BUSY',
  'NO_WORKERS_AVAILABLE',
] as const;
export type WorkerStatus = (typeof WORKER_STATUSES)[number];

export const SECTION_KINDS = ['span', 'network', 'gap'] as const;
export type SectionKind = (typeof SECTION_KINDS)[number];

export const EVIDENCE_KINDS = ['attribute', 'event', 'status', 'absence', 'count', 'comparison'] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

export const STEP_KINDS = ['client', 'server', 'producer', 'consumer', 'internal', 'gap', ''] as const;
export type StepKind = (typeof STEP_KINDS)[number];

export const STEP_STATUSES = ['ok', 'error', 'unset'] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

export const ERROR_ROLES = ['origin', 'propagated', 'suppressed', 'wrapper'] as const;
export type ErrorRole = (typeof ERROR_ROLES)[number];

export const VIEWS = ['diagnosis', 'flow', 'evidence', 'errors', 'http', 'workers'] as const;
export type View = (typeof VIEWS)[number];

export const CULPRIT_KINDS = ['span', 'network', 'gap', 'errors', 'missing'] as const;
export type CulpritKind = (typeof CULPRIT_KINDS)[number];

export const MEASURES = [
  'count',
  'not_healthy',
  'failure_ratio',
  'p50_duration',
  'p95_duration',
  'max_duration',
  'slowdown',
  'failed',
  'healthy',
  'running',
  'stuck',
  'slow',
  'no_workers',
  'missing_data',
  'unreachable',
  'cancelled',
  'trace_broken',
  'unknown',
  'not_found',
  'culprit_score',
] as const;
export type Measure = (typeof MEASURES)[number];

export const GROUPS = [
  'operation_type',
  'verdict',
  'error_type',
  'bottleneck_span',
  'worker_status',
  'service',
  'rule',
] as const;
export type Group = (typeof GROUPS)[number];

export type Severity = 0 | 1 | 2 | 3;

export interface Finding {
  rule: string;
  verdict: Verdict;
  severity: Severity;
  summary: string;
  root_cause: string | null;
  solution: string | null;
  evidence: Evidence[];
}

export interface PathStep {
  service: string;
  span: string;
  span_id: string;
}

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
  confidence: Confidence;
  confidence_reason: string | null;
  evidence: Evidence[];
  findings: Finding[];
  bottleneck_span: string | null;
  bottleneck_service: string | null;
  bottleneck_span_id: string | null;
  bottleneck_kind: SectionKind | null;
  bottleneck_ms: number | null;
  bottleneck_share: number | null;
  worker_status: WorkerStatus | null;
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

export interface FlowStep {
  span: string;
  service: string;
  span_id: string | null;
  trace_id: string | null;
  depth: number;
  kind: StepKind;
  status: StepStatus;
  start: number | null;
  offset_ms: number;
  duration_ms: number;
  self_ms: number;
  path_ms: number;
  baseline_ms: number | null;
  is_bottleneck: boolean;
  folded: number;
  error_type: string | null;
}

export interface Evidence {
  rule: string;
  kind: EvidenceKind;
  trace_id: string | null;
  span_id: string | null;
  service: string | null;
  span: string | null;
  key: string;
  value: string;
  at: number | null;
  summary: string;
}

export interface ErrorEntry {
  time: number | null;
  service: string;
  span: string;
  span_id: string;
  trace_id: string;
  error_type: string | null;
  error_message: string | null;
  role: ErrorRole;
  stacktrace: string | null;
}

export interface HttpCall {
  time: number | null;
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
  time: number | null;
  span: string;
  operation_type: string;
  worker_type: string | null;
  worker_status: WorkerStatus | null;
  total: number | null;
  capable: number | null;
  available: number | null;
  worker_id: string | null;
  duration_ms: number;
  span_id: string;
  trace_id: string;
}

export interface Culprit {
  rank: number;
  service: string;
  kind: CulpritKind;
  summary: string;
  affected: number;
  excess_ms: number | null;
  share: number;
  confidence: Confidence;
  example_trace_id: string | null;
  caller: string | null;
  span: string;
  operation_types: string[];
  baseline_ms: number | null;
  error_ratio: number;
  baseline_error_ratio: number;
  score: number;
  example_trace_ids: string[];
  evidence: Evidence[];
}

/** The row of each frame. */
export interface Rows {
  diagnosis: Diagnosis;
  flow: FlowStep;
  evidence: Evidence;
  errors: ErrorEntry;
  http: HttpCall;
  workers: WorkerSelection;
  culprits: Culprit;
}

/** The columns of each frame and how to read them. */
export const COLUMNS = {
  diagnosis: {
    operation_id: 'text?',
    operation_type: 'text',
    status: 'text',
    verdict: 'text',
    rule: 'text',
    severity: 'number',
    summary: 'text',
    root_cause: 'text?',
    solution: 'text?',
    confidence: 'text',
    confidence_reason: 'text?',
    evidence: 'json',
    findings: 'json',
    bottleneck_span: 'text?',
    bottleneck_service: 'text?',
    bottleneck_span_id: 'text?',
    bottleneck_kind: 'text?',
    bottleneck_ms: 'number?',
    bottleneck_share: 'number?',
    worker_status: 'text?',
    worker_id: 'text?',
    workers_total: 'number?',
    workers_capable: 'number?',
    workers_available: 'number?',
    error_type: 'text?',
    error_message: 'text?',
    error_span: 'text?',
    error_service: 'text?',
    error_span_id: 'text?',
    error_stacktrace: 'text?',
    error_path: 'json',
    start: 'time?',
    end: 'time?',
    duration_ms: 'number?',
    progress_percent: 'number?',
    progress_phase: 'text?',
    progress_at: 'time?',
    last_activity: 'time?',
    baseline_ms: 'number?',
    slowdown: 'number?',
    attempts: 'number',
    services: 'json',
    span_count: 'number',
    error_count: 'number',
    folded_spans: 'number',
    trace_id: 'text?',
    trace_ids: 'json',
    partial: 'boolean',
    remarks: 'json',
  },
  flow: {
    span: 'text',
    service: 'text',
    span_id: 'text?',
    trace_id: 'text?',
    depth: 'number',
    kind: 'text',
    status: 'text',
    start: 'time?',
    offset_ms: 'number',
    duration_ms: 'number',
    self_ms: 'number',
    path_ms: 'number',
    baseline_ms: 'number?',
    is_bottleneck: 'boolean',
    folded: 'number',
    error_type: 'text?',
  },
  evidence: {
    rule: 'text',
    kind: 'text',
    trace_id: 'text?',
    span_id: 'text?',
    service: 'text?',
    span: 'text?',
    key: 'text',
    value: 'text',
    at: 'time?',
    summary: 'text',
  },
  errors: {
    time: 'time?',
    service: 'text',
    span: 'text',
    span_id: 'text',
    trace_id: 'text',
    error_type: 'text?',
    error_message: 'text?',
    role: 'text',
    stacktrace: 'text?',
  },
  http: {
    time: 'time?',
    method: 'text?',
    url: 'text?',
    route: 'text?',
    service: 'text',
    target_service: 'text?',
    status_code: 'number?',
    duration_ms: 'number',
    error_type: 'text?',
    span_id: 'text',
    trace_id: 'text',
  },
  workers: {
    time: 'time?',
    span: 'text',
    operation_type: 'text',
    worker_type: 'text?',
    worker_status: 'text?',
    total: 'number?',
    capable: 'number?',
    available: 'number?',
    worker_id: 'text?',
    duration_ms: 'number',
    span_id: 'text',
    trace_id: 'text',
  },
  culprits: {
    rank: 'number',
    service: 'text',
    kind: 'text',
    summary: 'text',
    affected: 'number',
    excess_ms: 'number?',
    share: 'number',
    confidence: 'text',
    example_trace_id: 'text?',
    caller: 'text?',
    span: 'text',
    operation_types: 'json',
    baseline_ms: 'number?',
    error_ratio: 'number',
    baseline_error_ratio: 'number',
    score: 'number',
    example_trace_ids: 'json',
    evidence: 'json',
  },
} as const;
