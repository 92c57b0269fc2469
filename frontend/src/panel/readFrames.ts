// Reads the data source's frames into the record. Frames are recognised by their name, or by their columns if a
// transformation has renamed them.
import { type DataFrame, type PanelData } from '@grafana/data';
import { type DataSourceRef } from '@grafana/schema';
import {
  COLUMNS,
  type Culprit,
  type Diagnosis,
  type Evidence,
  type Finding,
  type Rows,
} from '../shared/record.generated';

type Kind = keyof Rows;
type ListName = Exclude<Kind, 'diagnosis' | 'culprits'>;
type RowsOf<K extends Kind> = Array<Rows[K]>;

/** The lists of one operation. */
export type Lists = { [K in ListName]: RowsOf<K> };

export interface Range {
  /** Milliseconds since 1970. */
  from: number;
  to: number;
}

/** What changed: the culprits of a window, and how much was compared. */
export interface Comparison {
  culprits: Culprit[];
  /** `operations` or `requests`. */
  compared: string;
  operations: number;
  baselineOperations: number;
  /** Whether so little was compared that no culprit can be of high confidence. */
  isThin: boolean;
  window?: Range;
  baseline?: Range;
}

export interface Model {
  /** One per operation, in the order of the frame. */
  operations: Diagnosis[];
  /** Those of the first operation. */
  lists: Lists;
  hasLists: boolean;
  /** The answer to what changed, if it was asked. */
  comparison?: Comparison;
  /** Whether the answer is about one operation (or the operations of one trace) rather than a search. */
  isDiagnosis: boolean;
  datasource?: DataSourceRef;
  /** Names of the frames that this panel cannot read. */
  foreign: string[];
}

/** Columns by which a frame is recognised. */
const IDENTIFYING_COLUMNS: { [K in Kind]: Array<keyof Rows[K] & string> } = {
  diagnosis: ['verdict', 'summary'],
  flow: ['span', 'path_ms', 'depth'],
  errors: ['error_message', 'role'],
  http: ['method', 'status_code', 'target_service'],
  workers: ['worker_type', 'worker_status'],
  evidence: ['rule', 'key', 'value'],
  culprits: ['rank', 'score', 'affected'],
};
const KINDS = Object.keys(IDENTIFYING_COLUMNS) as Kind[];

function kindOf(frame: DataFrame): Kind | undefined {
  const names = new Set(frame.fields.map((field) => field.name));
  return KINDS.find((kind) => IDENTIFYING_COLUMNS[kind].every((column) => names.has(column)));
}

export const noLists = (): Lists => ({ flow: [], errors: [], http: [], workers: [], evidence: [] });

export function readModel(data: Pick<PanelData, 'series' | 'request'>): Model {
  const lists = noLists();
  const model: Model = { operations: [], lists, hasLists: false, isDiagnosis: false, foreign: [] };
  for (const frame of data.series) {
    const kind = kindOf(frame);
    if (kind === 'diagnosis') {
      model.operations.push(...rows(frame).map(readDiagnosis));
      model.isDiagnosis ||= frame.name === 'diagnosis';
    } else if (kind === 'culprits') {
      model.comparison ??= readComparison(frame);
    } else if (kind) {
      model.hasLists = true;
      (lists[kind] as unknown[]).push(...rows(frame).map((row) => readRow(kind, row)));
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
function moment(value: unknown): number | null {
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

type ColumnType = { [K in Kind]: (typeof COLUMNS)[K][keyof (typeof COLUMNS)[K]] }[Kind];

const READERS: Record<ColumnType, (value: unknown) => unknown> = {
  text,
  'text?': maybeText,
  number,
  'number?': maybeNumber,
  'time?': moment,
  boolean: (value) => value === true,
  json: array,
};

/** A row with all columns of its frame. A column that the frame lacks is read like an empty value. */
function readRow<K extends Kind>(kind: K, row: Row): Rows[K] {
  const columns = Object.entries(COLUMNS[kind]) as Array<[string, ColumnType]>;
  return Object.fromEntries(columns.map(([name, type]) => [name, READERS[type](row[name])])) as unknown as Rows[K];
}

function readDiagnosis(row: Row): Diagnosis {
  const read = readRow('diagnosis', row);
  return {
    ...read,
    operation_type: read.operation_type || 'unknown',
    status: read.status || 'unknown',
    verdict: read.verdict || 'unknown',
    confidence: read.confidence || 'high',
    evidence: readEvidence(read.evidence, read.summary),
    findings: read.findings.map((finding): Finding => ({
      ...finding,
      evidence: readEvidence(finding.evidence ?? [], finding.summary),
    })),
  };
}

/** The evidence in a column of JSON: it has no summary of its own, and its times are RFC 3339. */
const readEvidence = (evidence: object[], summary: string): Evidence[] =>
  evidence.map((item) => readRow('evidence', { summary, ...item }));

function readComparison(frame: DataFrame): Comparison {
  const said: Record<string, unknown> = frame.meta?.custom ?? {};
  return {
    culprits: rows(frame).map((row) => {
      const read = readRow('culprits', row);
      return { ...read, evidence: readEvidence(read.evidence, read.summary) };
    }),
    compared: maybeText(said.compared) ?? 'operations',
    operations: number(said.operations),
    baselineOperations: number(said.baselineOperations),
    isThin: said.isThin === true,
    window: said.window as Range | undefined,
    baseline: said.baseline as Range | undefined,
  };
}

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
