import { CoreApp, type DataQueryRequest, LoadingState, StreamingFrameAction, toDataFrame } from '@grafana/data';
import { setBackendSrv, type BackendSrv, DataSourceWithBackend } from '@grafana/runtime';
import { lastValueFrom, type Observable, of, Subject, throwError, toArray } from 'rxjs';
import { dataSource } from '../../test/datasource';
import { followLists } from './liveUpdates';
import { type KtrdrQuery } from './query';

const request = (targets: KtrdrQuery[], more: Partial<DataQueryRequest<KtrdrQuery>> = {}) =>
  ({ requestId: 'q', targets, scopedVars: {}, ...more }) as DataQueryRequest<KtrdrQuery>;

function spyOnBackend(data: unknown[] = []) {
  return jest.spyOn(DataSourceWithBackend.prototype, 'query').mockReturnValue(of({ data }) as never);
}

afterEach(() => jest.restoreAllMocks());

describe('queries', () => {
  it('that are hidden, empty or emptied by a variable are not sent', async () => {
    const backend = spyOnBackend();
    const source = dataSource({ op: '' });
    const answer = await lastValueFrom(
      source.query(
        request([
          { refId: 'A', queryType: 'operations', hide: true },
          { refId: 'B', queryType: 'diagnosis', operationId: ' ' },
          { refId: 'C', queryType: 'trace' },
          { refId: 'D', queryType: 'diagnosis', operationId: '$op' },
          { refId: 'E', queryType: 'upload' },
        ])
      )
    );
    expect(answer.data).toEqual([]);
    expect(backend).not.toHaveBeenCalled();
  });

  it('that are complete are sent', async () => {
    const backend = spyOnBackend();
    await lastValueFrom(
      dataSource().query(
        request([
          { refId: 'A', queryType: 'operations' },
          { refId: 'B', query: '4bf92f3577b34da6' },
        ])
      )
    );
    expect(backend.mock.calls[0]?.[0].targets).toHaveLength(2);
  });

  it('with an ad-hoc filter that a search cannot express return an error message', async () => {
    spyOnBackend();
    const filters = [{ key: 'symbol', operator: '=~', value: 'A.*' }];
    const answer = await lastValueFrom(
      dataSource().query(request([{ refId: 'A', queryType: 'operations' }], { filters }))
    );
    expect(answer.state).toBe(LoadingState.Error);
    expect(answer.errors?.[0]?.message).toContain('only = is supported');
  });

  it('return frames that name the data source to query for more', async () => {
    spyOnBackend([
      toDataFrame({ name: 'diagnosis', meta: { preferredVisualisationPluginId: 'ktrdr-diagnosis-panel' }, fields: [] }),
    ]);
    const answer = await lastValueFrom(
      dataSource().query(request([{ refId: 'A', queryType: 'diagnosis', operationId: 'op_1' }]))
    );
    expect(answer.data[0].meta.custom.datasource).toEqual({ type: 'ktrdr-diagnosis-datasource', uid: 'ktrdr' });
  });

  it('have defaults for each app', () => {
    const source = dataSource();
    expect(source.getDefaultQuery(CoreApp.Dashboard)).toEqual({ queryType: 'operations', limit: 100 });
    expect(source.getDefaultQuery(CoreApp.Explore)).toMatchObject({ queryType: 'operations' });
    expect(source.getDefaultQuery(CoreApp.UnifiedAlerting)).toMatchObject({ queryType: 'metric', format: 'numeric' });
  });

  it('are readable in the history', () => {
    const text = dataSource().getQueryDisplayText({
      refId: 'A',
      queryType: 'metric',
      measure: 'failure_ratio',
      groupBy: ['operation_type'],
      filters: { types: ['training'], tags: 'a=1', minDuration: '5m' },
    });
    expect(text).toBe('Metric failure_ratio by operation_type types: training {a=1} ≥ 5m');
    expect(dataSource().getQueryDisplayText({ refId: 'A', query: 'abc' })).toBe('Trace abc');
    const worst = { refId: 'A', queryType: 'operations', orderBy: 'worst' } as const;
    expect(dataSource().getQueryDisplayText(worst)).toBe('Operations worst first');
  });

  it('keep the trace when a user switches from another tracing data source', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- Grafana 11 and 12 call it
    const imported = await dataSource().importQueries([{ refId: 'A', query: trace }, { refId: 'B' }]);
    expect(imported[0]).toEqual({ refId: 'A', queryType: 'diagnosis', operationId: trace });
    expect(imported[1]).toMatchObject({ refId: 'B', queryType: 'operations' });
  });
});

describe('suggestions', () => {
  function answerWith(data: unknown) {
    const fetch = jest.fn().mockReturnValue(of({ data }));
    setBackendSrv({ fetch } as unknown as BackendSrv);
    return fetch;
  }

  it('pass filters and range on', async () => {
    const fetch = answerWith(['op_1', 'op_2']);
    const range = { from: { valueOf: () => 1 }, to: { valueOf: () => 2 } } as never;
    const ids = await dataSource({ type: ['training'] }).suggest('operation-ids', {
      range,
      filters: { types: ['$type'] },
    });
    expect(ids).toEqual(['op_1', 'op_2']);
    expect(fetch.mock.calls[0][0]).toMatchObject({
      url: '/api/datasources/uid/ktrdr/resources/operation-ids',
      params: { from: '1', to: '2', filters: '{"types":["training"]}' },
    });
  });

  it('serve ad-hoc filters', async () => {
    const fetch = answerWith(['AAPL']);
    const values = await dataSource().getTagValues({ key: 'symbol', filters: [] });
    expect(values).toEqual([{ text: 'AAPL' }]);
    expect(fetch.mock.calls[0][0].params).toEqual({ key: 'symbol' });
  });

  it('serve variables, and fixed lists need no backend', async () => {
    const fetch = answerWith(['worker-1']);
    const variables = dataSource().variables as unknown as { query: (r: unknown) => Observable<unknown> };
    const ask = (kind: string) => lastValueFrom(variables.query({ targets: [{ refId: 'v', kind }], scopedVars: {} }));
    await expect(ask('workers')).resolves.toEqual({ data: [{ text: 'worker-1' }] });
    await expect(ask('verdicts')).resolves.toMatchObject({ data: expect.arrayContaining([{ text: 'no_workers' }]) });
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it('fail with the backend’s message', async () => {
    setBackendSrv({
      fetch: () => throwError(() => ({ status: 502, data: { message: 'Jaeger is down' } })),
    } as unknown as BackendSrv);
    await expect(dataSource().suggest('services')).rejects.toMatchObject({ data: { message: 'Jaeger is down' } });
  });
});

describe('upload', () => {
  const file = new File(['{"data":[]}'], 'trace.json');

  it('sends the file and returns its handle', async () => {
    const fetch = jest.fn().mockReturnValue(of({ data: { handle: 'h1' } }));
    setBackendSrv({ fetch } as unknown as BackendSrv);
    await expect(dataSource().upload(file)).resolves.toBe('h1');
    const sent = fetch.mock.calls[0][0];
    expect(sent.method).toBe('POST');
    expect(sent.data === file).toBe(true);
  });

  it('reports an answer without a handle', async () => {
    setBackendSrv({ fetch: () => of({ data: {} }) } as unknown as BackendSrv);
    await expect(dataSource().upload(file)).rejects.toThrow(/no handle/);
  });
});

describe('following a running operation', () => {
  const row = (spans: number) => ({
    key: 'live',
    data: [toDataFrame({ refId: 'A', name: 'diagnosis', fields: [{ name: 'span_count', values: [spans] }] })],
  });
  const list = (name: string, steps: number) =>
    toDataFrame({ refId: 'A', name, fields: [{ name: 'span', values: Array(steps).fill('x') }] });

  it('replaces rows instead of appending them', () => {
    const options = dataSource().streamOptionsProvider({} as never, {} as never);
    expect(options.action).toBe(StreamingFrameAction.Replace);
  });

  it('requests the lists again only if the number of spans has changed', async () => {
    const answers = new Subject<{ data: Array<ReturnType<typeof list>>; key?: string }>();
    const ask = jest.fn(() => of({ data: [list('flow', 9)] }));
    const seen = lastValueFrom(followLists(answers, ask, 0).pipe(toArray()));
    answers.next({ data: [list('flow', 3), list('errors', 1)] });
    answers.next(row(3));
    answers.next(row(3));
    expect(ask).not.toHaveBeenCalled();
    answers.next(row(4));
    answers.complete();
    const packets = await seen;
    expect(ask).toHaveBeenCalledTimes(1);
    const last = packets.find(({ data }) => data.some((f) => f.name === 'flow' && f.length === 9));
    expect(last?.data.map((f) => [f.name, f.length])).toEqual([
      ['errors', 1],
      ['flow', 9],
    ]);
  });
});
