import {
  type AdHocVariableFilter,
  type CoreApp,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceGetTagKeysOptions,
  type DataSourceGetTagValuesOptions,
  type DataSourceInstanceSettings,
  LoadingState,
  type MetricFindValue,
  type ScopedVars,
  StreamingFrameAction,
} from '@grafana/data';
import { DataSourceWithBackend, getTemplateSrv, type TemplateSrv } from '@grafana/runtime';
import { map, type Observable, of } from 'rxjs';
import { VIEWS } from '../shared/record.generated';
import { annotationSupport } from './annotations';
import { type EditorDataSource, type Suggestion, type SuggestionScope } from './editorDataSource';
import { followLists } from './liveUpdates';
import { Interpolator, UnsupportedFilter } from './interpolate';
import { defaultQuery, displayText, isComplete, type KtrdrOptions, type KtrdrQuery, typeOf } from './query';
import { KtrdrVariables } from './variables';

/** The views of an operation besides its row `diagnosis`. */
const LIST_VIEWS = VIEWS.filter((view) => view !== 'diagnosis');

export class KtrdrDataSource extends DataSourceWithBackend<KtrdrQuery, KtrdrOptions> implements EditorDataSource {
  constructor(
    settings: DataSourceInstanceSettings<KtrdrOptions>,
    private readonly templates: TemplateSrv = getTemplateSrv()
  ) {
    super(settings);
    this.annotations = annotationSupport;
    this.variables = new KtrdrVariables(this);
    // A message replaces the rows before it; Grafana's default appends.
    this.streamOptionsProvider = () => ({ maxLength: 1000, action: StreamingFrameAction.Replace });
  }

  query(request: DataQueryRequest<KtrdrQuery>): Observable<DataQueryResponse> {
    try {
      const targets = request.targets.filter((target) => {
        const query = this.applyTemplateVariables(target, request.scopedVars, request.filters);
        return this.filterQuery(query);
      });
      if (targets.length === 0) {
        return of({ data: [] });
      }
      const listTargets = targets.flatMap((target) => listsOf(target));
      const answers = super.query({ ...request, targets });
      const followed =
        listTargets.length === 0
          ? answers
          : followLists(answers, () =>
              super.query({ ...request, targets: listTargets, requestId: `${request.requestId}-lists` })
            );
      return followed.pipe(
        map((answer) => ({ ...answer, data: answer.data.map((frame) => this.withDatasource(frame)) }))
      );
    } catch (error) {
      if (error instanceof UnsupportedFilter) {
        return of({ data: [], state: LoadingState.Error, errors: [{ message: error.message }] });
      }
      throw error;
    }
  }

  applyTemplateVariables(query: KtrdrQuery, scopedVars: ScopedVars, filters?: AdHocVariableFilter[]): KtrdrQuery {
    return new Interpolator(this.templates, scopedVars).query(query, filters);
  }

  filterQuery(query: KtrdrQuery): boolean {
    return !query.hide && isComplete(query);
  }

  getDefaultQuery(app: CoreApp): Partial<KtrdrQuery> {
    return defaultQuery(app);
  }

  getQueryDisplayText(query: KtrdrQuery): string {
    return displayText(query);
  }

  /** Keeps the trace when a user switches from Jaeger or Tempo to this data source in Explore. */
  async importQueries(queries: Array<KtrdrQuery & { queryType?: string }>): Promise<KtrdrQuery[]> {
    return queries.map(({ refId, query }) =>
      /^[0-9a-f]{16,32}$/i.test(query ?? '')
        ? { refId, queryType: 'diagnosis', operationId: query }
        : { refId, ...defaultQuery('explore') }
    );
  }

  async suggest(what: Suggestion, scope: SuggestionScope = {}): Promise<string[]> {
    const { filters } = new Interpolator(this.templates, scope.scopedVars ?? {}).query({
      refId: 'suggest',
      filters: scope.filters,
    });
    const params: Record<string, string> = {};
    if (scope.range) {
      params.from = String(scope.range.from.valueOf());
      params.to = String(scope.range.to.valueOf());
    }
    if (filters && Object.keys(filters).length > 0) {
      params.filters = JSON.stringify(filters);
    }
    if (scope.key) {
      params.key = scope.key;
    }
    const names: unknown = await this.getResource(what, params, { showErrorAlert: false });
    return Array.isArray(names) ? names.map(String) : [];
  }

  async getTagKeys(options?: DataSourceGetTagKeysOptions<KtrdrQuery>): Promise<MetricFindValue[]> {
    const keys = await this.suggest('tag-keys', { range: options?.timeRange });
    return keys.map((text) => ({ text }));
  }

  async getTagValues(options: DataSourceGetTagValuesOptions<KtrdrQuery>): Promise<MetricFindValue[]> {
    const values = await this.suggest('tag-values', { range: options.timeRange, key: options.key });
    return values.map((text) => ({ text }));
  }

  async upload(file: File): Promise<string> {
    const answer: { handle?: string } = await this.postResource('upload', file, { showErrorAlert: false });
    if (!answer?.handle) {
      throw new Error(
        'The backend accepted the file but returned no handle. Check that plugin and backend have the same version.'
      );
    }
    return answer.handle;
  }

  /** Marks frames with their data source, which the Diagnosis panel queries for more: in Explore it gets frames without a request. */
  private withDatasource(frame: DataFrame): DataFrame {
    const known: unknown = frame.meta?.custom?.datasource;
    if (known || !frame.meta?.preferredVisualisationPluginId) {
      return frame;
    }
    frame.meta = { ...frame.meta, custom: { ...frame.meta.custom, datasource: this.getRef() } };
    return frame;
  }
}

/** The query for the lists that `query` requests; empty for query types without live updates. */
function listsOf(query: KtrdrQuery): KtrdrQuery[] {
  if (typeOf(query) !== 'diagnosis') {
    return [];
  }
  const views = LIST_VIEWS.filter((view) => !query.views?.length || query.views.includes(view));
  return views.length > 0 ? [{ ...query, views: [...views] }] : [];
}
