import {
  CustomVariableSupport,
  type DataQueryRequest,
  type DataQueryResponse,
  type MetricFindValue,
} from '@grafana/data';
import { from, map, type Observable, of } from 'rxjs';
import { STATUSES, VERDICTS } from '../shared/record.generated';
import { type EditorDataSource, type Suggestion } from './editorDataSource';
import { VariableQueryEditor } from './editors/VariableQueryEditor';
import { type VariableKind, type VariableQuery } from './query';

const FIXED: Partial<Record<VariableKind, readonly string[]>> = { verdicts: VERDICTS, statuses: STATUSES };

export class KtrdrVariables extends CustomVariableSupport<EditorDataSource, VariableQuery> {
  editor = VariableQueryEditor;

  constructor(private readonly datasource: EditorDataSource) {
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
