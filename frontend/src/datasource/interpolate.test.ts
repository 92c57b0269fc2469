import { templates } from '../../test/templates';
import { Interpolator, UnsupportedFilter } from './interpolate';
import { type KtrdrQuery } from './query';

const fill = (query: Partial<KtrdrQuery>, values = {}, adHoc: Parameters<Interpolator['query']>[1] = []) =>
  new Interpolator(templates(values), {}).query({ refId: 'A', ...query }, adHoc);

describe('template variables', () => {
  it('are replaced in every field', () => {
    const filled = fill(
      {
        operationId: '$op',
        query: '${trace}',
        limit: '$limit',
        filters: { tags: 'symbol=$symbol', minDuration: '$min', maxDuration: '${max}' },
      },
      { op: 'op_1', trace: 'abc', limit: '25', symbol: 'AAPL', min: '1s', max: '1h' }
    );
    expect(filled).toMatchObject({
      operationId: 'op_1',
      query: 'abc',
      limit: 25,
      filters: { tags: 'symbol=AAPL', minDuration: '1s', maxDuration: '1h' },
    });
  });

  it('are replaced in both ends of a baseline', () => {
    const { baseline } = fill(
      { baseline: { from: '${from}', to: ' now-$ago ' } },
      { from: '1795341600000', ago: '1h' }
    );
    expect(baseline).toEqual({ from: '1795341600000', to: 'now-1h' });
    expect(fill({})).not.toHaveProperty('baseline');
  });

  it('with several values become several entries', () => {
    const { filters } = fill(
      { filters: { types: ['$type', 'data_load'], services: ['ktrdr-$env'] } },
      { type: ['training', 'backtesting'], env: 'api' }
    );
    expect(filters).toEqual({ types: ['training', 'backtesting', 'data_load'], services: ['ktrdr-api'] });
  });

  it('at "All" mean no filter, so that operations without such a value are kept', () => {
    const { filters } = fill({ filters: { errorTypes: ['$error'] } }, { error: { all: ['ValueError', 'KeyError'] } });
    expect(filters).toEqual({});
  });

  it('of a repeated panel take precedence over "All"', () => {
    const values = templates({ type: { all: ['training', 'backtesting'] } });
    const scoped = { type: { text: 'training', value: 'training' } };
    const query = new Interpolator(values, scoped).query({ refId: 'A', filters: { types: ['$type'] } });
    expect(query.filters).toEqual({ types: ['training'] });
  });

  it('with a star as their own "All" mean no filter too', () => {
    expect(fill({ filters: { types: ['$type'] } }, { type: '*' }).filters).toEqual({});
  });

  it('without a value leave nothing behind', () => {
    expect(fill({ filters: { types: ['$type'] } }, { type: '' }).filters).toEqual({});
  });
});

describe('ad-hoc filters', () => {
  it('become fields of the diagnosis or tags', () => {
    const { filters } = fill({ filters: { tags: 'a=1' } }, {}, [
      { key: 'operation_type', operator: '=', value: 'training' },
      { key: 'symbol', operator: '=', value: 'BRK B' },
    ]);
    expect(filters).toEqual({ types: ['training'], tags: 'a=1 symbol="BRK B"' });
  });

  it('that a search cannot express are rejected by name', () => {
    expect(() => fill({}, {}, [{ key: 'symbol', operator: '!=', value: 'AAPL' }])).toThrow(UnsupportedFilter);
  });
});
