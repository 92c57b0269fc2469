// What changed: the panel with culprits, with none, and with too little to be sure; the editor of the query.
import assert from 'node:assert/strict';
import { MODES, tools } from './tools.mjs';

const SOURCE = 'changed';
/** Hours before the start of the development server, as its incident has them. */
const CULPRITS = { from: 1, to: 0 };
const NOTHING = { from: 2, to: 1 };
const THIN = { from: 6, to: 5 };
const EMPTY = { from: 5, to: 4 };

export function changedTests(test, context) {
  const { call, shot, accessible, panelOf, settled } = tools(context);
  // The harness counts hours from now, and the tests before this one may have taken minutes.
  const sinceStart = () => (Date.now() - context.backend.startedMs) / 3_600_000;
  const during = (page, { from, to }) => {
    const hours = { from: from + sinceStart(), to: to + sinceStart() };
    return page.evaluate((span) => Object.assign(window.harness.span, span), hours);
  };
  const draw = async (page, mode, hours, size = { width: 1160, height: 420 }) => {
    await during(page, hours);
    await call(page, 'panel', mode, [{ queryType: 'culprits' }], size, {}, SOURCE);
  };
  const rows = (page) =>
    panelOf(page)
      .getByRole('list', { name: /^What changed/ })
      .locator('> li');

  for (const mode of MODES) {
    test(`what changed: culprits ${mode}`, async (page) => {
      await draw(page, mode, CULPRITS);
      await rows(page).first().waitFor();
      assert.ok((await rows(page).count()) >= 2);
      const first = await rows(page).first().innerText();
      for (const words of ['ktrdr-ib-host-service', 'Own time', 'High confidence', 'ib.fetch_historical']) {
        assert.ok(first.includes(words), `${words} is not in ${first}`);
      }
      await panelOf(page)
        .getByText(/^\d+ operations of .* compared with 64 operations of/)
        .waitFor();
      await shot(page, `changed-culprits-${mode}`);
      await accessible(page);
      await rows(page).first().getByRole('button').first().click();
      const trace = panelOf(page).getByRole('link', { name: 'Trace of example 1' });
      const panes = JSON.parse(new URL(await trace.getAttribute('href'), 'http://local').searchParams.get('panes'));
      assert.equal(panes.ktrdr.datasource, SOURCE);
      assert.match(panes.ktrdr.panelsState.trace.spanId, /^[0-9a-f]{16}$/);
      await shot(page, `changed-examples-${mode}`);
      await accessible(page);
      await panelOf(page).getByRole('button', { name: 'Diagnose example 1' }).click();
      await panelOf(page).getByRole('article').waitFor();
      assert.match(await panelOf(page).getByRole('article').innerText(), /Data load/);
      await panelOf(page).getByRole('tab').first().waitFor();
      await shot(page, `changed-example-${mode}`);
      await accessible(page);
      await page.keyboard.press('Escape');
      await rows(page).first().waitFor();
    });

    test(`what changed: nothing ${mode}`, async (page) => {
      await draw(page, mode, NOTHING);
      await panelOf(page).getByText('Nothing changed').waitFor();
      await shot(page, `changed-nothing-${mode}`);
      await accessible(page);
    });

    test(`what changed: thin sample ${mode}`, async (page) => {
      await draw(page, mode, THIN);
      await panelOf(page)
        .getByText(/^8 operations of .* compared with 10 operations of/)
        .waitFor();
      await panelOf(page)
        .getByText(/Too little to be sure/)
        .waitFor();
      assert.match(await rows(page).first().innerText(), /Low confidence/);
      await shot(page, `changed-thin-${mode}`);
      await accessible(page);
      await draw(page, mode, EMPTY);
      await panelOf(page).getByText('Nothing to compare').waitFor();
      await shot(page, `changed-empty-${mode}`);
    });

    test(`what changed: narrow ${mode}`, async (page) => {
      await draw(page, mode, CULPRITS, { width: 400, height: 620 });
      await rows(page).first().getByRole('button').first().click();
      await panelOf(page).getByRole('button', { name: 'Diagnose example 1' }).waitFor();
      await shot(page, `changed-narrow-${mode}`);
      await accessible(page);
      const wide = await panelOf(page).evaluate((box) => box.scrollWidth - box.clientWidth);
      assert.ok(wide <= 0, `${wide} pixels do not fit`);
    });

    test(
      `what changed: editor ${mode}`,
      async (page) => {
        await call(page, 'queryEditor', mode, { queryType: 'culprits' });
        await page.getByRole('radio', { name: 'Another range' }).click({ force: true });
        await page.getByLabel('Baseline from').fill('yesterday');
        await page.getByText(/is not a time/).waitFor();
        await shot(page, `changed-editor-${mode}`);
        await accessible(page);
        await page.getByLabel('Baseline from').fill('now-26h');
        await page.getByLabel('Baseline to').fill('now-25h');
        await page.keyboard.press('Enter');
        const query = await settled(page, 'query', ({ baseline }) => baseline?.to !== '');
        assert.deepEqual(query.baseline, { from: 'now-26h', to: 'now-25h' });
      },
      { viewport: { width: 1280, height: 480 } }
    );
  }

  test(
    'what changed: a baseline is sent, and a bad one is named',
    async (page) => {
      await during(page, CULPRITS);
      const ask = (baseline) =>
        call(page, 'query', [{ queryType: 'culprits', baseline }], SOURCE, CULPRITS.from + sinceStart());
      const before = await ask({ from: 'now-3h', to: 'now-2h' });
      assert.equal(before.error, undefined);
      assert.equal(before.frames[0].values.service[0], 'ktrdr-ib-host-service');
      assert.match((await ask({ from: 'yesterday', to: 'now' })).error, /`from` of `baseline`/);
      const score = await call(
        page,
        'query',
        [{ queryType: 'metric', measure: 'culprit_score' }],
        SOURCE,
        CULPRITS.from + sinceStart()
      );
      assert.ok(score.frames[0].values.culprit_score[0] > 1000);
    },
    { expectErrors: true }
  );

  test(
    "what changed: Explore's table looks finished",
    async (page) => {
      await during(page, CULPRITS);
      const { frames } = await call(page, 'query', [{ queryType: 'culprits' }], SOURCE, CULPRITS.from + sinceStart());
      assert.deepEqual(frames[0].fields.slice(0, 5), ['rank', 'service', 'kind', 'summary', 'affected']);
      await call(page, 'explore', 'dark', { queryType: 'culprits' }, { width: 1300, height: 400 }, SOURCE);
      await page.getByRole('columnheader').first().waitFor();
      const names = (await page.getByRole('columnheader').allInnerTexts()).map((name) => name.trim());
      assert.deepEqual(names.slice(0, 4), ['Rank', 'Service', 'Kind', 'What changed']);
      await shot(page, 'changed-explore');
    },
    { viewport: { width: 1332, height: 500 } }
  );
}
