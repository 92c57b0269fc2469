import {
  CustomVariableSupport,
  type DataQueryRequest,
  type DataQueryResponse,
  type MetricFindValue,
} from '@grafana/data';
import { from, map, type Observable, of } from 'rxjs';
import { STATUSES, VERDICTS } from '../shared/record';
import { type KtrdrDataSource, type Suggestion } from './datasource';
import { VariableQueryEditor } from './editors/VariableQueryEditor';
import { type Filters, type KtrdrQuery } from './query';

export const VARIABLE_KINDS = [
  'operation-ids',
  'operation-types',
  'verdicts',
  'statuses',
  'error-types',
  'services',
  'workers',
] as const;
export type VariableKind = (typeof VARIABLE_KINDS)[number];

/** The query of a dashboard variable. */
export interface VariableQuery extends KtrdrQuery {
  kind?: VariableKind;
  filters?: Filters;
}

const FIXED: Partial<Record<VariableKind, readonly string[]>> = { verdicts: VERDICTS, statuses: STATUSES };

export class KtrdrVariables extends CustomVariableSupport<KtrdrDataSource, VariableQuery> {
  editor = VariableQueryEditor;

  constructor(private readonly datasource: KtrdrDataSource) {
    super();
  }

  query(request: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    const target = request.targets[0];
    const kind = target?.kind ?? 'operation-ids';
    const { range, scopedVars } = request;
    const names = FIXED[kind]
      ? of(FIXED[kind])
      : from(this.datasource.suggest(kind as Suggestion, { range, scopedVars, filters: target?.filters }));
    return names.pipe(map((texts) => ({ data: texts.map((text): MetricFindValue => ({ text })) })));
  }
}
