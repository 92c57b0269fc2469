// The editors of the data source.
import assert from 'node:assert/strict';
import { MODES, tools } from './tools.mjs';

export function editorTests(test, context) {
  const { call, last, settled, shot, accessible, operations } = tools(context);
  const { backend } = context;
  for (const mode of MODES) {
    test(
      `query editor ${mode}`,
      async (page) => {
        await call(page, 'queryEditor', mode, { queryType: 'operations' });
        await page.getByLabel('Verdict').click();
        await page.getByRole('option', { name: 'failed' }).click();
        await page.keyboard.press('Escape');
        const filtered = await settled(page, 'query', ({ filters }) => filters !== undefined);
        assert.deepEqual(filtered.filters?.verdicts, ['failed']);
        await page.getByLabel('Type', { exact: true }).click();
        await page.getByRole('option', { name: 'training', exact: true }).waitFor();
        await shot(page, `editor-operations-${mode}`);
        await page.keyboard.press('Escape');
        await page.getByLabel('Min duration').fill('fast');
        await page.getByLabel('Tags').fill('symbol');
        await page.getByText(/is not a duration/).waitFor();
        await page.getByText(/write name=value/).waitFor();
        await shot(page, `editor-hints-${mode}`);
        await accessible(page);
        for (const type of ['Diagnosis', 'What changed', 'Trace', 'Service map', 'Metric', 'File']) {
          await page.getByRole('radio', { name: type, exact: true }).click({ force: true });
          await shot(page, `editor-${type.toLowerCase().replace(' ', '-')}-${mode}`);
          await accessible(page);
        }
        assert.ok((await settled(page, 'runs', (runs) => runs > 4)) > 4);
      },
      { viewport: { width: 1280, height: 480 } }
    );

    test(`config editor ${mode}`, async (page) => {
      await call(page, 'configEditor', mode, { url: 'http://localhost:16686' });
      await page.getByRole('button', { name: /Additional settings/ }).click();
      await page.getByRole('button', { name: /Links from spans/ }).click();
      await page.getByLabel(/^Services/).fill('ktrdr-*');
      await page.getByLabel(/^Stuck after/).fill('soon');
      await page.getByText(/is not a duration/).waitFor();
      await page.getByRole('radio', { name: 'Your own' }).check({ force: true });
      await page.getByRole('textbox', { name: /^Playbook/ }).fill('[[rule]]\nid = 7');
      await page.getByRole('textbox', { name: /^Look back/ }).click();
      await page.getByText('The playbook needs a change').waitFor();
      const options = await settled(page, 'options', ({ jsonData }) => jsonData.discoveryServices !== undefined);
      assert.deepEqual(options.jsonData.discoveryServices, ['ktrdr-*']);
      await shot(page, `config-${mode}`, { fullPage: true });
      await accessible(page);
    });

    test(`config editor with a history ${mode}`, async (page) => {
      const jsonData = { history: 'memory', historyWindow: '2d' };
      await call(page, 'configEditor', mode, { uid: 'recorded', url: 'http://localhost:16686', jsonData });
      await page.getByText('The history is recorded').waitFor({ timeout: 60_000 });
      await page.getByText(/^Complete since /).waitFor();
      await page.getByRole('radio', { name: 'PostgreSQL' }).click({ force: true });
      await page.getByLabel(/^Database URL/).fill('postgres://u:p@db/x');
      const options = await settled(page, 'options', ({ secureJsonData }) => secureJsonData !== undefined);
      assert.equal(options.jsonData.history, 'postgres');
      await shot(page, `config-history-${mode}`, { fullPage: true });
      await accessible(page);
    });

    test(
      `small editors ${mode}`,
      async (page) => {
        await call(page, 'annotationEditor', mode);
        await page.getByRole('radio', { name: 'Critical' }).click({ force: true });
        const annotations = await settled(page, 'query', ({ minSeverity }) => minSeverity !== undefined);
        assert.equal(annotations.minSeverity, 3);
        await shot(page, `editor-annotations-${mode}`);
        await accessible(page);
        await call(page, 'variableEditor', mode);
        await page.getByLabel('Values').waitFor();
        await shot(page, `editor-variable-${mode}`);
        await accessible(page);
        await call(page, 'help', mode);
        await page.getByRole('button', { name: /What is wrong right now/ }).click();
        assert.equal((await last(page, 'query')).queryType, 'operations');
        await accessible(page);
      },
      { viewport: { width: 1280, height: 600 } }
    );
  }

  test(
    'a file is uploaded and diagnosed',
    async (page) => {
      const [row] = (await operations(page)).filter(({ trace_id: id }) => id);
      const answer = await fetch(`${backend.jaeger}/api/traces/${row.trace_id}`);
      const file = {
        name: 'trace.json',
        mimeType: 'application/json',
        buffer: Buffer.from(await answer.arrayBuffer()),
      };
      await call(page, 'queryEditor', 'dark', { queryType: 'upload' });
      await page.getByLabel('Trace file').setInputFiles(file);
      await page.waitForFunction(() => window.harness.last.query.upload);
      const query = await last(page, 'query');
      assert.ok(query.upload);
      const { frames, error } = await call(page, 'query', [query]);
      assert.equal(error, undefined);
      assert.ok(frames.some(({ name }) => name === 'diagnosis'));
      await call(page, 'queryEditor', 'dark', { queryType: 'upload' }, 'explore', 'viewer');
      await page.getByLabel('Trace file').setInputFiles(file);
      await page.getByText(/only editors and administrators/).waitFor();
      await shot(page, 'upload-refused');
    },
    { expectErrors: true }
  );
}
