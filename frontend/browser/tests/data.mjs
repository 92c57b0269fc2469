// Queries, variables and errors, up to the frames.
import assert from 'node:assert/strict';
import { tools } from './tools.mjs';

export function dataTests(test, context) {
  const { call, operations } = tools(context);
  test(
    'health check',
    async (page) => {
      const health = await call(page, 'health');
      assert.equal(health.status, 'success', health.message);
      const down = await call(page, 'health', 'down');
      assert.equal(down.status, 'error');
      assert.match(down.message, /127\.0\.0\.1/);
    },
    { expectErrors: true }
  );

  test('every query type answers', async (page) => {
    const [some] = (await operations(page)).filter((row) => row.operation_id && row.trace_id);
    const ask = (query) => call(page, 'query', [query]);
    const names = (answer) => answer.frames.map((frame) => frame.name);
    const diagnosis = await ask({ queryType: 'diagnosis', operationId: some.operation_id, follow: false });
    assert.deepEqual(names(diagnosis).sort(), ['diagnosis', 'errors', 'evidence', 'flow', 'http', 'workers']);
    assert.ok(diagnosis.frames.every((frame) => frame.meta.preferredVisualisationPluginId === 'ktrdr-diagnosis-panel'));
    assert.ok(diagnosis.frames.every((frame) => frame.meta.custom.datasource.uid === 'ktrdr'));
    const some2 = await ask({ queryType: 'diagnosis', operationId: some.operation_id, views: ['flow'], follow: false });
    assert.deepEqual(names(some2), ['flow']);
    const trace = await ask({ query: some.trace_id });
    assert.ok(trace.frames[0].fields.includes('spanID'));
    assert.ok((await ask({ queryType: 'trace', query: some.operation_id })).frames[0].rows > 0);
    const map = await ask({ queryType: 'serviceMap', operationId: some.operation_id });
    assert.equal(map.frames.length, 2);
    const metric = await ask({ queryType: 'metric', measure: 'count', groupBy: ['verdict'] });
    assert.deepEqual(metric.frames[0].fields, ['verdict', 'count']);
    const series = await ask({ queryType: 'metric', measure: 'failed', format: 'timeseries' });
    assert.equal(series.error, undefined);
    const marks = await ask({ queryType: 'annotations', minSeverity: 3 });
    for (const field of ['time', 'timeEnd', 'title', 'text', 'tags']) {
      assert.ok(marks.frames[0].fields.includes(field), field);
    }
    const filtered = await ask({ queryType: 'operations', filters: { types: ['$kind'] } });
    assert.match(filtered.error ?? '', /^$|.+/);
  });

  test('variables are filled in and listed', async (page) => {
    await page.evaluate(() => Object.assign(window.harness.variables, { kind: ['training', 'backtesting'] }));
    const { frames } = await call(page, 'query', [{ queryType: 'operations', filters: { types: ['$kind'] } }]);
    assert.deepEqual([...new Set(frames[0].values.operation_type)].sort(), ['backtesting', 'training']);
    for (const kind of [
      'operation-ids',
      'operation-types',
      'verdicts',
      'statuses',
      'error-types',
      'services',
      'workers',
    ]) {
      const names = await call(page, 'variable', kind);
      assert.ok(names.length > 0, kind);
    }
    // acceptance G10: the first value is what a dashboard opens with
    const [worst] = await call(page, 'variable', 'operation-ids');
    const chosen = await call(page, 'query', [{ queryType: 'diagnosis', operationId: worst, follow: false }]);
    assert.equal(chosen.frames[0].values.severity[0], 3);
    const ids = await call(page, 'variable', 'operation-ids', { types: ['$kind'] });
    assert.ok(
      ids.every((id) => /^op_(training|backtesting)_/.test(id)),
      ids.join()
    );
  });

  test(
    'what is wrong is said in words',
    async (page) => {
      const wrong = await call(page, 'query', [{ queryType: 'operations', filters: { minDuration: 'fast' } }]);
      assert.match(wrong.error, /minDuration/);
      const down = await call(page, 'query', [{ queryType: 'operations' }], 'down');
      assert.match(down.error, /127\.0\.0\.1/);
      const none = await call(page, 'query', [
        { queryType: 'diagnosis', operationId: 'op_training_20200101_000000_00000000' },
      ]);
      assert.equal(none.frames[0].values.verdict[0], 'not_found');
    },
    { expectErrors: true }
  );
}
